/* cgroupfs.c - the cgroup file system, version 2; see cgroupfs.h. */
#include "cgroupfs.h"

#include <inttypes.h>
#include <limits.h>
#include <linux/magic.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "fail.h"
#include "kernel.h"
#include "scope.h"

enum { LOOK_AGAIN_MS = 50 };

/* Made in skiff's own part of the tree, so that `stats` has something to show. */
static const char *const counted[] = { "+memory", "+cpu", "+io", "+pids" };

/* Returns 0, -ENOENT for a directory of another file system, or another -errno. */
static int check_is_cgroup(int dir)
{
	struct statfs status;

	if (fstatfs(dir, &status) < 0)
		return -errno;
	return status.f_type == CGROUP2_SUPER_MAGIC ? 0 : -ENOENT;
}

int cgroupfs_open(const char *path)
{
	auto_fd dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0)
		return -errno;
	TRY(check_is_cgroup(dir));
	return take_fd(&dir);
}

int cgroupfs_path(int dir, char path[], size_t size)
{
	char link[64];

	snprintf(link, sizeof link, "/proc/self/fd/%d", dir);
	ssize_t length = readlink(link, path, size);
	if (length < 0 || (size_t)length >= size)
		return length < 0 ? -errno : -ENAMETOOLONG;
	path[length] = '\0';
	return 0;
}

int cgroupfs_open_above(int dir)
{
	auto_fd above = openat(dir, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (above < 0)
		return -errno;
	TRY(check_is_cgroup(above));
	return take_fd(&above);
}

int cgroupfs_write(int dir, const char *file, const char *value)
{
	auto_fd fd = openat(dir, file, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, value, strlen(value)) < 0)
		return -errno;
	return 0;
}

int cgroupfs_read(int dir, const char *file, char *text, size_t size)
{
	auto_fd fd = openat(dir, file, O_RDONLY | O_CLOEXEC);
	ssize_t length = fd < 0 ? -1 : read(fd, text, size - 1);

	text[length > 0 ? length : 0] = '\0';
	if (length < 0)
		return -errno;
	if (length > 0 && text[length - 1] == '\n')
		text[length - 1] = '\0';
	return 0;
}

int cgroupfs_number(int dir, const char *file, const char *key, uint64_t *value)
{
	char text[CGROUPFS_TEXT];
	size_t length = key ? strlen(key) : 0;
	const char *at = text;
	int ret = cgroupfs_read(dir, file, text, sizeof text);

	*value = 0;
	if (ret < 0)
		return ret;
	while (key && at && (strncmp(at, key, length) != 0 || at[length] != ' ')) {
		at = strchr(at, '\n');
		at += at != NULL;
	}
	if (!at)
		return -ENOENT;
	*value = strncmp(at + length, "max", 3) == 0 ? UINT64_MAX : strtoull(at + length, NULL, 10);
	return 0;
}

int cgroupfs_await(int dir, const char *key, unsigned value)
{
	/* The descriptor is polled: cgroups(7) says that a change of the file is POLLPRI. */
	auto_fd events = openat(dir, "cgroup.events", O_RDONLY | O_CLOEXEC);
	char text[256], wanted[64];

	if (events < 0)
		return errno == ENOENT ? -ENODEV : -errno;
	snprintf(wanted, sizeof wanted, "%s %u\n", key, value);
	for (;;) {
		ssize_t length = pread(events, text, sizeof text - 1, 0);

		if (length < 0)
			return -errno;
		text[length] = '\0';
		if (strstr(text, wanted))
			return 0;
		/* RACE: a change between the read and the poll is not lost: the kernel compares with
		 * what this descriptor has read. KERNEL: but it tells of a change up to 10 ms later,
		 * and not at all if the cgroup was removed in between; so look again now and then. */
		if (poll(&(struct pollfd){ .fd = events, .events = POLLPRI }, 1, LOOK_AGAIN_MS) <
			    0 &&
		    errno != EINTR)
			return -errno;
	}
}

/* The name of the first directory in dir, or false. */
static bool first_below(int dir, char name[NAME_MAX + 1])
{
	int copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_dir list = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *entry;

	while (list && (entry = readdir(list)))
		if (entry->d_type == DT_DIR && entry->d_name[0] != '.') {
			snprintf(name, NAME_MAX + 1, "%s", entry->d_name);
			return true;
		}
	return false;
}

/* SECURITY: a container that may write to its cgroup decides how deep these go: neither recursion
 * nor a path of that length (test: chapters/test_04_kill.py, nested cgroups). */
void cgroupfs_remove_below(int top)
{
	auto_fd dir = openat(top, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char name[NAME_MAX + 1];
	unsigned depth = 0;
	bool came_up = false;

	while (dir >= 0) {
		bool more = first_below(dir, name);

		if (!more && depth == 0)
			return;
		if (more && unlinkat(dir, name, AT_REMOVEDIR) == 0) {
			came_up = false;
			continue;
		}
		if (more && came_up)
			return; /* it was emptied, and can't be removed all the same */
		int next = openat(dir, more ? name : "..",
				  O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		came_up = !more;
		depth += more ? 1 : -1u;
		scope_close_fd(&dir);
		dir = next;
	}
}

int cgroupfs_open_mount(void)
{
	/* In all of systemd's layouts, and then wherever the mount table says. */
	int dir = cgroupfs_open("/sys/fs/cgroup");
	auto_free char *line = NULL;
	size_t size = 0;

	if (dir == -ENOENT)
		dir = cgroupfs_open("/sys/fs/cgroup/unified");
	if (dir != -ENOENT)
		return dir;
	auto_file mounts = fopen("/proc/self/mounts", "re");
	while (mounts && getline(&line, &size, mounts) >= 0) {
		char point[PATH_MAX], type[32];

		if (sscanf(line, "%*s %4095s %31s", point, type) == 2 &&
		    strcmp(type, "cgroup2") == 0)
			return cgroupfs_open(point);
	}
	return -ENOENT;
}

/* Whether we may make cgroups in dir and move processes into them: 1, 0 or -errno. */
static int is_delegated(int dir)
{
	static const char *const names[] = { ".", "cgroup.procs", "cgroup.subtree_control" };

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (faccessat(dir, names[i], W_OK, AT_EACCESS) < 0)
			return cgroupfs_is_refusal(-errno) ? 0 : -errno;
	return 1;
}

bool cgroupfs_is_refusal(int ret)
{
	return ret == -ENOENT || ret == -EACCES || ret == -EPERM || ret == -EROFS;
}

/* Opens the next part of *path below dir and moves *path behind it; makes it if make is set. */
static int open_next(int dir, const char **path, bool make)
{
	struct open_how how = { .flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC,
				.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS };
	char name[NAME_MAX + 1];
	size_t length = strcspn(*path, "/");

	if (length > NAME_MAX)
		return -ENAMETOOLONG;
	snprintf(name, sizeof name, "%.*s", (int)length, *path);
	*path += length;
	*path += strspn(*path, "/");
	int next = sys_openat2(dir, name, &how);
	if (next != -ENOENT || !make)
		return next;
	if (mkdirat(dir, name, 0755) < 0 && errno != EEXIST)
		return -errno;
	next = sys_openat2(dir, name, &how);
	/* Where a controller is not to be had, what needs it says so later. */
	for (size_t i = 0; next >= 0 && i < sizeof counted / sizeof counted[0]; i++)
		(void)!cgroupfs_write(next, "cgroup.subtree_control", counted[i]);
	return next;
}

/* The highest cgroup, from *top down to our own, in which we may make others.
 * Returns a descriptor or -errno; *top is taken. */
static int open_delegated(int *top)
{
	char text[CGROUPFS_TEXT];
	const char *at = text;
	auto_fd dir = take_fd(top);
	int found = is_delegated(dir);

	if (found != 0)
		return found < 0 ? found : take_fd(&dir);
	TRY(cgroupfs_read(AT_FDCWD, "/proc/self/cgroup", text, sizeof text));
	at = strncmp(text, "0::/", 4) == 0 ? text : strstr(text, "\n0::/");
	if (!at)
		return -ENOENT;
	at += 4 + (*at == '\n');
	text[strcspn(at, "\n") + (size_t)(at - text)] = '\0';
	while (*at) {
		int next = open_next(dir, &at, false);

		scope_close_fd(&dir);
		if (next < 0)
			return next;
		dir = next;
		found = is_delegated(dir);
		if (found != 0)
			return found < 0 ? found : take_fd(&dir);
	}
	return -EACCES;
}

/* Whether one of the parts of a path is "..". */
static bool leads_up(const char *path)
{
	for (; *path; path += strcspn(path, "/"), path += strspn(path, "/"))
		if (strncmp(path, "..", 2) == 0 && (path[2] == '/' || !path[2]))
			return true;
	return false;
}

int cgroupfs_open_parent(const char *chosen)
{
	const char *fallback = getenv("SKIFF_CGROUP");
	const char *path = chosen ? chosen : fallback && fallback[0] ? fallback : "skiff";
	int mount = cgroupfs_open_mount();
	auto_fd dir = mount < 0 || path[0] == '/' ? mount : open_delegated(&mount);

	path += strspn(path, "/");
	if (dir >= 0 && leads_up(path))
		return -EINVAL; /* before anything on the way is made */
	while (dir >= 0 && *path) {
		int next = open_next(dir, &path, true);

		scope_close_fd(&dir);
		dir = next;
	}
	return take_fd(&dir);
}

int cgroupfs_no_parent(int error, const char *chosen)
{
	if (chosen)
		return fail(error, "making the cgroup --cgroup-parent %s", chosen);
	if (error == ENOENT)
		return fail_hint(fail(0, "making the container's cgroup: cgroup v2 is not mounted"),
				 "boot with systemd.unified_cgroup_hierarchy=1, or: "
				 "mount -t cgroup2 none /sys/fs/cgroup");
	if (error == EACCES && geteuid() != 0)
		return fail_hint(fail(0,
				      "making the container's cgroup: none is delegated to user %u",
				      geteuid()),
				 "systemd-run --user --scope -p Delegate=yes skiff run ...");
	return fail(error, "making the container's cgroup");
}

/* The line of /proc/cgroups: which hierarchy of version 1 holds the controller (0: none), and
 * whether it is enabled. Returns false where it has no such line. */
static bool look_up_controller(const char *controller, unsigned *hierarchy, unsigned *enabled)
{
	/* Version 1 calls the io controller blkio. */
	const char *name = strcmp(controller, "io") == 0 ? "blkio" : controller;
	auto_file lines = fopen("/proc/cgroups", "re");
	char line[256], found[64];

	while (lines && fgets(line, sizeof line, lines))
		if (sscanf(line, "%63s %u %*u %u", found, hierarchy, enabled) == 3 &&
		    strcmp(found, name) == 0)
			return true;
	return false;
}

/* Whether the highest cgroup has the controller: then it only was not passed on to us. */
static bool is_at_the_top(const char *controller)
{
	auto_fd mount = cgroupfs_open_mount();
	char text[CGROUPFS_TEXT], *rest = text;

	if (mount < 0 || cgroupfs_read(mount, "cgroup.controllers", text, sizeof text) < 0)
		return false;
	for (char *word = strtok_r(text, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
		if (strcmp(word, controller) == 0)
			return true;
	return false;
}

int cgroupfs_no_controller(int dir, const char *controller, const char *option, int error)
{
	unsigned hierarchy = 0, enabled = 1;
	char path[PATH_MAX] = "";

	if (error == EBUSY && cgroupfs_path(dir, path, sizeof path) == 0)
		return fail_hint(fail(0,
				      "%s: the controller %s can't be passed on in %s: it holds "
				      "processes itself",
				      option, controller, path),
				 "systemd-run --scope -p Delegate=yes skiff run ..., or "
				 "--cgroup-parent PATH");
	if (error != ENOENT && error != EACCES)
		return fail(error, "%s: passing on the controller %s", option, controller);
	if (is_at_the_top(controller))
		return fail_hint(fail(0, "%s: the controller %s is not delegated to %s", option,
				      controller,
				      cgroupfs_path(dir, path, sizeof path) == 0 ? path : "us"),
				 "systemctl edit user@.service: [Service] Delegate=%s; see "
				 "systemd.resource-control(5)",
				 controller);
	bool known = look_up_controller(controller, &hierarchy, &enabled);
	if (known && hierarchy)
		return fail_hint(fail(0, "%s: cgroup version 1 holds the controller %s", option,
				      controller),
				 "boot with systemd.unified_cgroup_hierarchy=1 or "
				 "cgroup_no_v1=all; `make vm` has it");
	if (known && !enabled)
		return fail_hint(fail(0, "%s: the controller %s is switched off", option,
				      controller),
				 "boot without cgroup_disable=%s", controller);
	return fail(0, "%s: this kernel has no controller %s", option, controller);
}
