/* sync.c - the conversation of the two processes of a run; see sync.h. */
#include "sync.h"

#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "container.h"
#include "fail.h"
#include "kernel.h"
#include "scope.h"
#include "signals.h"

struct packet {
	enum sync_message message;
	struct failure failure; /* with SYNC_FAILED only */
};

int sync_open(struct container *c)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return fail(errno, "making the socket between skiff and the container");
	c->sync_fd = pair[0];
	c->sync_child_fd = pair[1];
	return 0;
}

/* Descriptors that travel with a message: at most one for each layer and the store. */
struct packet_fds {
	int fd[CONTAINER_LAYERS_MAX + 1];
	unsigned count;
};

/* Sends one message. Returns 0 or -errno, without a record. */
static int packet_send(int socket_fd, const struct packet *packet, size_t size,
		       const struct packet_fds *fds)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof fds->fd)] = { 0 };
	struct iovec part = { (void *)(uintptr_t)packet, size };
	struct msghdr header = { .msg_iov = &part, .msg_iovlen = 1 };
	size_t length = fds ? fds->count * sizeof fds->fd[0] : 0;

	if (length > 0) {
		header.msg_control = control;
		header.msg_controllen = CMSG_SPACE(length);
		struct cmsghdr *rights = CMSG_FIRSTHDR(&header);
		rights->cmsg_level = SOL_SOCKET;
		rights->cmsg_type = SCM_RIGHTS;
		rights->cmsg_len = CMSG_LEN(length);
		memcpy(CMSG_DATA(rights), fds->fd, length);
	}
	return sendmsg(socket_fd, &header, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

/* Receives one message; *fds becomes the descriptors that came with it.
 * Returns 0, -EPIPE at end of file or when the message is cut short, or -errno. */
static int packet_receive(int socket_fd, struct packet *packet, struct packet_fds *fds)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof fds->fd)] = { 0 };
	struct iovec part = { packet, sizeof *packet };
	struct msghdr header = { .msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = control,
				 .msg_controllen = sizeof control };
	ssize_t got;

	memset(packet, 0, sizeof *packet);
	fds->count = 0;
	do
		got = recvmsg(socket_fd, &header, MSG_CMSG_CLOEXEC);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return errno == ECONNRESET ? -EPIPE : -errno;
	if ((size_t)got < sizeof packet->message ||
	    (packet->message == SYNC_FAILED && (size_t)got < sizeof *packet))
		return -EPIPE;
	for (struct cmsghdr *part_of = CMSG_FIRSTHDR(&header); part_of;
	     part_of = CMSG_NXTHDR(&header, part_of))
		if (part_of->cmsg_level == SOL_SOCKET && part_of->cmsg_type == SCM_RIGHTS) {
			size_t length = part_of->cmsg_len - CMSG_LEN(0);

			memcpy(fds->fd, CMSG_DATA(part_of), length);
			fds->count = (unsigned)(length / sizeof fds->fd[0]);
		}
	return 0;
}

static int send_word(struct container *c, enum sync_message message, const struct packet_fds *fds)
{
	struct packet packet = { .message = message };

	return packet_send(c->sync_fd, &packet, sizeof packet.message, fds);
}

/* Parent: the child closed its end too early; its own story, if it sent one, is the better one. */
static int child_is_gone(struct container *c, const char *when)
{
	struct packet packet;
	struct packet_fds none;

	while (packet_receive(c->sync_fd, &packet, &none) == 0)
		if (packet.message == SYNC_FAILED)
			return fail_adopt(&packet.failure);
	return fail(0, "starting the container: its first process died %s", when);
}

static int send_to_child(struct container *c, enum sync_message message,
			 const struct packet_fds *fds)
{
	int ret = send_word(c, message, fds);

	if (ret == -EPIPE || ret == -ECONNRESET)
		return child_is_gone(c, "before it was ready");
	return ret < 0 ? fail(-ret, "talking to the container's first process") : 0;
}

/* Child: waits for one of two messages. Returns which one it was, or -errno with a record. */
static int await_word(struct container *c, enum sync_message one, enum sync_message other,
		      struct packet_fds *fds)
{
	struct packet packet;
	int ret = packet_receive(c->sync_fd, &packet, fds);

	if (ret < 0)
		return fail(-ret, "waiting for skiff's parent process");
	if (packet.message != one && packet.message != other)
		return fail(EPROTO, "waiting for skiff's parent process");
	return (int)packet.message;
}

int sync_enter_child(struct container *c)
{
	scope_close_fd(&c->sync_fd);
	c->sync_fd = take_fd(&c->sync_child_fd);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		return fail(errno, "asking to be killed with skiff");
	/* RACE: the parent may have died before the prctl; then its end of the socket is closed,
	 * and the next wait for it fails. */
	return 0;
}

int sync_send_mapped(struct container *c)
{
	struct packet_fds trees = { .count = c->trees };

	if (!(c->clone_flags & CLONE_NEWUSER))
		return 0;
	memcpy(trees.fd, c->tree_fds, sizeof trees.fd);
	if (c->rootfs_fd >= 0)
		trees.fd[trees.count++] = c->rootfs_fd;
	return send_to_child(c, SYNC_MAPPED, &trees);
}

int sync_await_mapped(struct container *c)
{
	struct packet_fds trees;

	if (!(c->clone_flags & CLONE_NEWUSER))
		return 0;
	TRY(await_word(c, SYNC_MAPPED, SYNC_MAPPED, &trees));
	if (trees.count == 1) /* an overlay has a layer and the store, at least */
		c->rootfs_fd = trees.fd[0];
	if (trees.count > 1)
		memcpy(c->tree_fds, trees.fd, (c->trees = trees.count) * sizeof trees.fd[0]);
	return 0;
}

int sync_send_go(struct container *c)
{
	return send_to_child(c, c->privileges.without_rules ? SYNC_GO_WITHOUT_RULES : SYNC_GO,
			     NULL);
}

int sync_await_go(struct container *c)
{
	struct packet_fds none;
	int message = await_word(c, SYNC_GO, SYNC_GO_WITHOUT_RULES, &none);

	c->privileges.without_rules = message == SYNC_GO_WITHOUT_RULES;
	return message < 0 ? message : 0;
}

int sync_send_ready(struct container *c)
{
	int ret = send_word(c, SYNC_READY, NULL);

	return ret < 0 ? fail(-ret, "telling skiff that the command starts") : 0;
}

void sync_send_failure(struct container *c)
{
	struct packet packet = { .message = SYNC_FAILED, .failure = *fail_record() };

	/* If the parent is gone there is nobody left to tell. */
	if (packet_send(c->sync_fd, &packet, sizeof packet, NULL) < 0)
		return;
}

int sync_await_exec(struct container *c)
{
	struct packet packet;
	struct packet_fds none;
	int ready = 0, ret;

	do {
		/* SECURITY: the child of an `exec` is in the container already: whoever stops it there
		 * must not keep skiff from ending (test: attacks/stopped-exec). */
		TRY(signals_watch_start(c, c->sync_fd));
		ret = packet_receive(c->sync_fd, &packet, &none);
		if (ret == 0 && packet.message == SYNC_FAILED)
			return fail_adopt(&packet.failure);
		ready |= ret == 0 && packet.message == SYNC_READY;
	} while (ret == 0);
	if (ret != -EPIPE)
		return fail(-ret, "waiting for the container to start");
	if (!ready)
		return child_is_gone(c, "while it was being set up");
	return 0;
}
