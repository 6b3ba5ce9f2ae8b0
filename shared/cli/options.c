/* options.c - the walk through the options of a command line; see options.h.
 *
 * getopt_long(3) would do but for three things that Docker's users rely on: no abbreviations, a
 * flag that takes =false, and a message that names the command. */
#include "options.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "chapters.h"
#include "fail.h"

static int unknown_option(const struct option_walk *walk)
{
	bool named = walk->command[0]; /* not where skiff's own options are read */

	return fail_hint(fail(0, "%s%sunknown option %s", walk->command, named ? ": " : "",
			      walk->shown),
			 "skiff%s%s --help lists the options", named ? " " : "", walk->command);
}

/* Checks that the option can be had in this build. Returns its id or -errno with a record. */
static int accept_row(const struct option_walk *walk, const struct option_row *row)
{
	int ret = chapter_need(row->chapter, walk->shown);

	if (ret < 0)
		return !row->id && row->help[0] ? fail_hint(ret, "%s", row->help) : ret;
	return row->id ? row->id : unknown_option(walk);
}

static int take_value(struct option_walk *walk, const struct option_row *row, const char *attached)
{
	walk->value = attached;
	if (row->value == VALUE_NEEDED && !attached) {
		walk->value = walk->argv[walk->at];
		if (!walk->value)
			return fail(0, "%s: option %s needs a value", walk->command, walk->shown);
		walk->at++;
	}
	return accept_row(walk, row);
}

static int next_long(struct option_walk *walk, const char *word)
{
	size_t length = strcspn(word, "=");

	snprintf(walk->shown, sizeof walk->shown, "--%.*s", (int)length, word);
	for (const struct option_row *row = walk->rows; row->name; row++)
		if (strlen(row->name) == length && strncmp(row->name, word, length) == 0)
			return take_value(walk, row,
					  word[length] == '=' ? word + length + 1 : NULL);
	return unknown_option(walk);
}

/* One letter of a cluster such as -it; the last one may have its value attached: -eK=V. */
static int next_letter(struct option_walk *walk)
{
	char letter = *walk->cluster++;
	const struct option_row *row = walk->rows;
	const char *attached = NULL;

	snprintf(walk->shown, sizeof walk->shown, "-%c", letter);
	while (row->name && row->letter != letter)
		row++;
	if (!row->name)
		return unknown_option(walk);
	if (row->value == VALUE_NEEDED && *walk->cluster) {
		attached = walk->cluster + (*walk->cluster == '=');
		walk->cluster = NULL;
	} else if (*walk->cluster == '=') { /* a flag: -i=false */
		attached = walk->cluster + 1;
		walk->cluster = NULL;
	}
	if (walk->cluster && !*walk->cluster)
		walk->cluster = NULL;
	return take_value(walk, row, attached);
}

int options_next(struct option_walk *walk)
{
	const char *word = walk->argv[walk->at];

	walk->value = NULL;
	if (walk->cluster)
		return next_letter(walk);
	if (!word || word[0] != '-' || !word[1])
		return 0;
	walk->at++;
	if (strcmp(word, "--") == 0)
		return 0;
	if (word[1] == '-')
		return next_long(walk, word + 2);
	walk->cluster = word + 1;
	return next_letter(walk);
}

int options_flag(const struct option_walk *walk)
{
	if (!walk->value || strcmp(walk->value, "true") == 0 || strcmp(walk->value, "1") == 0)
		return 1;
	if (strcmp(walk->value, "false") == 0 || strcmp(walk->value, "0") == 0)
		return 0;
	return fail(0, "%s: %s=%s: neither true nor false", walk->command, walk->shown,
		    walk->value);
}

void options_print(const struct option_row *rows)
{
	char names[64];
	int value; /* the length of its name */

	for (; rows->name; rows++) {
		if (!rows->id || !chapter_built(rows->chapter))
			continue;
		value = rows->value == VALUE_NEEDED ? (int)strcspn(rows->help, " ") : 0;
		snprintf(names, sizeof names, "%c%c%c --%s %.*s", rows->letter ? '-' : ' ',
			 rows->letter ? rows->letter : ' ', rows->letter ? ',' : ' ', rows->name,
			 value, rows->help);
		printf("  %-34s %s\n", names, rows->help + (value ? value + 1 : 0));
	}
}
