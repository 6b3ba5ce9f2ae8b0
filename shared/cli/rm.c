/* rm.c - `skiff rm`: containers that have ended, and all that they have written. */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>

#include "commands.h"
#include "container.h"
#include "fail.h"
#include "kernel.h"
#include "options.h"
#include "state.h"
#include "store.h"

enum { RM_FORCE = 1 << 1, RM_VOLUMES = 1 << 2, END_MSEC = 10000 };

static const struct option_row rm_options[] = {
	{ "force", 'f', VALUE_NONE, 5, RM_FORCE, "kill a container that runs" },
	{ "volumes", 'v', VALUE_NONE, 9, 0, "" },
	{ "help", 0, VALUE_NONE, 0, COMMAND_HELP, "show this" },
	{ 0 },
};

/* Kills a container and waits until its skiff has let go of it. */
static int end_container(struct store_container *found)
{
	struct state_container running;
	int ret = state_find(found->id, &running);

	if (ret < 0)
		return ret;
	sys_pidfd_send_signal(running.pidfd, SIGKILL);
	state_release(&running);
	/* Its skiff holds the lock until it has put everything in order. */
	for (int waited = 0; !store_lock(found); waited += 10)
		if (waited >= END_MSEC || poll(NULL, 0, 10) < 0)
			return fail(0,
				    "removing container %.12s: it was killed, but its skiff has "
				    "not ended",
				    found->id);
	return 0;
}

static int remove_one(const char *reference, int flags)
{
	struct store_container found;
	int ret = store_find(reference, &found);

	if (ret == 0 && found.running && !(flags & RM_FORCE))
		ret = fail_exit_code(fail_hint(fail(0, "removing container %s: it is running",
						    reference),
					       "skiff rm -f kills it first"),
				     1);
	if (ret == 0 && found.running)
		ret = end_container(&found);
	if (ret == 0 && !store_is_gone(&found)) /* with --rm its own skiff removed it */
		ret = store_remove(&found);
	store_release(&found);
	return ret;
}

int command_rm(const struct global_options *global, char *const *words)
{
	struct option_walk walk = { .command = "rm", .rows = rm_options, .argv = words };
	int flags = command_words(
		&walk, "rm [OPTIONS] CONTAINER...",
		"Remove containers that have ended, with all that they have written.", 1, INT_MAX);
	int ret = 0;

	(void)global;
	if (flags < 0 || flags & COMMAND_HELP)
		return flags < 0 ? flags : 0;
	/* One that can't be removed does not keep the others; the first failure is told. */
	for (char *const *word = words + walk.at; *word; word++) {
		int one = remove_one(*word, flags);

		if (one == 0) {
			printf("%s\n", *word);
		} else if (one == -ENOENT && flags & RM_FORCE && ret == 0) {
			fail_print(); /* as Docker: said, but what was wanted is so */
			fail_forget();
		} else if (ret == 0) {
			ret = one;
		}
	}
	return ret;
}
