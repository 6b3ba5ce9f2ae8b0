/* options.h - the option tables of the command line, and the loop over them.
 *
 * One row an option: its names, whether it takes a value, the chapter that it needs. Options that
 * Docker has and that a later chapter brings are in the table, so that they are refused by the
 * name of that chapter. */
#ifndef SKIFF_OPTIONS_H
#define SKIFF_OPTIONS_H

#include <stddef.h>

enum option_value { VALUE_NONE, VALUE_NEEDED };

struct option_row {
	const char *name; /* without "--" */
	char letter;	  /* or 0 */
	enum option_value value;
	int chapter; /* which brings it */
	int id;	     /* the caller's own, > 0; 0: not built into this skiff at all yet */
	/* What it does; where it takes a value, the first word is the value's name: "DIR the root".
	 * With id 0: what to do instead, or "". */
	const char *help;
};

/* A walk through the words of a command line; stops at the first word that is no option. */
struct option_walk {
	const char *command;	       /* "run": for messages */
	const struct option_row *rows; /* ends with a row without name */
	char *const *argv;	       /* argv[at] is the next word */
	int at;
	int flags;	     /* for command_words(): those that are on unless turned off */
	const char *cluster; /* the rest of "-it" */
	const char *value;   /* of the option that options_next() returned, or NULL */
	char shown[64];	     /* that option as it was typed */
};

/* Returns the id of the next option, 0 when the next word is no option (walk->at is its index), or
 * -errno with a failure record: unknown option, missing value, a chapter that is not built. */
int options_next(struct option_walk *walk) __attribute__((warn_unused_result));

/* The truth of --flag, --flag=true, --flag=false: 1 or 0, or -errno with a failure record. */
int options_flag(const struct option_walk *walk) __attribute__((warn_unused_result));

/* Prints the rows that this build has: one line an option. */
void options_print(const struct option_row *rows);

#endif
