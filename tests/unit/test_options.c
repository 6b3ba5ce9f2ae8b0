/* test_options.c - the walk through a command line: shared/cli/options.c and run_options.c. */
#include "unit.h"

#include <errno.h>
#include <stdlib.h>

#include "chapters.h"
#include "options.h"
#include "run_options.h"

ROOM(00);
ROOM(01);
ROOM(02);
ROOM(03);

enum { INTERACTIVE = 1, TTY, ENV, NAME, NAMESPACE };

static const struct option_row rows[] = {
	{ "interactive", 'i', VALUE_NONE, 1, INTERACTIVE, "" },
	{ "tty", 't', VALUE_NONE, 1, TTY, "" },
	{ "env", 'e', VALUE_NEEDED, 1, ENV, "KEY=VALUE" },
	{ "name", 0, VALUE_NEEDED, 1, NAME, "" },
	{ "name-space", 0, VALUE_NONE, 1, NAMESPACE, "" },
	{ "unwired", 0, VALUE_NONE, 1, 0, "" },
	{ "memory", 'm', VALUE_NEEDED, 4, 0, "" },
	{ 0 },
};

#define WALK(...)                                                                                  \
	(struct option_walk)                                                                       \
	{                                                                                          \
		.command = "run", .rows = rows, .argv = (char *[])                                 \
		{                                                                                  \
			__VA_ARGS__, NULL                                                          \
		}                                                                                  \
	}

static void test_no_words(void **state)
{
	struct option_walk walk = { .command = "run", .rows = rows, .argv = (char *[]){ NULL } };

	(void)state;
	assert_int_equal(options_next(&walk), 0);
	assert_int_equal(walk.at, 0);
}

static void test_stops_at_the_first_word(void **state)
{
	struct option_walk walk = WALK("-i", "sh", "-t");

	(void)state;
	assert_int_equal(options_next(&walk), INTERACTIVE);
	assert_int_equal(options_next(&walk), 0);
	assert_string_equal(walk.argv[walk.at], "sh");
}

static void test_a_dash_alone_is_a_word(void **state)
{
	struct option_walk walk = WALK("-");

	(void)state;
	assert_int_equal(options_next(&walk), 0);
	assert_int_equal(walk.at, 0);
}

static void test_two_dashes_end_the_options(void **state)
{
	struct option_walk walk = WALK("-i", "--", "-t");

	(void)state;
	assert_int_equal(options_next(&walk), INTERACTIVE);
	assert_int_equal(options_next(&walk), 0);
	assert_string_equal(walk.argv[walk.at], "-t");
}

static void test_long_value_both_ways(void **state)
{
	struct option_walk walk = WALK("--name=a=b", "--name", "--tty", "--name=");

	(void)state;
	assert_int_equal(options_next(&walk), NAME);
	assert_string_equal(walk.value, "a=b");
	assert_string_equal(walk.shown, "--name");
	assert_int_equal(options_next(&walk), NAME);
	assert_string_equal(walk.value, "--tty"); /* a value, whatever it looks like */
	assert_int_equal(options_next(&walk), NAME);
	assert_string_equal(walk.value, "");
	assert_int_equal(options_next(&walk), 0);
}

static void test_cluster(void **state)
{
	struct option_walk walk = WALK("-it", "sh");

	(void)state;
	assert_int_equal(options_next(&walk), INTERACTIVE);
	assert_null(walk.value);
	assert_int_equal(options_next(&walk), TTY);
	assert_string_equal(walk.shown, "-t");
	assert_int_equal(options_next(&walk), 0);
	assert_string_equal(walk.argv[walk.at], "sh");
}

static void test_letter_value_three_ways(void **state)
{
	struct option_walk walk = WALK("-eK=V", "-e", "A=1", "-e=B=2", "-iteC=3");

	(void)state;
	assert_int_equal(options_next(&walk), ENV);
	assert_string_equal(walk.value, "K=V");
	assert_int_equal(options_next(&walk), ENV);
	assert_string_equal(walk.value, "A=1");
	assert_int_equal(options_next(&walk), ENV);
	assert_string_equal(walk.value, "B=2");
	assert_int_equal(options_next(&walk), INTERACTIVE);
	assert_int_equal(options_next(&walk), TTY);
	assert_int_equal(options_next(&walk), ENV);
	assert_string_equal(walk.value, "C=3");
	assert_int_equal(options_next(&walk), 0);
}

static void test_cluster_takes_next_word_as_value(void **state)
{
	struct option_walk walk = WALK("-ie", "K=V", "sh");

	(void)state;
	assert_int_equal(options_next(&walk), INTERACTIVE);
	assert_int_equal(options_next(&walk), ENV);
	assert_string_equal(walk.value, "K=V");
	assert_int_equal(options_next(&walk), 0);
	assert_string_equal(walk.argv[walk.at], "sh");
}

static void test_flags_true_and_false(void **state)
{
	struct option_walk walk = WALK("--tty", "--tty=true", "--tty=1", "--tty=false", "--tty=0",
				       "-i=false", "--tty=maybe");
	const int expected[] = { 1, 1, 1, 0, 0, 0 };

	(void)state;
	for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
		assert_true(options_next(&walk) > 0);
		assert_int_equal(options_flag(&walk), expected[i]);
	}
	assert_int_equal(options_next(&walk), TTY);
	assert_true(options_flag(&walk) < 0);
	unit_assert_failure("run: --tty=maybe: neither true nor false");
}

static void assert_refused(struct option_walk walk, const char *text)
{
	int ret;

	unit_forget_failure();
	while ((ret = options_next(&walk)) > 0)
		continue;
	assert_true(ret < 0);
	assert_int_equal(fail_record()->exit_code, EXIT_SKIFF);
	unit_assert_failure(text);
}

static void test_unknown_options(void **state)
{
	(void)state;
	assert_refused(WALK("--nope"), "run: unknown option --nope");
	assert_refused(WALK("-x"), "run: unknown option -x");
	assert_refused(WALK("-ixt"), "run: unknown option -x");
	assert_refused(WALK("--nope=value"), "run: unknown option --nope");
	assert_refused(WALK("--=x"), "run: unknown option --");
	assert_refused(WALK("--unwired"), "run: unknown option --unwired");
}

static void test_no_abbreviations(void **state)
{
	struct option_walk walk = WALK("--name-space");

	(void)state;
	assert_refused(WALK("--nam", "x"), "unknown option --nam");
	assert_refused(WALK("--names", "x"), "unknown option --names");
	assert_refused(WALK("--tt"), "unknown option --tt");
	assert_int_equal(options_next(&walk), NAMESPACE);
}

static void test_missing_value(void **state)
{
	(void)state;
	assert_refused(WALK("--name"), "run: option --name needs a value");
	assert_refused(WALK("-e"), "run: option -e needs a value");
	assert_refused(WALK("-ite"), "run: option -e needs a value");
}

static void test_long_names_fit_the_message(void **state)
{
	char word[300] = "--";

	(void)state;
	memset(word + 2, 'w', sizeof word - 3);
	assert_refused(WALK(word), "unknown option --wwww");
}

static void test_later_chapters_are_named(void **state)
{
	(void)state;
	assert_refused(WALK("--memory", "1m"),
		       "--memory needs chapter 04 (cgroups); this build has chapters 00-03");
	assert_refused(WALK("-m1m"),
		       "-m needs chapter 04 (cgroups); this build has chapters 00-03");
}

/* Docker's options, each in its own chapter; every row has a sound chapter and help where built. */
static void test_run_options(void **state)
{
	static const char value_letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ=:|";
	char word[64];

	(void)state;
	for (const struct option_row *row = run_options; row->name; row++) {
		struct option_walk walk = { .command = "run",
					    .rows = run_options,
					    .argv = (char *[]){ word, "value", NULL } };
		char expected[64];

		snprintf(word, sizeof word, "--%s", row->name);
		assert_in_range(row->chapter, 0, CHAPTERS - 1);
		unit_forget_failure();
		if (chapter_built(row->chapter)) {
			assert_true(row->id > 0);
			assert_int_equal(options_next(&walk), row->id);
			assert_true(row->help[0] != '\0');
			if (row->value == VALUE_NEEDED) /* KEY=VALUE a variable */
				assert_int_equal(row->help[strspn(row->help, value_letters)], ' ');
			continue;
		}
		snprintf(expected, sizeof expected, "--%s needs chapter %02d (", row->name,
			 row->chapter);
		assert_true(options_next(&walk) < 0);
		assert_string_equal(fail_record()->hint, row->id ? "" : row->help);
		unit_assert_failure(expected);
	}
}

static void test_run_options_are_unique(void **state)
{
	(void)state;
	for (const struct option_row *a = run_options; a->name; a++)
		for (const struct option_row *b = run_options; b < a; b++) {
			assert_string_not_equal(a->name, b->name);
			if (a->letter)
				assert_int_not_equal(a->letter, b->letter);
		}
}

/* Any words at all: the walk ends, stays within them, and fails only with a record. */
static void test_fuzz(void **state)
{
	static const char *const parts[] = { "-",   "--",    "=",   "i",      "t", "e",
					     "m",   "name",  "env", "-space", "x", "",
					     "tty", "false", "\n",  "\377" };

	(void)state;
	unit_random_start();
	while (unit_fuzz_goes_on()) {
		char words[6][64];
		char *argv[7] = { 0 };
		struct option_walk walk = { .command = "run", .rows = rows, .argv = argv };
		int count = (int)unit_random(7), steps = 0, ret;

		for (int i = 0; i < count; i++) {
			words[i][0] = '\0';
			for (unsigned part = unit_random(6); part > 0; part--)
				strcat(words[i],
				       parts[unit_random(sizeof parts / sizeof parts[0])]);
			/* A copy of the very size: ASan sees the first byte read too many. */
			argv[i] = strdup(words[i]);
			assert_non_null(argv[i]);
		}
		unit_forget_failure();
		while ((ret = options_next(&walk)) > 0) {
			assert_true(++steps <= 6 * 64);
			if (walk.value)
				(void)!options_flag(&walk);
		}
		assert_in_range(walk.at, 0, count);
		if (ret < 0)
			assert_int_equal(fail_record()->exit_code, EXIT_SKIFF);
		for (int i = 0; i < count; i++)
			free(argv[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(test_no_words),
		UNIT_TEST(test_stops_at_the_first_word),
		UNIT_TEST(test_a_dash_alone_is_a_word),
		UNIT_TEST(test_two_dashes_end_the_options),
		UNIT_TEST(test_long_value_both_ways),
		UNIT_TEST(test_cluster),
		UNIT_TEST(test_letter_value_three_ways),
		UNIT_TEST(test_cluster_takes_next_word_as_value),
		UNIT_TEST(test_flags_true_and_false),
		UNIT_TEST(test_unknown_options),
		UNIT_TEST(test_no_abbreviations),
		UNIT_TEST(test_missing_value),
		UNIT_TEST(test_long_names_fit_the_message),
		UNIT_TEST(test_later_chapters_are_named),
		UNIT_TEST(test_run_options),
		UNIT_TEST(test_run_options_are_unique),
		UNIT_TEST(test_fuzz),
	};

	return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
