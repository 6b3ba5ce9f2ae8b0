/* container.c - the life of a container, start to end. Read this file first.
 *
 * skiff is two processes for the time of a start. Both are here, in the order in which things
 * happen; every STEP is the door of one chapter's room:
 *
 *	container_start()            container_main(), PID 1 inside
 *	  ... prepare
 *	  process_clone   ─────────▶  private mounts, host name, pivot_root, privileges
 *	  maps, network, state        :
 *	  go              ─────────▶  execve: the command runs
 *	  process_wait
 *	container_undo()
 *
 * A step that fails has recorded why (fail.h) and returns -errno; everything is undone in reverse,
 * however far it came. sync.h draws the conversation of the two. */
#include "container.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/wait.h>

#include "cgroup.h"
#include "fail.h"
#include "kernel.h"
#include "namespaces.h"
#include "overlay.h"
#include "process.h"
#include "rooms.h"
#include "rootfs.h"
#include "scope.h"
#include "security.h"
#include "signals.h"
#include "state.h"
#include "sync.h"
#include "trace.h"

/* The child: from its first instruction to execve(2). Returns only on failure, or, with --init,
 * with the exit code of the command. */
static int container_main(struct container *c)
{
	STEP(sync_enter_child(c));     /*    ORDER first: or we could outlive skiff            */
	STEP(overlay_open(c));	       /* 05 ORDER as the user who called: may enter the paths */
	STEP(cgroup_set_oom_score(c)); /* 04 ORDER /proc is still the host's                   */
	STEP(sync_await_mapped(c));    /*    ORDER until now we are nobody in our user namespace */
	STEP(namespaces_enter(c));     /* 03 ORDER /sys and /dev/mqueue show their mounter's   */
	STEP(rootfs_private(c));       /* 02 ORDER before our first mount                      */
	STEP(overlay_mount(c));	       /* 05 the root: all layers as one                       */
	STEP(rootfs_mount(c));	       /* 02 /proc, /sys, /dev ... below the new root          */
	STEP(cgroup_mount(c));	       /* 04 ORDER on top of /sys                              */
	STEP(volume_mount(c));	       /* 09 ORDER needs the old "/" for its sources           */
	STEP(security_mounts(c));      /* 06 ORDER after the last mount; needs the old "/"     */
	STEP(rootfs_pivot(c));	       /* 02 "/" is the image from now on                      */
	STEP(process_surroundings(c)); /* 01 directory, signals, descriptors                   */
	STEP(overlay_seal(c));	       /* 05 ORDER -w DIR was made: read-only from here        */
	STEP(sync_await_go(c));	       /*    network and state are there                       */
	STEP(security_apply(c));       /* 06 ORDER last: its filter may forbid any of the above */
	trace_last_step(c, "process_exec");
	return process_exec(c); /* 01 */
}

/* The child of `skiff exec`: joins, then runs. */
static int container_exec_main(struct container *c)
{
	STEP(sync_enter_child(c));
	STEP(namespaces_enter(c));     /* 03 all of the container's, also its mounts and root  */
	STEP(process_surroundings(c)); /* 01                                                   */
	STEP(sync_await_go(c));
	STEP(security_apply(c)); /* 06 */
	trace_last_step(c, "process_exec");
	return process_exec(c); /* 01 */
}

/* Leaves the child: tells the parent why, if there is a failure. */
static int container_child(struct container *c, int ret)
{
	if (ret >= 0)
		return ret;
	sync_send_failure(c);
	return fail_record()->exit_code ? fail_record()->exit_code : EXIT_SKIFF;
}

/* Gives the container its ID and the names that follow from it. */
static int container_identify(struct container *c)
{
	unsigned char bytes[CONTAINER_ID_LENGTH / 2];
	char variable[sizeof "HOSTNAME=" + CONTAINER_NAME_MAX] = "HOSTNAME=";
	char *hostname = variable + strlen(variable);

	if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
		return fail(errno, "taking a random ID");
	for (size_t i = 0; i < sizeof bytes; i++)
		sprintf(c->id + 2 * i, "%02x", bytes[i]);
	if (!c->hostname[0])
		snprintf(c->hostname, sizeof c->hostname, "%.*s", CONTAINER_SHORT_ID_LENGTH, c->id);
	/* Another container's name is not known here, and would be wrong when it changes there. */
	if (c->ns[NAMESPACE_UTS].mode == NAMESPACE_CONTAINER || strv_get(&c->env, "HOSTNAME"))
		return 0;
	memcpy(hostname, c->hostname, sizeof c->hostname);
	if (c->ns[NAMESPACE_UTS].mode == NAMESPACE_HOST)
		gethostname(hostname, CONTAINER_NAME_MAX);
	return strv_set(&c->env, variable) < 0 ? fail(ENOMEM, "setting HOSTNAME") : 0;
}

/* The parent: from nothing to a running command, to its end. */
static int container_start(struct container *c)
{
	STEP(security_seal(c)); /* 06 ORDER before anything is made: it may execute skiff anew */
	STEP(signals_block(c)); /*    ORDER early: from here on none may end us half-way  */
	STEP(container_identify(c)); /*    ID, host name                                     */
	STEP(image_resolve(c));	     /* 08 */
	STEP(overlay_prepare(c));    /* 05 */
	STEP(volume_prepare(c));     /* 09 */
	STEP(rootfs_prepare(c));     /* 02 */
	STEP(state_create(c));	     /*    ORDER before joining: the state is the host's   */
	STEP(cgroup_create(c));	     /* 04 ORDER before the clone: the child is born in it */
	STEP(security_prepare(c));   /* 06 ORDER before joining, as the next              */
	STEP(namespaces_prepare(c)); /* 03 */
	STEP(sync_open(c));
	STEP(process_clone(c)); /* 01 returns in both processes */
	if (c->pid == 0)
		_exit(container_child(c, container_main(c)));
	scope_close_fd(&c->sync_child_fd); /* RACE: or the child's death would look like silence */
	STEP(namespaces_map_ids(c));	   /* 03 */
	STEP(sync_send_mapped(c));
	STEP(security_devices(c)); /* 06 ORDER before go; the child builds its mounts meanwhile */
	STEP(network_attach(c));   /* 07 */
	STEP(overlay_record(c));   /* 05 */
	STEP(state_write(c));
	STEP(sync_send_go(c));
	STEP(sync_await_exec(c));
	STEP(overlay_keep(c));	/* 05 ORDER what did not start is not kept */
	STEP(process_wait(c));	/* 01 */
	STEP(cgroup_report(c)); /* 04 why it was killed, if it was */
	return 0;
}

static int container_start_exec(struct container *c)
{
	STEP(security_seal(c)); /* 06 */
	STEP(signals_block(c));
	STEP(security_prepare(c));   /* 06 */
	STEP(namespaces_prepare(c)); /* 03 */
	STEP(sync_open(c));
	STEP(process_clone(c)); /* 01 */
	if (c->pid == 0)
		_exit(container_child(c, container_exec_main(c)));
	scope_close_fd(&c->sync_child_fd);
	STEP(sync_send_go(c));
	STEP(sync_await_exec(c));
	STEP(process_wait(c)); /* 01 and cgroup_report(), 04, before the command is reaped */
	return 0;
}

/* The child of a helper: the container's view, then work. */
static int container_help_main(struct container *c, int (*work)(struct container *, void *),
			       void *arg)
{
	TRY(sync_enter_child(c));
	TRY(overlay_open(c)); /* 05 */
	TRY(sync_await_mapped(c));
	TRY(namespaces_enter(c)); /* 03 */
	TRY(rootfs_private(c));	  /* 02 */
	TRY(overlay_mount(c));	  /* 05 */
	TRY(work(c, arg));
	return sync_send_ready(c);
}

int container_help(struct container *c, int (*work)(struct container *, void *), void *arg)
{
	TRY(rootfs_prepare(c));	    /* 02 */
	TRY(namespaces_prepare(c)); /* 03 */
	TRY(sync_open(c));
	TRY(process_clone(c)); /* 01 */
	if (c->pid == 0)
		_exit(container_child(c, container_help_main(c, work, arg)));
	scope_close_fd(&c->sync_child_fd);
	int ret = namespaces_map_ids(c); /* 03 */

	if (ret == 0)
		ret = sync_send_mapped(c);
	if (ret == 0)
		ret = sync_await_exec(c);
	if (ret < 0)
		sys_pidfd_send_signal(c->pidfd, SIGKILL);
	waitid(P_PIDFD, (id_t)c->pidfd, &(siginfo_t){ 0 }, WEXITED);
	return ret;
}

/* Undoes every step in reverse. Each undo works whether its step ran, failed or never began. */
static int container_undo(struct container *c)
{
	if (c->pidfd >= 0) {
		/* The container's other processes die with its PID 1: pid_namespaces(7). */
		sys_pidfd_send_signal(c->pidfd, SIGKILL);
		waitid(P_PIDFD, (id_t)c->pidfd, &(siginfo_t){ 0 }, WEXITED);
	}
	network_detach(c);
	cgroup_remove(c);
	overlay_remove(c); /* ORDER: before the state: whether it is kept decides about its name */
	state_remove(c);
	terminal_take_back(c);
	signals_restore(c);
	return 0;
}

static int container_finish(struct container *c, int ret)
{
	uint64_t start = trace_now(c);

	trace_step(c, "container_undo", start, container_undo(c));
	return ret < 0 ? ret : c->exit_code;
}

int container_run(struct container *c)
{
	return container_finish(c, container_start(c));
}

int container_exec(struct container *c)
{
	return container_finish(c, container_start_exec(c));
}

void container_init(struct container *c)
{
	*c = (struct container){
		.pid = -1,
		.pidfd = -1,
		.rootfs_fd = -1,
		.store_fd = -1,
		.temporary_fd = -1,
		.target_pidfd = -1,
		.oom_score_adj = OOM_SCORE_ADJ_UNSET,
		.cgroup_fd = -1,
		.sync_fd = -1,
		.sync_child_fd = -1,
		.containers_fd = -1,
		.names_fd = -1,
		.state_fd = -1,
	};
	for (int kind = 0; kind < NAMESPACE_KINDS; kind++)
		c->ns[kind].pidfd = -1;
	for (int i = 0; i <= CONTAINER_LAYERS_MAX; i++)
		c->layer_fds[i] = c->tree_fds[i] = -1;
	privileges_init(&c->privileges);
}

void container_free(struct container *c)
{
	for (int kind = 0; kind < NAMESPACE_KINDS; kind++)
		scope_close_fd(&c->ns[kind].pidfd);
	scope_close_fd(&c->target_pidfd);
	scope_close_fd(&c->pidfd);
	scope_close_fd(&c->rootfs_fd);
	scope_close_fd(&c->cgroup_fd);
	scope_close_fd(&c->sync_fd);
	scope_close_fd(&c->sync_child_fd);
	scope_close_fd(&c->names_fd);
	scope_close_fd(&c->containers_fd);
	for (unsigned i = 0; i < c->trees; i++)
		scope_close_fd(&c->tree_fds[i]);
	strv_clear(&c->layers);
	strv_clear(&c->env);
	privileges_free(&c->privileges);
	trace_close(c);
}
