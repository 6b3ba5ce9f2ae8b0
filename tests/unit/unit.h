/* unit.h - what the unit tests share: cmocka, and a look at the failure record and at stderr. */
#ifndef SKIFF_UNIT_H
#define SKIFF_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#undef fail	/* cmocka's macro has the name of our function (fail.h), */
#undef fail_msg /* and this one uses it */

#include "fail.h"

/* Ends the running test as failed, with a message. */
#define UNIT_FAIL(...)                                                                             \
	do {                                                                                       \
		print_error(__VA_ARGS__);                                                          \
		print_error("\n");                                                                 \
		_fail(__FILE__, __LINE__);                                                         \
	} while (0)

/* A row of a table of cmocka tests, with a fresh failure record before each. */
#define UNIT_TEST(function) cmocka_unit_test_setup(function, unit_setup)

/* Empties the failure record: skiff itself fails but once, a test program often. */
void unit_forget_failure(void);

/* cmocka's set-up function of every test. */
int unit_setup(void **state);

/* What the function prints on stderr while it runs. The caller frees it. */
char *unit_stderr_of(void (*function)(void *argument), void *argument);

/* How many descriptors this process has open. */
unsigned unit_open_fds(void);

/* Asserts that the failure record holds text (anywhere in it), then empties it. */
void unit_assert_failure(const char *text);

/* A new, empty directory, removed with all it holds by unit_remove_dir(). */
void unit_make_dir(char path[64]);
void unit_remove_dir(const char *path);

/* The next number of a fixed random sequence (xorshift), below limit. */
unsigned unit_random(unsigned limit);

/* Starts the sequence anew and says on stdout which seed it is: UNIT_SEED, or a fixed one. */
void unit_random_start(void);

/* Whether the fuzz loop that began with unit_random_start() may go on: about one second. */
int unit_fuzz_goes_on(void);

#endif
