/* security.c - chapter 06, your code: what a container may do. The contract is in security.h. */
#include "security.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "chapters.h"
#include "container.h"
#include "fail.h"
#include "kernel.h"
#include "privilege.h"
#include "sysctl.h"

ROOM(06);

/* SECURITY: root may make any device node, and only the device rules of its cgroup keep it from
 * opening the host's disk. Where there are none to be had, it may not make nodes, either
 * (test: attacks/06-mknod). */
static void live_without_rules(struct container *c)
{
	/* A user namespace of its own has no right to device nodes at all. */
	if (c->ns[NAMESPACE_USER].mode == NAMESPACE_HOST &&
	    !(c->privileges.cap_add & CAPABILITY(CAP_MKNOD)))
		capabilities_take(c, CAP_MKNOD);
}

/* SECURITY: nor may it open a node that an image brought along (test:
 * chapters/test_06_devices.py, node_of_the_image). */
static int open_no_nodes(const struct container *c)
{
	struct kernel_mount_attr no_devices = { .attr_set = MOUNT_ATTR_NODEV };

	/* KERNEL: in a user namespace a file system is so from its beginning. */
	if (c->ns[NAMESPACE_USER].mode != NAMESPACE_HOST || c->flags & CONTAINER_NO_PIVOT ||
	    c->privileges.cap_add & CAPABILITY(CAP_MKNOD))
		return 0;
	int ret = sys_mount_setattr(c->rootfs_fd, 0, &no_devices);

	return ret < 0 ? fail(-ret, "forbidding the image's device nodes") : 0;
}

static int rule_devices(struct container *c)
{
	int ret = c->flags & CONTAINER_PRIVILEGED ? 1 : device_rules_attach(c);

	c->privileges.without_rules = ret == 0;
	if (ret == 0)
		live_without_rules(c);
	return ret < 0 ? ret : 0;
}

/* What `exec` finds done. */
static int prepare_container(struct container *c)
{
	struct privileges *p = &c->privileges;

	if (c->flags & CONTAINER_PRIVILEGED) {
		TRY(devices_add_all(c));
		p->seccomp = p->seccomp ? p->seccomp : "unconfined";
	}
	p->profile_caps = p->sets.bounding;
	/* ORDER skiff is about to join a user namespace without any right to bpf(2). */
	return c->ns[NAMESPACE_USER].mode == NAMESPACE_CONTAINER ? rule_devices(c) : 0;
}

int security_prepare(struct container *c)
{
	TRY(capabilities_choose(c));
	if (!(c->flags & CONTAINER_EXEC))
		TRY(prepare_container(c));
	TRY(capabilities_convert(c));
	return filter_prepare(c);
}

int security_devices(struct container *c)
{
	return c->ns[NAMESPACE_USER].mode == NAMESPACE_CONTAINER ? 0 : rule_devices(c);
}

int security_mounts(struct container *c)
{
	TRY(label_open(c));
	TRY(sysctls_set(c));
	if (c->flags & CONTAINER_NO_PIVOT) /* nothing is mounted, so there is nothing to hide */
		return 0;
	TRY(devices_make(c));
	return masks_mount(c);
}

static int set_ulimits(const struct container *c)
{
	for (unsigned i = 0; i < c->privileges.ulimit_count; i++) {
		const struct ulimit *one = &c->privileges.ulimits[i];

		if (setrlimit((__rlimit_resource_t)one->resource, &one->limit) < 0)
			return fail_hint(fail(errno, "setting --ulimit %s",
					      privileges_ulimit_name(one->resource)),
					 "only CAP_SYS_RESOURCE raises a hard limit: "
					 "`prlimit` shows skiff's own");
	}
	return 0;
}

/* The home directory of --user, unless the caller has chosen one. Nothing is allocated: the
 * environment has a HOME already. */
static void set_home(struct container *c)
{
	char **variable = c->env.list;

	while (variable && *variable && strncmp(*variable, "HOME=", 5) != 0)
		variable++;
	if (variable && *variable && c->privileges.home[0] && !(c->flags & CONTAINER_HOME_GIVEN))
		*variable = c->privileges.home;
}

/* Takes the way back to more privileges from all that execve(2) will run.
 * SECURITY: a set-user-ID program of the image makes root of any user (test: attacks/06-setuid). */
static int set_no_new_privs(void)
{
	/* TODO 6.5 no-new-privs
	 * Set no_new_privs on this process: prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0).
	 * Read: prctl(2) or PR_SET_NO_NEW_PRIVS(2const), execve(2) on set-user-ID programs */
	return TODO("6.5 no-new-privs");
	/* END 6.5 */
}

int security_apply(struct container *c)
{
	bool no_new_privs = c->flags & CONTAINER_NO_NEW_PRIVS;
	struct user user;

	if (c->privileges.without_rules) {
		live_without_rules(c);
		TRY(open_no_nodes(c));
	}
	TRY(user_find(c, &user));
	set_home(c);
	TRY(set_ulimits(c)); /* ORDER as root: raising one needs a capability */
	TRY(label_set(c));
	if (no_new_privs)
		TRY(set_no_new_privs());
	TRY(capabilities_bound(c)); /* ORDER as root: CAP_SETPCAP */
	/* ORDER the filter as late as can be, so that it need permit little of what we do: without
	 * no_new_privs it takes CAP_SYS_ADMIN to load one, and then capset(2) comes after it. */
	if (!no_new_privs)
		TRY(filter_load(c));
	TRY(user_become(&user));
	TRY(capabilities_set(c, user.uid == 0));
	/* ORDER a change of credentials clears it: prctl(2), PR_SET_PDEATHSIG. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		return fail(errno, "asking to be killed with skiff");
	return no_new_privs ? filter_load(c) : 0;
}
