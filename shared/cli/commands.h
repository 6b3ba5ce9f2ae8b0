/* commands.h - the commands of skiff. Each takes the words after its name, fills a struct container
 * and walks the corridor. Returns the exit code (0-255), or -errno with a failure record. */
#ifndef SKIFF_COMMANDS_H
#define SKIFF_COMMANDS_H

/* Options that stand before the command. */
struct global_options {
	int explain;	   /* --explain: EXPLAIN_* */
	char *const *argv; /* skiff's own words, the first of them its name */
};

enum { EXPLAIN_NOT, EXPLAIN_TABLE, EXPLAIN_JSON };

struct container;

/* The end of a front door: walks c, which it has filled, through corridor (container_run() or
 * container_exec()), prints what --explain asks for and frees c. parsed is what the parsing
 * returned: 0 to go on, > 0 for --help (nothing is run), -errno with a failure record.
 * Returns the exit code (0-255), or -errno with a failure record. */
int command_finish(const struct global_options *global, struct container *c, int parsed,
		   int (*corridor)(struct container *c));

/* `skiff run` and `skiff exec`; words ends with NULL. */
int command_run(const struct global_options *global, char *const *words);
int command_exec(const struct global_options *global, char *const *words);

/* `skiff pause`, `unpause`, `update`, `stats` and `kill`; words ends with NULL. */
int command_pause(const struct global_options *global, char *const *words);
int command_unpause(const struct global_options *global, char *const *words);
int command_update(const struct global_options *global, char *const *words);
int command_stats(const struct global_options *global, char *const *words);
int command_kill(const struct global_options *global, char *const *words);
/* `skiff audit`; words ends with NULL. */
int command_audit(const struct global_options *global, char *const *words);

#endif
