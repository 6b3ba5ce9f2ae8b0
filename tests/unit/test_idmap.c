/* test_idmap.c - ID maps: shared/runtime/idmap.c. */
#include "unit.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "idmap.h"

static void test_good_maps(void **state)
{
	struct id_maps maps = { 0 };

	(void)state;
	assert_int_equal(idmap_parse(&maps, "0:100000:65536", "--uidmap"), 0);
	assert_int_equal(idmap_parse(&maps, "4294967294:0:1", "--uidmap"), 0);
	assert_int_equal(maps.count, 2);
	assert_int_equal(maps.map[0].inside, 0);
	assert_int_equal(maps.map[0].outside, 100000);
	assert_int_equal(maps.map[0].count, 65536);
	assert_int_equal(maps.map[1].inside, 4294967294u);
}

static void test_bad_forms(void **state)
{
	static const char *const bad[] = {
		"",
		":",
		"::",
		"0",
		"0:1",
		"0:1:",
		"0:1:0",
		"0:1:2:",
		"0:1:2:3",
		"a:1:2",
		"0:b:2",
		"0:1:c",
		"-1:0:1",
		"0:-1:1",
		"0:0:-1",
		"+1:0:1",
		" 0:0:1",
		"0:0:1 ",
		"0: 0:1",
		"0x1:0:1",
		"0,0,1",
		"0:0:1\n",
		"4294967295:0:1",
		"0:4294967295:1",
		"0:0:4294967295",
		"4294967296:0:1",
		"0:0:18446744073709551617",
		"99999999999999999999999:0:1",
	};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct id_maps maps = { 0 };

		unit_forget_failure();
		if (idmap_parse(&maps, bad[i], "--gidmap") >= 0)
			UNIT_FAIL("\"%s\" was taken for a map", bad[i]);
		assert_int_equal(maps.count, 0);
		assert_non_null(strstr(fail_record()->hint, "CONTAINER_ID:HOST_ID:COUNT"));
		unit_assert_failure("--gidmap");
	}
}

static void test_too_many(void **state)
{
	struct id_maps maps = { 0 };

	(void)state;
	for (int i = 0; i < CONTAINER_MAPS_MAX; i++)
		assert_int_equal(idmap_parse(&maps, "0:0:1", "--uidmap"), 0);
	assert_true(idmap_parse(&maps, "0:0:1", "--uidmap") < 0);
	assert_int_equal(maps.count, CONTAINER_MAPS_MAX);
	unit_assert_failure("more than 16 maps");
}

static void test_one_map_given_serves_both(void **state)
{
	struct id_maps uids = { 0 }, gids = { 0 };

	(void)state;
	assert_int_equal(idmap_parse(&gids, "0:7000:10", "--gidmap"), 0);
	assert_int_equal(idmap_choose(&uids, &gids), 0);
	assert_int_equal(uids.count, 1);
	assert_memory_equal(&uids.map[0], &gids.map[0], sizeof uids.map[0]);
}

static void test_own_id(void **state)
{
	struct id_maps uids = { .map = { { 0, geteuid(), 1 } }, .count = 1 };
	struct id_maps gids = { .map = { { 0, getegid(), 1 } }, .count = 1 };

	(void)state;
	assert_true(idmap_is_own_id(&uids, &gids));
	gids.map[0].count = 2;
	assert_false(idmap_is_own_id(&uids, &gids));
	gids.map[0].count = 1;
	gids.map[0].outside++;
	assert_false(idmap_is_own_id(&uids, &gids));
	uids.count = 0;
	assert_false(idmap_is_own_id(&uids, &gids));
}

/* Every map that can be had, with the widest numbers, fits what is written for the kernel. */
static void test_widest_maps_fit(void **state)
{
	struct id_maps maps = { .count = CONTAINER_MAPS_MAX };

	(void)state;
	for (int i = 0; i < CONTAINER_MAPS_MAX; i++)
		maps.map[i] = (struct id_map){ UINT32_MAX, UINT32_MAX, UINT32_MAX };
	assert_true(idmap_write(getpid(), "no-such-map", &maps) < 0);
	unit_assert_failure("no-such-map");
}

/* newuidmap is setuid root: a program of that name in the caller's PATH must not be run. */
static void test_helpers_path(void **state)
{
	struct id_maps maps = { .map = { { 0, 1000, 1 } }, .count = 1 };
	const char *path = getenv("PATH");
	char directory[64], helper[128], witness[128], *old = strdup(path ? path : "/bin");
	FILE *script;

	(void)state;
	unit_make_dir(directory);
	snprintf(helper, sizeof helper, "%s/skiff-test-helper", directory);
	snprintf(witness, sizeof witness, "%s/witness", directory);
	script = fopen(helper, "w");
	assert_non_null(script);
	fprintf(script, "#!/bin/sh\ntouch %s\n", witness);
	fclose(script);
	chmod(helper, 0755);
	setenv("PATH", directory, 1);
	assert_int_equal(idmap_run_helper("skiff-test-helper", getpid(), &maps), -ENOENT);
	setenv("PATH", old, 1);
	assert_int_not_equal(access(witness, F_OK), 0);
	assert_string_equal(fail_record()->hint, "install the package uidmap");
	unit_assert_failure("running /usr/bin/skiff-test-helper");
	free(old);
	unit_remove_dir(directory);
}

/* A helper that fails has mapped nothing. */
static void test_helper_that_fails(void **state)
{
	struct id_maps maps = { .map = { { 0, 1000, 1 } }, .count = 1 };

	(void)state;
	assert_true(idmap_run_helper("false", getpid(), &maps) < 0);
	unit_assert_failure("/usr/bin/false failed");
	assert_int_equal(idmap_run_helper("true", getpid(), &maps), 0);
}

/* What is a map, said once more in another way. */
static int is_map(const char *text)
{
	unsigned long long number[3];
	int colons = 0, digits = 0;

	for (const char *at = text; *at; at++) {
		if (*at == ':' && (digits == 0 || ++colons > 2))
			return 0;
		if (*at != ':' && !isdigit((unsigned char)*at))
			return 0;
		digits = *at == ':' ? 0 : digits + 1;
	}
	if (colons != 2 || digits == 0)
		return 0;
	sscanf(text, "%llu:%llu:%llu", &number[0], &number[1], &number[2]);
	return number[0] < UINT32_MAX && number[1] < UINT32_MAX && number[2] < UINT32_MAX &&
	       number[2] > 0;
}

static void test_fuzz(void **state)
{
	static const char letters[] = "0123456789000::::-x ";
	unsigned accepted = 0;

	(void)state;
	unit_random_start();
	while (unit_fuzz_goes_on()) {
		struct id_maps maps = { 0 };
		size_t length = unit_random(2) ? unit_random(9) : unit_random(40);
		char *text = calloc(1, length + 1);
		int good;

		assert_non_null(text);
		for (size_t i = 0; i < length; i++)
			text[i] = letters[unit_random(unit_random(3) ? 17 : sizeof letters - 1)];
		good = is_map(text);
		accepted += (unsigned)good;
		unit_forget_failure();
		if ((idmap_parse(&maps, text, "--uidmap") == 0) != good ||
		    maps.count != (unsigned)good)
			UNIT_FAIL("\"%s\": %s a map", text,
				  good ? "refused, but is" : "taken, but is not");
		free(text);
	}
	assert_true(accepted > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(test_good_maps),    UNIT_TEST(test_bad_forms),
		UNIT_TEST(test_too_many),     UNIT_TEST(test_one_map_given_serves_both),
		UNIT_TEST(test_own_id),	      UNIT_TEST(test_widest_maps_fit),
		UNIT_TEST(test_helpers_path), UNIT_TEST(test_helper_that_fails),
		UNIT_TEST(test_fuzz),
	};

	return cmocka_run_group_tests_name("idmap", tests, NULL, NULL);
}
