/* devices.c - chapter 06: the devices that a container is given. The contract is in privilege.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "container.h"
#include "fail.h"
#include "kernel.h"
#include "privilege.h"
#include "rootfs.h"
#include "scope.h"

enum { DEPTH_MAX = 8 };

/* Directories of /dev that are file systems of the container's own, or other things' places. */
static bool is_left_out(const char *name)
{
	static const char *const names[] = { ".",      "..",	  "pts",   "shm",  "fd",
					     "mqueue", "console", ".udev", ".lxc", ".lxd-mounts" };

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

/* Adds the devices below dir, whose path is path. Returns 0 or -errno without a record. */
static int add_below(struct privileges *p, int above, const char *name, const char *path, int depth)
{
	int fd = openat(above, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	auto_dir list = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	while (list && depth < DEPTH_MAX && (entry = readdir(list))) {
		char below[PATH_MAX];
		struct stat status;

		if (is_left_out(entry->d_name) ||
		    snprintf(below, sizeof below, "%s/%s", path, entry->d_name) >= PATH_MAX ||
		    fstatat(fd, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) < 0)
			continue; /* a device may go at any time */
		if (S_ISDIR(status.st_mode))
			TRY(add_below(p, fd, entry->d_name, below, depth + 1));
		if (S_ISCHR(status.st_mode) || S_ISBLK(status.st_mode))
			TRY(privileges_add_device(p, &(struct device){ .host = below,
								       .inside = below,
								       .mode = status.st_mode,
								       .uid = status.st_uid,
								       .gid = status.st_gid,
								       .number = status.st_rdev,
								       .access = DEVICE_ALL }));
	}
	return 0;
}

int devices_add_all(struct container *c)
{
	int ret = add_below(&c->privileges, AT_FDCWD, "/dev", "/dev", 0);

	return ret < 0 ? fail(-ret, "listing the host's devices") : 0;
}

/* Opens the directory in which path lies, below the container's root; makes it if needed.
 * Returns a descriptor, with *name the last part of path, or -errno. */
static int open_directory_of(int root_fd, const char *path, const char **name)
{
	auto_fd dir = rootfs_open(root_fd, ".", O_PATH | O_DIRECTORY, 0);
	char part[NAME_MAX + 1];

	for (;;) {
		path += strspn(path, "/");
		size_t length = strcspn(path, "/");

		if (!path[length] || dir < 0)
			break;
		if (length > NAME_MAX)
			return -ENAMETOOLONG;
		snprintf(part, sizeof part, "%.*s", (int)length, path);
		path += length;
		if (strcmp(part, "..") == 0)
			return -EINVAL;
		if (mkdirat(dir, part, 0755) < 0 && errno != EEXIST)
			return -errno;
		/* SECURITY: step by step and never through a link: the image may hold any
		 * (test: chapters/test_06_devices.py, link_in_the_way). */
		int next = rootfs_open(dir, part, O_PATH | O_DIRECTORY, RESOLVE_NO_SYMLINKS);

		scope_close_fd(&dir);
		dir = next;
	}
	*name = path;
	return take_fd(&dir);
}

/* Where a node may not be made, the host's own is bound. */
static int bind_device(int dir, const char *name, const struct device *device)
{
	auto_fd host = sys_open_tree(AT_FDCWD, device->host, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	auto_fd place = -1;

	if (host < 0)
		return host;
	place = openat(dir, name, O_RDONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	return place < 0 ? -errno : sys_move_mount(host, place);
}

/* Makes one node. Returns 0 or -errno, no record. */
static int make_node(int root_fd, const struct device *device)
{
	const char *name = "";
	auto_fd dir = open_directory_of(root_fd, device->inside, &name);
	struct stat there;

	if (dir < 0)
		return dir;
	if (fstatat(dir, name, &there, AT_SYMLINK_NOFOLLOW) == 0) {
		if ((there.st_mode & S_IFMT) == (device->mode & S_IFMT) &&
		    there.st_rdev == device->number)
			return 0; /* as /dev/null, which is there always */
		if (unlinkat(dir, name, 0) < 0)
			return -errno;
	}
	if (mknodat(dir, name, device->mode, device->number) < 0)
		return errno == EPERM ? bind_device(dir, name, device) : -errno;
	/* A name without a mode and an owner is of no use; its directory is ours alone. */
	if (fchmodat(dir, name, device->mode & 07777, 0) < 0 ||
	    fchownat(dir, name, device->uid, device->gid, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	return 0;
}

int devices_make(const struct container *c)
{
	const struct privileges *p = &c->privileges;
	mode_t caller_umask = umask(0);
	int ret = 0;

	for (size_t i = 0; i < p->device_count && ret >= 0; i++) {
		ret = make_node(c->rootfs_fd, &p->devices[i]);
		/* --privileged means all that can be had. */
		if (ret < 0 && c->flags & CONTAINER_PRIVILEGED)
			ret = 0;
		if (ret < 0)
			fail(-ret, "making the device %s", p->devices[i].inside);
	}
	umask(caller_umask);
	return ret;
}
