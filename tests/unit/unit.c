/* unit.c - what the unit tests share; see unit.h. */
#include "unit.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static uint64_t random_state;
static struct timespec fuzz_end;
static unsigned long fuzz_rounds;

void unit_forget_failure(void)
{
	memset((struct failure *)(uintptr_t)fail_record(), 0, sizeof(struct failure));
}

int unit_setup(void **state)
{
	(void)state;
	unit_forget_failure();
	return 0;
}

char *unit_stderr_of(void (*function)(void *argument), void *argument)
{
	int file = memfd_create("stderr", MFD_CLOEXEC), kept = dup(STDERR_FILENO);
	struct stat status;
	char *text;

	assert_true(file >= 0 && kept >= 0);
	fflush(stderr);
	dup2(file, STDERR_FILENO);
	function(argument);
	fflush(stderr);
	dup2(kept, STDERR_FILENO);
	close(kept);
	assert_int_equal(fstat(file, &status), 0);
	text = calloc(1, (size_t)status.st_size + 1);
	assert_non_null(text);
	assert_int_equal(pread(file, text, (size_t)status.st_size, 0), status.st_size);
	close(file);
	return text;
}

unsigned unit_open_fds(void)
{
	DIR *list = opendir("/proc/self/fd");
	unsigned count = 0;

	assert_non_null(list);
	while (readdir(list))
		count++;
	closedir(list);
	return count;
}

void unit_assert_failure(const char *text)
{
	const struct failure *record = fail_record();

	if (!record->exit_code || !strstr(record->text, text))
		UNIT_FAIL("the failure record holds \"%s\", not \"%s\"", record->text, text);
	unit_forget_failure();
}

void unit_make_dir(char path[64])
{
	strcpy(path, "/tmp/skiff-unit-XXXXXX");
	assert_non_null(mkdtemp(path));
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *where)
{
	(void)status;
	(void)type;
	(void)where;
	return remove(path);
}

void unit_remove_dir(const char *path)
{
	assert_int_equal(nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS), 0);
}

unsigned unit_random(unsigned limit)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (unsigned)((random_state >> 11) % limit);
}

void unit_random_start(void)
{
	const char *seed = getenv("UNIT_SEED");

	random_state = seed ? strtoull(seed, NULL, 0) : 20260;
	random_state |= UINT64_C(1) << 40; /* never 0 */
	fuzz_rounds = 0;
	clock_gettime(CLOCK_MONOTONIC, &fuzz_end);
	fuzz_end.tv_sec += 1;
	print_message("UNIT_SEED=%s\n", seed ? seed : "20260");
}

int unit_fuzz_goes_on(void)
{
	struct timespec now;

	fuzz_rounds++;
	if (fuzz_rounds <= 1000) /* also on a machine that is busy */
		return 1;
	clock_gettime(CLOCK_MONOTONIC, &now);
	if (now.tv_sec < fuzz_end.tv_sec ||
	    (now.tv_sec == fuzz_end.tv_sec && now.tv_nsec < fuzz_end.tv_nsec))
		return 1;
	print_message("%lu rounds\n", fuzz_rounds - 1);
	return 0;
}
