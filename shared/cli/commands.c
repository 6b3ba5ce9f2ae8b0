/* commands.c - what the front doors have in common; see commands.h. */
#include "commands.h"

#include "container.h"
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
