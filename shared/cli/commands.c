/* commands.c - what the front doors have in common; see commands.h. */
#include "commands.h"

#include <stdio.h>

#include "container.h"
#include "fail.h"
#include "options.h"
#include "trace.h"

int command_finish(const struct global_options *global, struct container *c, int parsed,
		   int (*corridor)(struct container *c))
{
	int ret = parsed < 0 ? parsed : 0;

	c->program_argv = global->argv;
	if (parsed == 0 && global->explain)
		ret = trace_open(c);
	if (parsed == 0 && ret == 0) {
		ret = corridor(c);
		if (global->explain)
			trace_print(c, global->explain == EXPLAIN_JSON);
	}
	container_free(c);
	return ret;
}

int command_words(struct option_walk *walk, const char *usage, const char *about, size_t least,
		  size_t most)
{
	int option, flags = walk->flags;
	size_t count = 0;

	while ((option = options_next(walk)) > 0) {
		int on = options_flag(walk);

		if (on < 0)
			return on;
		flags = on ? flags | option : flags & ~option;
	}
	if (option < 0)
		return option;
	if (flags & COMMAND_HELP) {
		printf("Usage: skiff %s\n\n%s\n\nOptions:\n", usage, about);
		options_print(walk->rows);
		return flags;
	}
	while (walk->argv[walk->at + (int)count])
		count++;
	if (count < least || count > most)
		return fail_hint(fail(0, "%s: %s arguments", walk->command,
				      count < least ? "not enough" : "too many"),
				 "skiff %s", usage);
	return flags;
}
