/* pause.c - the front doors `skiff pause`, `unpause` and `kill`: what is done to a whole container. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>

#include "cgroup.h"
#include "commands.h"
#include "fail.h"
#include "kernel.h"
#include "options.h"
#include "state.h"

enum whole_option { WHOLE_SIGNAL = 1, WHOLE_HELP };

static const struct option_row pause_options[] = {
	{ "help", 0, VALUE_NONE, 0, WHOLE_HELP, "show this" },
	{ 0 },
};

static const struct option_row kill_options[] = {
	{ "signal", 's', VALUE_NEEDED, 4, WHOLE_SIGNAL,
	  "SIGNAL the signal to send: KILL, TERM, 15 ..." },
	{ "help", 0, VALUE_NONE, 0, WHOLE_HELP, "show this" },
	{ 0 },
};

/* What is done to each container of the command line. */
struct deed {
	const char *command, *help;
	const struct option_row *rows;
	int (*act)(const struct state_container *found, const char *reference, int signal);
};

static int refuse(const char *reference, const char *what)
{
	return fail_exit_code(fail(0, "container %s is %s", reference, what), 1);
}

static int set_frozen(const struct state_container *found, const char *reference, bool frozen)
{
	int ret;

	if (found->cgroup_fd < 0)
		return refuse(reference, "in no cgroup of its own, so it can't be paused");
	if (flock(found->cgroup_fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK)
		return refuse(reference, "being committed, or paused by another");
	if (cgroup_is_frozen(found->cgroup_fd) == frozen)
		return refuse(reference, frozen ? "already paused" : "not paused");
	ret = cgroup_freeze(found->cgroup_fd, frozen);
	return ret < 0 ? fail_exit_code(fail(-ret, "%s %s", frozen ? "pausing" : "unpausing",
					     reference),
					1) :
			 0;
}

static int act_pause(const struct state_container *found, const char *reference, int signal)
{
	(void)signal;
	return set_frozen(found, reference, true);
}

static int act_unpause(const struct state_container *found, const char *reference, int signal)
{
	(void)signal;
	return set_frozen(found, reference, false);
}

static int act_kill(const struct state_container *found, const char *reference, int signal)
{
	int ret;

	/* RACE: that it has ended meanwhile is what was asked for. Through the cgroup no process gets away, also those that have left the container's PID
	 * namespace or never were in it (`exec`, --pid host). */
	if (signal == SIGKILL && found->cgroup_fd >= 0)
		ret = cgroup_kill(found->cgroup_fd);
	else
		ret = sys_pidfd_send_signal(found->pidfd, signal);
	/* As Docker: what was sent to a paused container is to be heard. */
	if (ret == 0 && signal != SIGKILL && cgroup_is_frozen(found->cgroup_fd))
		ret = cgroup_freeze(found->cgroup_fd, false);
	return ret < 0 && ret != -ESRCH && ret != -ENODEV && ret != -ENOENT ?
		       fail_exit_code(fail(-ret, "killing %s", reference), 1) :
		       0;
}

/* TERM, SIGTERM, term or 15. Returns the number, or -EINVAL with a failure record. */
static int parse_signal(const char *text)
{
	const char *name = strncasecmp(text, "SIG", 3) == 0 ? text + 3 : text;
	char *end;
	long number = strtol(text, &end, 10);

	if (end != text && !*end && number > 0 && number < NSIG)
		return (int)number;
	for (int signal = 1; signal < NSIG; signal++) {
		const char *known = sigabbrev_np(signal);

		if (known && strcasecmp(known, name) == 0)
			return signal;
	}
	return fail(0, "kill: --signal %s: no such signal", text);
}

static int help(const struct deed *deed)
{
	printf("Usage: skiff %s [OPTIONS] CONTAINER...\n\n%s\n\nOptions:\n", deed->command,
	       deed->help);
	options_print(deed->rows);
	return 0;
}

/* Does the deed to each container, up to the first that it can't be done to. */
static int do_to_each(const struct deed *deed, char *const *words)
{
	struct option_walk walk = { .command = deed->command, .rows = deed->rows, .argv = words };
	int option, signal = SIGKILL;

	while ((option = options_next(&walk)) > 0) {
		if (option == WHOLE_HELP)
			return help(deed);
		signal = parse_signal(walk.value);
		if (signal < 0)
			return signal;
	}
	if (option < 0)
		return option;
	if (!words[walk.at])
		return fail_hint(fail(0, "%s: the container is missing", deed->command),
				 "skiff %s CONTAINER...", deed->command);
	for (char *const *word = words + walk.at; *word; word++) {
		struct state_container found;

		TRY(state_find(*word, &found));
		int ret = deed->act(&found, *word, signal);
		state_release(&found);
		if (ret < 0)
			return ret;
		puts(*word);
	}
	return 0;
}

int command_pause(const struct global_options *global, char *const *words)
{
	static const struct deed deed = { "pause", "Hold all processes of containers.",
					  pause_options, act_pause };

	(void)global;
	return do_to_each(&deed, words);
}

int command_unpause(const struct global_options *global, char *const *words)
{
	static const struct deed deed = { "unpause", "Let paused containers go on.", pause_options,
					  act_unpause };

	(void)global;
	return do_to_each(&deed, words);
}

int command_kill(const struct global_options *global, char *const *words)
{
	static const struct deed deed = { "kill", "Kill containers, or send them a signal.",
					  kill_options, act_kill };

	(void)global;
	return do_to_each(&deed, words);
}
