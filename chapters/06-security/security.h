/* security.h - chapter 06: what a container may do.
 *
 * Runs in: security_seal first of all; security_prepare in the parent, before skiff joins anything;
 *          security_devices in the parent, while the child builds its mounts; security_mounts in the child, after the last mount and
 *          before the pivot; security_apply in the child, last of all before the command.
 * Takes:   c->privileges, c->flags (CONTAINER_PRIVILEGED and its neighbours), c->ns, c->cgroup_fd.
 * Leaves:  a process with the capabilities, IDs and limits of the container, and a filter that
 *          looks at each of its system calls.
 * Undo:    none: mounts end with the mount namespace, the rest with the process.
 * Kernel:  capabilities(7), prctl, capset, setgroups, setresgid, setresuid, seccomp(2),
 *          bpf(2) with BPF_PROG_TYPE_CGROUP_DEVICE (4.15), open_tree, mount_setattr (5.12).
 * Tests:   tests/chapters/test_06_capabilities.py and its neighbours */
#ifndef SKIFF_SECURITY_H
#define SKIFF_SECURITY_H

struct container;

/* Parent, before anything was made: sees to it that no container can write to skiff's own program
 * file, by way of /proc/PID/exe. Executes skiff anew, from a read-only mount of that file or a
 * sealed copy of it, with c->program_argv; then it returns there, with 0.
 * Returns 0 or -errno with a failure record. */
int security_seal(struct container *c) __attribute__((warn_unused_result));

/* Parent: chooses the capability sets, and reads the seccomp filter from the cache or compiles it.
 * To be called before skiff joins another user namespace.
 * Returns 0 or -errno with a failure record. */
int security_prepare(struct container *c) __attribute__((warn_unused_result));

/* Parent, before the child may go on to the command: lets the container's cgroup use its devices
 * only; where that can't be had, takes CAP_MKNOD from the container.
 * Returns 0 or -errno with a failure record. */
int security_devices(struct container *c) __attribute__((warn_unused_result));

/* Child: makes the devices of --device, sets --sysctl, hides paths of /proc and /sys or makes them
 * read-only. Nothing of the container's has run yet. Returns 0 or -errno with a failure record. */
int security_mounts(struct container *c) __attribute__((warn_unused_result));

/* Child, after the parent's last word: limits, user and groups, capabilities, no_new_privs, filter.
 * From here on a system call may be refused. Returns 0 or -errno with a failure record. */
int security_apply(struct container *c) __attribute__((warn_unused_result));

#endif
