/* cgroupfs.h - the cgroup file system, version 2: where skiff may make cgroups, and their files.
 *
 * A container's cgroup is <top>/skiff/ID, where <top> is the highest cgroup on the way to skiff's
 * own one in which skiff may make others: the root of the hierarchy for root, what systemd has
 * delegated for anybody else. Other places: --cgroup-parent, or $SKIFF_CGROUP. See cgroups(7). */
#ifndef SKIFF_CGROUPFS_H
#define SKIFF_CGROUPFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Long enough for every file that is read whole: memory.stat has about 60 lines. */
enum { CGROUPFS_TEXT = 8192 };

/* Opens the cgroup below which containers get theirs, and makes it if needed. chosen is the value of
 * --cgroup-parent, or NULL. Returns a descriptor, which the caller owns, or -errno without a
 * record; cgroupfs_no_parent() tells what it means. */
int cgroupfs_open_parent(const char *chosen) __attribute__((warn_unused_result));

/* Whether ret is -errno of a failure that says: not here, or not for you. */
bool cgroupfs_is_refusal(int ret);

/* Records why cgroupfs_open_parent() failed with -error, and the way out. Returns -error. */
int cgroupfs_no_parent(int error, const char *chosen) __attribute__((warn_unused_result));

/* Opens the top of the hierarchy where it is mounted on the host. Returns a descriptor, which the
 * caller owns, or -errno without a record: -ENOENT where it is not mounted. */
int cgroupfs_open_mount(void) __attribute__((warn_unused_result));

/* Opens the cgroup above dir. Returns a descriptor, which the caller owns, or -errno without a
 * record: -ENOENT where dir is the highest one to be seen. */
int cgroupfs_open_above(int dir) __attribute__((warn_unused_result));

/* Opens a cgroup by its path. Returns a descriptor, which the caller owns, or -errno without a
 * record: -ENOENT also for a directory that is no cgroup. */
int cgroupfs_open(const char *path) __attribute__((warn_unused_result));

/* Writes the absolute path of the cgroup dir into path. Returns 0 or -errno without a record. */
int cgroupfs_path(int dir, char path[], size_t size) __attribute__((warn_unused_result));

/* Writes value into a file of the cgroup dir. Returns 0 or -errno without a record. */
int cgroupfs_write(int dir, const char *file, const char *value)
	__attribute__((warn_unused_result));

/* Reads a file of the cgroup dir into text, without the last line end.
 * Returns 0, or -errno without a record; text is "" then. */
int cgroupfs_read(int dir, const char *file, char *text, size_t size);

/* Reads one number: the file's only one, or that of the line `key NUMBER` where key is not NULL.
 * Returns 0, or -errno without a record; *value is UINT64_MAX for "max", 0 after a failure. */
int cgroupfs_number(int dir, const char *file, const char *key, uint64_t *value);

/* Waits until cgroup.events of the cgroup dir has `key VALUE`: "populated" or "frozen".
 * Returns 0 or -errno without a record: -ENODEV if the cgroup is removed meanwhile. */
int cgroupfs_await(int dir, const char *key, unsigned value) __attribute__((warn_unused_result));

/* Removes the cgroups below top, which hold no process any more. Best effort. */
void cgroupfs_remove_below(int top);

/* Records why the controller is not to be had in the cgroup dir: held by version 1, not delegated,
 * not built. option is what needs it. Returns -errno. */
int cgroupfs_no_controller(int dir, const char *controller, const char *option, int error)
	__attribute__((warn_unused_result));

#endif
