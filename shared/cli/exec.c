/* exec.c - the front door `skiff exec`: one more command in a running container. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "cgroup.h"
#include "chapters.h"
#include "commands.h"
#include "container.h"
#include "environment.h"
#include "fail.h"
#include "run_options.h"
#include "scope.h"
#include "security_options.h"
#include "state.h"
#include "state_security.h"

enum exec_option {
	EXEC_ENV = 1,
	EXEC_ENV_FILE,
	EXEC_WORKDIR,
	EXEC_PRIVILEGED,
	EXEC_USER,
	EXEC_HELP,
};

static const struct option_row exec_options[] = {
	{ "env", 'e', VALUE_NEEDED, 3, EXEC_ENV,
	  "KEY=VALUE a variable; KEY alone: your own value" },
	{ "env-file", 0, VALUE_NEEDED, 3, EXEC_ENV_FILE, "FILE a file with one KEY=VALUE a line" },
	{ "workdir", 'w', VALUE_NEEDED, 3, EXEC_WORKDIR, "DIR the working directory inside" },
	{ "privileged", 0, VALUE_NONE, 6, EXEC_PRIVILEGED, "with all capabilities of skiff" },
	{ "user", 'u', VALUE_NEEDED, 6, EXEC_USER,
	  "USER run as it: NAME or UID, and :GROUP or :GID" },
	{ "help", 0, VALUE_NONE, 0, EXEC_HELP, "show this" },
	{ "detach", 'd', VALUE_NONE, 10, 0, "" },
	{ "interactive", 'i', VALUE_NONE, 10, 0, OPTION_TERMINAL },
	{ "tty", 't', VALUE_NONE, 10, 0, OPTION_TERMINAL },
	{ 0 },
};

static int set_option(struct container *c, int option, const struct option_walk *walk)
{
	if (option == EXEC_USER)
		return security_parse_user(&c->privileges, walk);
	if (option == EXEC_PRIVILEGED) {
		int on = options_flag(walk);

		c->flags = on > 0 ? c->flags | CONTAINER_PRIVILEGED :
				    c->flags & ~CONTAINER_PRIVILEGED;
		return on < 0 ? on : 0;
	}
	if (option == EXEC_ENV)
		return environment_add(&c->env, walk->value);
	if (option == EXEC_ENV_FILE)
		return environment_add_file(&c->env, walk->value);
	c->workdir = walk->value;
	return walk->value[0] == '/' ? 0 :
				       fail(0, "exec: -w %s: not an absolute path", walk->value);
}

/* Takes the container's environment; what -e said comes on top of it. */
static int merge_environment(struct container *c, struct strv *theirs)
{
	struct strv options = c->env;

	c->env = *theirs;
	for (size_t i = 0; i < options.count; i++)
		if (strv_set(&c->env, options.list[i]) < 0)
			return fail(ENOMEM, "setting the environment");
	strv_clear(&options);
	return 0;
}

/* Takes the container's privileges, but for what this command line says. */
static int merge_privileges(struct container *c, json_t *theirs)
{
	const char *user = c->privileges.user;
	int ret = state_security_read(theirs, c);

	json_decref(theirs);
	if (user) {
		c->privileges.user = user;
		strv_clear(&c->privileges.groups);
	}
	return ret < 0 ? fail(-ret, "reading the container's privileges") : 0;
}

/* Finds the container and chooses to share all that it does not share with the host. */
static int join_container(struct container *c, const char *reference)
{
	struct state_container found;

	TRY(state_find(reference, &found));
	c->target_pidfd = take_fd(&found.pidfd);
	c->cgroup_fd = take_fd(&found.cgroup_fd);
	c->target_pid = found.pid;
	c->flags |= CONTAINER_EXEC | (found.no_pivot ? CONTAINER_NO_PIVOT : 0);
	for (int kind = 0; kind < NAMESPACE_KINDS; kind++)
		if (found.namespaces & (1u << kind)) {
			c->ns[kind].mode = NAMESPACE_CONTAINER;
			c->ns[kind].pidfd = fcntl(c->target_pidfd, F_DUPFD_CLOEXEC, 3);
			if (c->ns[kind].pidfd < 0)
				return fail(errno, "opening container %s", reference);
		}
	TRY(merge_environment(c, &found.env));
	TRY(merge_privileges(c, found.security));
	if (cgroup_is_frozen(c->cgroup_fd))
		return fail_exit_code(fail_hint(fail(0, "container %s is paused", reference),
						"skiff unpause %s", reference),
				      1);
	return 0;
}

static int parse_exec(struct container *c, char *const *words)
{
	struct option_walk walk = { .command = "exec", .rows = exec_options, .argv = words };
	int option;

	TRY(chapter_need(3, "exec"));
	while ((option = options_next(&walk)) > 0) {
		if (option == EXEC_HELP) {
			printf("Usage: skiff exec [OPTIONS] CONTAINER COMMAND [ARG...]\n\n"
			       "Run one more command in a running container.\n\nOptions:\n");
			options_print(exec_options);
			return 1;
		}
		TRY(set_option(c, option, &walk));
	}
	if (option < 0)
		return option;
	if (!words[walk.at] || !words[walk.at + 1])
		return fail_hint(fail(0, "exec: the %s is missing",
				      words[walk.at] ? "command" : "container"),
				 "skiff exec CONTAINER COMMAND [ARG...]");
	c->argv = words + walk.at + 1;
	return join_container(c, words[walk.at]);
}

int command_exec(const struct global_options *global, char *const *words)
{
	struct container c;

	container_init(&c);
	return command_finish(global, &c, parse_exec(&c, words), container_exec);
}
