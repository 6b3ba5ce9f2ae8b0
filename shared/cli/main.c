/* main.c - the command line's front hall: global options, then one command. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "chapters.h"
#include "commands.h"
#include "fail.h"
#include "options.h"
#include "start.h"

enum main_option { MAIN_EXPLAIN = 1, MAIN_HELP, MAIN_VERSION };

static const struct option_row main_options[] = {
	{ "explain", 0, VALUE_NONE, 0, MAIN_EXPLAIN, "show each step, its kernel calls, its time" },
	{ "help", 0, VALUE_NONE, 0, MAIN_HELP, "show this" },
	{ "version", 'v', VALUE_NONE, 0, MAIN_VERSION, "show the version" },
	{ 0 },
};

static const struct command_row {
	const char *name;
	int chapter;
	const char *help;
} commands[] = {
	{ "run", 1, "run a command in a new container" },
	{ "exec", 3, "run one more command in a running container" },
	{ "hello", 0, "say which process this is" },
	{ "version", 0, "show the version" },
	{ "help", 0, "show this" },
	/* Docker's commands that later chapters bring: named, so that nobody has to guess. */
	/* clang-format off */
	{ "pause", 4, NULL },	{ "unpause", 4, NULL }, { "update", 4, NULL },
	{ "stats", 4, NULL },	{ "diff", 5, NULL },	{ "commit", 5, NULL },
	{ "cp", 5, NULL },	{ "network", 7, NULL }, { "port", 7, NULL },
	{ "pull", 8, NULL },	{ "push", 8, NULL },	{ "images", 8, NULL },
	{ "rmi", 8, NULL },	{ "load", 8, NULL },	{ "save", 8, NULL },
	{ "login", 8, NULL },	{ "logout", 8, NULL },	{ "tag", 8, NULL },
	{ "image", 8, NULL },	{ "volume", 9, NULL },	{ "ps", 10, NULL },
	{ "logs", 10, NULL },	{ "stop", 10, NULL },	{ "start", 10, NULL },
	{ "restart", 10, NULL }, { "rm", 10, NULL },	{ "inspect", 10, NULL },
	{ "kill", 10, NULL },	{ "create", 10, NULL }, { "attach", 10, NULL },
	{ "wait", 10, NULL },	{ "top", 10, NULL },	{ "rename", 10, NULL },
	{ "events", 10, NULL }, { "info", 10, NULL },	{ "build", 11, NULL },
	/* clang-format on */
};

static int print_help(void)
{
	printf("Usage: skiff [OPTIONS] COMMAND\n\nRun containers; learn how they are made.\n\n"
	       "Commands:\n");
	for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
		if (commands[i].help && chapter_built(commands[i].chapter))
			printf("  %-10s %s\n", commands[i].name, commands[i].help);
	printf("\nOptions:\n");
	options_print(main_options);
	printf("\nskiff COMMAND --help tells more.\n");
	return 0;
}

static int print_version(void)
{
	char built[80];

	printf("skiff version " SKIFF_VERSION ", %s\n", chapters_list(built, sizeof built));
	return 0;
}

static int command_hello(void)
{
	int pid = start_process_id();

	if (pid < 0)
		return pid;
	printf("hello from process %d\n", pid);
	return 0;
}

static int run_command(const struct global_options *global, char *const *words)
{
	const char *name = words[0];
	size_t i = 0;

	while (i < sizeof commands / sizeof commands[0] && strcmp(commands[i].name, name) != 0)
		i++;
	if (i == sizeof commands / sizeof commands[0])
		return fail_hint(fail(0, "%s is not a command of skiff", name),
				 "skiff --help lists the commands");
	TRY(chapter_need(commands[i].chapter, name));
	if (strcmp(name, "run") == 0)
		return command_run(global, words + 1);
	if (strcmp(name, "exec") == 0)
		return command_exec(global, words + 1);
	if (strcmp(name, "hello") == 0)
		return command_hello();
	if (strcmp(name, "version") == 0)
		return print_version();
	return print_help();
}

static int set_explain(struct global_options *global, const struct option_walk *walk)
{
	if (!walk->value)
		global->explain = EXPLAIN_TABLE;
	else if (strcmp(walk->value, "json") == 0)
		global->explain = EXPLAIN_JSON;
	else
		return fail(0, "--explain=%s: json is the only other form", walk->value);
	return 0;
}

static int parse_words(char *const *words)
{
	struct global_options global = { 0 };
	struct option_walk walk = { .command = "", .rows = main_options, .argv = words };
	int option;

	while ((option = options_next(&walk)) > 0) {
		if (option == MAIN_HELP)
			return print_help();
		if (option == MAIN_VERSION)
			return print_version();
		TRY(set_explain(&global, &walk));
	}
	if (option < 0)
		return option;
	if (!words[walk.at]) {
		print_help();
		return EXIT_SKIFF;
	}
	return run_command(&global, words + walk.at);
}

/* SECURITY: with descriptor 0, 1 or 2 closed, the next file that we open would take its place and
 * become the command's standard stream
 * (test: chapters/test_01_surroundings.py, closed standard streams). */
static int open_standard_streams(void)
{
	for (int fd = 0; fd <= 2; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd)
			return fail(0, "opening /dev/null as descriptor %d", fd);
	return 0;
}

int main(int argc, char **argv)
{
	int ret = argc > 0 ? open_standard_streams() : fail(0, "starting skiff without a name");

	if (ret == 0)
		ret = parse_words(argv + 1);
	/* What was printed counts only if it arrived: a full disk shows here. */
	if (ret == 0 && fflush(stdout) != 0)
		ret = fail(errno, "writing to standard output");
	return ret < 0 ? fail_print() : ret;
}
