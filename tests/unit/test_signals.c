/* test_signals.c - a signal during a start: shared/runtime/signals.c. */
#include "unit.h"

#include <signal.h>
#include <stdbool.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "container.h"
#include "signals.h"

/* A descriptor that can be read after so many milliseconds. */
static int readable_in(long msec)
{
	struct itimerspec when = { .it_value.tv_nsec = msec * 1000000 };
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(timerfd_settime(fd, 0, &when, NULL), 0);
	return fd;
}

/* Waits with SIGHUP pending until fd can be read. Returns what signals_watch_start() does. */
static int watch_with_hangup(struct container *c, int fd)
{
	container_init(c);
	assert_int_equal(signals_block(c), 0);
	assert_int_equal(raise(SIGHUP), 0);
	return signals_watch_start(c, fd);
}

/* Takes a pending SIGHUP away. Returns whether there was one. */
static bool take_hangup(void)
{
	struct timespec none = { 0 };
	sigset_t hangup;

	sigemptyset(&hangup);
	sigaddset(&hangup, SIGHUP);
	return sigtimedwait(&hangup, NULL, &none) == SIGHUP;
}

/* The start is over in a moment: the signal waits, and is the command's. */
static void test_signal_at_the_end_of_a_start(void **state)
{
	struct container c;
	int fd = readable_in(100);

	(void)state;
	assert_int_equal(watch_with_hangup(&c, fd), 0);
	assert_true(take_hangup());
	signals_restore(&c);
	close(fd);
}

/* The start goes nowhere: the signal ends it. */
static void test_signal_ends_a_start(void **state)
{
	struct container c;
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC); /* never to be read */

	(void)state;
	assert_true(watch_with_hangup(&c, fd) < 0);
	unit_assert_failure("ended by signal 1");
	assert_false(take_hangup());
	signals_restore(&c);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(test_signal_at_the_end_of_a_start),
		UNIT_TEST(test_signal_ends_a_start),
	};

	return cmocka_run_group_tests_name("signals", tests, NULL, NULL);
}
