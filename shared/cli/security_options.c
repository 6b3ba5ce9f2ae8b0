/* security_options.c - the options of chapter 06; see security_options.h. */
#include "security_options.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/capability.h>
#include <sys/stat.h>

#include "container.h"
#include "fail.h"
#include "scope.h"

/* One line for whatever an option's value is not. */
static int refuse(const struct option_walk *walk, const char *why)
{
	return fail(0, "%s: %s %s: %s", walk->command, walk->shown, walk->value, why);
}

int security_parse_capability(const char *text, const struct option_walk *walk, capability_set *set)
{
	const char *name = strncasecmp(text, "CAP_", 4) == 0 ? text + 4 : text;
	char full[64];
	cap_value_t capability;

	if (strcasecmp(name, "ALL") == 0) {
		*set = CAPABILITIES_ALL;
		return 0;
	}
	/* cap_from_name(3) takes numbers, too, and stops at a comma. */
	if (!isalpha((unsigned char)name[0]) || strpbrk(name, ", \t") ||
	    snprintf(full, sizeof full, "cap_%s", name) >= (int)sizeof full ||
	    cap_from_name(full, &capability) < 0 || capability < 0 || capability > 63)
		return fail_hint(refuse(walk, "no such capability"),
				 "capabilities(7) lists them: NET_ADMIN or CAP_NET_ADMIN; or ALL");
	*set |= CAPABILITY(capability);
	return 0;
}

/* Whether a security module is at work on this host: the file says Y, or 1, or is there. */
static bool host_has(const char *path, char yes)
{
	char first = '\0';
	auto_fd fd = open(path, O_RDONLY | O_CLOEXEC);

	return fd >= 0 && (!yes || (read(fd, &first, 1) == 1 && first == yes));
}

static int parse_apparmor(struct privileges *p, const struct option_walk *walk, const char *value)
{
	bool here = host_has("/sys/module/apparmor/parameters/enabled", 'Y');

	if (strcmp(value, "unconfined") != 0 && !here)
		return refuse(walk, "this host has no AppArmor");
	p->apparmor = here ? value : NULL;
	return 0;
}

static int parse_label(struct privileges *p, const struct option_walk *walk, const char *value)
{
	if (strcmp(value, "disable") == 0) {
		p->label = NULL;
		return 0;
	}
	if (!host_has("/sys/fs/selinux/enforce", '\0'))
		return refuse(walk, "this host has no SELinux");
	p->label = value;
	return 0;
}

/* A path that stays right for `exec`, from another directory. */
static int parse_seccomp(struct privileges *p, const struct option_walk *walk, const char *value)
{
	auto_free char *path = NULL;

	p->seccomp = value;
	if (strcmp(value, "unconfined") == 0)
		return 0;
	if (strcmp(value, "builtin") == 0 || strcmp(value, "default") == 0) {
		p->seccomp = NULL;
		return 0;
	}
	path = realpath(value, NULL);
	if (!path)
		return fail(errno, "%s: %s %s: reading the seccomp profile", walk->command,
			    walk->shown, walk->value);
	p->seccomp = privileges_keep(p, path);
	return p->seccomp ? 0 : fail(ENOMEM, "%s: %s", walk->command, walk->shown);
}

static int set_bit(struct container *c, unsigned flag, const char *value,
		   const struct option_walk *walk)
{
	if (!value || strcmp(value, "true") == 0)
		c->flags |= flag;
	else if (strcmp(value, "false") == 0)
		c->flags &= ~flag;
	else
		return refuse(walk, "neither true nor false");
	return 0;
}

int security_parse_opt(struct container *c, const struct option_walk *walk)
{
	size_t length = strcspn(walk->value, "=:");
	const char *value = walk->value[length] ? walk->value + length + 1 : NULL;
	static const struct {
		const char *key;
		int (*parse)(struct privileges *p, const struct option_walk *walk,
			     const char *value);
	} with_value[] = {
		{ "seccomp", parse_seccomp },
		{ "apparmor", parse_apparmor },
		{ "label", parse_label },
	};

	if (length == strlen("no-new-privileges") &&
	    strncmp(walk->value, "no-new-privileges", length) == 0)
		return set_bit(c, CONTAINER_NO_NEW_PRIVS, value, walk);
	if (strcmp(walk->value, "systempaths=unconfined") == 0)
		return set_bit(c, CONTAINER_UNMASKED, NULL, walk);
	for (size_t i = 0; i < sizeof with_value / sizeof with_value[0]; i++)
		if (strlen(with_value[i].key) == length && value && value[0] &&
		    strncmp(walk->value, with_value[i].key, length) == 0)
			return with_value[i].parse(&c->privileges, walk, value);
	return fail_hint(refuse(walk, "no such option"),
			 "seccomp=FILE|unconfined, no-new-privileges, systempaths=unconfined, "
			 "apparmor=NAME, label=LABEL");
}

/* Parses rwm. Returns the access, or 0 where it is no such word. */
static unsigned parse_access(const char *text)
{
	unsigned access = 0;

	for (; *text; text++) {
		const char *at = strchr("rwm", *text);

		if (!at || access & 1u << (at - "rwm"))
			return 0;
		access |= *text == 'r' ? DEVICE_READ : *text == 'w' ? DEVICE_WRITE : DEVICE_MKNOD;
	}
	return access;
}

int security_parse_device(struct privileges *p, const struct option_walk *walk)
{
	char text[PATH_MAX];
	char *inside, *access;
	struct device device = { .access = DEVICE_ALL };
	struct stat status;

	if (strlen(walk->value) >= sizeof text)
		return refuse(walk, "too long");
	strcpy(text, walk->value);
	inside = strchr(text, ':');
	if (inside)
		*inside++ = '\0';
	access = inside ? strchr(inside, ':') : NULL;
	if (access)
		*access++ = '\0';
	else if (inside && inside[0] != '/')
		access = inside, inside = NULL; /* HOST:rwm */
	device.host = text;
	device.inside = inside ? inside : text;
	if (access)
		device.access = parse_access(access);
	if (!device.access)
		return refuse(walk, "the access is made of the letters r, w and m, each once");
	if (text[0] != '/' || device.inside[0] != '/' || strstr(device.inside, ".."))
		return refuse(walk, "a device has an absolute path");
	if (stat(text, &status) < 0)
		return fail(errno, "%s: %s %s", walk->command, walk->shown, walk->value);
	if (!S_ISCHR(status.st_mode) && !S_ISBLK(status.st_mode))
		return refuse(walk, "not a device");
	device.mode = status.st_mode;
	device.uid = status.st_uid;
	device.gid = status.st_gid;
	device.number = status.st_rdev;
	return privileges_add_device(p, &device) < 0 ? fail(ENOMEM, "adding a device") : 0;
}

/* Parses a limit: a number, or -1 for none. Returns the end of it, or NULL. */
static const char *parse_limit(const char *text, rlim_t *limit)
{
	char *end;

	if (strncmp(text, "-1", 2) == 0) {
		*limit = RLIM_INFINITY;
		return text + 2;
	}
	if (!isdigit((unsigned char)text[0]))
		return NULL;
	errno = 0;
	*limit = strtoull(text, &end, 10);
	return errno ? NULL : end;
}

int security_parse_ulimit(struct privileges *p, const struct option_walk *walk)
{
	size_t length = strcspn(walk->value, "=");
	const char *at = walk->value[length] ? walk->value + length + 1 : "";
	struct ulimit one = { .resource = privileges_ulimit_find(walk->value, length) };
	unsigned i;

	if (one.resource < 0)
		return fail_hint(refuse(walk, "no such limit"),
				 "nofile, nproc, core, stack ...: getrlimit(2) without RLIMIT_");
	at = parse_limit(at, &one.limit.rlim_cur);
	one.limit.rlim_max = one.limit.rlim_cur;
	if (at && *at == ':')
		at = parse_limit(at + 1, &one.limit.rlim_max);
	if (!at || *at)
		return refuse(walk, "a limit is NAME=SOFT[:HARD], each a number, or -1 for none");
	if (one.limit.rlim_cur > one.limit.rlim_max)
		return refuse(walk, "the soft limit is above the hard one");
	for (i = 0; i < p->ulimit_count && p->ulimits[i].resource != one.resource;)
		i++;
	p->ulimits[i] = one; /* there is a place for each name */
	p->ulimit_count += i == p->ulimit_count;
	return 0;
}

/* The namespace to which a setting belongs, or NAMESPACE_KINDS where it is the whole host's. */
static enum namespace_kind sysctl_namespace(const char *key)
{
	static const char *const of_ipc[] = { "kernel.msgmax", "kernel.msgmnb",
					      "kernel.msgmni", "kernel.sem",
					      "kernel.shmall", "kernel.shmmax",
					      "kernel.shmmni", "kernel.shm_rmid_forced" };
	size_t length = strcspn(key, "=");

	if (strncmp(key, "net.", 4) == 0)
		return NAMESPACE_NETWORK;
	if (strncmp(key, "fs.mqueue.", 10) == 0)
		return NAMESPACE_IPC;
	for (size_t i = 0; i < sizeof of_ipc / sizeof of_ipc[0]; i++)
		if (strlen(of_ipc[i]) == length && strncmp(of_ipc[i], key, length) == 0)
			return NAMESPACE_IPC;
	return NAMESPACE_KINDS;
}

int security_parse_sysctl(struct privileges *p, const struct option_walk *walk)
{
	size_t length = strspn(walk->value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
					    "0123456789_.-");

	if (length == 0 || walk->value[length] != '=')
		return refuse(walk, "a setting is KEY=VALUE, as in net.ipv4.ip_forward=1");
	if (sysctl_namespace(walk->value) == NAMESPACE_KINDS)
		return fail_hint(
			refuse(walk, "this is a setting of the whole host"),
			"net.*, fs.mqueue.*, kernel.msg*, kernel.sem and kernel.shm* belong "
			"to namespaces");
	return strv_set(&p->sysctls, walk->value) < 0 ? fail(ENOMEM, "adding a setting") : 0;
}

int security_parse_user(struct privileges *p, const struct option_walk *walk)
{
	if (!walk->value[0] || strcmp(walk->value, ":") == 0 ||
	    walk->value[strlen(walk->value) - 1] == ':' || strlen(walk->value) > 255)
		return refuse(walk, "a user is NAME, UID, NAME:GROUP or UID:GID");
	p->user = walk->value;
	return 0;
}

int security_check(const struct container *c)
{
	for (size_t i = 0; i < c->privileges.sysctls.count; i++) {
		const char *setting = c->privileges.sysctls.list[i];
		enum namespace_kind kind = sysctl_namespace(setting);

		if (c->ns[kind].mode != NAMESPACE_PRIVATE)
			return fail(
				0, "run: --sysctl %s: the container has no %s namespace of its own",
				setting, kind == NAMESPACE_IPC ? "IPC" : "network");
	}
	return 0;
}
