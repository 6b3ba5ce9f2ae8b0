/* stats.c - the front door `skiff stats`: what containers use, live. */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cgroup.h"
#include "commands.h"
#include "container.h"
#include "fail.h"
#include "options.h"
#include "state.h"
#include "usage.h"

enum stats_option { STATS_ONCE = 1, STATS_FORMAT, STATS_HELP };

static const struct option_row stats_options[] = {
	{ "no-stream", 0, VALUE_NONE, 4, STATS_ONCE, "print once, after a second, and end" },
	{ "format", 0, VALUE_NEEDED, 4, STATS_FORMAT, "FORMAT table, or json: an object a line" },
	{ "help", 0, VALUE_NONE, 0, STATS_HELP, "show this" },
	{ 0 },
};

struct stats {
	bool once, json;
	char *const *references; /* none: all containers */
};

/* A container between two looks at it. */
struct watched {
	const struct state_container *of;
	struct usage usage, before;
	uint64_t time_usec, before_usec;
	bool gone;
};

static uint64_t now_usec(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u;
}

static void look_at(struct watched *one)
{
	one->before = one->usage;
	one->before_usec = one->time_usec;
	one->gone = one->of->cgroup_fd < 0 || usage_measure(one->of->cgroup_fd, &one->usage) < 0;
	one->time_usec = now_usec();
}

/* What can be used up at most: the limit, or the memory of the machine. */
static uint64_t memory_limit(const struct usage *usage)
{
	uint64_t machine = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);

	return usage->memory_limit_bytes < machine ? usage->memory_limit_bytes : machine;
}

/* Docker's way to write sizes: 4 digits and a unit, of 1024 for memory, of 1000 for devices. */
static const char *size_text(char text[32], uint64_t bytes, bool binary)
{
	static const char *const binaries[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB" };
	static const char *const decimals[] = { "B", "kB", "MB", "GB", "TB", "PB" };
	double value = (double)bytes, base = binary ? 1024 : 1000;
	int unit = 0;

	for (; value >= base && unit < 5; unit++)
		value /= base;
	snprintf(text, 32, "%.*g%s", binary ? 4 : 3, value, (binary ? binaries : decimals)[unit]);
	return text;
}

/* The columns of a row as text; what is not known is "--", as in Docker. */
struct row {
	char cpu[32], usage[72], percent[32], io[72], pids[32], pressure[96];
};

static void fill_memory(const struct usage *usage, struct row *row)
{
	uint64_t limit = memory_limit(usage);
	char left[32], right[32];

	strcpy(row->usage, "-- / --");
	strcpy(row->percent, "--");
	if (!usage->knows_memory)
		return;
	snprintf(row->usage, sizeof row->usage, "%s / %s",
		 size_text(left, usage->memory_bytes, true), size_text(right, limit, true));
	snprintf(row->percent, sizeof row->percent, "%.2f%%",
		 limit ? 100.0 * (double)usage->memory_bytes / (double)limit : 0);
}

static void fill_row(const struct watched *one, struct row *row)
{
	const struct usage *usage = &one->usage;
	char left[32], right[32], pressure[3][24];

	*row = (struct row){ .io = "-- / --", .pids = "--" };
	snprintf(row->cpu, sizeof row->cpu, "%.2f%%",
		 cgroup_cpu_percent(one->before.cpu_usec, usage->cpu_usec,
				    one->time_usec - one->before_usec));
	fill_memory(usage, row);
	if (usage->knows_io)
		snprintf(row->io, sizeof row->io, "%s / %s",
			 size_text(left, usage->read_bytes, false),
			 size_text(right, usage->written_bytes, false));
	if (usage->knows_pids)
		snprintf(row->pids, sizeof row->pids, "%" PRIu64, usage->pids);
	for (int i = 0; i < 3; i++)
		if (usage->knows_pressure[i])
			snprintf(pressure[i], sizeof pressure[i], "%.2f", usage->pressure[i]);
		else
			strcpy(pressure[i], "--");
	snprintf(row->pressure, sizeof row->pressure, "%s / %s / %s", pressure[0], pressure[1],
		 pressure[2]);
}

static void print_json(const struct watched *one)
{
	char id[CONTAINER_SHORT_ID_LENGTH + 1];
	struct row row;

	fill_row(one, &row);
	snprintf(id, sizeof id, "%.*s", CONTAINER_SHORT_ID_LENGTH, one->of->id);
	json_t *object = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "Container", id,
				   "ID", id, "Name", one->of->name[0] ? one->of->name : id,
				   "CPUPerc", row.cpu, "MemUsage", row.usage, "MemPerc",
				   row.percent, "BlockIO", row.io, "PIDs", row.pids, "Pressure",
				   row.pressure);

	json_dumpf(object, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(object);
}

static void print_table(const struct watched *list, int count)
{
	static const char format[] = "%-12.12s  %-18s  %-8s  %-22s  %-7s  %-18s  %-5s  %s\n";
	struct row row;

	printf(format, "CONTAINER ID", "NAME", "CPU %", "MEM USAGE / LIMIT", "MEM %", "BLOCK I/O",
	       "PIDS", "PRESSURE: CPU / MEM / I/O");
	for (int i = 0; i < count; i++) {
		if (list[i].gone)
			continue;
		fill_row(&list[i], &row);
		printf(format, list[i].of->id, list[i].of->name[0] ? list[i].of->name : "-",
		       row.cpu, row.usage, row.percent, row.io, row.pids, row.pressure);
	}
}

/* Finds a container that was named. Returns 0 or -errno with a failure record. */
static int find_named(const char *reference, struct state_container *found)
{
	TRY(state_find(reference, found));
	if (found->cgroup_fd >= 0)
		return 0;
	state_release(found);
	return fail_exit_code(fail(0,
				   "container %s is in no cgroup of its own, so nothing is known "
				   "of what it uses",
				   reference),
			      1);
}

/* Finds the containers to look at: those that were named, or all that run.
 * Returns how many, or -errno with a failure record; *found is the caller's. */
static int find_containers(const struct stats *stats, struct state_container **found)
{
	int count = 0;

	while (stats->references[count])
		count++;
	if (count == 0)
		return state_find_all(found);
	*found = calloc((size_t)count + 1, sizeof **found);
	if (!*found)
		return fail(ENOMEM, "looking at the containers");
	for (int i = 0; i < count; i++) {
		int ret = find_named(stats->references[i], &(*found)[i]);

		while (ret < 0 && i > 0)
			state_release(&(*found)[--i]);
		if (ret < 0)
			return ret;
	}
	return count;
}

/* Shows what was used between the two looks. */
static int print_all(const struct stats *stats, const struct watched *list, int count)
{
	if (!stats->json && !stats->once && isatty(STDOUT_FILENO))
		fputs("\033[H\033[J", stdout); /* to the top left, and clear */
	for (int i = 0; stats->json && i < count; i++)
		if (!list[i].gone)
			print_json(&list[i]);
	if (!stats->json)
		print_table(list, count);
	return fflush(stdout) != 0 ? fail(errno, "writing to standard output") : 0;
}

/* Two looks at these containers, a second apart. */
static int watch(const struct stats *stats, const struct state_container *found, int count)
{
	struct watched *list = calloc((size_t)count + 1, sizeof *list);
	int ret;

	if (!list)
		return fail(ENOMEM, "looking at the containers");
	for (int i = 0; i < count; i++) {
		list[i].of = &found[i];
		look_at(&list[i]);
	}
	nanosleep(&(struct timespec){ .tv_sec = 1 }, NULL);
	for (int i = 0; i < count; i++)
		look_at(&list[i]);
	ret = print_all(stats, list, count);
	free(list);
	return ret;
}

static int show(const struct stats *stats)
{
	struct state_container *found = NULL;
	int count = find_containers(stats, &found);
	int ret = count < 0 ? count : watch(stats, found, count);

	for (int i = 0; i < count; i++)
		state_release(&found[i]);
	free(found);
	return ret;
}

static int parse_stats(struct stats *stats, char *const *words)
{
	struct option_walk walk = { .command = "stats", .rows = stats_options, .argv = words };
	int option, on;

	while ((option = options_next(&walk)) > 0) {
		if (option == STATS_HELP) {
			printf("Usage: skiff stats [OPTIONS] [CONTAINER...]\n\n"
			       "Show what containers use.\n\nOptions:\n");
			options_print(stats_options);
			return 1;
		}
		on = option == STATS_ONCE ? options_flag(&walk) : strcmp(walk.value, "json") == 0;
		if (option == STATS_FORMAT && !on && strcmp(walk.value, "table") != 0)
			return fail(0, "stats: --format %s: json and table are the forms",
				    walk.value);
		if (on < 0)
			return on;
		*(option == STATS_ONCE ? &stats->once : &stats->json) = on;
	}
	stats->references = words + walk.at;
	return option;
}

int command_stats(const struct global_options *global, char *const *words)
{
	struct stats stats = { .references = words };
	int ret = parse_stats(&stats, words);

	(void)global;
	if (ret != 0)
		return ret < 0 ? ret : 0;
	do
		ret = show(&stats);
	while (ret >= 0 && !stats.once);
	return ret < 0 ? ret : 0;
}
