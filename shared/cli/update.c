/* update.c - the front door `skiff update`: other limits for a running container. */
#include <stdio.h>

#include "cgroup.h"
#include "commands.h"
#include "fail.h"
#include "limit_options.h"
#include "options.h"
#include "state.h"

enum update_option { UPDATE_HELP = 1 };

static const struct option_row update_options[] = {
	LIMIT_OPTION_ROWS,
	{ "help", 0, VALUE_NONE, 0, UPDATE_HELP, "show this" },
	{ "restart", 0, VALUE_NEEDED, 10, 0, "" },
	{ 0 },
};

static int update_one(const char *reference, const struct limits *limits)
{
	struct state_container found;
	int ret;

	TRY(state_find(reference, &found));
	if (found.cgroup_fd < 0)
		ret = fail(0, "container %s is in no cgroup of its own, so it has no limits",
			   reference);
	else
		ret = cgroup_limit(found.cgroup_fd, limits, true);
	state_release(&found);
	return ret < 0 ? fail_exit_code(ret, 1) : 0;
}

int command_update(const struct global_options *global, char *const *words)
{
	struct option_walk walk = { .command = "update", .rows = update_options, .argv = words };
	struct limits limits = { 0 };
	int option, given = 0;

	(void)global;
	while ((option = options_next(&walk)) > 0) {
		if (option == UPDATE_HELP) {
			printf("Usage: skiff update [OPTIONS] CONTAINER...\n\n"
			       "Change the limits of running containers.\n\nOptions:\n");
			options_print(update_options);
			return 0;
		}
		TRY(limit_option_set(&limits, option, &walk));
		given++;
	}
	if (option < 0)
		return option;
	TRY(limit_options_check(&limits, "update", false));
	if (!given || !words[walk.at])
		return fail_hint(fail(0, "update: the %s is missing",
				      given ? "container" : "limit"),
				 "skiff update --memory 64m CONTAINER...");
	for (char *const *word = words + walk.at; *word; word++) {
		TRY(update_one(*word, &limits));
		puts(*word);
	}
	return 0;
}
