/* test_trace.c - `--explain`: shared/runtime/trace.c, and that it knows every step there is. */
#include "unit.h"

#include <stdlib.h>

#include "chapters.h"
#include "trace.c" /* NOLINT(bugprone-suspicious-include): its static table */

/* All sixteen, so that no row is left out as a stub's. */
ROOM(00);
ROOM(01);
ROOM(02);
ROOM(03);
ROOM(04);
ROOM(05);
ROOM(06);
ROOM(07);
ROOM(08);
ROOM(09);
ROOM(10);
ROOM(11);
ROOM(12);
ROOM(13);
ROOM(14);
ROOM(15);

enum { STEPS_MAX = 64 };

static char steps[STEPS_MAX][64];
static unsigned step_count;

static void add_step(const char *name, size_t length)
{
	assert_true(length > 0 && length < sizeof steps[0]);
	for (unsigned i = 0; i < step_count; i++)
		if (strlen(steps[i]) == length && memcmp(steps[i], name, length) == 0)
			return;
	assert_true(step_count < STEPS_MAX);
	memcpy(steps[step_count], name, length);
	steps[step_count++][length] = '\0';
}

/* Collects the names behind every `marker` in the corridor; a name ends with `end`. */
static unsigned collect_behind(const char *source, const char *marker, char end)
{
	unsigned found = 0;

	for (const char *at = source; (at = strstr(at, marker)); found++) {
		at += strlen(marker);
		add_step(at, (size_t)(strchr(at, end) - at));
	}
	return found;
}

static int read_corridor(void **state)
{
	FILE *file = fopen(UNIT_TREE "/shared/runtime/container.c", "r");
	char *source = calloc(1, 1 << 17);

	(void)state;
	assert_non_null(file);
	assert_non_null(source);
	assert_in_range(fread(source, 1, (1 << 17) - 1, file), 1000, (1 << 17) - 2);
	fclose(file);
	/* If nothing is found, this test has lost sight of the source. */
	assert_in_range(collect_behind(source, "\tSTEP(", '('), 20, 200);
	assert_in_range(collect_behind(source, "trace_last_step(c, \"", '"'), 1, 10);
	assert_in_range(collect_behind(source, "trace_step(c, \"", '"'), 1, 10);
	free(source);
	return 0;
}

static void test_every_step_is_explained(void **state)
{
	char call[80];

	(void)state;
	for (unsigned i = 0; i < step_count; i++) {
		const struct explanation *about;

		snprintf(call, sizeof call, "%s(c)", steps[i]);
		about = explanation_of(call);
		if (strcmp(about->step, steps[i]) != 0)
			UNIT_FAIL("trace.c has no row for the step %s", steps[i]);
		assert_true(about->what[0] && about->calls[0]);
		assert_in_range(about->chapter + 1, 0, CHAPTERS);
	}
}

static void test_every_explanation_is_a_step(void **state)
{
	(void)state;
	for (size_t row = 0; row < sizeof explanations / sizeof explanations[0]; row++) {
		unsigned i = 0;

		while (i < step_count && strcmp(steps[i], explanations[row].step) != 0)
			i++;
		if (i == step_count)
			UNIT_FAIL("trace.c explains %s, which is no step of container.c",
				  explanations[row].step);
	}
}

static void test_unknown_step(void **state)
{
	(void)state;
	assert_string_equal(explanation_of("no_such_step(c)")->step, "?");
	assert_string_equal(explanation_of("process_clon(c)")->step, "?");
	assert_string_equal(explanation_of("process_clone_more(c)")->step, "?");
	assert_string_equal(explanation_of("process_clone")->step, "process_clone");
}

static void print_table(void *container)
{
	trace_print(container, false);
}

static void print_json(void *container)
{
	trace_print(container, true);
}

/* Three steps of the parent, one of the child between them; the last step of the child has no end. */
static void record_a_run(struct container *c)
{
	assert_int_equal(trace_open(c), 0);
	c->pid = -1;
	trace_add(c, (struct trace_record){ "state_create(c)", 1000, 3000, 0 });
	c->pid = 0;
	trace_add(c, (struct trace_record){ "rootfs_mount(c)", 4000, 9000, -EPERM });
	trace_add(c, (struct trace_record){ "process_exec", 11000, 0, 0 });
	c->pid = 42;
	trace_add(c, (struct trace_record){ "sync_await_exec(c)", 10000, 21000, 0 });
}

static void test_json(void **state)
{
	struct container c = { 0 };
	static const char *const expected[] = { "state_create", "rootfs_mount", "sync_await_exec",
						"process_exec" };
	json_t *all, *one;
	size_t i;
	char *text;

	(void)state;
	record_a_run(&c);
	text = unit_stderr_of(print_json, &c);
	all = json_loads(text, 0, NULL);
	assert_non_null(all);
	assert_int_equal(json_array_size(json_object_get(all, "steps")), 4);
	json_array_foreach(json_object_get(all, "steps"), i, one)
		assert_string_equal(json_string_value(json_object_get(one, "step")), expected[i]);
	one = json_array_get(json_object_get(all, "steps"), 1);
	assert_string_equal(json_string_value(json_object_get(one, "process")), "child");
	assert_int_equal(json_integer_value(json_object_get(one, "error")), EPERM);
	assert_int_equal(json_integer_value(json_object_get(one, "chapter")), 2);
	assert_true(json_real_value(json_object_get(one, "usec")) == 5.0);
	one = json_array_get(json_object_get(all, "steps"), 3);
	/* It ended when the parent saw the socket close. */
	assert_true(json_real_value(json_object_get(one, "usec")) == 10.0);
	one = json_array_get(json_object_get(all, "steps"), 0);
	assert_true(json_is_null(json_object_get(one, "chapter")));
	json_decref(all);
	free(text);
	trace_close(&c);
	assert_null(c.trace);
}

static void test_table(void **state)
{
	struct container c = { 0 };
	char *text;

	(void)state;
	record_a_run(&c);
	text = unit_stderr_of(print_table, &c);
	assert_memory_equal(text, "PROCESS CHAPTER STEP", 20);
	assert_non_null(strstr(text, "\nchild   02      rootfs_mount"));
	assert_non_null(strstr(text, "FAILED\n"));
	free(text);
	trace_close(&c);
}

static unsigned recorded(const struct container *c, int process)
{
	return c->trace ? c->trace->count[process] : 0;
}

static int two_steps(struct container *c, int first, int second)
{
	STEP(first);
	STEP(second);
	return 7;
}

static void test_step_returns_on_failure(void **state)
{
	struct container c = { 0 };

	(void)state;
	assert_int_equal(two_steps(&c, 0, 3), 7); /* not traced */
	assert_int_equal(trace_open(&c), 0);
	assert_int_equal(two_steps(&c, -5, 0), -5);
	assert_int_equal(two_steps(&c, 0, -6), -6);
	assert_int_equal(recorded(&c, 1), 3);
	trace_close(&c);
}

/* More steps than there is room for are left out, not written past the end. */
static void test_too_many_steps(void **state)
{
	struct container c = { 0 };

	(void)state;
	assert_int_equal(trace_open(&c), 0);
	for (int i = 0; i < 3 * TRACE_STEPS; i++)
		assert_int_equal(trace_step(&c, "state_create(c)", trace_now(&c), i), i);
	assert_int_equal(recorded(&c, 1), TRACE_STEPS);
	assert_int_equal(recorded(&c, 0), 0);
	trace_close(&c);
	trace_close(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(test_every_step_is_explained),
		UNIT_TEST(test_every_explanation_is_a_step),
		UNIT_TEST(test_unknown_step),
		UNIT_TEST(test_json),
		UNIT_TEST(test_table),
		UNIT_TEST(test_step_returns_on_failure),
		UNIT_TEST(test_too_many_steps),
	};

	return cmocka_run_group_tests_name("trace", tests, read_corridor, NULL);
}
