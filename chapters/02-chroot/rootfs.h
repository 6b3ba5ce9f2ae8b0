/* rootfs.h - chapter 02: another root.
 *
 * Runs in: rootfs_prepare in the parent, before the clone; rootfs_private in the child, before its
 *          first mount; rootfs_mount in the child, after it has joined its namespaces (/sys and
 *          /dev/mqueue show those of the process that mounts them); rootfs_pivot in the child,
 *          after the last mount that needs the host's files.
 * Takes:   c->rootfs_path, c->flags (CONTAINER_NO_PIVOT); c->rootfs_fd where chapter 03 has made
 *          an ID-mapped mount tree, or chapter 05 an overlay.
 * Leaves:  c->clone_flags with CLONE_NEWNS; c->rootfs_fd, the root of the container's mount tree.
 * Undo:    none: the mounts live in the child's mount namespace and die with it.
 * Kernel:  chroot, mount(MS_PRIVATE), openat2 with RESOLVE_IN_ROOT (5.6), fsopen, fsmount,
 *          open_tree, move_mount (5.2), pivot_root, umount2(MNT_DETACH).
 * Tests:   tests/chapters/test_02_chroot.py */
#ifndef SKIFF_ROOTFS_H
#define SKIFF_ROOTFS_H

struct container;

/* Parent: asks clone3(2) for a mount namespace, which a plain chroot (CONTAINER_NO_PIVOT) does not
 * need. That c->rootfs_path is a directory was seen at the front door.
 * Returns 0 or -errno with a failure record. */
int rootfs_prepare(struct container *c) __attribute__((warn_unused_result));

/* Child: makes every mount of its mount namespace private, so that none of its own reaches the host.
 * Nothing is done with CONTAINER_NO_PIVOT. Returns 0 or -errno with a failure record. */
int rootfs_private(struct container *c) __attribute__((warn_unused_result));

/* Child: mounts the root (c->rootfs_fd, or else c->rootfs_path onto itself) and below it /proc, /sys,
 * /dev, /dev/pts, /dev/shm and /dev/mqueue, with the devices and links that programs expect.
 * Nothing is done with CONTAINER_NO_PIVOT. Returns 0 or -errno with a failure record. */
int rootfs_mount(struct container *c) __attribute__((warn_unused_result));

/* Child: makes the container's root "/" and the working directory, and lets go of the old root:
 * pivot_root(2), or chroot(2) alone with CONTAINER_NO_PIVOT.
 * Returns 0 or -errno with a failure record. */
int rootfs_pivot(struct container *c) __attribute__((warn_unused_result));

/* Opens a path as the container will see it: below root_fd, whatever links are on the way.
 * flags are those of open(2), O_CLOEXEC is added; resolve adds RESOLVE_* of openat2(2).
 * Returns a descriptor, which the caller owns, or -errno without a failure record: -ELOOP for a
 * magic link, and for any symbolic link where resolve says RESOLVE_NO_SYMLINKS. */
int rootfs_open(int root_fd, const char *path, int flags, unsigned long long resolve)
	__attribute__((warn_unused_result));

#endif
