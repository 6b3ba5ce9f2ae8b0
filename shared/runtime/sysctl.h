/* sysctl.h - settings of the kernel that a namespace has of its own, and the labels of AppArmor and
 * SELinux: what is written to files of /proc. */
#ifndef SKIFF_SYSCTL_H
#define SKIFF_SYSCTL_H

struct container;

/* Child, before the pivot: sets --sysctl through the host's /proc.
 * Returns 0 or -errno with a failure record. */
int sysctls_set(const struct container *c) __attribute__((warn_unused_result));

/* Child, before the pivot: opens c->privileges.label_fd, if a label was asked for.
 * Returns 0 or -errno with a failure record. */
int label_open(struct container *c) __attribute__((warn_unused_result));

/* Child: asks for the label from execve(2) on. Returns 0 or -errno with a failure record. */
int label_set(const struct container *c) __attribute__((warn_unused_result));

#endif
