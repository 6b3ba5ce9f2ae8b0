/* test_namespaces.c - what of chapter 03 no run can show: solutions/03-namespaces/namespaces.c. */
#include "unit.h"

#include <sys/wait.h>

/* The path, for beside the header there is the learner's file of that name. */
#include "../../solutions/03-namespaces/namespaces.c" /* NOLINT(bugprone-suspicious-include) */

/* `exec` into a container with --no-pivot goes by the process ID. Here it is that of another process,
 * our own, as when the container has ended meanwhile and its ID was given away. */
static void test_root_of_a_reused_process_id(void **state)
{
	struct container c;
	pid_t pid;

	(void)state;
	container_init(&c);
	c.flags = CONTAINER_EXEC | CONTAINER_NO_PIVOT;
	c.target_pid = getpid();
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(0);
	c.target_pidfd = sys_pidfd_open(pid);
	assert_true(c.target_pidfd >= 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(join_mounts(&c), -ESRCH);
	unit_assert_failure("entering the container's root: No such process");
	assert_int_equal(c.rootfs_fd, -1);
	container_free(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(test_root_of_a_reused_process_id),
	};

	return cmocka_run_group_tests_name("namespaces", tests, NULL, NULL);
}
