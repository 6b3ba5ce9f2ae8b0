/* idmap.c - which IDs a user namespace maps; see idmap.h. */
#include "idmap.h"

#include <inttypes.h>
#include <pwd.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <string.h>
#include <sys/wait.h>

#include "fail.h"
#include "kernel.h"
#include "scope.h"

/* Reads one number of a map and the separator behind it. Returns 0, or -EINVAL. */
static int parse_number(const char **text, char separator, uint32_t *number)
{
	char *end;
	unsigned long long value;

	if (**text < '0' || **text > '9')
		return -EINVAL;
	value = strtoull(*text, &end, 10);
	if (value > UINT32_MAX - 1 || *end != separator)
		return -EINVAL;
	*number = (uint32_t)value;
	*text = end + (separator != '\0');
	return 0;
}

int idmap_parse(struct id_maps *maps, const char *text, const char *option)
{
	struct id_map map;
	const char *at = text;

	if (parse_number(&at, ':', &map.inside) < 0 || parse_number(&at, ':', &map.outside) < 0 ||
	    parse_number(&at, '\0', &map.count) < 0 || map.count == 0)
		return fail_hint(fail(0, "%s %s: not a map", option, text),
				 "CONTAINER_ID:HOST_ID:COUNT, such as 0:100000:65536");
	if (maps->count == CONTAINER_MAPS_MAX)
		return fail(0, "%s %s: more than %d maps", option, text, CONTAINER_MAPS_MAX);
	maps->map[maps->count++] = map;
	return 0;
}

/* Finds the first range of user (a name) or id in file: lines NAME:FIRST:COUNT, subuid(5).
 * Returns whether there is one. */
static bool find_range(const char *file, const char *user, uid_t id, struct id_map *range)
{
	auto_file lines = fopen(file, "re");
	char line[256], owner[128], number[16];

	snprintf(number, sizeof number, "%u", id);
	while (lines && fgets(line, sizeof line, lines))
		if (sscanf(line, "%127[^:]:%" SCNu32 ":%" SCNu32, owner, &range->outside,
			   &range->count) == 3 &&
		    (strcmp(owner, user) == 0 || strcmp(owner, number) == 0) && range->count > 0)
			return true;
	return false;
}

static void add_map(struct id_maps *maps, uint32_t inside, uint32_t outside, uint32_t count)
{
	maps->map[maps->count++] = (struct id_map){ inside, outside, count };
}

int idmap_choose(struct id_maps *uids, struct id_maps *gids)
{
	uid_t uid = geteuid();
	const struct passwd *entry;
	const char *user;
	struct id_map uid_range = { 0 }, gid_range = { 0 };
	bool ranges;

	if (uids->count || gids->count) {
		if (!uids->count)
			*uids = *gids;
		if (!gids->count)
			*gids = *uids;
		return 0;
	}
	entry = uid == 0 ? NULL : getpwuid(uid);
	user = entry ? entry->pw_name : uid == 0 ? "root" : "";
	ranges = find_range("/etc/subuid", user, uid, &uid_range) &&
		 find_range("/etc/subgid", user, uid, &gid_range);
	if (uid == 0 && !ranges)
		return fail_hint(fail(0, "mapping user IDs: root has no range in /etc/subuid and "
					 "/etc/subgid"),
				 "choose one: --uidmap 0:1000000:65536");
	if (uid != 0) {
		add_map(uids, 0, uid, 1);
		add_map(gids, 0, getegid(), 1);
	}
	if (ranges) {
		add_map(uids, uids->count, uid_range.outside, uid_range.count);
		add_map(gids, gids->count, gid_range.outside, gid_range.count);
	}
	return 0;
}

bool idmap_may_write(void)
{
	return geteuid() == 0;
}

bool idmap_is_own_id(const struct id_maps *uids, const struct id_maps *gids)
{
	return uids->count == 1 && uids->map[0].count == 1 && uids->map[0].outside == geteuid() &&
	       gids->count == 1 && gids->map[0].count == 1 && gids->map[0].outside == getegid();
}

/* Writes text to a file of /proc/PID in one write(2), as uid_map demands. */
static int write_proc(pid_t pid, const char *file, const char *text)
{
	char path[64];
	auto_fd fd = -1;

	snprintf(path, sizeof path, "/proc/%d/%s", pid, file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		return fail(errno, "writing %s", path);
	return 0;
}

int idmap_write(pid_t pid, const char *file, const struct id_maps *maps)
{
	char text[CONTAINER_MAPS_MAX * 36] = "";
	size_t used = 0;

	for (unsigned i = 0; i < maps->count; i++)
		used += (size_t)snprintf(text + used, sizeof text - used,
					 "%" PRIu32 " %" PRIu32 " %" PRIu32 "\n",
					 maps->map[i].inside, maps->map[i].outside,
					 maps->map[i].count);
	return write_proc(pid, file, text);
}

int idmap_deny_setgroups(pid_t pid)
{
	return write_proc(pid, "setgroups", "deny");
}

int idmap_run_helper(const char *program, pid_t pid, const struct id_maps *maps)
{
	char path[32], numbers[1 + 3 * CONTAINER_MAPS_MAX][12];
	char *argv[sizeof numbers / sizeof numbers[0] + 2] = { path }, *env[] = { NULL };
	int used = 0, status, error;
	pid_t helper;

	/* SECURITY: it is setuid root, so neither the caller's PATH nor its environment counts
	 * (test: unit/test_idmap.c, helpers path). */
	snprintf(path, sizeof path, "/usr/bin/%s", program);
	snprintf(numbers[used++], sizeof numbers[0], "%d", pid);
	for (unsigned i = 0; i < maps->count; i++) {
		snprintf(numbers[used++], sizeof numbers[0], "%" PRIu32, maps->map[i].inside);
		snprintf(numbers[used++], sizeof numbers[0], "%" PRIu32, maps->map[i].outside);
		snprintf(numbers[used++], sizeof numbers[0], "%" PRIu32, maps->map[i].count);
	}
	for (int i = 0; i < used; i++)
		argv[i + 1] = numbers[i];
	error = posix_spawn(&helper, path, NULL, NULL, argv, env);
	if (error)
		return fail_hint(fail(error, "running %s", path), "install the package uidmap");
	while (waitpid(helper, &status, 0) < 0)
		if (errno != EINTR)
			return fail(errno, "waiting for %s", path);
	/* A helper that was killed has mapped nothing: only exit status 0 is success. */
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return fail(0, "mapping user IDs: %s failed", path);
	return 0;
}

/* Copies the mount of the directory path (from dir on), with the host's IDs mapped as in the user
 * namespace. Returns the tree's descriptor, which the caller owns, or -errno with a record. */
static int idmap_tree(int user_namespace, int dir, const char *path, const char *shown)
{
	/* ORDER: private before it is mounted in the child, or the host's peers of it would mount
	 * along. */
	struct kernel_mount_attr attributes = { .attr_set = MOUNT_ATTR_IDMAP,
						.propagation = MS_PRIVATE,
						.userns_fd = (uint64_t)user_namespace };
	auto_fd tree = sys_open_tree(dir, path,
				     OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
	int ret;

	if (tree < 0)
		return fail(-tree, "opening the root file system %s", shown);
	ret = sys_mount_setattr(tree, 0, &attributes);
	if (ret < 0)
		return fail_hint(fail(-ret, "mapping the IDs of the files in %s", shown),
				 "its file system may not do this (tmpfs before Linux 6.3): copy "
				 "it to ext4, say");
	return take_fd(&tree);
}

int idmap_rootfs(struct container *c, pid_t pid)
{
	char path[64];
	auto_fd user_namespace = -1;

	if (!idmap_may_write() || c->flags & CONTAINER_NO_PIVOT)
		return 0;
	snprintf(path, sizeof path, "/proc/%d/ns/user", pid);
	user_namespace = open(path, O_RDONLY | O_CLOEXEC);
	if (user_namespace < 0)
		return fail(errno, "opening %s", path);
	if (c->store_fd < 0) { /* without chapter 05 */
		c->rootfs_fd = idmap_tree(user_namespace, AT_FDCWD, c->rootfs_path, c->rootfs_path);
		return c->rootfs_fd < 0 ? c->rootfs_fd : 0;
	}
	for (; c->trees <= c->layers.count; c->trees++) {
		bool store = c->trees == c->layers.count;
		const char *layer = store ? "" : c->layers.list[c->trees];
		int *tree = &c->tree_fds[c->trees];

		*tree = idmap_tree(user_namespace, store ? c->store_fd : AT_FDCWD, layer,
				   store ? "skiff's directory (SKIFF_ROOT)" : layer);
		if (*tree < 0)
			return *tree;
	}
	return 0;
}
