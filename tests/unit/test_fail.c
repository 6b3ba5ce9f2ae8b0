/* test_fail.c - the failure record: shared/runtime/fail.c. */
#include "unit.h"

#include <errno.h>
#include <stdlib.h>

static void test_first_record_is_kept(void **state)
{
	(void)state;
	assert_int_equal(fail(ENOENT, "opening %s", "/a"), -ENOENT);
	assert_int_equal(fail(EPERM, "undoing"), -EPERM);
	assert_int_equal(fail_record()->error, ENOENT);
	assert_int_equal(fail_record()->exit_code, EXIT_SKIFF);
	assert_string_equal(fail_record()->text, "opening /a: No such file or directory");
}

static void test_text_alone_without_errno(void **state)
{
	(void)state;
	assert_int_equal(fail(0, "a name has %d bytes", 64), -EINVAL);
	assert_string_equal(fail_record()->text, "a name has 64 bytes");
	assert_int_equal(fail_record()->error, 0);
}

static void test_hint_and_exit_code_of_the_latest(void **state)
{
	(void)state;
	assert_int_equal(fail_hint(fail(0, "first"), "do %s", "this"), -EINVAL);
	assert_int_equal(fail_exit_code(-EINVAL, 127), -EINVAL);
	assert_string_equal(fail_record()->hint, "do this");
	assert_int_equal(fail_record()->exit_code, 127);
}

static void test_later_failure_adds_nothing(void **state)
{
	int ret = fail(0, "first");

	(void)state;
	assert_int_equal(ret, -EINVAL);
	assert_int_equal(fail_hint(fail(EIO, "second"), "wrong way out"), -EIO);
	assert_int_equal(fail_exit_code(-EIO, 1), -EIO);
	assert_string_equal(fail_record()->hint, "");
	assert_int_equal(fail_record()->exit_code, EXIT_SKIFF);
	assert_string_equal(fail_record()->text, "first");
}

static void test_long_text_is_cut(void **state)
{
	char name[2 * sizeof fail_record()->text];

	(void)state;
	memset(name, 'n', sizeof name - 1);
	name[sizeof name - 1] = '\0';
	assert_int_equal(fail(ENOENT, "%s", name), -ENOENT);
	assert_int_equal(strlen(fail_record()->text), sizeof fail_record()->text - 1);
	assert_int_equal(fail_hint(-1, "%s", name), -1);
	assert_int_equal(strlen(fail_record()->hint), sizeof fail_record()->hint - 1);
}

/* A text that ends just before the end of the record leaves no room for all of strerror(). */
static void test_text_at_the_edge(void **state)
{
	char name[sizeof fail_record()->text];

	(void)state;
	for (size_t length = sizeof name - 4; length < sizeof name; length++) {
		memset(name, 'n', length);
		name[length] = '\0';
		unit_forget_failure();
		assert_int_equal(fail(ENOENT, "%s", name), -ENOENT);
		assert_int_equal(strlen(fail_record()->text), sizeof fail_record()->text - 1);
	}
}

static void test_adopt(void **state)
{
	struct failure theirs = { .exit_code = 127, .error = ENOENT, .text = "t", .hint = "h" };

	(void)state;
	assert_int_equal(fail_adopt(&theirs), -ENOENT);
	assert_memory_equal(fail_record(), &theirs, sizeof theirs);
	theirs.error = EIO;
	assert_int_equal(fail_adopt(&theirs), -ENOENT);
	assert_int_equal(fail_record()->error, ENOENT);
}

static void test_adopt_unterminated(void **state)
{
	struct failure theirs = { .exit_code = 125, .error = 0 };

	(void)state;
	memset(theirs.text, 'x', sizeof theirs.text);
	memset(theirs.hint, 'y', sizeof theirs.hint);
	assert_int_equal(fail_adopt(&theirs), -EINVAL);
	assert_int_equal(strlen(fail_record()->text), sizeof theirs.text - 1);
	assert_int_equal(strlen(fail_record()->hint), sizeof theirs.hint - 1);
}

static void print_record(void *exit_code)
{
	*(int *)exit_code = fail_print();
}

static void test_printed_lines(void **state)
{
	int exit_code = -1;
	char *text;

	(void)state;
	text = unit_stderr_of(print_record, &exit_code);
	assert_string_equal(text, "");
	assert_int_equal(exit_code, 0);
	free(text);
	assert_int_equal(fail_hint(fail(ENOENT, "opening x"), "make x"), -ENOENT);
	text = unit_stderr_of(print_record, &exit_code);
	assert_string_equal(text, "skiff: opening x: No such file or directory\nhint: make x\n");
	assert_int_equal(exit_code, EXIT_SKIFF);
	free(text);
}

/* Whoever names a file "ESC ] 0 ; ..." must not paint on the terminal; UTF-8 stays as it is. */
static void test_control_characters(void **state)
{
	int exit_code;
	char *text;

	(void)state;
	assert_int_equal(fail_hint(fail(0, "a\033[31mb\rc\nd\x7f"
					   "e\303\244"),
				   "\b\ath\001"),
			 -EINVAL);
	text = unit_stderr_of(print_record, &exit_code);
	assert_string_equal(text, "skiff: a?[31mb?c?d?e\303\244\nhint: ??th?\n");
	free(text);
}

/* The controls above ASCII, such as U+009B, which is ESC [ in one: in UTF-8, as a byte of their own,
 * and as what a careless decoder takes for them. */
static void test_control_characters_above_ascii(void **state)
{
	static const struct {
		const char *text, *printed;
	} cases[] = {
		{ "a\23331mb", "a?31mb" },
		{ "a\200\237b", "a??b" },
		{ "a\302\200\302\233\302\237b", "a??????b" },
		{ "\302\240 \303\244 \342\224\200 \360\237\233\266 \364\217\277\277",
		  "\302\240 \303\244 \342\224\200 \360\237\233\266 \364\217\277\277" },
		{ "\300\233 \301\277 \340\202\233 \360\200\202\233",
		  "?? ?? ??? ????" }, /* too long */
		{ "\355\240\200 \364\220\200\200 \370\200 \377",
		  "??? ???? ?? ?" }, /* no characters */
		{ "\303", "?" },     /* cut short */
		{ "\342\224a\360\237\233", "??a???" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char expected[64], *text;
		int exit_code;

		unit_forget_failure();
		assert_int_equal(fail(0, "%s", cases[i].text), -EINVAL);
		text = unit_stderr_of(print_record, &exit_code);
		snprintf(expected, sizeof expected, "skiff: %s\n", cases[i].printed);
		assert_string_equal(text, expected);
		free(text);
	}
}

static void print_note(void *argument)
{
	note("%s", (const char *)argument);
}

static void test_note(void **state)
{
	char *text = unit_stderr_of(print_note, (void *)(uintptr_t) "mind the gap");

	(void)state;
	assert_string_equal(text, "skiff: note: mind the gap\n");
	assert_int_equal(fail_record()->exit_code, 0);
	free(text);
}

static void test_todo_names_task_file_line(void **state)
{
	(void)state;
	assert_int_equal(fail_todo("3.2 hostname", "chapters/03-namespaces/namespaces.c", 57),
			 -EINVAL);
	assert_string_equal(fail_record()->text, "task 3.2 (hostname) is not written yet: "
						 "chapters/03-namespaces/namespaces.c:57");
	assert_string_equal(fail_record()->hint, "make hint TASK=3.2");
	assert_int_equal(fail_record()->exit_code, EXIT_SKIFF);
}

static int try_twice(int first, int second, int *ran)
{
	TRY(first);
	++*ran;
	TRY(second);
	++*ran;
	return 42;
}

static void test_try_returns_failures_only(void **state)
{
	int ran = 0;

	(void)state;
	assert_int_equal(try_twice(-ENOENT, 0, &ran), -ENOENT);
	assert_int_equal(ran, 0);
	assert_int_equal(try_twice(3, -1, &ran), -1);
	assert_int_equal(ran, 1);
	assert_int_equal(try_twice(0, 7, &ran), 42);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(test_first_record_is_kept),
		UNIT_TEST(test_text_alone_without_errno),
		UNIT_TEST(test_hint_and_exit_code_of_the_latest),
		UNIT_TEST(test_later_failure_adds_nothing),
		UNIT_TEST(test_long_text_is_cut),
		UNIT_TEST(test_text_at_the_edge),
		UNIT_TEST(test_adopt),
		UNIT_TEST(test_adopt_unterminated),
		UNIT_TEST(test_printed_lines),
		UNIT_TEST(test_control_characters),
		UNIT_TEST(test_control_characters_above_ascii),
		UNIT_TEST(test_note),
		UNIT_TEST(test_todo_names_task_file_line),
		UNIT_TEST(test_try_returns_failures_only),
	};

	return cmocka_run_group_tests_name("fail", tests, NULL, NULL);
}
