/* commit.c - `skiff commit`: what a container has changed becomes a layer. */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cgroup.h"
#include "chapters.h"
#include "commands.h"
#include "container.h"
#include "fail.h"
#include "layer.h"
#include "options.h"
#include "scope.h"
#include "signals.h"
#include "state.h"
#include "store.h"
#include "tree.h"

enum { COMMIT_PAUSE = 1 << 1, COMMIT_NO_PAUSE = 1 << 2 };

static const struct option_row commit_options[] = {
	{ "help", 0, VALUE_NONE, 0, COMMAND_HELP, "show this" },
	{ "pause", 'p', VALUE_NONE, 5, COMMIT_PAUSE,
	  "pause the container meanwhile (the default)" },
	{ "no-pause", 0, VALUE_NONE, 5, COMMIT_NO_PAUSE, "let it run meanwhile" },
	{ "author", 'a', VALUE_NEEDED, 8, 0, "" },
	{ "change", 'c', VALUE_NEEDED, 8, 0, "" },
	{ "message", 'm', VALUE_NEEDED, 8, 0, "" },
	{ 0 },
};

struct commit {
	struct store_container found;
	int dir_fd;		 /* in which the layer is made */
	char name[NAME_MAX + 1]; /* of the new directory */
	char unfinished[64];	 /* what it is called until it is whole */
	int frozen_fd;		 /* the cgroup that we have frozen, or -1 */
};

/* In the helper: as root of the container's user namespace it may read all of the layer. */
static int copy_layer(struct container *helper, void *arg)
{
	const struct commit *commit = arg;
	auto_fd upper = openat(commit->found.dir_fd, "diff", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	(void)helper;
	if (upper < 0)
		return fail(errno, "opening the container's layer");
	TRY(layer_copy(upper, commit->dir_fd, commit->unfinished));
	/* RACE: somebody else may have made it meanwhile. */
	return renameat2(commit->dir_fd, commit->unfinished, commit->dir_fd, commit->name,
			 RENAME_NOREPLACE) < 0 ?
		       fail(errno, "naming the layer %s", commit->name) :
		       0;
}

/* In a helper: takes away what was not finished. */
static int remove_unfinished(struct container *helper, void *arg)
{
	const struct commit *commit = arg;
	int ret = tree_remove(commit->dir_fd, commit->unfinished);

	(void)helper;
	return ret < 0 ? fail(-ret, "removing the unfinished layer %s", commit->unfinished) : 0;
}

/* Freezes the container if it runs, so that the layer has what it had in one moment. One that has no
 * cgroup of its own, or is paused already, stays as it is. */
static int freeze(struct commit *commit)
{
	struct state_container running;
	int ret = 0;

	if (state_find(commit->found.id, &running) < 0) {
		fail_forget();
		return 0;
	}
	if (running.cgroup_fd >= 0 && !cgroup_is_frozen(running.cgroup_fd)) {
		commit->frozen_fd = take_fd(&running.cgroup_fd);
		ret = cgroup_freeze(commit->frozen_fd, true);
	}
	state_release(&running);
	/* RACE: with the container's end its cgroup goes. */
	return ret < 0 && ret != -ENODEV && ret != -ENOENT ? fail(-ret, "pausing the container") :
							     0;
}

static void thaw(struct commit *commit)
{
	if (commit->frozen_fd >= 0)
		(void)!cgroup_freeze(commit->frozen_fd, false);
	scope_close_fd(&commit->frozen_fd);
}

/* Runs the work in a helper, which a signal ends. */
static int help(struct commit *commit, int (*work)(struct container *helper, void *arg))
{
	struct container helper;
	int ret;

	store_helper(&helper, &commit->found);
	ret = container_help(&helper, work, commit);
	container_free(&helper);
	return ret;
}

/* Copies while the container stands still. */
static int copy_frozen(struct commit *commit, bool pause)
{
	struct container signals = { 0 };
	int code, ret = signals_block(
			  &signals); /* or one could end us, and leave the container frozen */

	if (ret == 0 && pause)
		ret = freeze(commit);
	if (ret == 0)
		ret = help(commit, copy_layer);
	thaw(commit);
	code = fail_record()->exit_code;
	if (ret < 0 && code > EXIT_SIGNAL) { /* not the helper's start ended, but our work */
		fail_forget();
		fail_exit_code(fail(0, "copying the container's layer: ended by a signal"), code);
	}
	if (ret < 0 && help(commit, remove_unfinished) < 0)
		note("the unfinished layer %s could not be removed", commit->unfinished);
	signals_restore(&signals);
	return ret;
}

static int commit_to(struct commit *commit, const char *reference, const char *path, bool pause)
{
	char above[PATH_MAX], last[PATH_MAX]; /* dirname(3) and basename(3) write to them */

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
	snprintf(commit->unfinished, sizeof commit->unfinished, ".skiff-commit-%d", getpid());
	return copy_frozen(commit, pause);
}

int command_commit(const struct global_options *global, char *const *words)
{
	struct option_walk walk = {
		.command = "commit", .rows = commit_options, .argv = words, .flags = COMMIT_PAUSE
	};
	struct commit commit = { .found.dir_fd = -1, .dir_fd = -1, .frozen_fd = -1 };
	int flags = command_words(
		&walk, "commit [OPTIONS] CONTAINER DIR",
		"Keep what a container has changed as a new layer, the directory DIR.\n"
		"It is used as one: skiff run --rootfs BASE --rootfs DIR COMMAND.",
		2, 2);
	bool done = flags < 0 || flags & COMMAND_HELP;
	const char *path = done ? "" : words[walk.at + 1];
	int ret;

	(void)global;
	if (done)
		return flags < 0 ? flags : 0;
	if (path[0] != '/' && path[0] != '.')
		return fail_hint(chapter_need(8, "commit to an image"),
				 "a directory begins with / or .: ./%s", path);
	ret = commit_to(&commit, words[walk.at], path,
			flags & COMMIT_PAUSE && !(flags & COMMIT_NO_PAUSE));
	scope_close_fd(&commit.dir_fd);
	store_release(&commit.found);
	if (ret == 0)
		printf("%s\n", path);
	return ret;
}
