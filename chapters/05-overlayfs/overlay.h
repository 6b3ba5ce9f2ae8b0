/* overlay.h - chapter 05: an image that nobody writes to, and a layer of one's own.
 *
 * Runs in: overlay_prepare in the parent, before the clone; overlay_open in the child, before it
 *          becomes root of its user namespace; overlay_mount in the child, after rootfs_private and
 *          before rootfs_mount; overlay_seal in the child, after the last thing that is made in the
 *          root; overlay_record in the parent meanwhile, and overlay_keep once the command runs; overlay_remove at the end.
 * Takes:   c->layers, c->rootfs_path (the topmost), c->flags (CONTAINER_NO_PIVOT, _RM, _READ_ONLY),
 *          c->ns; c->tree_fds where chapter 03 has made ID-mapped mount trees.
 * Leaves:  c->store_fd; in the child c->rootfs_fd, the root of the overlay; c->flags with
 *          CONTAINER_USERXATTR and CONTAINER_KEPT.
 * Undo:    overlay_remove. The mount itself lives in the child's mount namespace and dies with it.
 * Kernel:  fsopen, fsconfig, fsmount (5.2), overlayfs in user namespaces (5.11), on ID-mapped mounts
 *          (5.19), lowerdir+ (6.7; before that, mount(2)), mount_setattr (5.12).
 * Tests:   tests/chapters/test_05_overlay.py */
#ifndef SKIFF_OVERLAY_H
#define SKIFF_OVERLAY_H

struct container;

/* Parent: makes the directory that the container writes to, with the mode and the owner of the
 * image's root. Nothing is done with CONTAINER_NO_PIVOT. Returns 0 or -errno with a record. */
int overlay_prepare(struct container *c) __attribute__((warn_unused_result));

/* Child: opens the layers and the store in its own mount namespace, still as the user who called.
 * Nothing is done without a store. Returns 0 or -errno with a failure record. */
int overlay_open(struct container *c) __attribute__((warn_unused_result));

/* Child: makes the overlay; c->rootfs_fd is its root, mounted nowhere yet. Closes what overlay_open()
 * opened. Nothing is done without a store. Returns 0 or -errno with a failure record. */
int overlay_mount(struct container *c) __attribute__((warn_unused_result));

/* Child: makes the root read-only if CONTAINER_READ_ONLY says so; the mounts below stay as they are.
 * Returns 0 or -errno with a failure record. */
int overlay_seal(struct container *c) __attribute__((warn_unused_result));

/* Parent, while the child builds its mounts: writes down what the container is.
 * Returns 0 or -errno with a failure record. */
int overlay_record(struct container *c) __attribute__((warn_unused_result));

/* Parent: the command runs, so the container is kept, unless CONTAINER_RM says otherwise.
 * Returns 0 or -errno with a failure record. */
int overlay_keep(struct container *c) __attribute__((warn_unused_result));

/* Parent: notes how it ended, or removes what is not kept. May be called at any time, and twice. */
void overlay_remove(struct container *c);

#endif
