/* commands.h - the commands of skiff. Each takes the words after its name, fills a struct container
 * and walks the corridor. Returns the exit code (0-255), or -errno with a failure record. */
#ifndef SKIFF_COMMANDS_H
#define SKIFF_COMMANDS_H

#include <stddef.h>

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

/* Reads the options and words of a command whose options are all flags; an id of a row is a power of
 * two, COMMAND_HELP that of --help. usage is "COMMAND [OPTIONS] ...", about one sentence: for --help.
 * Returns the ids of the flags that are set, or -errno with a failure record: an unknown option, or not
 * least to most words. After COMMAND_HELP, which is printed, there is nothing left to do. */
struct option_walk;
enum { COMMAND_HELP = 1 << 0 };
int command_words(struct option_walk *walk, const char *usage, const char *about, size_t least,
		  size_t most) __attribute__((warn_unused_result));

/* `skiff run` and `skiff exec`; words ends with NULL. */
int command_run(const struct global_options *global, char *const *words);
int command_exec(const struct global_options *global, char *const *words);

/* 05: `skiff diff`, `commit`, `cp`, `rm` and `ps`: containers that run or are kept. */
int command_diff(const struct global_options *global, char *const *words);
int command_commit(const struct global_options *global, char *const *words);
int command_cp(const struct global_options *global, char *const *words);
int command_rm(const struct global_options *global, char *const *words);
int command_ps(const struct global_options *global, char *const *words);
/* `skiff pause`, `unpause`, `update`, `stats` and `kill`; words ends with NULL. */
int command_pause(const struct global_options *global, char *const *words);
int command_unpause(const struct global_options *global, char *const *words);
int command_update(const struct global_options *global, char *const *words);
int command_stats(const struct global_options *global, char *const *words);
int command_kill(const struct global_options *global, char *const *words);
/* `skiff audit`; words ends with NULL. */
int command_audit(const struct global_options *global, char *const *words);

#endif
