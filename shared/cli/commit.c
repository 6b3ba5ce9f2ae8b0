/* commit.c - `skiff commit`: what a container has changed becomes a layer. */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "chapters.h"
#include "commands.h"
#include "container.h"
#include "fail.h"
#include "layer.h"
#include "options.h"
#include "scope.h"
#include "store.h"

static const struct option_row commit_options[] = {
	{ "help", 0, VALUE_NONE, 0, COMMAND_HELP, "show this" },
	{ "author", 'a', VALUE_NEEDED, 8, 0, "" },
	{ "change", 'c', VALUE_NEEDED, 8, 0, "" },
	{ "message", 'm', VALUE_NEEDED, 8, 0, "" },
	{ "pause", 'p', VALUE_NONE, 8, 0, "" },
	{ 0 },
};

struct commit {
	struct store_container found;
	int dir_fd;		 /* in which the layer is made */
	char name[NAME_MAX + 1]; /* of the new directory */
};

/* In the helper: as root of the container's user namespace it may read all of the layer. */
static int copy_layer(struct container *helper, void *arg)
{
	const struct commit *commit = arg;
	auto_fd upper = openat(commit->found.dir_fd, "diff", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	(void)helper;
	if (upper < 0)
		return fail(errno, "opening the container's layer");
	return layer_copy(upper, commit->dir_fd, commit->name);
}

static int commit_to(struct commit *commit, const char *reference, const char *path)
{
	char above[PATH_MAX], last[PATH_MAX]; /* dirname(3) and basename(3) write to them */
	struct container helper;
	int ret;

	if (snprintf(above, sizeof above, "%s", path) >= PATH_MAX)
		return fail(ENAMETOOLONG, "committing to %s", path);
	strcpy(last, above);
	snprintf(commit->name, sizeof commit->name, "%.*s", NAME_MAX, basename(last));
	commit->dir_fd = open(dirname(above), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (commit->dir_fd < 0)
		return fail(errno, "opening the directory above %s", path);
	TRY(store_find(reference, &commit->found));
	if (faccessat(commit->dir_fd, commit->name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return fail(EEXIST, "committing to %s", path);
	store_helper(&helper, &commit->found);
	ret = container_help(&helper, copy_layer, commit);
	container_free(&helper);
	return ret;
}

int command_commit(const struct global_options *global, char *const *words)
{
	struct option_walk walk = { .command = "commit", .rows = commit_options, .argv = words };
	struct commit commit = { .found.dir_fd = -1, .dir_fd = -1 };
	int ret = command_words(
		&walk, "commit CONTAINER DIR",
		"Keep what a container has changed as a new layer, the directory DIR.\n"
		"It is used as one: skiff run --rootfs BASE --rootfs DIR COMMAND.",
		2, 2);
	const char *path = ret == 0 ? words[walk.at + 1] : "";

	(void)global;
	if (ret != 0)
		return ret < 0 ? ret : 0;
	if (path[0] != '/' && path[0] != '.')
		return fail_hint(chapter_need(8, "commit to an image"),
				 "a directory begins with / or .: ./%s", path);
	ret = commit_to(&commit, words[walk.at], path);
	scope_close_fd(&commit.dir_fd);
	store_release(&commit.found);
	if (ret == 0)
		printf("%s\n", path);
	return ret;
}
