/* test_chapters.c - which chapters a build has: shared/runtime/chapters.c. This one has four. */
#include "unit.h"

#include "chapters.h"

ROOM(00);
ROOM(01);
ROOM(02);
ROOM(05);
ROOM(15);

static void test_list_joins_neighbours(void **state)
{
	char text[80];

	(void)state;
	assert_string_equal(chapters_list(text, sizeof text), "chapters 00-02, 05, 15");
}

static void test_list_fits_any_size(void **state)
{
	char text[80], whole[80];

	(void)state;
	chapters_list(whole, sizeof whole);
	for (unsigned size = 1; size < sizeof text; size++) {
		memset(text, '#', sizeof text);
		chapters_list(text, size);
		assert_int_equal(text[size], '#');
		assert_true(strlen(text) < size);
		assert_memory_equal(text, whole, strlen(text));
	}
}

static void test_built(void **state)
{
	(void)state;
	for (int chapter = 0; chapter < CHAPTERS; chapter++)
		assert_int_equal(chapter_built(chapter),
				 chapter <= 2 || chapter == 5 || chapter == 15);
}

static void test_need_names_the_chapter(void **state)
{
	(void)state;
	assert_int_equal(chapter_need(2, "--no-pivot"), 0);
	assert_int_equal(fail_record()->exit_code, 0);
	assert_true(chapter_need(4, "--memory") < 0);
	assert_string_equal(fail_record()->text, "--memory needs chapter 04 (cgroups); "
						 "this build has chapters 00-02, 05, 15");
	assert_int_equal(fail_record()->exit_code, EXIT_SKIFF);
}

static void test_names_are_all_different(void **state)
{
	(void)state;
	for (int a = 0; a < CHAPTERS; a++)
		for (int b = 0; b < a; b++)
			assert_string_not_equal(chapter_name(a), chapter_name(b));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(test_list_joins_neighbours),
		UNIT_TEST(test_list_fits_any_size),
		UNIT_TEST(test_built),
		UNIT_TEST(test_need_names_the_chapter),
		UNIT_TEST(test_names_are_all_different),
	};

	return cmocka_run_group_tests_name("chapters", tests, NULL, NULL);
}
