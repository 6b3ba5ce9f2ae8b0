/* test_environment.c - the environment that options give: shared/cli/environment.c. */
#include "unit.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "environment.h"

/* Reads length bytes as an --env-file. Returns what environment_add_file() said. */
static int read_env_file(struct strv *env, const char *text, size_t length)
{
	int file = memfd_create("env-file", MFD_CLOEXEC), ret;
	char path[32];

	assert_true(file >= 0);
	assert_int_equal(write(file, text, length), (ssize_t)length);
	snprintf(path, sizeof path, "/proc/self/fd/%d", file);
	ret = environment_add_file(env, path);
	close(file);
	return ret;
}

static void test_key_and_value(void **state)
{
	struct strv env = { 0 };

	(void)state;
	assert_int_equal(environment_add(&env, "A=1"), 0);
	assert_int_equal(environment_add(&env, "B="), 0);
	assert_int_equal(environment_add(&env, "C=x=y z"), 0);
	assert_int_equal(environment_add(&env, "A=2"), 0);
	assert_int_equal(env.count, 3);
	assert_string_equal(strv_get(&env, "A"), "2");
	assert_string_equal(strv_get(&env, "B"), "");
	assert_string_equal(strv_get(&env, "C"), "x=y z");
	strv_clear(&env);
}

static void test_callers_own_value(void **state)
{
	struct strv env = { 0 };

	(void)state;
	setenv("SKIFF_UNIT_HERE", "from the caller", 1);
	unsetenv("SKIFF_UNIT_GONE");
	assert_int_equal(environment_add(&env, "SKIFF_UNIT_HERE"), 0);
	assert_int_equal(environment_add(&env, "SKIFF_UNIT_GONE"), 0);
	assert_int_equal(env.count, 1);
	assert_string_equal(env.list[0], "SKIFF_UNIT_HERE=from the caller");
	strv_clear(&env);
}

static void test_a_name_is_needed(void **state)
{
	static const char *const bad[] = { "", "=", "=value" };
	struct strv env = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		assert_true(environment_add(&env, bad[i]) < 0);
		unit_assert_failure("a variable needs a name");
	}
	assert_int_equal(env.count, 0);
}

static void test_defaults(void **state)
{
	struct strv env = { 0 };

	(void)state;
	assert_int_equal(environment_defaults(&env), 0);
	assert_string_equal(strv_get(&env, "HOME"), "/root");
	assert_non_null(strstr(strv_get(&env, "PATH"), "/usr/bin"));
	assert_int_equal(strv_get(&env, "TERM") != NULL, isatty(STDIN_FILENO));
	strv_clear(&env);
}

static void test_file(void **state)
{
	static const char text[] = "# a comment\n"
				   "A=1\n"
				   "\n"
				   "   \t\n"
				   "  # an indented comment\n"
				   "  B=2\n"
				   "C=a # is no comment here\n"
				   "A=again\n"
				   "LAST=without newline";
	struct strv env = { 0 };

	(void)state;
	assert_int_equal(read_env_file(&env, text, sizeof text - 1), 0);
	assert_int_equal(env.count, 4);
	assert_string_equal(strv_get(&env, "A"), "again");
	assert_string_equal(strv_get(&env, "B"), "2");
	assert_string_equal(strv_get(&env, "C"), "a # is no comment here");
	assert_string_equal(strv_get(&env, "LAST"), "without newline");
	strv_clear(&env);
}

static void test_file_with_crlf(void **state)
{
	static const char text[] = "A=1\r\n\r\n# x\r\nB=2\r\n";
	struct strv env = { 0 };

	(void)state;
	assert_int_equal(read_env_file(&env, text, sizeof text - 1), 0);
	assert_int_equal(env.count, 2);
	assert_string_equal(strv_get(&env, "A"), "1");
	assert_string_equal(strv_get(&env, "B"), "2");
	strv_clear(&env);
}

static void test_file_takes_the_callers_values(void **state)
{
	struct strv env = { 0 };

	(void)state;
	setenv("SKIFF_UNIT_HERE", "yes", 1);
	assert_int_equal(read_env_file(&env, "SKIFF_UNIT_HERE\r\n", 17), 0);
	assert_string_equal(strv_get(&env, "SKIFF_UNIT_HERE"), "yes");
	strv_clear(&env);
}

static void test_file_with_a_bad_line(void **state)
{
	struct strv env = { 0 };

	(void)state;
	assert_true(read_env_file(&env, "A=1\n=2\nB=3\n", 11) < 0);
	unit_assert_failure("a variable needs a name");
	assert_null(strv_get(&env, "B"));
	strv_clear(&env);
}

static void test_file_that_cannot_be_read(void **state)
{
	struct strv env = { 0 };

	(void)state;
	assert_true(environment_add_file(&env, "/nowhere/env") < 0);
	unit_assert_failure("reading --env-file /nowhere/env: No such file or directory");
	assert_true(environment_add_file(&env, "/") < 0);
	unit_assert_failure("reading --env-file /");
	assert_int_equal(env.count, 0);
}

/* Every entry is KEY=VALUE with a key of its own, on one line. */
static void assert_sound(const struct strv *env)
{
	for (size_t i = 0; i < env->count; i++) {
		const char *equals = strchr(env->list[i], '=');
		size_t key = equals ? (size_t)(equals - env->list[i]) + 1 : 0;

		assert_true(key > 1);
		assert_null(strpbrk(env->list[i], "\r\n"));
		for (size_t other = 0; other < i; other++)
			if (strncmp(env->list[other], env->list[i], key) == 0)
				UNIT_FAIL("\"%s\" is there twice", env->list[i]);
	}
}

static void test_fuzz(void **state)
{
	static const char letters[] = "AB=#\n\r\t \0\377x\n";

	(void)state;
	unit_random_start();
	while (unit_fuzz_goes_on()) {
		struct strv env = { 0 };
		char text[200];
		size_t length = unit_random(sizeof text);

		for (size_t i = 0; i < length; i++)
			text[i] = letters[unit_random(sizeof letters - 1)];
		unit_forget_failure();
		if (read_env_file(&env, text, length) < 0)
			unit_assert_failure("a variable needs a name");
		assert_sound(&env);
		strv_clear(&env);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(test_key_and_value),
		UNIT_TEST(test_callers_own_value),
		UNIT_TEST(test_a_name_is_needed),
		UNIT_TEST(test_defaults),
		UNIT_TEST(test_file),
		UNIT_TEST(test_file_with_crlf),
		UNIT_TEST(test_file_takes_the_callers_values),
		UNIT_TEST(test_file_with_a_bad_line),
		UNIT_TEST(test_file_that_cannot_be_read),
		UNIT_TEST(test_fuzz),
	};

	return cmocka_run_group_tests_name("environment", tests, NULL, NULL);
}
