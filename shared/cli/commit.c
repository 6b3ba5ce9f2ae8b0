/* commit.c - `skiff commit`: what a container has changed becomes a layer. */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <unistd.h>

#include "cgroupfs.h"
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

enum { STILL_MSEC = 10000 };

struct commit {
	struct store_container found;
	int dir_fd;		 /* in which the layer is made */
	char name[NAME_MAX + 1]; /* of the new directory */
	char unfinished[64]; /* what it is called until it is whole: a name that nobody else has */
	int pidfd;	     /* of the container, if it ran when we looked; else -1 */
	int cgroup_fd;	     /* its cgroup, or -1; locked as long as we have it frozen */
	bool frozen;	     /* by us */
};

/* In the helper: as root of the container's user namespace it may read all of the layer. */
static int copy_layer(struct container *helper, void *arg)
{
	const struct commit *commit = arg;
	auto_fd upper = openat(commit->found.dir_fd, "diff", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	(void)helper;
	if (upper < 0)
		return fail(errno, "opening the container's layer");
	return layer_copy(upper, commit->dir_fd, commit->unfinished);
}

/* In a helper: takes away what was not finished. */
static int remove_unfinished(struct container *helper, void *arg)
{
	const struct commit *commit = arg;
	int ret = tree_remove(commit->dir_fd, commit->unfinished);

	(void)helper;
	return ret < 0 ? fail(-ret, "removing the unfinished layer %s", commit->unfinished) : 0;
}

/* A signal that would have ended us, had it not been blocked; or 0. */
static int pending_signal(void)
{
	sigset_t pending;

	sigpending(&pending);
	for (int signal = 1; signal < NSIG; signal++)
		if (sigismember(&pending, signal) == 1 && signal_terminates(signal))
			return signal;
	return 0;
}

/* Waits until is_so() says 1. Returns 0 or -errno with a failure record. */
static int wait_until(struct commit *commit, int (*is_so)(struct commit *commit), const char *doing)
{
	for (int waited = 0;; waited += 10) {
		int so = is_so(commit), signal = pending_signal();

		if (so != 0)
			return so < 0 ? so : 0;
		if (signal)
			return fail_exit_code(fail(0, "%s: ended by a signal", doing),
					      EXIT_SIGNAL + signal);
		if (waited >= STILL_MSEC)
			return fail(ETIMEDOUT, "%s", doing);
		poll(NULL, 0, 10);
	}
}

/* With the container's end its cgroup goes. */
static bool is_end(int error)
{
	return error == -ENODEV || error == -ENOENT;
}

/* Others who commit or pause it have a lock of their own. */
static int is_locked(struct commit *commit)
{
	if (flock(commit->cgroup_fd, LOCK_EX | LOCK_NB) == 0)
		return 1;
	return errno == EWOULDBLOCK ? 0 : fail(errno, "locking the container's cgroup");
}

static int is_still(struct commit *commit)
{
	uint64_t still = 0, asked = 0;
	int ret = cgroupfs_number(commit->cgroup_fd, "cgroup.events", "frozen", &still);

	if (ret == 0)
		ret = cgroupfs_number(commit->cgroup_fd, "cgroup.freeze", NULL, &asked);
	if (ret < 0)
		return is_end(ret) ? 1 : fail(-ret, "pausing the container");
	return asked ? still != 0 : fail(0, "pausing the container: somebody let it go on");
}

/* Pauses the container, so that the layer has what it had in one moment. One that has no cgroup of its
 * own, or is paused already, stays as it is. */
static int freeze(struct commit *commit)
{
	uint64_t frozen = 0;
	int ret;

	if (commit->cgroup_fd < 0)
		return 0;
	TRY(wait_until(commit, is_locked, "waiting for others who pause the container"));
	ret = cgroupfs_number(commit->cgroup_fd, "cgroup.freeze", NULL, &frozen);
	if (ret == 0 && !frozen)
		ret = cgroupfs_write(commit->cgroup_fd, "cgroup.freeze", "1");
	commit->frozen = ret == 0 && !frozen;
	if (ret < 0 && !is_end(ret))
		return fail(-ret, "pausing the container");
	return commit->frozen ? wait_until(commit, is_still, "pausing the container") : 0;
}

static void thaw(struct commit *commit)
{
	int ret = commit->frozen ? cgroupfs_write(commit->cgroup_fd, "cgroup.freeze", "0") : 0;

	commit->frozen = false;
	scope_close_fd(&commit->cgroup_fd);
	if (ret < 0 && !is_end(ret))
		note("the container is still paused: skiff unpause %.12s", commit->found.id);
}

/* Looks for the process and the cgroup of a container that runs. */
static int find_running(struct commit *commit)
{
	struct state_container running;
	int ret = commit->found.running ? state_find(commit->found.id, &running) : -ESRCH;

	if (ret == 0) {
		commit->pidfd = take_fd(&running.pidfd);
		commit->cgroup_fd = take_fd(&running.cgroup_fd);
		state_release(&running);
	}
	if (ret == -ESRCH) /* it has ended, perhaps this moment */
		fail_forget();
	return ret == -ESRCH ? 0 : ret;
}

static int is_ours(struct commit *commit)
{
	return store_lock(&commit->found);
}

/* RACE: a container that ended meanwhile may have been removed under the copy: with --rm, or by
 * `skiff rm -f`. Whoever removes it has it locked; before its end nobody does. */
static int was_there(struct commit *commit)
{
	if (!commit->found.running ||
	    (commit->pidfd >= 0 && poll(&(struct pollfd){ commit->pidfd, POLLIN, 0 }, 1, 0) == 0))
		return 0;
	TRY(wait_until(commit, is_ours, "waiting for the container's end"));
	return store_is_gone(&commit->found) ?
		       fail(0, "copying the container's layer: it was removed meanwhile") :
		       0;
}

/* Runs the work in a helper, which a signal ends. */
static int help(struct commit *commit, int (*work)(struct container *helper, void *arg))
{
	struct container helper;
	int code, ret;

	store_helper(&helper, &commit->found);
	ret = container_help(&helper, work, commit);
	container_free(&helper);
	code = fail_record()->exit_code;
	if (ret < 0 && code > EXIT_SIGNAL) { /* not its start ended, but our work */
		fail_forget();
		fail_exit_code(fail(0, "copying the container's layer: ended by a signal"), code);
	}
	return ret;
}

/* Copies the layer under another name, and gives it its own when all of it is there. */
static int make_layer(struct commit *commit, bool pause)
{
	TRY(find_running(commit));
	int ret = pause ? freeze(commit) : 0;

	if (ret == 0)
		ret = help(commit, copy_layer);
	thaw(commit);
	TRY(ret);
	TRY(was_there(commit));
	/* RACE: somebody else may have made it meanwhile. */
	if (renameat2(commit->dir_fd, commit->unfinished, commit->dir_fd, commit->name,
		      RENAME_NOREPLACE) < 0)
		return fail(errno, "naming the layer %s", commit->name);
	return 0;
}

/* A name that nobody else has. */
static int choose_unfinished(struct commit *commit)
{
	uint64_t random[2];

	if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
		return fail(errno, "taking a random name");
	snprintf(commit->unfinished, sizeof commit->unfinished, ".skiff-commit-%016llx%016llx",
		 (unsigned long long)random[0], (unsigned long long)random[1]);
	return 0;
}

/* Makes the layer, or leaves nothing. */
static int make_or_remove(struct commit *commit, bool pause)
{
	struct container signals = { 0 };
	int ret;

	TRY(choose_unfinished(commit));
	TRY(signals_block(&signals)); /* or one could end us, and leave the container frozen */
	ret = make_layer(commit, pause);
	if (ret < 0) {
		/* Once more ^C comes too late: ignored, it is not pending either. */
		for (int number = 1; number < NSIG; number++)
			if (signal_terminates(number))
				signal(number, SIG_IGN);
		if (help(commit, remove_unfinished) < 0)
			note("the unfinished layer %s could not be removed", commit->unfinished);
	}
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
	return make_or_remove(commit, pause);
}

int command_commit(const struct global_options *global, char *const *words)
{
	struct option_walk walk = {
		.command = "commit", .rows = commit_options, .argv = words, .flags = COMMIT_PAUSE
	};
	struct commit commit = { .found.dir_fd = -1, .dir_fd = -1, .pidfd = -1, .cgroup_fd = -1 };
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
	scope_close_fd(&commit.pidfd);
	store_release(&commit.found);
	if (ret == 0)
		printf("%s\n", path);
	return ret;
}
