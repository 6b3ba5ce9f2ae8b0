/* layer.h - chapter 05: what a layer holds: files, whiteouts and opaque directories.
 *
 * Runs in: the commands diff and commit, in a helper process (container_help()).
 * Takes:   the layer that a container has written (the directory diff), the layers below it.
 * Leaves:  nothing changed; layer_copy() makes a new directory.
 * Kernel:  overlayfs: whiteouts are character devices 0:0, opaque directories have the extended
 *          attribute trusted.overlay.opaque, or user.overlay.opaque (userxattr).
 * Tests:   tests/chapters/test_05_layer.py */
#ifndef SKIFF_LAYER_H
#define SKIFF_LAYER_H

#include <stdbool.h>

#include "strv.h"

/* What has been changed, told by the upper layer.
 * upper_fd is that layer, lowers are the directories below it, the base first; userxattr says which
 * attribute marks opaque directories. Fills *lines with "A /path", "C /path", "D /path", sorted by path.
 * Returns 0 or -errno with a failure record. */
int layer_changes(int upper_fd, const struct strv *lowers, bool userxattr, struct strv *lines)
	__attribute__((warn_unused_result));

/* Copies the layer upper_fd, with whiteouts and opaque directories, to the new directory name in
 * dir_fd. On failure nothing stays. Returns 0 or -errno with a failure record. */
int layer_copy(int upper_fd, int dir_fd, const char *name) __attribute__((warn_unused_result));

#endif
