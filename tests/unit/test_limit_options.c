/* Sizes, decimals and lists of CPUs, as the limits of chapter 04 take them. */
#include "unit.h"

#include <stdint.h>

#include "limit_options.h"

static void test_sizes(void **state)
{
	static const struct {
		const char *text;
		int64_t bytes;
	} rows[] = {
		{ "0", 0 },
		{ "1", 1 },
		{ "64b", 64 },
		{ "64k", 64 << 10 },
		{ "64m", 64 << 20 },
		{ "64M", 64 << 20 },
		{ "64mb", 64 << 20 },
		{ "64MiB", 64 << 20 },
		{ "1.5g", INT64_C(3) << 29 },
		{ "0.5k", 512 },
		{ "1.5", 1 },
		{ "2t", INT64_C(2) << 40 },
		{ "8191p", INT64_C(8191) << 50 },
		{ "9223372036854775807", INT64_MAX },
		{ "9223372036854775808", -1 },
		{ "8192p", -1 },
		{ "99999999999999999999999", -1 },
		{ "", -1 },
		{ "m", -1 },
		{ "-1", -1 },
		{ "+1", -1 },
		{ " 1", -1 },
		{ "1 m", -1 },
		{ "1mm", -1 },
		{ "1bb", -1 },
		{ "1bi", -1 },
		{ "1x", -1 },
		{ "1.", -1 },
		{ ".5m", -1 },
		{ "1..5m", -1 },
		{ "1.5.5m", -1 },
		{ "0x10", -1 },
		{ "1e9", -1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		print_message("\"%s\"\n", rows[i].text);
		assert_true(limit_parse_size(rows[i].text) == rows[i].bytes);
	}
}

static void test_decimals(void **state)
{
	(void)state;
	assert_int_equal(limit_parse_decimal("1.5", 100000), 150000);
	assert_int_equal(limit_parse_decimal("0.01", 100000), 1000);
	assert_int_equal(limit_parse_decimal("0.000019", 100000), 1);
	assert_int_equal(limit_parse_decimal("2", 100000), 200000);
	assert_int_equal(limit_parse_decimal("1", 1), 1);
	assert_int_equal(limit_parse_decimal("1.", 100000), -1);
	assert_int_equal(limit_parse_decimal("", 100000), -1);
	assert_int_equal(limit_parse_decimal("1,5", 100000), -1);
	assert_int_equal(limit_parse_decimal("-1", 100000), -1);
	assert_int_equal(limit_parse_decimal("99999999999999999", 100000), -1);
}

static void test_cpu_lists(void **state)
{
	static const char *const good[] = { "0", "0-3", "0,2", "0-1,3", "3,0-1", "2-2" };
	static const char *const bad[] = { "",
					   "x",
					   "4",
					   "0-4",
					   "2-1",
					   "-1",
					   "0-",
					   ",",
					   "0,",
					   ",0",
					   "0,,1",
					   "0;1",
					   "0 ",
					   " 0",
					   "0-1-2",
					   "0x1",
					   "99999999999999999999",
					   "0--1" };

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		print_message("\"%s\"\n", good[i]);
		assert_true(limit_cpus_valid(good[i], 4));
	}
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		print_message("\"%s\"\n", bad[i]);
		assert_false(limit_cpus_valid(bad[i], 4));
	}
}

/* What `run` makes of several limits together. */
static void test_together(void **state)
{
	struct limits limits = { .value = { [LIMIT_MEMORY] = 64 << 20 } };

	(void)state;
	assert_int_equal(limit_options_check(&limits, "run", true), 0);
	assert_int_equal(limits.value[LIMIT_SWAP], 128 << 20);
	assert_true(limits.swap_is_default);
	limits = (struct limits){ .value = { [LIMIT_MEMORY] = INT64_MAX } };
	assert_int_equal(limit_options_check(&limits, "run", true), 0);
	assert_int_equal(limits.value[LIMIT_SWAP], LIMIT_NONE);
	limits = (struct limits){ .value = { [LIMIT_MEMORY] = 64 << 20 } };
	assert_int_equal(limit_options_check(&limits, "update", false), 0);
	assert_int_equal(limits.value[LIMIT_SWAP], LIMIT_UNSET);
	limits = (struct limits){ .value = { [LIMIT_MEMORY] = 64 << 20, [LIMIT_SWAP] = 1 << 20 } };
	assert_true(limit_options_check(&limits, "update", false) < 0);
	limits = (struct limits){ .value = { [LIMIT_SWAP] = 64 << 20 } };
	assert_true(limit_options_check(&limits, "run", true) < 0);
	assert_int_equal(limit_options_check(&limits, "update", false), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_decimals),
		cmocka_unit_test(test_cpu_lists),
		cmocka_unit_test(test_together),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
