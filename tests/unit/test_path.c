/* test_path.c - directories that no magic link can lead astray: shared/lib/path.c. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "path.h"

static char base[64];
static unsigned fds_before;

static int setup(void **state)
{
	unit_make_dir(base);
	fds_before = unit_open_fds();
	return unit_setup(state);
}

/* Every test also checks that no descriptor was left open. */
static int teardown(void **state)
{
	(void)state;
	unit_remove_dir(base);
	return unit_open_fds() == fds_before ? 0 : -1;
}

/* base and name as one path; the string is good until the next call. */
static const char *in_base(const char *name)
{
	static char path[PATH_MAX + 64];

	snprintf(path, sizeof path, "%s/%s", base, name);
	return path;
}

static mode_t mode_of(const char *path)
{
	struct stat status;

	return lstat(path, &status) < 0 ? 0 : status.st_mode;
}

static void test_makes_all_of_them(void **state)
{
	mode_t caller_umask = umask(022);

	(void)state;
	assert_int_equal(make_directories(in_base("a/b/c")), 0);
	assert_int_equal(mode_of(in_base("a")), S_IFDIR | 0755);
	assert_int_equal(mode_of(in_base("a/b/c")), S_IFDIR | 0755);
	umask(caller_umask);
}

static void test_leaves_what_exists(void **state)
{
	(void)state;
	assert_int_equal(mkdir(in_base("old"), 0700), 0);
	assert_int_equal(make_directories(in_base("old/new")), 0);
	assert_int_equal(mode_of(in_base("old")), S_IFDIR | 0700);
	assert_int_equal(make_directories(in_base("old/new")), 0);
}

static void test_slashes_do_not_count(void **state)
{
	(void)state;
	assert_int_equal(make_directories(in_base("//a///b//")), 0);
	assert_true(S_ISDIR(mode_of(in_base("a/b"))));
	assert_int_equal(make_directories("/"), 0);
	assert_int_equal(make_directories("///"), 0);
}

static void test_dots(void **state)
{
	(void)state;
	assert_int_equal(make_directories(in_base("a/./b/../c")), 0);
	assert_true(S_ISDIR(mode_of(in_base("a/b"))));
	assert_true(S_ISDIR(mode_of(in_base("a/c"))));
}

static void test_links_are_followed(void **state)
{
	char target[PATH_MAX];

	(void)state;
	assert_int_equal(mkdir(in_base("real"), 0755), 0);
	assert_int_equal(symlink("real", in_base("relative")), 0);
	snprintf(target, sizeof target, "%s/real", base);
	assert_int_equal(symlink(target, in_base("absolute")), 0);
	assert_int_equal(make_directories(in_base("relative/one")), 0);
	assert_int_equal(make_directories(in_base("absolute/two")), 0);
	assert_true(S_ISDIR(mode_of(in_base("real/one"))));
	assert_true(S_ISDIR(mode_of(in_base("real/two"))));
}

static void test_links_to_nowhere(void **state)
{
	(void)state;
	assert_int_equal(symlink("missing", in_base("dangling")), 0);
	assert_int_equal(symlink("loop", in_base("loop")), 0);
	assert_int_equal(make_directories(in_base("dangling/x")), -ENOENT);
	assert_int_equal(make_directories(in_base("loop/x")), -ELOOP);
	assert_int_equal(mode_of(in_base("missing")), 0);
}

/* /proc/self/fd/7, /proc/self/cwd and /proc/self/root are links that the kernel follows to places
 * that may lie outside of the root: CVE-2024-21626 used one as a working directory. */
static void test_magic_links_are_refused(void **state)
{
	int dir = open(base, O_PATH | O_DIRECTORY | O_CLOEXEC), here;
	char path[64];

	(void)state;
	snprintf(path, sizeof path, "/proc/self/fd/%d/escape", dir);
	assert_int_equal(make_directories(path), -ELOOP);
	here = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(fchdir(dir), 0);
	assert_int_equal(make_directories("/proc/self/cwd/escape"), -ELOOP);
	assert_int_equal(fchdir(here), 0);
	assert_int_equal(mode_of(in_base("escape")), 0);
	/* Also when an ordinary link leads to the magic one. */
	snprintf(path, sizeof path, "/proc/self/fd/%d", dir);
	assert_int_equal(symlink(path, in_base("innocent")), 0);
	assert_int_equal(make_directories(in_base("innocent/escape")), -ELOOP);
	assert_int_equal(mode_of(in_base("escape")), 0);
	close(here);
	close(dir);
}

static void test_a_file_in_the_way(void **state)
{
	(void)state;
	close(open(in_base("file"), O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
	assert_int_equal(make_directories(in_base("file")), -ENOTDIR);
	assert_int_equal(make_directories(in_base("file/x")), -ENOTDIR);
}

static void test_long_names(void **state)
{
	char name[NAME_MAX + 2];

	(void)state;
	memset(name, 'n', sizeof name);
	name[NAME_MAX + 1] = '\0';
	assert_int_equal(make_directories(in_base(name)), -ENAMETOOLONG);
	name[NAME_MAX] = '\0';
	assert_int_equal(make_directories(in_base(name)), 0);
	assert_true(S_ISDIR(mode_of(in_base(name))));
}

/* A path as a whole may be longer than PATH_MAX: it is walked name by name. */
static void test_long_paths(void **state)
{
	enum { DEPTH = 50, LENGTH = 200, SIZE = DEPTH * (LENGTH + 1) };
	char name[LENGTH + 1], *path = calloc(1, sizeof base + SIZE + 1);
	int here = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);

	(void)state;
	assert_non_null(path);
	memset(name, 'd', LENGTH);
	name[LENGTH] = '\0';
	strcpy(path, base);
	for (int i = 0; i < DEPTH; i++)
		strcat(strcat(path, "/"), name);
	assert_true(strlen(path) > PATH_MAX);
	assert_int_equal(make_directories(path), 0);
	/* nftw(3) cannot reach that deep: go down and take it away on the way up. */
	assert_int_equal(chdir(base), 0);
	for (int i = 0; i < DEPTH; i++)
		assert_int_equal(chdir(name), 0);
	for (int i = 0; i < DEPTH; i++) {
		assert_int_equal(chdir(".."), 0);
		assert_int_equal(rmdir(name), 0);
	}
	assert_int_equal(fchdir(here), 0);
	close(here);
	free(path);
}

int main(void)
{
#define PATH_TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
	const struct CMUnitTest tests[] = {
		PATH_TEST(test_makes_all_of_them),
		PATH_TEST(test_leaves_what_exists),
		PATH_TEST(test_slashes_do_not_count),
		PATH_TEST(test_dots),
		PATH_TEST(test_links_are_followed),
		PATH_TEST(test_links_to_nowhere),
		PATH_TEST(test_magic_links_are_refused),
		PATH_TEST(test_a_file_in_the_way),
		PATH_TEST(test_long_names),
		PATH_TEST(test_long_paths),
	};

	return cmocka_run_group_tests_name("path", tests, NULL, NULL);
}
