/* test_sync.c - the conversation of the two processes: shared/runtime/sync.c, with a real child. */
#include "unit.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "sync.c" /* NOLINT(bugprone-suspicious-include): its packets */

/* Starts the child of a run: what it plays there is its exit status. It leaves by _exit(2). */
static pid_t start_child(struct container *c, int (*play)(struct container *c))
{
	container_init(c);
	assert_int_equal(sync_open(c), 0);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		c->pid = 0;
		_exit(sync_enter_child(c) < 0 ? 99 : play(c));
	}
	c->pid = pid;
	scope_close_fd(&c->sync_child_fd);
	return pid;
}

/* Waits for the child and closes the parent's end. Returns the child's exit status. */
static int end_child(struct container *c)
{
	int status;

	assert_int_equal(waitpid(c->pid, &status, 0), c->pid);
	c->pid = -1;
	container_free(c);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int play_well(struct container *c)
{
	return sync_await_mapped(c) < 0 || sync_await_go(c) < 0 || sync_send_ready(c) < 0;
}

static void test_the_whole_conversation(void **state)
{
	struct container c;
	unsigned before = unit_open_fds();

	(void)state;
	start_child(&c, play_well);
	assert_int_equal(sync_send_mapped(&c), 0); /* no user namespace: nothing is sent */
	assert_int_equal(sync_send_go(&c), 0);
	assert_int_equal(sync_await_exec(&c), 0); /* the end of file after READY: the exec */
	assert_int_equal(end_child(&c), 0);
	assert_int_equal(unit_open_fds(), before);
}

static int play_dead(struct container *c)
{
	(void)c;
	return 0;
}

static int play_dead_after_go(struct container *c)
{
	return sync_await_go(c) < 0;
}

/* The death of a peer is never success, whatever its exit status. */
static void test_child_dies_before_ready(void **state)
{
	struct container c;

	(void)state;
	start_child(&c, play_dead_after_go);
	assert_int_equal(sync_send_go(&c), 0);
	assert_true(sync_await_exec(&c) < 0);
	unit_assert_failure("its first process died while it was being set up");
	assert_int_equal(end_child(&c), 0);
}

static void test_child_dies_before_go(void **state)
{
	struct container c;
	siginfo_t info;

	(void)state;
	start_child(&c, play_dead);
	assert_int_equal(waitid(P_PID, (id_t)c.pid, &info, WEXITED | WNOWAIT), 0);
	assert_true(sync_send_go(&c) < 0);
	unit_assert_failure("its first process died before it was ready");
	assert_int_equal(end_child(&c), 0);
}

static int play_forever(struct container *c)
{
	(void)c;
	return pause();
}

/* Blocks all signals but the one that ends the test should it hang; starts a child that never answers. */
static void start_silent_child(struct container *c, sigset_t *before)
{
	sigset_t all;

	alarm(20);
	sigfillset(&all);
	sigdelset(&all, SIGALRM);
	assert_int_equal(sigprocmask(SIG_SETMASK, &all, before), 0);
	start_child(c, play_forever);
	c->pidfd = sys_pidfd_open(c->pid);
	assert_true(c->pidfd >= 0);
}

/* Waits for the silent child until a signal, which has come already, ends that; then ends the child,
 * sees what signals are left, and unblocks all. Returns the exit code. */
static int await_signal(struct container *c, const sigset_t *before, sigset_t *left)
{
	int exit_code;

	assert_true(sync_await_exec(c) < 0);
	alarm(0);
	exit_code = fail_record()->exit_code;
	unit_assert_failure("starting the container: ended by signal");
	kill(c->pid, SIGKILL);
	assert_int_equal(end_child(c), 128 + SIGKILL);
	assert_int_equal(sigpending(left), 0);
	assert_int_equal(sigprocmask(SIG_SETMASK, before, NULL), 0);
	return exit_code;
}

static void test_a_signal_ends_the_start(void **state)
{
	struct container c;
	sigset_t before, left;

	(void)state;
	start_silent_child(&c, &before);
	raise(SIGWINCH); /* ends nothing: it is left to process_wait() */
	raise(SIGTERM);
	assert_int_equal(await_signal(&c, &before, &left), EXIT_SIGNAL + SIGTERM);
	assert_true(sigismember(&left, SIGWINCH));
	assert_false(sigismember(&left, SIGTERM));
}

/* That the child stops is told by SIGCHLD, as its end is, and is no end. */
static void test_a_signal_ends_the_start_of_a_stopped_child(void **state)
{
	siginfo_t info = { 0 };
	struct container c;
	sigset_t before, left;

	(void)state;
	start_silent_child(&c, &before);
	kill(c.pid, SIGSTOP);
	assert_int_equal(waitid(P_PID, (id_t)c.pid, &info, WSTOPPED | WNOWAIT), 0);
	raise(40);
	assert_int_equal(await_signal(&c, &before, &left), EXIT_SIGNAL + 40);
}

static int play_failure(struct container *c)
{
	sync_send_failure(c);
	return 0;
}

static int play_not_found(struct container *c)
{
	if (sync_await_go(c) < 0 || sync_send_ready(c) < 0)
		return 1;
	fail_exit_code(fail(0, "running \"x\": not found"), EXIT_NOT_FOUND);
	return play_failure(c);
}

/* An exec that fails comes after READY, and is a failure all the same: exit code 127. */
static void test_failure_after_ready(void **state)
{
	struct container c;

	(void)state;
	start_child(&c, play_not_found);
	assert_int_equal(sync_send_go(&c), 0);
	assert_true(sync_await_exec(&c) < 0);
	assert_int_equal(fail_record()->exit_code, EXIT_NOT_FOUND);
	unit_assert_failure("running \"x\": not found");
	assert_int_equal(end_child(&c), 0);
}

static int play_mount_failure(struct container *c)
{
	fail_hint(fail(EPERM, "mounting /proc"), "a way out");
	return play_failure(c);
}

/* The parent meets a dead child only when it sends: it takes the story that lies in the socket. */
static void test_failure_is_adopted_when_sending(void **state)
{
	struct container c;
	siginfo_t info;

	(void)state;
	start_child(&c, play_mount_failure);
	assert_int_equal(waitid(P_PID, (id_t)c.pid, &info, WEXITED | WNOWAIT), 0);
	assert_int_equal(sync_send_go(&c), -EPERM);
	assert_string_equal(fail_record()->hint, "a way out");
	unit_assert_failure("mounting /proc: Operation not permitted");
	assert_int_equal(end_child(&c), 0);
}

static int play_garbage_text(struct container *c)
{
	struct packet packet = { .message = SYNC_FAILED, .failure = { .exit_code = 125 } };

	memset(packet.failure.text, 'x', sizeof packet.failure.text);
	memset(packet.failure.hint, 'y', sizeof packet.failure.hint);
	return packet_send(c->sync_fd, &packet, sizeof packet, NULL) < 0;
}

static void test_unterminated_failure(void **state)
{
	struct container c;

	(void)state;
	start_child(&c, play_garbage_text);
	assert_true(sync_await_exec(&c) < 0);
	assert_int_equal(strlen(fail_record()->text), sizeof fail_record()->text - 1);
	assert_int_equal(end_child(&c), 0);
}

/* A packet that is too short for what it says counts as the death of whoever sent it. */
static void test_packets_cut_short(void **state)
{
	struct packet sent = { .message = SYNC_FAILED, .failure = { .exit_code = 1 } }, got;
	const size_t lengths[] = { 1, sizeof sent.message - 1, sizeof sent.message,
				   sizeof sent - 1 };
	struct packet_fds fds;
	int pair[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
		assert_int_equal(send(pair[0], &sent, lengths[i], 0), (ssize_t)lengths[i]);
		assert_int_equal(packet_receive(pair[1], &got, &fds), -EPIPE);
	}
	assert_int_equal(send(pair[0], &sent, sizeof sent, 0), (ssize_t)sizeof sent);
	assert_int_equal(packet_receive(pair[1], &got, &fds), 0);
	assert_int_equal(got.message, SYNC_FAILED);
	sent.message = SYNC_GO; /* the other messages are a word alone */
	assert_int_equal(send(pair[0], &sent, sizeof sent.message, 0),
			 (ssize_t)sizeof sent.message);
	assert_int_equal(packet_receive(pair[1], &got, &fds), 0);
	assert_int_equal(send(pair[0], "", 0, 0),
			 0); /* an empty packet looks like the end of file */
	assert_int_equal(packet_receive(pair[1], &got, &fds), -EPIPE);
	close(pair[0]);
	assert_int_equal(packet_receive(pair[1], &got, &fds), -EPIPE);
	assert_int_equal(fds.count, 0);
	close(pair[1]);
}

static int play_mapped(struct container *c)
{
	char text[6] = "";

	if (sync_await_mapped(c) < 0 || c->rootfs_fd < 0)
		return 1;
	if (!(fcntl(c->rootfs_fd, F_GETFD) & FD_CLOEXEC))
		return 2;
	if (pread(c->rootfs_fd, text, 5, 0) != 5 || strcmp(text, "hello") != 0)
		return 3;
	return play_well(&(struct container){ .sync_fd = c->sync_fd });
}

static int play_mapped_without_descriptor(struct container *c)
{
	return sync_await_mapped(c) < 0 || c->rootfs_fd != -1;
}

static void test_descriptor_travels_with_mapped(void **state)
{
	struct container c;
	int file = memfd_create("tree", MFD_CLOEXEC);

	(void)state;
	assert_int_equal(write(file, "hello", 5), 5);
	/* clone_flags are known in both: they are set before the fork of a real run. */
	container_init(&c);
	assert_int_equal(sync_open(&c), 0);
	c.clone_flags = CLONE_NEWUSER;
	c.pid = fork();
	if (c.pid == 0)
		_exit(sync_enter_child(&c) < 0 ? 99 : play_mapped(&c));
	scope_close_fd(&c.sync_child_fd);
	c.rootfs_fd = file;
	assert_int_equal(sync_send_mapped(&c), 0);
	assert_int_equal(sync_send_go(&c), 0);
	assert_int_equal(sync_await_exec(&c), 0);
	assert_int_equal(end_child(&c), 0);
}

static void test_mapped_without_descriptor(void **state)
{
	struct container c;

	(void)state;
	container_init(&c);
	assert_int_equal(sync_open(&c), 0);
	c.clone_flags = CLONE_NEWUSER;
	c.pid = fork();
	if (c.pid == 0)
		_exit(sync_enter_child(&c) < 0 ? 99 : play_mapped_without_descriptor(&c));
	scope_close_fd(&c.sync_child_fd);
	assert_int_equal(sync_send_mapped(&c), 0);
	assert_int_equal(end_child(&c), 0);
}

static int play_waits_alone(struct container *c)
{
	if (sync_await_go(c) >= 0)
		return 1;
	return strstr(fail_record()->text, "waiting for skiff's parent process") ? 0 : 2;
}

static void test_parent_dies(void **state)
{
	struct container c;

	(void)state;
	start_child(&c, play_waits_alone);
	scope_close_fd(&c.sync_fd);
	assert_int_equal(end_child(&c), 0);
}

static int play_wrong_word(struct container *c)
{
	return sync_await_go(c) == -EPROTO ? 0 : 1;
}

static void test_wrong_word(void **state)
{
	struct container c;

	(void)state;
	start_child(&c, play_wrong_word);
	assert_int_equal(send_word(&c, SYNC_MAPPED, NULL), 0);
	assert_int_equal(end_child(&c), 0);
}

/* The child is killed with its parent: the test is a grandparent here. */
static void test_child_dies_with_its_parent(void **state)
{
	int pipe_fds[2], status;
	char byte;
	pid_t middle;

	(void)state;
	assert_int_equal(pipe2(pipe_fds, O_CLOEXEC), 0);
	middle = fork();
	if (middle == 0) {
		struct container c = { 0 };

		container_init(&c);
		if (sync_open(&c) < 0)
			_exit(1);
		if (fork() == 0) {
			if (sync_enter_child(&c) == 0 && write(pipe_fds[1], "x", 1) == 1)
				for (;;)
					pause();
			_exit(1);
		}
		_exit(read(pipe_fds[0], &byte, 1) != 1);
	}
	close(pipe_fds[1]);
	assert_int_equal(waitpid(middle, &status, 0), middle);
	assert_int_equal(status, 0);
	/* Only the grandchild has the writing end now: its death is the end of file. */
	alarm(20);
	assert_int_equal(read(pipe_fds[0], &byte, 1), 0);
	alarm(0);
	close(pipe_fds[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(test_the_whole_conversation),
		UNIT_TEST(test_child_dies_before_ready),
		UNIT_TEST(test_child_dies_before_go),
		UNIT_TEST(test_a_signal_ends_the_start),
		UNIT_TEST(test_a_signal_ends_the_start_of_a_stopped_child),
		UNIT_TEST(test_failure_after_ready),
		UNIT_TEST(test_failure_is_adopted_when_sending),
		UNIT_TEST(test_unterminated_failure),
		UNIT_TEST(test_packets_cut_short),
		UNIT_TEST(test_descriptor_travels_with_mapped),
		UNIT_TEST(test_mapped_without_descriptor),
		UNIT_TEST(test_parent_dies),
		UNIT_TEST(test_wrong_word),
		UNIT_TEST(test_child_dies_with_its_parent),
	};

	return cmocka_run_group_tests_name("sync", tests, NULL, NULL);
}
