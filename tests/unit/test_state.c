/* test_state.c - what skiff remembers on disk: shared/runtime/state.c. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "container.h"
#include "scope.h"
#include "state.h"

/* The ID that make_container() gives for the digit a. */
#define A_16 "aaaaaaaaaaaaaaaa"
#define A_64 A_16 A_16 A_16 A_16

static char base[64];
static unsigned fds_before;

static const char *in_base(const char *name)
{
	static char path[PATH_MAX];

	snprintf(path, sizeof path, "%s/%s", base, name);
	return path;
}

static int setup(void **state)
{
	unit_make_dir(base);
	setenv("SKIFF_RUN", base, 1);
	setenv("SKIFF_ROOT", in_base("root"), 1);
	fds_before = unit_open_fds();
	return unit_setup(state);
}

static int teardown(void **state)
{
	(void)state;
	unit_remove_dir(base);
	return unit_open_fds() == fds_before ? 0 : -1;
}

static int exists(const char *directory, const char *name)
{
	struct stat status;
	char path[NAME_MAX];

	snprintf(path, sizeof path, "%s/%s", directory, name);
	return lstat(in_base(path), &status) == 0;
}

/* A container whose first process is this one, with an ID of 64 times digit. */
static void make_container(struct container *c, char digit, const char *name)
{
	static char *const argv[] = { "true", NULL };

	container_init(c);
	memset(c->id, digit, CONTAINER_ID_LENGTH);
	c->name = name;
	c->argv = argv;
	c->pid = getpid();
	c->rootfs_path = "/";
	c->ns[NAMESPACE_PID].mode = NAMESPACE_PRIVATE;
	c->ns[NAMESPACE_UTS].mode = NAMESPACE_PRIVATE;
	assert_int_equal(strv_append(&c->env, "A=1"), 0);
}

/* What a skiff that is killed leaves: the directory stays, the lock goes with the descriptor. */
static void kill_container(struct container *c)
{
	scope_close_fd(&c->state_fd);
	container_free(c);
}

static void write_state(const char *id, const char *text)
{
	char path[PATH_MAX];

	snprintf(path, sizeof path, "%s/containers/%s/state.json", base, id);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void test_names(void **state)
{
	static const char *const good[] = { "a1", "web", "Web_1.2-x", "0a", "a." };
	static const char *const bad[] = { "",		"a",	     "-a",  "_a",  ".a",
					   "..",	"a/b",	     "a b", "a:b", "a\n",
					   "\303\244a", "a\303\244", "a*",  "../x" };
	char text[NAME_MAX + 2];

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
		if (!state_name_valid(good[i]))
			UNIT_FAIL("the name %s was refused", good[i]);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		if (state_name_valid(bad[i]))
			UNIT_FAIL("the name %s was taken", bad[i]);
	memset(text, 'n', sizeof text);
	text[NAME_MAX + 1] = '\0';
	assert_false(state_name_valid(text));
	text[NAME_MAX] = '\0';
	assert_true(state_name_valid(text));
}

static void test_create_find_remove(void **state)
{
	struct state_container found;
	struct container c;

	(void)state;
	make_container(&c, 'a', "web");
	assert_int_equal(state_create(&c), 0);
	assert_int_equal(state_write(&c), 0);
	const char *references[] = { "web", "a", "aaaaaaaaaaaa", c.id };
	for (int i = 0; i < 4; i++) {
		assert_int_equal(state_find(references[i], &found), 0);
		assert_int_equal(found.pid, getpid());
		assert_int_equal(found.namespaces, 1u << NAMESPACE_PID | 1u << NAMESPACE_UTS);
		assert_false(found.no_pivot);
		assert_int_equal(found.env.count, 1);
		assert_string_equal(found.env.list[0], "A=1");
		state_release(&found);
	}
	state_remove(&c);
	assert_false(exists("containers", c.id));
	assert_false(exists("root/names", "web"));
	state_remove(&c);
	container_free(&c);
}

static void assert_not_found(const char *reference, const char *text)
{
	struct state_container found;

	unit_forget_failure();
	assert_true(state_find(reference, &found) < 0);
	assert_true(found.pidfd < 0);
	state_release(&found);
	assert_int_equal(fail_record()->exit_code, 1);
	unit_assert_failure(text);
}

static void test_not_found(void **state)
{
	(void)state;
	assert_not_found("nobody", "No such container: nobody");
	assert_not_found("", "No such container: ");
	assert_not_found("abc", "No such container: abc");
	assert_not_found("../names", "No such container: ../names");
}

static void test_ambiguous_prefix(void **state)
{
	struct container first, second;

	(void)state;
	make_container(&first, 'a', NULL);
	make_container(&second, 'a', NULL);
	second.id[10] = 'b';
	assert_int_equal(state_create(&first), 0);
	assert_int_equal(state_create(&second), 0);
	assert_not_found("aaaa", "several IDs begin with it");
	assert_not_found("aaaaaaaaaab", "is not running"); /* found, but it has no state.json yet */
	state_remove(&first);
	state_remove(&second);
	container_free(&first);
	container_free(&second);
}

static void test_a_name_belongs_to_one(void **state)
{
	struct container first, second;

	(void)state;
	make_container(&first, 'a', "web");
	make_container(&second, 'b', "web");
	assert_int_equal(state_create(&first), 0);
	assert_true(state_create(&second) < 0);
	unit_assert_failure("taking the name web: the container aaaaaaaaaaaa has it");
	/* Undoing the second must not take the first one's name away. */
	state_remove(&second);
	assert_true(exists("root/names", "web"));
	assert_false(exists("containers", second.id));
	state_remove(&first);
	container_free(&first);
	container_free(&second);
}

/* A process that only waits to be killed, by this test's death at the latest. To be started before
 * state_create(): a copy of the locked descriptor would keep the lock. */
static pid_t start_waiting(void)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	return pid;
}

/* What a killed skiff has left goes: its directory, its name, and what still runs of it. */
static void test_dead_ones_are_swept(void **state)
{
	pid_t left_over = start_waiting();
	struct container dead, living;
	int status;

	(void)state;
	make_container(&dead, 'a', "web");
	dead.pid = left_over;
	assert_int_equal(state_create(&dead), 0);
	assert_int_equal(state_write(&dead), 0);
	kill_container(&dead);
	make_container(&living, 'b', "web");
	assert_int_equal(state_create(&living), 0);
	assert_false(exists("containers", dead.id));
	assert_int_equal(waitpid(left_over, &status, 0), left_over);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	assert_true(exists("containers", living.id));
	state_remove(&living);
	container_free(&living);
}

static void test_living_ones_are_not_swept(void **state)
{
	struct container first, second;

	(void)state;
	make_container(&first, 'a', NULL);
	make_container(&second, 'b', NULL);
	assert_int_equal(state_create(&first), 0);
	assert_int_equal(state_create(&second), 0);
	assert_true(exists("containers", first.id));
	state_remove(&first);
	state_remove(&second);
	container_free(&first);
	container_free(&second);
}

/* The process ID in the state of a dead container may belong to somebody else by now. */
static void test_a_reused_process_id_is_left_alone(void **state)
{
	struct container dead, living;
	char text[160];

	(void)state;
	make_container(&dead, 'a', NULL);
	assert_int_equal(state_create(&dead), 0);
	snprintf(text, sizeof text, "{\"pid\": %d, \"startTime\": 1}", getpid());
	write_state(dead.id, text);
	assert_not_found("aaa", "is not running");
	kill_container(&dead);
	make_container(&living, 'b', NULL);
	assert_int_equal(state_create(&living), 0); /* sweeps, and we live */
	assert_false(exists("containers", dead.id));
	state_remove(&living);
	container_free(&living);
}

/* Whatever lies in state.json, finding it says so in one line. */
static void test_broken_state(void **state)
{
	static const char *const broken[] = {
		"",
		"[]",
		"{}",
		"{\"pid\": \"x\"}",
		"{\"pid\": -1}",
		"{\"pid\": 0}",
		"{\"pid\": 1, \"namespaces\": [1, null], \"env\": 7}",
		"{\"namespaces\": {\"a\": 1}, \"env\": [null, 3, \"A=1\"]}"
	};
	struct container c;

	(void)state;
	make_container(&c, 'a', NULL);
	assert_int_equal(state_create(&c), 0);
	for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
		write_state(c.id, broken[i]);
		assert_not_found("aaa", "is not running");
	}
	state_remove(&c);
	container_free(&c);
}

static void assert_unreadable(const char *text)
{
	unit_forget_failure();
	assert_true(state_find("aaa", &(struct state_container){ 0 }) < 0);
	unit_assert_failure(text);
}

/* What cannot be read is no dead container: its processes and its name are not given up. */
static void test_unreadable_state(void **state)
{
	static const char *const broken[] = { "{", "null", "{\"pid\": 99999999999999999999}" };
	struct container dead, living;

	(void)state;
	make_container(&dead, 'a', "web");
	assert_int_equal(state_create(&dead), 0);
	for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
		write_state(dead.id, broken[i]);
		assert_unreadable("reading the state of aaa");
	}
	kill_container(&dead);
	make_container(&living, 'b', NULL);
	assert_int_equal(state_create(&living), 0);
	assert_true(exists("containers", dead.id));
	assert_true(exists("root/names", "web"));
	state_remove(&living);
	container_free(&living);
}

/* A state of megabytes: an environment may be as long as execve(2) takes it. */
static void test_large_state(void **state)
{
	static char value[100000] = "B=";
	struct state_container found;
	struct container c;

	(void)state;
	memset(value + 2, 'x', sizeof value - 3);
	make_container(&c, 'a', NULL);
	for (int i = 0; i < 20; i++)
		assert_int_equal(strv_append(&c.env, value), 0);
	assert_int_equal(state_create(&c), 0);
	assert_int_equal(state_write(&c), 0);
	assert_int_equal(state_find("aaa", &found), 0);
	assert_int_equal(found.env.count, 21);
	assert_string_equal(found.env.list[20], value);
	state_release(&found);
	assert_int_equal(truncate(in_base("containers/" A_64 "/state.json"), 17 << 20), 0);
	assert_unreadable("reading the state of aaa: File too large");
	state_remove(&c);
	container_free(&c);
}

/* A directory below that somebody else may write to holds nothing that we believe. */
static void test_planted_below(void **state)
{
	struct container c;

	(void)state;
	make_container(&c, 'a', NULL);
	assert_int_equal(state_create(&c), 0);
	assert_int_equal(state_write(&c), 0);
	assert_int_equal(chmod(in_base("containers/" A_64), 0777), 0);
	assert_unreadable("reading the state of aaa");
	assert_int_equal(chmod(in_base("containers"), 0777), 0);
	assert_unreadable("others own it or may write to it");
	assert_int_equal(chmod(in_base("containers"), 0700), 0);
	state_remove(&c);
	container_free(&c);
}

static void test_texts_that_are_not_utf8(void **state)
{
	struct state_container found;
	struct container c;

	(void)state;
	make_container(&c, 'a', NULL);
	assert_int_equal(strv_append(&c.env, "B=\377"), 0);
	assert_int_equal(state_create(&c), 0);
	assert_int_equal(state_write(&c), 0);
	assert_int_equal(state_find("aaa", &found), 0);
	assert_string_equal(found.env.list[0], "A=1");
	state_release(&found);
	state_remove(&c);
	container_free(&c);
}

/* /tmp/skiff-UID is a place where anybody may have put something else before. */
static void test_planted_directories(void **state)
{
	struct container c;

	(void)state;
	make_container(&c, 'a', NULL);
	assert_int_equal(symlink(".", in_base("link")), 0);
	setenv("SKIFF_RUN", in_base("link"), 1);
	assert_true(state_create(&c) < 0);
	unit_assert_failure("opening skiff's directory");
	if (geteuid() == 0) {
		assert_int_equal(mkdir(in_base("theirs"), 0777), 0);
		assert_int_equal(chown(in_base("theirs"), 12345, 12345), 0);
		setenv("SKIFF_RUN", in_base("theirs"), 1);
		assert_true(state_create(&c) < 0);
		unit_assert_failure("others own it or may write to it");
	}
	setenv("SKIFF_RUN", in_base("real"), 1);
	assert_int_equal(mkdir(in_base("real"), 0700), 0);
	assert_int_equal(mkdir(in_base("elsewhere"), 0700), 0);
	assert_int_equal(symlink("../elsewhere", in_base("real/containers")), 0);
	assert_int_equal(state_create(&c), -ENOTDIR);
	container_free(&c);
}

static void test_no_directory_can_be_made(void **state)
{
	struct container c;

	(void)state;
	make_container(&c, 'a', NULL);
	setenv("SKIFF_RUN", in_base("missing/run"), 1);
	assert_int_equal(state_create(&c), -ENOENT);
	unit_assert_failure("making skiff's directory");
	container_free(&c);
}

int main(void)
{
#define STATE_TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
	const struct CMUnitTest tests[] = {
		STATE_TEST(test_names),
		STATE_TEST(test_create_find_remove),
		STATE_TEST(test_not_found),
		STATE_TEST(test_ambiguous_prefix),
		STATE_TEST(test_a_name_belongs_to_one),
		STATE_TEST(test_dead_ones_are_swept),
		STATE_TEST(test_living_ones_are_not_swept),
		STATE_TEST(test_a_reused_process_id_is_left_alone),
		STATE_TEST(test_broken_state),
		STATE_TEST(test_unreadable_state),
		STATE_TEST(test_large_state),
		STATE_TEST(test_planted_below),
		STATE_TEST(test_texts_that_are_not_utf8),
		STATE_TEST(test_planted_directories),
		STATE_TEST(test_no_directory_can_be_made),
	};

	return cmocka_run_group_tests_name("state", tests, NULL, NULL);
}
