/* diff.c - `skiff diff`: what a container has changed. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "commands.h"
#include "container.h"
#include "fail.h"
#include "layer.h"
#include "options.h"
#include "scope.h"
#include "store.h"

static const struct option_row diff_options[] = {
	{ "help", 0, VALUE_NONE, 0, COMMAND_HELP, "show this" },
	{ 0 },
};

/* A terminal is not to obey what a container calls its files; a program gets them as they are. */
static void print_line(const char *line)
{
	bool is_terminal = isatty(STDOUT_FILENO) == 1;

	while (*line) {
		size_t printable = is_terminal ? fail_printable_length(line) : 1;

		printf("%.*s", (int)(printable ? printable : 1), printable ? line : "?");
		line += printable ? printable : 1;
	}
	printf("\n");
}

/* In the helper: as root of the container's user namespace it may read all of the layer. */
static int print_changes(struct container *helper, void *arg)
{
	const struct store_container *found = arg;
	auto_fd upper = openat(found->dir_fd, "diff", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct strv lines = { 0 };
	int ret;

	(void)helper;
	if (upper < 0)
		return fail(errno, "opening the container's layer");
	ret = layer_changes(upper, &found->layers, found->userxattr, &lines);
	for (size_t i = 0; i < lines.count && ret == 0; i++)
		print_line(lines.list[i]);
	strv_clear(&lines);
	if (ret == 0 && fflush(stdout) != 0)
		return fail(errno, "writing to standard output");
	return ret;
}

int command_diff(const struct global_options *global, char *const *words)
{
	struct option_walk walk = { .command = "diff", .rows = diff_options, .argv = words };
	struct store_container found;
	struct container helper;
	int ret = command_words(&walk, "diff CONTAINER",
				"List what a container has added (A), changed (C) and deleted (D).",
				1, 1);

	(void)global;
	if (ret != 0)
		return ret < 0 ? ret : 0;
	ret = store_find(words[walk.at], &found);
	if (ret == 0) {
		store_helper(&helper, &found);
		ret = container_help(&helper, print_changes, &found);
		container_free(&helper);
	}
	store_release(&found);
	return ret;
}
