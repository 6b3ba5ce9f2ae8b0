/* namespaces.h - chapter 03: what a process can see.
 *
 * Runs in: namespaces_prepare in the parent, before the clone; namespaces_map_ids in the parent,
 *          while the child waits; namespaces_enter in the child, before its first mount.
 * Takes:   c->ns, c->hostname, c->domainname, c->time_offset_sec, c->uid_maps, c->gid_maps,
 *          c->target_pidfd.
 * Leaves:  c->clone_flags with CLONE_NEW*; c->rootfs_fd (an ID-mapped mount tree) where a user
 *          namespace of root's would otherwise see all files as nobody's.
 * Undo:    none: a namespace ends with its last process.
 * Kernel:  clone3 flags, setns with a pidfd (5.8), unshare(CLONE_NEWTIME) (5.6), sethostname,
 *          mount_setattr(MOUNT_ATTR_IDMAP) (5.12), /proc/PID/uid_map and gid_map.
 * Tests:   tests/chapters/test_03_namespaces.py */
#ifndef SKIFF_NAMESPACES_H
#define SKIFF_NAMESPACES_H

struct container;

/* Parent: turns the choices c->ns into flags for clone3(2). Joins another container's user and
 * PID namespaces at once, for only children enter a PID namespace.
 * Returns 0 or -errno with a failure record. */
int namespaces_prepare(struct container *c) __attribute__((warn_unused_result));

/* Parent: writes the ID maps of the child's user namespace, if it has one of its own: c->uid_maps
 * and c->gid_maps, or those of /etc/subuid and /etc/subgid, or, for an ordinary user without any,
 * the user's own ID alone. Returns 0 or -errno with a failure record. */
int namespaces_map_ids(struct container *c) __attribute__((warn_unused_result));

/* Child: becomes root of its user namespace, joins the other namespaces that were chosen, and
 * furnishes the new ones: host name, loopback interface, clocks.
 * Returns 0 or -errno with a failure record. */
int namespaces_enter(struct container *c) __attribute__((warn_unused_result));

#endif
