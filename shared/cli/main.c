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

static int command_hello(const struct global_options *global, char *const *words);
static int command_version(const struct global_options *global, char *const *words);
static int command_help(const struct global_options *global, char *const *words);
static int run_command(const struct global_options *global, char *const *words);

static const struct command_row {
	const char *name;
	int chapter;
	int (*command)(const struct global_options *global, char *const *words);
	const char *help;
} commands[] = {
	{ "run", 1, command_run, "run a command in a new container" },
	{ "exec", 3, command_exec, "run one more command in a running container" },
	{ "ps", 5, command_ps, "list containers" },
	{ "diff", 5, command_diff, "list what a container has changed" },
	{ "commit", 5, command_commit, "keep what a container has changed as a layer" },
	{ "cp", 5, command_cp, "copy files into or out of a container" },
	{ "rm", 5, command_rm, "remove containers that have ended" },
	{ "pause", 4, command_pause, "hold all processes of a container" },
	{ "unpause", 4, command_unpause, "let them go on" },
	{ "update", 4, command_update, "change the limits of a container" },
	{ "stats", 4, command_stats, "show what containers use" },
	{ "kill", 4, command_kill, "kill containers, or send them a signal" },
	{ "audit", 6, command_audit, "tell what a container could still do" },
	{ "hello", 0, command_hello, "say which process this is" },
	{ "version", 0, command_version, "show the version" },
	{ "help", 0, command_help, "show this" },
/* Docker's commands that later chapters bring: named, so that nobody has to guess. */
/* clang-format off */
#define LATER(name, chapter) { name, chapter, NULL, NULL }
	LATER("network", 7),	LATER("port", 7),
	LATER("pull", 8),	LATER("push", 8),	LATER("images", 8),	LATER("rmi", 8),
	LATER("load", 8),	LATER("save", 8),	LATER("login", 8),	LATER("logout", 8),
	LATER("tag", 8),	LATER("image", 8),
	LATER("volume", 9),
	LATER("logs", 10),	LATER("stop", 10),	LATER("start", 10),
	LATER("restart", 10),	LATER("inspect", 10),	LATER("create", 10),	LATER("attach", 10),
	LATER("wait", 10),	LATER("top", 10),	LATER("rename", 10),	LATER("events", 10),
	LATER("info", 10),
	LATER("build", 11),
	/* clang-format on */
};

static int command_help(const struct global_options *global, char *const *words)
{
	static char option[] = "--help";

	if (words[0] && words[0][0] != '-' && !words[1]) /* skiff help COMMAND */
		return run_command(global, (char *const[]){ words[0], option, NULL });
	printf("Usage: skiff [OPTIONS] COMMAND\n\nRun containers; learn how they are made.\n\n"
	       "Commands:\n");
	for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
		if (commands[i].command && chapter_built(commands[i].chapter))
			printf("  %-10s %s\n", commands[i].name, commands[i].help);
	printf("\nOptions:\n");
	options_print(main_options);
	printf("\nskiff COMMAND --help tells more.\n");
	return 0;
}

static int command_version(const struct global_options *global, char *const *words)
{
	char built[80];

	(void)global, (void)words;
	printf("skiff version " SKIFF_VERSION ", %s\n", chapters_list(built, sizeof built));
	return 0;
}

static int command_hello(const struct global_options *global, char *const *words)
{
	int pid = start_process_id();

	(void)global, (void)words;
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
	return commands[i].command(global, words + 1);
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

static int parse_words(char *const *argv)
{
	char *const *words = argv + 1;
	struct global_options global = { .argv = argv };
	struct option_walk walk = { .command = "", .rows = main_options, .argv = words };
	int option;

	while ((option = options_next(&walk)) > 0) {
		if (option == MAIN_HELP)
			return command_help(&global, words);
		if (option == MAIN_VERSION)
			return command_version(&global, words);
		TRY(set_explain(&global, &walk));
	}
	if (option < 0)
		return option;
	if (!words[walk.at]) {
		command_help(&global, words);
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
		ret = parse_words(argv);
	/* What was printed counts only if it arrived: a full disk shows here. */
	if (ret == 0 && fflush(stdout) != 0)
		ret = fail(errno, "writing to standard output");
	return ret < 0 ? fail_print() : ret;
}
