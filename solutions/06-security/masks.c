/* masks.c - chapter 06: paths of /proc and /sys that a container does not need. See privilege.h. */
#include <errno.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#include "container.h"
#include "fail.h"
#include "kernel.h"
#include "privilege.h"
#include "rootfs.h"
#include "scope.h"

/* The two file systems, and what is done to their paths: Docker's lists. */
static const struct area {
	const char *mount; /* relative to the root */
	uint32_t magic;	   /* of statfs(2) */
	const char *const *hidden;
	const char *const *read_only;
} areas[] = {
	/* QUOTE paths */
	{ "proc", PROC_SUPER_MAGIC,
	  (const char *const[]){ "acpi", "asound", "interrupts", "kcore", "keys", "latency_stats",
				 "sched_debug", "scsi", "timer_list", "timer_stats", NULL },
	  (const char *const[]){ "bus", "fs", "irq", "sys", "sysrq-trigger", NULL } },
	{ "sys", SYSFS_MAGIC, (const char *const[]){ "firmware", "devices/virtual/powercap", NULL },
	  (const char *const[]){ NULL } },
	/* END paths */
};

/* What is laid over a path: nothing to read, in the form of a file or of a directory. */
struct covers {
	int file;      /* /dev/null */
	int directory; /* an empty read-only tmpfs */
	bool placed;   /* the tmpfs itself lies somewhere; from then on it is copied */
};

/* Takes a cover that fits. Returns a descriptor or -errno.
 * KERNEL: before 6.15, open_tree(2) copies no mount that is attached nowhere: the first directory
 * gets the tmpfs itself. */
static int take_cover(struct covers *covers, bool for_directory)
{
	if (!for_directory)
		return sys_open_tree_fd(covers->file, 0);
	if (covers->placed)
		return sys_open_tree_fd(covers->directory, 0);
	covers->placed = true;
	return KERNEL_RESULT(fcntl(covers->directory, F_DUPFD_CLOEXEC, 3));
}

/* Opens the container's own /dev/null.
 * SECURITY: whatever lies there is mounted over files of /proc: a link to core_pattern would make
 * that one writable, CVE-2025-31133. So look what was opened, not what it is called
 * (test: attacks/06-mask-source). Returns a descriptor or -errno. */
static int open_null(const struct container *c)
{
	struct stat status;
	auto_fd null = rootfs_open(c->rootfs_fd, "dev/null", O_PATH, RESOLVE_NO_SYMLINKS);

	if (null < 0)
		return null;
	if (fstat(null, &status) < 0)
		return -errno;
	if (!S_ISCHR(status.st_mode) || status.st_rdev != makedev(1, 3))
		return -ENODEV;
	return take_fd(&null);
}

/* An empty directory of our own, not mounted anywhere yet. Returns a descriptor or -errno. */
static int make_empty(void)
{
	auto_fd fs = sys_fsopen("tmpfs");

	if (fs < 0)
		return fs;
	TRY(sys_fsconfig(fs, KERNEL_FSCONFIG_SET_STRING, "source", "tmpfs"));
	TRY(sys_fsconfig(fs, KERNEL_FSCONFIG_SET_STRING, "nr_inodes", "1"));
	TRY(sys_fsconfig(fs, KERNEL_FSCONFIG_CREATE, NULL, NULL));
	return sys_fsmount(fs, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
				       MOUNT_ATTR_NOEXEC);
}

/* Opens one path of an area. Returns a descriptor, -ENOENT where this kernel has none, -errno. */
static int open_path(int area_fd, const char *path)
{
	struct open_how how = { .flags = O_PATH | O_CLOEXEC,
				.resolve = RESOLVE_BENEATH | RESOLVE_NO_XDEV |
					   RESOLVE_NO_SYMLINKS };

	return sys_openat2(area_fd, path, &how);
}

/* Lays a cover over a path, if it is there. Returns 0 or -errno, no record. */
static int hide(int area_fd, const char *path, struct covers *covers)
{
	struct stat status;
	auto_fd target = open_path(area_fd, path), cover = -1;

	if (target < 0 || fstat(target, &status) < 0)
		return target == -ENOENT ? 0 : target < 0 ? target : -errno;
	/* TASK 6.4 masks
	 * Take a cover that fits, a directory's for a directory (S_ISDIR), with take_cover(). Put it
	 * on target with sys_move_mount().
	 * Read: move_mount(2), inode(7) on file types */
	cover = take_cover(covers, S_ISDIR(status.st_mode));
	return cover < 0 ? cover : sys_move_mount(cover, target);
	/* END 6.4 */
}

/* Makes a path read-only, if it is there, with all below it. Returns 0 or -errno, no record.
 * SECURITY: root may write what has the kernel run a program on the host, or crash; a read-only
 * mount binds root, too (test: attacks/06-core-pattern, attacks/06-sysrq). */
static int make_read_only(int area_fd, const char *path)
{
	struct kernel_mount_attr read_only = { .attr_set = MOUNT_ATTR_RDONLY };
	auto_fd target = open_path(area_fd, path), copy = -1;
	int ret;

	if (target < 0)
		return target == -ENOENT ? 0 : target;
	/* TASK 6.4 masks
	 * Only a mount can be read-only, so make one: sys_open_tree_fd() of target with AT_RECURSIVE
	 * is a copy of what is there; sys_mount_setattr() with AT_RECURSIVE and read_only; then put
	 * it on target with sys_move_mount().
	 * Read: mount_setattr(2), open_tree(2) */
	copy = sys_open_tree_fd(target, AT_RECURSIVE);
	ret = copy < 0 ? copy : sys_mount_setattr(copy, AT_RECURSIVE, &read_only);
	return ret < 0 ? ret : sys_move_mount(copy, target);
	/* END 6.4 */
}

static int mask_area(const struct container *c, const struct area *area, struct covers *covers)
{
	auto_fd fd = rootfs_open(c->rootfs_fd, area->mount, O_PATH | O_DIRECTORY,
				 RESOLVE_NO_SYMLINKS);
	struct statfs fs;
	int ret = fd < 0 ? fd : 0;

	/* SECURITY: another file system in its place would have other files masked
	 * (test: attacks/06-mask-source). */
	if (fd >= 0 && (fstatfs(fd, &fs) < 0 || (uint32_t)fs.f_type != area->magic))
		return fail(0, "hiding what the container does not need: /%s is not what it says",
			    area->mount);
	for (const char *const *path = area->hidden; ret >= 0 && *path; path++) {
		ret = hide(fd, *path, covers);
		if (ret < 0)
			return fail(-ret, "hiding /%s/%s", area->mount, *path);
	}
	for (const char *const *path = area->read_only; ret >= 0 && *path; path++) {
		ret = make_read_only(fd, *path);
		if (ret < 0)
			return fail(-ret, "making /%s/%s read-only", area->mount, *path);
	}
	return ret < 0 ? fail(-ret, "hiding paths below /%s", area->mount) : 0;
}

/* --privileged: /sys may be written, too. */
static int make_sys_writable(const struct container *c)
{
	struct kernel_mount_attr writable = { .attr_clr = MOUNT_ATTR_RDONLY };
	auto_fd sys = rootfs_open(c->rootfs_fd, "sys", O_PATH | O_DIRECTORY, RESOLVE_NO_SYMLINKS);
	int ret = sys < 0 ? sys : sys_mount_setattr(sys, 0, &writable);

	/* KERNEL: what a user namespace got read-only from another one stays so. */
	return ret < 0 && ret != -EPERM ? fail(-ret, "making /sys writable") : 0;
}

int masks_mount(const struct container *c)
{
	auto_fd null = -1, empty = -1;

	if (c->flags & CONTAINER_PRIVILEGED)
		return make_sys_writable(c);
	if (c->flags & CONTAINER_UNMASKED)
		return 0;
	null = open_null(c);
	if (null < 0)
		return fail(-null, "hiding what the container does not need: its /dev/null");
	empty = make_empty();
	if (empty < 0)
		return fail(-empty, "making an empty directory to hide others");
	struct covers covers = { null, empty, false };
	for (size_t i = 0; i < sizeof areas / sizeof areas[0]; i++)
		TRY(mask_area(c, &areas[i], &covers));
	return 0;
}
