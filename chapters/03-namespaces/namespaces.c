/* namespaces.c - chapter 03, your code: what a process can see. The contract is in namespaces.h. */
#include "namespaces.h"

#include <grp.h>
#include <inttypes.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "chapters.h"
#include "container.h"
#include "fail.h"
#include "idmap.h"
#include "kernel.h"
#include "scope.h"

ROOM(03);

static const struct {
	const char *name;
	uint64_t flag;
} kinds[NAMESPACE_KINDS] = {
	[NAMESPACE_PID] = { "PID", CLONE_NEWPID },
	[NAMESPACE_IPC] = { "IPC", CLONE_NEWIPC },
	[NAMESPACE_UTS] = { "UTS", CLONE_NEWUTS },
	[NAMESPACE_NETWORK] = { "network", CLONE_NEWNET },
	[NAMESPACE_CGROUP] = { "cgroup", CLONE_NEWCGROUP },
	[NAMESPACE_TIME] = { "time", CLONE_NEWTIME },
	[NAMESPACE_USER] = { "user", CLONE_NEWUSER },
};

/* Enters one namespace of the process behind pidfd. */
static int join(int pidfd, uint64_t flag, const char *name)
{
	/* TODO 3.5 exec
	 * Enter that namespace with setns(), which takes a pidfd and a CLONE_NEW flag. EINVAL for
	 * CLONE_NEWUSER is no failure: we are in that user namespace already.
	 * Read: setns(2) */
	return TODO("3.5 exec");
	/* END 3.5 */
}

int namespaces_prepare(struct container *c)
{
	/* SECURITY: until execve(2) our child shows skiff's own program, memory and descriptors to
	 * whoever it shares a PID namespace with, and with --pid host a container sees those of all
	 * others. Non-dumpable, only those may look who have CAP_SYS_PTRACE outside of the container's
	 * user namespace; a container without one keeps it until chapter 06 (CVE-2019-5736 began so;
	 * tests: attacks/03-exec-peek, attacks/host-pids).
	 * KERNEL: the maps of a process that is not dumpable are root's to write. An ordinary user's
	 * child is dumpable for that; no other user namespace has a right to it. */
	if ((c->ns[NAMESPACE_PID].mode == NAMESPACE_CONTAINER ||
	     c->ns[NAMESPACE_USER].mode != NAMESPACE_PRIVATE || idmap_may_write()) &&
	    prctl(PR_SET_DUMPABLE, 0) < 0)
		return fail(errno, "hiding skiff from the container");
	for (int step = 0; step < NAMESPACE_KINDS; step++) {
		/* ORDER: the user namespace first: it gives the right to join the others. */
		int kind = (step + NAMESPACE_USER) % NAMESPACE_KINDS;
		const struct namespace_choice *choice = &c->ns[kind];

		/* TODO 3.1 flags
		 * A private namespace: add its flag (kinds[kind].flag) to c->clone_flags, but not
		 * that of time, which set_clocks() makes. Another container's user or PID namespace:
		 * join() it here. The other kinds are joined by the child.
		 * Read: namespaces(7), clone(2), setns(2) on CLONE_NEWPID */
		return TODO("3.1 flags");
		/* END 3.1 */
	}
	return 0;
}

int namespaces_map_ids(struct container *c)
{
	struct id_maps *uids = &c->uid_maps, *gids = &c->gid_maps;

	if (!(c->clone_flags & CLONE_NEWUSER))
		return 0;
	TRY(idmap_choose(uids, gids));
	/* TODO 3.4 ids
	 * Write both maps for the process c->pid: with idmap_write(c->pid, "uid_map", uids) and its
	 * sibling for groups if idmap_may_write() allows it; with idmap_run_helper() if it does not,
	 * and idmap_is_own_id() says that the map holds more than the user's own ID. For the own ID
	 * alone idmap_write() works, too, but only after idmap_deny_setgroups().
	 * Then let root's files stay root's: idmap_rootfs(c, c->pid).
	 * Read: user_namespaces(7), newuidmap(1) */
	return TODO("3.4 ids");
	/* END 3.4 */
}

/* Becomes root in the user namespace that we were born in or have joined. */
static int become_root(void)
{
	/* KERNEL: where setgroups is denied (user_namespaces(7)), the groups stay as they are. */
	if (setgroups(0, NULL) < 0 && errno != EPERM)
		return fail(errno, "leaving the supplementary groups");
	if (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
		return fail(errno, "becoming root in the user namespace");
	/* ORDER: a change of credentials clears it: prctl(2), PR_SET_PDEATHSIG. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		return fail(errno, "asking to be killed with skiff");
	return 0;
}

static int set_names(const struct container *c)
{
	/* TODO 3.2 hostname
	 * Give the new UTS namespace its names: c->hostname, and c->domainname unless it is empty.
	 * Read: sethostname(2), uts_namespaces(7) */
	return TODO("3.2 hostname");
	/* END 3.2 */
}

static int bring_up_loopback(void)
{
	/* TODO 3.3 loopback
	 * A new network namespace has one interface, lo, and it is down. Set IFF_UP and IFF_RUNNING
	 * on it: ioctl SIOCSIFFLAGS on any socket.
	 * Read: netdevice(7), network_namespaces(7) */
	return TODO("3.3 loopback");
	/* END 3.3 */
}

/* A time namespace of our own, with its clocks moved by c->time_offset_sec. */
static int set_clocks(const struct container *c)
{
	/* TODO 3.6 sharing
	 * unshare(CLONE_NEWTIME) makes a time namespace that only our children would be in. While it
	 * is empty, write "monotonic SEC 0" and "boottime SEC 0", one a line, to
	 * /proc/self/timens_offsets. Then move in: setns() to /proc/self/ns/time_for_children.
	 * Read: time_namespaces(7) */
	return TODO("3.6 sharing");
	/* END 3.6 */
}

/* Joins what the parent could not join for us; for `exec`, the mounts and the root as well. */
static int join_others(const struct container *c)
{
	/* TODO 3.6 sharing
	 * For each kind that is another container's (NAMESPACE_CONTAINER) and that the parent has
	 * not joined already (user and PID): join() it.
	 * Read: setns(2) */
	return TODO("3.6 sharing");
	/* END 3.6 */
}

/* `exec`: the container's mounts; its "/" becomes ours with them. */
static int join_mounts(struct container *c)
{
	auto_fd root = -1;
	char path[64];

	if (c->flags & CONTAINER_NO_PIVOT) {
		snprintf(path, sizeof path, "/proc/%d/root", c->target_pid);
		root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
		/* RACE: if the process has ended, its ID may be another's by now. A pidfd is readable
		 * from its end on, and only after that is the ID given away. */
		if (root >= 0 && poll(&(struct pollfd){ c->target_pidfd, POLLIN, 0 }, 1, 0) != 0)
			return fail(ESRCH, "entering the container's root");
		if (root < 0 || fchdir(root) < 0 || chroot(".") < 0)
			return fail(errno, "entering the container's root");
	} else {
		TRY(join(c->target_pidfd, CLONE_NEWNS, "mount"));
	}
	c->rootfs_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return c->rootfs_fd < 0 ? fail(errno, "entering the container's root") : 0;
}

int namespaces_enter(struct container *c)
{
	if (c->ns[NAMESPACE_USER].mode != NAMESPACE_HOST)
		TRY(become_root());
	TRY(join_others(c));
	if (c->flags & CONTAINER_EXEC)
		return join_mounts(c);
	if (c->ns[NAMESPACE_UTS].mode == NAMESPACE_PRIVATE)
		TRY(set_names(c));
	if (c->ns[NAMESPACE_NETWORK].mode == NAMESPACE_PRIVATE)
		TRY(bring_up_loopback());
	if (c->ns[NAMESPACE_TIME].mode == NAMESPACE_PRIVATE)
		TRY(set_clocks(c));
	return 0;
}
