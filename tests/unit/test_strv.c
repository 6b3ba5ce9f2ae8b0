/* test_strv.c - the growing list of strings: shared/lib/strv.c. */
#include "unit.h"

#include "strv.h"

static void test_append_keeps_order_and_null(void **state)
{
	struct strv v = { 0 };
	char text[16];

	(void)state;
	for (unsigned i = 0; i < 100; i++) {
		snprintf(text, sizeof text, "K%u=%u", i, i);
		assert_int_equal(strv_append(&v, text), 0);
		assert_int_equal(v.count, i + 1);
		assert_null(v.list[v.count]);
	}
	assert_string_equal(v.list[0], "K0=0");
	assert_string_equal(v.list[99], "K99=99");
	strv_clear(&v);
}

static void test_append_copies(void **state)
{
	struct strv v = { 0 };
	char text[] = "A=1";

	(void)state;
	assert_int_equal(strv_append(&v, text), 0);
	text[2] = '2';
	assert_string_equal(v.list[0], "A=1");
	strv_clear(&v);
}

static void test_set_replaces_in_place(void **state)
{
	struct strv v = { 0 };

	(void)state;
	assert_int_equal(strv_set(&v, "A=1"), 0);
	assert_int_equal(strv_set(&v, "B=2"), 0);
	assert_int_equal(strv_set(&v, "A=longer than before"), 0);
	assert_int_equal(v.count, 2);
	assert_string_equal(v.list[0], "A=longer than before");
	assert_string_equal(v.list[1], "B=2");
	assert_null(v.list[2]);
	strv_clear(&v);
}

/* The key is all that stands before the first '='; one key may begin like another. */
static void test_keys_are_whole(void **state)
{
	struct strv v = { 0 };

	(void)state;
	assert_int_equal(strv_set(&v, "PATH=/bin"), 0);
	assert_int_equal(strv_set(&v, "PATHS=x"), 0);
	assert_int_equal(strv_set(&v, "PAT=y"), 0);
	assert_int_equal(strv_set(&v, "EQ=a=b"), 0);
	assert_int_equal(v.count, 4);
	assert_string_equal(strv_get(&v, "PATH"), "/bin");
	assert_string_equal(strv_get(&v, "PAT"), "y");
	assert_string_equal(strv_get(&v, "EQ"), "a=b");
	assert_null(strv_get(&v, "PATHX"));
	assert_null(strv_get(&v, "P"));
	assert_null(strv_get(&v, ""));
	strv_clear(&v);
}

static void test_empty_value_is_a_value(void **state)
{
	struct strv v = { 0 };

	(void)state;
	assert_int_equal(strv_set(&v, "EMPTY="), 0);
	assert_string_equal(strv_get(&v, "EMPTY"), "");
	strv_clear(&v);
}

static void test_empty_list(void **state)
{
	struct strv v = { 0 };

	(void)state;
	assert_null(strv_get(&v, "A"));
	strv_clear(&v);
	strv_clear(&v);
	assert_null(v.list);
	assert_int_equal(v.count, 0);
}

static void test_list_can_be_used_after_clear(void **state)
{
	struct strv v = { 0 };

	(void)state;
	assert_int_equal(strv_append(&v, "A=1"), 0);
	strv_clear(&v);
	assert_int_equal(strv_append(&v, "B=2"), 0);
	assert_int_equal(v.count, 1);
	assert_string_equal(v.list[0], "B=2");
	strv_clear(&v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(test_append_keeps_order_and_null),  UNIT_TEST(test_append_copies),
		UNIT_TEST(test_set_replaces_in_place),	      UNIT_TEST(test_keys_are_whole),
		UNIT_TEST(test_empty_value_is_a_value),	      UNIT_TEST(test_empty_list),
		UNIT_TEST(test_list_can_be_used_after_clear),
	};

	return cmocka_run_group_tests_name("strv", tests, NULL, NULL);
}
