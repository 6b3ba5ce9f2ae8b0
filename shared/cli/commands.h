/* commands.h - the commands of skiff. Each takes the words after its name, fills a struct container
 * and walks the corridor. Returns the exit code (0-255), or -errno with a failure record. */
#ifndef SKIFF_COMMANDS_H
#define SKIFF_COMMANDS_H

/* Options that stand before the command. */
struct global_options {
	int explain; /* --explain: EXPLAIN_* */
};

enum { EXPLAIN_NOT, EXPLAIN_TABLE, EXPLAIN_JSON };

/* `skiff run` and `skiff exec`; words ends with NULL. */
int command_run(const struct global_options *global, char *const *words);
int command_exec(const struct global_options *global, char *const *words);

#endif
