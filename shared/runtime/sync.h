/* sync.h - the conversation of the two processes of a run.
 *
 *	parent                                child
 *	clone3 ─────────────────────────────▶ (born; die with the parent)
 *	write uid_map, gid_map                :
 *	SYNC_MAPPED [+ mount trees] ────────▶ only where there is a user namespace
 *	device rules, network, state          mounts, pivot               (at the same time)
 *	SYNC_GO or SYNC_GO_WITHOUT_RULES ───▶ privileges
 *	:                         ◀────────── SYNC_READY, then execve
 *	:                         ◀────────── end of file: the exec happened
 *	:                         ◀────────── SYNC_FAILED + the failure record, at any moment
 *
 * One SEQPACKET socket pair. Before SYNC_READY end of file means that the child died; after it,
 * that execve(2) closed the descriptor. The death of a peer is never success. */
#ifndef SKIFF_SYNC_H
#define SKIFF_SYNC_H

struct container;

/* Never 0: a zeroed message is no message. */
enum sync_message {
	SYNC_MAPPED = 1,
	SYNC_GO,
	SYNC_GO_WITHOUT_RULES, /* for devices: there are none to be had */
	SYNC_READY,
	SYNC_FAILED,
};

/* Parent, before the clone: makes the socket pair. */
int sync_open(struct container *c) __attribute__((warn_unused_result));

/* Child, first of all: takes its end and asks to be killed when the parent dies (prctl(2),
 * PR_SET_PDEATHSIG). Fails with -EPIPE if the parent died before that. */
int sync_enter_child(struct container *c) __attribute__((warn_unused_result));

/* Parent: tells the child that its IDs are mapped. Nothing is sent without a user namespace.
 * The ID-mapped mount trees c->rootfs_fd, if >= 0, or c->tree_fds go with it and become the child's. */
int sync_send_mapped(struct container *c) __attribute__((warn_unused_result));

/* Child: waits for SYNC_MAPPED where there is a user namespace of the container's own. */
int sync_await_mapped(struct container *c) __attribute__((warn_unused_result));

int sync_send_go(struct container *c) __attribute__((warn_unused_result));  /* parent */
int sync_await_go(struct container *c) __attribute__((warn_unused_result)); /* child */

/* Child, right before execve(2). */
int sync_send_ready(struct container *c) __attribute__((warn_unused_result));

/* Child: sends the failure record of this process; for the way to _exit(2). */
void sync_send_failure(struct container *c);

/* Parent: waits until the command runs. Returns 0 after the exec; or -errno with the child's failure,
 * or with that of a signal which ends the start: signals.h. */
int sync_await_exec(struct container *c) __attribute__((warn_unused_result));

#endif
