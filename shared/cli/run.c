/* run.c - the front door `skiff run`: words in, a filled struct container out. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chapters.h"
#include "commands.h"
#include "container.h"
#include "environment.h"
#include "fail.h"
#include "idmap.h"
#include "kernel.h"
#include "run_options.h"
#include "scope.h"
#include "security_options.h"
#include "state.h"

static int run_help(void)
{
	printf("Usage: skiff run [OPTIONS] --rootfs DIR COMMAND [ARG...]\n\n"
	       "Run a command in a new container.\n\nOptions:\n");
	options_print(run_options);
	if (chapter_built(5))
		printf("\nA container does not write into DIR (Podman's --rootfs does) but into a "
		       "layer "
		       "of its own.\nThat stays when it ends, unless --rm was given: skiff ps -a, "
		       "diff, commit, cp, rm.\n--rootfs may be given several times, the base "
		       "first.\n");
	return 0;
}

/* Parses a whole number between min and max. Returns it, or -EINVAL with a record. */
static int64_t parse_number(const struct option_walk *walk, int64_t min, int64_t max)
{
	char *end;
	long long number;

	errno = 0;
	number = strtoll(walk->value, &end, 10);
	if (errno || end == walk->value || *end || number < min || number > max) {
		fail(0, "%s: %s %s: not a number from %lld to %lld", walk->command, walk->shown,
		     walk->value, (long long)min, (long long)max);
		return INT64_MIN;
	}
	return number;
}

/* A namespace option: host, private, none (network only), container:NAME. */
static int choose_namespace(struct container *c, enum namespace_kind kind,
			    const struct option_walk *walk)
{
	static const char prefix[] = "container:";
	struct namespace_choice *choice = &c->ns[kind];
	struct state_container other;

	if (strcmp(walk->value, "host") == 0) {
		choice->mode = NAMESPACE_HOST;
	} else if (strcmp(walk->value, "private") == 0 ||
		   (kind == NAMESPACE_NETWORK && strcmp(walk->value, "none") == 0)) {
		choice->mode = NAMESPACE_PRIVATE;
	} else if (strncmp(walk->value, prefix, strlen(prefix)) == 0) {
		int ret = state_find(walk->value + strlen(prefix), &other);

		if (ret < 0)
			return fail_exit_code(ret, EXIT_SKIFF);
		if (choice->pidfd >= 0)
			close(choice->pidfd);
		choice->pidfd = take_fd(&other.pidfd);
		state_release(&other);
		choice->mode = NAMESPACE_CONTAINER;
		if (!(other.namespaces & (1u << kind)))
			choice->mode = NAMESPACE_HOST; /* it shares the host's, so we do */
		else if (geteuid() != 0 && c->ns[NAMESPACE_USER].mode == NAMESPACE_PRIVATE &&
			 kind != NAMESPACE_USER && (other.namespaces & (1u << NAMESPACE_USER))) {
			/* Without privileges, only inside its user namespace may we join. */
			c->ns[NAMESPACE_USER].mode = NAMESPACE_CONTAINER;
			c->ns[NAMESPACE_USER].pidfd = fcntl(choice->pidfd, F_DUPFD_CLOEXEC, 3);
		}
	} else {
		return fail_hint(fail(0, "%s: %s %s: no such choice", walk->command, walk->shown,
				      walk->value),
				 "host, private%s or container:NAME",
				 kind == NAMESPACE_NETWORK ? ", none" : "");
	}
	return 0;
}

static int set_name(char name[CONTAINER_NAME_MAX + 1], const struct option_walk *walk)
{
	if (!walk->value[0] || strlen(walk->value) > CONTAINER_NAME_MAX)
		return fail(0, "%s: %s: a name has 1 to %d bytes", walk->command, walk->shown,
			    CONTAINER_NAME_MAX);
	strcpy(name, walk->value);
	return 0;
}

static int set_flag(struct container *c, unsigned flag, const struct option_walk *walk)
{
	int on = options_flag(walk);

	if (on < 0)
		return on;
	c->flags = on ? c->flags | flag : c->flags & ~flag;
	return 0;
}

static int set_preserve_fds(struct container *c, const struct option_walk *walk)
{
	int64_t count = parse_number(walk, 0, 1000);

	if (count < 0)
		return -EINVAL;
	for (int fd = 3; fd < 3 + count; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			return fail(0, "%s: %s %s: descriptor %d is not open", walk->command,
				    walk->shown, walk->value, fd);
	c->preserve_fds = (unsigned)count;
	return 0;
}

static int set_oom_score(struct container *c, const struct option_walk *walk)
{
	int64_t adjustment = parse_number(walk, -1000, 1000);

	if (adjustment == INT64_MIN)
		return -EINVAL;
	c->oom_score_adj = (int)adjustment;
	return 0;
}

static int set_time_offset(struct container *c, const struct option_walk *walk)
{
	/* A clock of the kernel holds 292 years; three decades either way leave room. */
	const int64_t limit = 1000000000;
	int64_t seconds = parse_number(walk, -limit, limit);

	if (seconds == INT64_MIN)
		return -EINVAL;
	c->time_offset_sec = seconds;
	c->ns[NAMESPACE_TIME].mode = NAMESPACE_PRIVATE;
	return 0;
}

static int add_map(struct container *c, struct id_maps *maps, const struct option_walk *walk)
{
	c->ns[NAMESPACE_USER].mode = NAMESPACE_PRIVATE;
	return idmap_parse(maps, walk->value, walk->shown);
}

/* The options of chapter 03. */
static int set_namespace_option(struct container *c, enum run_option option,
				const struct option_walk *walk)
{
	static const enum namespace_kind kinds[] = {
		[RUN_PID] = NAMESPACE_PID,	   [RUN_IPC] = NAMESPACE_IPC,
		[RUN_UTS] = NAMESPACE_UTS,	   [RUN_NETWORK] = NAMESPACE_NETWORK,
		[RUN_CGROUPNS] = NAMESPACE_CGROUP, [RUN_TIME] = NAMESPACE_TIME,
		[RUN_USERNS] = NAMESPACE_USER,
	};

	if (option >= RUN_PID && option <= RUN_USERNS)
		return choose_namespace(c, kinds[option], walk);
	if (option == RUN_TIME_OFFSET)
		return set_time_offset(c, walk);
	if (option == RUN_UIDMAP)
		return add_map(c, &c->uid_maps, walk);
	if (option == RUN_GIDMAP)
		return add_map(c, &c->gid_maps, walk);
	return set_name(option == RUN_HOSTNAME ? c->hostname : c->domainname, walk);
}

static int add_environment(struct container *c, const char *text)
{
	if (strcmp(text, "HOME") == 0 || strncmp(text, "HOME=", 5) == 0)
		c->flags |= CONTAINER_HOME_GIVEN;
	return environment_add(&c->env, text);
}

/* The options of chapter 06. */
static int set_security_option(struct container *c, enum run_option option,
			       const struct option_walk *walk)
{
	struct privileges *p = &c->privileges;

	switch ((int)option) {
	case RUN_CAP_ADD:
		return security_parse_capability(walk->value, walk, &p->cap_add);
	case RUN_CAP_DROP:
		return security_parse_capability(walk->value, walk, &p->cap_drop);
	case RUN_PRIVILEGED:
		return set_flag(c, CONTAINER_PRIVILEGED, walk);
	case RUN_SECURITY_OPT:
		return security_parse_opt(c, walk);
	case RUN_USER:
		return security_parse_user(p, walk);
	case RUN_GROUP_ADD:
		return strv_append(&p->groups, walk->value);
	case RUN_DEVICE:
		return security_parse_device(p, walk);
	case RUN_ULIMIT:
		return security_parse_ulimit(p, walk);
	default:
		return security_parse_sysctl(p, walk);
	}
}

static int set_option(struct container *c, enum run_option option, const struct option_walk *walk)
{
	if (option >= RUN_HOSTNAME && option <= RUN_GIDMAP)
		return set_namespace_option(c, option, walk);
	if (limit_option_is((int)option))
		return limit_option_set(&c->limits, (int)option, walk);
	if (option >= RUN_CAP_ADD && option <= RUN_SYSCTL)
		return set_security_option(c, option, walk);
	switch ((int)option) {
	case RUN_ROOTFS:
		c->rootfs_path = walk->value;
		return strv_append(&c->layers, walk->value) < 0 ?
			       fail(ENOMEM, "run: --rootfs %s", walk->value) :
			       0;
	case RUN_NAME:
		c->name = walk->value;
		if (!state_name_valid(c->name))
			return fail(0,
				    "run: --name %s: a name has the form "
				    "[a-zA-Z0-9][a-zA-Z0-9_.-]+",
				    c->name);
		return 0;
	case RUN_RM:
		return set_flag(c, CONTAINER_RM, walk);
	case RUN_READ_ONLY:
		return set_flag(c, CONTAINER_READ_ONLY, walk);
	case RUN_ENV:
		return add_environment(c, walk->value);
	case RUN_ENV_FILE:
		return environment_add_file(&c->env, walk->value);
	case RUN_WORKDIR:
		c->workdir = walk->value;
		if (walk->value[0] != '/')
			return fail(0, "run: -w %s: not an absolute path", walk->value);
		return 0;
	case RUN_INIT:
		return set_flag(c, CONTAINER_INIT, walk);
	case RUN_NO_PIVOT:
		return set_flag(c, CONTAINER_NO_PIVOT, walk);
	case RUN_CGROUP_PARENT:
		c->cgroup_parent = walk->value;
		return 0;
	case RUN_OOM_SCORE_ADJ:
		return set_oom_score(c, walk);
	case RUN_PRESERVE_FDS:
		return set_preserve_fds(c, walk);
	default:
		return fail(0, "run: option %s is not wired", walk->shown);
	}
}

/* Docker's defaults: everything but the user and time namespaces is private. An ordinary user
 * needs a user namespace for all the others. */
static void default_namespaces(struct container *c)
{
	for (int kind = 0; kind < NAMESPACE_KINDS; kind++)
		c->ns[kind].mode = NAMESPACE_PRIVATE;
	c->ns[NAMESPACE_TIME].mode = NAMESPACE_HOST;
	if (geteuid() == 0)
		c->ns[NAMESPACE_USER].mode = NAMESPACE_HOST;
}

static const char rootfs_hint[] =
	"--rootfs DIR takes a directory; `make image` makes one: build/images/busybox/rootfs";

/* The layers: that there are not too many, and that each is a directory. */
static int check_layers(const struct container *c)
{
	if (c->layers.count > 1)
		TRY(chapter_need(5, "a second --rootfs"));
	if (c->layers.count > CONTAINER_LAYERS_MAX)
		return fail(0, "run: %zu layers: at most %d can be stacked", c->layers.count,
			    CONTAINER_LAYERS_MAX);
	if (c->flags & CONTAINER_NO_PIVOT &&
	    (c->layers.count > 1 || c->flags & CONTAINER_READ_ONLY))
		return fail(0, "run: --no-pivot mounts nothing: it takes one --rootfs, and no "
			       "--read-only");
	for (size_t i = 0; i < c->layers.count; i++) {
		int layer = open(c->layers.list[i], O_PATH | O_DIRECTORY | O_CLOEXEC);

		if (layer < 0)
			return fail_hint(fail(errno, "opening the root file system %s",
					      c->layers.list[i]),
					 "%s", rootfs_hint);
		close(layer);
	}
	return 0;
}

/* What only all options together tell. */
static int check_run(const struct container *c, const char *first_word)
{
	if (!c->rootfs_path && first_word)
		return fail_hint(chapter_need(8, "an image by name"), "%s", rootfs_hint);
	if (!c->rootfs_path)
		return fail_hint(fail(0, "run: --rootfs DIR and the command are missing"), "%s",
				 rootfs_hint);
	TRY(check_layers(c));
	if (!first_word)
		return fail_hint(fail(0, "run: the command is missing"),
				 "skiff run --rootfs %s COMMAND [ARG...]", c->rootfs_path);
	if (c->hostname[0] && c->ns[NAMESPACE_UTS].mode != NAMESPACE_PRIVATE)
		return fail(0, "run: --hostname needs a UTS namespace of the container's own");
	return security_check(c);
}

static int parse_run(struct container *c, char *const *words)
{
	struct option_walk walk = { .command = "run", .rows = run_options, .argv = words };
	int option;

	TRY(environment_defaults(&c->env));
	default_namespaces(c);
	while ((option = options_next(&walk)) > 0) {
		if (option == RUN_HELP)
			return run_help() + 1;
		TRY(set_option(c, (enum run_option)option, &walk));
	}
	if (option < 0)
		return option;
	c->argv = words + walk.at;
	TRY(limit_options_check(&c->limits, "run", true));
	return check_run(c, c->argv[0]);
}

int command_run(const struct global_options *global, char *const *words)
{
	struct container c;

	container_init(&c);
	return command_finish(global, &c, parse_run(&c, words), container_run);
}
