/* ps.c - `skiff ps`: which containers there are. */
#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cgroup.h"
#include "commands.h"
#include "container.h"
#include "dirs.h"
#include "fail.h"
#include "jsonfile.h"
#include "options.h"
#include "scope.h"
#include "state.h"
#include "store.h"
#include "strv.h"

enum { PS_ALL = 1 << 1, PS_QUIET = 1 << 2, PS_NO_TRUNC = 1 << 3, COLUMNS = 6 };

static const struct option_row ps_options[] = {
	{ "all", 'a', VALUE_NONE, 5, PS_ALL, "also those that have ended" },
	{ "quiet", 'q', VALUE_NONE, 5, PS_QUIET, "only the IDs" },
	{ "no-trunc", 0, VALUE_NONE, 5, PS_NO_TRUNC, "the whole of IDs and commands" },
	{ "help", 0, VALUE_NONE, 0, COMMAND_HELP, "show this" },
	{ "filter", 'f', VALUE_NEEDED, 10, 0, "" },
	{ "format", 0, VALUE_NEEDED, 10, 0, "" },
	{ "last", 'n', VALUE_NEEDED, 10, 0, "" },
	{ "latest", 'l', VALUE_NONE, 10, 0, "" },
	{ "size", 's', VALUE_NONE, 10, 0, "" },
	{ 0 },
};

struct row {
	char id[CONTAINER_ID_LENGTH + 1];
	bool running, paused;
	json_int_t created;
	json_t *record; /* container.json */
};

struct table {
	struct row *rows;
	size_t count;
};

/* How long ago, as Docker says it: "5 seconds", "2 hours". */
static const char *ago(json_int_t then, char text[40])
{
	static const struct {
		const char *unit;
		json_int_t seconds;
	} units[] = { { "week", 604800 }, { "day", 86400 }, { "hour", 3600 }, { "minute", 60 } };
	json_int_t seconds = (json_int_t)time(NULL) - then, count = seconds < 0 ? 0 : seconds;
	const char *unit = "second";

	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
		if (seconds >= units[i].seconds) {
			count = seconds / units[i].seconds;
			unit = units[i].unit;
			break;
		}
	snprintf(text, 40, "%lld %s%s ago", (long long)count, unit, count == 1 ? "" : "s");
	return text;
}

/* RACE: a container that has ended meanwhile is not paused. */
static bool is_paused(const char *id)
{
	struct state_container found;
	bool paused;

	if (state_find(id, &found) < 0) {
		fail_forget();
		return false;
	}
	paused = found.cgroup_fd >= 0 && cgroup_is_frozen(found.cgroup_fd);
	state_release(&found);
	return paused;
}

static int add_row(struct table *table, const char *id)
{
	struct store_container found;
	struct row *grown;
	int ret = store_open(id, &found);

	if (ret <= 0) /* it was removed while we looked */
		return ret;
	grown = realloc(table->rows, (table->count + 1) * sizeof *grown);
	if (grown) {
		struct row *row = &grown[table->count++];

		table->rows = grown;
		*row = (struct row){ .running = found.running };
		memcpy(row->id, found.id, sizeof row->id);
		row->paused = found.running && is_paused(found.id);
		row->record = jsonfile_read(found.dir_fd, "container.json");
		row->created = json_integer_value(json_object_get(row->record, "created"));
	}
	store_release(&found);
	return grown ? 0 : fail(ENOMEM, "ps");
}

static int add_rows(struct table *table, const char *place)
{
	auto_fd dir = dirs_open(DIRS_ROOT, place);
	auto_dir list = dir < 0 ? NULL : fdopendir(dir);
	struct dirent *entry;
	int ret = 0;

	if (!list)
		return dir < 0 ? dir : fail(errno, "ps");
	take_fd(&dir); /* the list's from here on */
	while (ret == 0 && (entry = readdir(list)))
		if (strlen(entry->d_name) == CONTAINER_ID_LENGTH)
			ret = add_row(table, entry->d_name);
	return ret;
}

static int newest_first(const void *left, const void *right)
{
	json_int_t a = ((const struct row *)left)->created;
	json_int_t b = ((const struct row *)right)->created;

	return (a < b) - (a > b);
}

/* Appends word to text, whose limit has room for one more character behind it; '.' stands for what no
 * terminal should see. */
static void add_word(char text[4096], size_t limit, const char *word)
{
	size_t used = strlen(text);

	while (*word && used < limit) {
		size_t printable = fail_printable_length(word), length = printable ? printable : 1;

		memcpy(text + used, printable ? word : ".", length);
		used += length;
		word += length;
	}
	text[used] = '\0';
}

/* The command as one word in quotes, cut short. */
static void quote_command(const json_t *command, int flags, char text[4096])
{
	const json_t *word;
	size_t i, limit = flags & PS_NO_TRUNC ? 4000 : 19;

	strcpy(text, "\"");
	json_array_foreach(command, i, word) {
		const char *at = json_string_value(word);

		add_word(text, limit, i > 0 ? " " : "");
		add_word(text, limit, at ? at : "?");
	}
	add_word(text, limit + 8, strlen(text) >= limit ? "\u2026" : "");
	add_word(text, limit + 8, "\"");
}

static int id_length(int flags)
{
	return flags & PS_NO_TRUNC ? CONTAINER_ID_LENGTH : CONTAINER_SHORT_ID_LENGTH;
}

/* "Up 5 seconds", "Up 5 seconds (Paused)", "Exited (0) 2 hours ago". */
static void tell_status(const struct row *row, char status[80])
{
	const json_t *code = json_object_get(row->record, "exitCode");
	const json_t *finished = json_object_get(row->record, "finished");
	char since[40];

	if (row->running)
		snprintf(status, 80, "Up %.*s%s",
			 (int)(strlen(ago(row->created, since)) - strlen(" ago")), since,
			 row->paused ? " (Paused)" : "");
	else if (code)
		snprintf(status, 80, "Exited (%lld) %s", (long long)json_integer_value(code),
			 ago(json_integer_value(finished), since));
	else
		snprintf(status, 80, "Dead"); /* its skiff was killed */
}

/* Appends a row's cells. Returns 0 or -ENOMEM. */
static int add_cells(struct strv *cells, const struct row *row, int flags)
{
	const json_t *layers = json_object_get(row->record, "layers");
	const char *image = json_string_value(json_array_get(layers, 0));
	const char *name = json_string_value(json_object_get(row->record, "name"));
	char id[CONTAINER_ID_LENGTH + 1], shown_image[4096] = "", command[4096], created[40],
					  status[80], shown_name[4096] = "";

	snprintf(id, sizeof id, "%.*s", id_length(flags), row->id);
	add_word(shown_image, 4000, image ? image : "?");
	quote_command(json_object_get(row->record, "command"), flags, command);
	tell_status(row, status);
	add_word(shown_name, 4000, name ? name : "");

	const char *const texts[COLUMNS] = { id,      shown_image,
					     command, ago(row->created, created),
					     status,  shown_name };
	for (size_t i = 0; i < COLUMNS; i++)
		TRY(strv_append(cells, texts[i]));
	return 0;
}

/* How many places a text of UTF-8 takes. */
static size_t width_of(const char *text)
{
	size_t width = 0;

	for (; *text; text++)
		width += ((unsigned char)*text & 0xc0) != 0x80;
	return width;
}

/* Prints the cells, each column as wide as its widest one, and the last one as it is. */
static void print_cells(const struct strv *cells)
{
	size_t widths[COLUMNS] = { 0 };

	for (size_t i = 0; i < cells->count; i++)
		if (width_of(cells->list[i]) > widths[i % COLUMNS])
			widths[i % COLUMNS] = width_of(cells->list[i]);
	for (size_t i = 0; i < cells->count; i++) {
		bool last = i % COLUMNS == COLUMNS - 1;
		size_t gap = last ? 0 : widths[i % COLUMNS] - width_of(cells->list[i]) + 3;

		printf("%s%*s%s", cells->list[i], (int)gap, "", last ? "\n" : "");
	}
}

/* Prints the table, or the IDs. Returns 0 or -errno with a failure record. */
static int print_table(const struct table *table, int flags)
{
	static const char *const heads[COLUMNS] = { "CONTAINER ID", "IMAGE",  "COMMAND",
						    "CREATED",	    "STATUS", "NAMES" };
	struct strv cells = { 0 };
	int ret = 0;

	for (size_t i = 0; ret == 0 && i < COLUMNS; i++)
		ret = strv_append(&cells, heads[i]);
	for (size_t i = 0; ret == 0 && i < table->count; i++) {
		const struct row *row = &table->rows[i];

		if (!row->running && !(flags & PS_ALL))
			continue;
		if (flags & PS_QUIET)
			printf("%.*s\n", id_length(flags), row->id);
		else
			ret = add_cells(&cells, row, flags);
	}
	if (ret == 0 && !(flags & PS_QUIET))
		print_cells(&cells);
	strv_clear(&cells);
	return ret < 0 ? fail(-ret, "ps") : 0;
}

int command_ps(const struct global_options *global, char *const *words)
{
	struct option_walk walk = { .command = "ps", .rows = ps_options, .argv = words };
	struct table table = { 0 };
	int flags = command_words(&walk, "ps [OPTIONS]", "List containers.", 0, 0), ret;

	(void)global;
	if (flags < 0 || flags & COMMAND_HELP)
		return flags < 0 ? flags : 0;
	ret = add_rows(&table, "containers");
	if (ret == 0)
		ret = add_rows(&table, "temporary");
	if (table.count > 0)
		qsort(table.rows, table.count, sizeof *table.rows, newest_first);
	if (ret == 0)
		ret = print_table(&table, flags);
	for (size_t i = 0; i < table.count; i++)
		json_decref(table.rows[i].record);
	free(table.rows);
	return ret;
}
