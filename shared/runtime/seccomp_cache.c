/* seccomp_cache.c - compiled system call filters, kept on disk; see seccomp_cache.h.
 *
 * To compile a profile takes milliseconds, so the result is kept in
 *
 *	$SKIFF_ROOT/seccomp/KEY    struct stored, the profile's bytes, the program
 *
 * KEY is a checksum of all that the program depends on. It only names the file: what decides is that
 * the file holds the very bytes of the profile. A file that does not is made anew. */
#include "seccomp_cache.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <malloc.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/utsname.h>

#include "dirs.h"
#include "fail.h"
#include "scope.h"
#include "seccomp_profile.h"
#include "seccomp_shorten.h"

enum {
	PROFILE_MAX = 1 << 20, /* bytes of a profile */
	FILTER_FORMAT = 3,     /* of the cache; to be raised when the compiler changes */
};

/* skiff's own profile, as it is in chapters/06-security/profile.json. */
__asm__(".section .rodata\n"
	"default_profile_start: .incbin \"chapters/06-security/profile.json\"\n"
	"default_profile_end:\n"
	".previous");
extern const char default_profile_start[], default_profile_end[];

/* What a profile's compilation depends on; the head of a file in the cache. */
struct stored {
	uint64_t format;
	uint64_t bounding;
	uint64_t libseccomp;
	uint64_t x32;
	uint64_t profile_bytes;
	char release[64]; /* of the kernel: the profile may ask for a version */
	char machine[64];
	uint64_t filter_count; /* instructions */
	uint64_t filter_sum;   /* their checksum */
};

struct profile {
	const char *text;
	size_t length;
	const char *name; /* for messages */
	char *owned;	  /* text, if it was read from a file */
};

/* A checksum (FNV-1a, eight bytes at a time). It finds damage; it is no proof of anything. */
static uint64_t checksum(uint64_t sum, const void *data, size_t length)
{
	const unsigned char *bytes = data;

	while (length > 0) {
		uint64_t word = 0;
		size_t step = length < sizeof word ? length : sizeof word;

		memcpy(&word, bytes, step);
		sum = (sum ^ word) * 0x100000001b3u;
		sum ^= sum >> 29;
		bytes += step;
		length -= step;
	}
	return sum;
}

/* Reads the profile of --security-opt seccomp=FILE. Returns 0 or -errno with a failure record. */
static int read_profile(const char *path, struct profile *profile)
{
	auto_fd fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	struct stat status;

	if (fd < 0 || fstat(fd, &status) < 0)
		return fail(errno, "reading the seccomp profile %s", path);
	if (!S_ISREG(status.st_mode) || status.st_size > PROFILE_MAX)
		return fail(0, "reading the seccomp profile %s: not a file of at most 1 MiB", path);
	profile->owned = malloc((size_t)status.st_size + 1);
	ssize_t got = profile->owned ? read(fd, profile->owned, (size_t)status.st_size) : -1;
	if (got != status.st_size)
		return fail(got < 0 ? errno : EIO, "reading the seccomp profile %s", path);
	profile->text = profile->owned;
	profile->length = (size_t)got;
	profile->name = path;
	return 0;
}

/* Fills the head for this profile, this kernel and these capabilities; the filter is not known yet. */
static struct stored describe(const struct profile *profile, capability_set bounding)
{
	struct stored head = {
		.format = FILTER_FORMAT,
		.bounding = bounding,
		.libseccomp = SCMP_VER_MAJOR * 10000 + SCMP_VER_MINOR * 100 + SCMP_VER_MICRO,
		.x32 = seccomp_has_x32(),
		.profile_bytes = profile->length,
	};
	struct utsname kernel;

	if (uname(&kernel) == 0) {
		snprintf(head.release, sizeof head.release, "%.63s", kernel.release);
		snprintf(head.machine, sizeof head.machine, "%.63s", kernel.machine);
	}
	return head;
}

/* Takes the filter from the file, if the file is whole and was made for just this profile.
 * SECURITY: whoever chooses the filter chooses what the container may do. The directory is ours
 * alone (dirs.h), and another profile with the same checksum is found out by its bytes
 * (test: chapters/test_06_seccomp.py, damaged cache). Returns whether it was. */
static bool cache_read(int dir, const char *key, const struct profile *profile,
		       struct stored *wanted, struct seccomp_filter *filter)
{
	auto_fd fd = openat(dir, key, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat status;
	auto_free char *file = NULL;
	struct stored head;
	size_t size, bytes;

	if (fd < 0 || fstat(fd, &status) < 0 || !S_ISREG(status.st_mode) ||
	    status.st_uid != geteuid() || status.st_size < (off_t)sizeof head ||
	    status.st_size > (off_t)PROFILE_MAX * 2)
		return false;
	size = (size_t)status.st_size;
	file = malloc(size);
	if (!file || read(fd, file, size) != (ssize_t)size)
		return false;
	memcpy(&head, file, sizeof head);
	wanted->filter_count = head.filter_count;
	wanted->filter_sum = head.filter_sum;
	bytes = head.filter_count * sizeof(struct sock_filter);
	if (head.filter_count == 0 || head.filter_count > BPF_MAXINSNS ||
	    memcmp(&head, wanted, sizeof head) != 0 ||
	    size != sizeof head + profile->length + bytes ||
	    memcmp(file + sizeof head, profile->text, profile->length) != 0 ||
	    checksum(0, file + size - bytes, bytes) != head.filter_sum)
		return false;
	filter->code = malloc(bytes);
	if (!filter->code)
		return false;
	memcpy(filter->code, file + size - bytes, bytes);
	filter->count = (unsigned short)head.filter_count;
	return true;
}

/* Writes a file of the cache: whole, under another name, then renamed. A cache that can't be
 * written costs the next start some milliseconds, so that is no failure. */
static void cache_write(int dir, const char *key, const struct profile *profile,
			struct stored *head, const struct seccomp_filter *filter)
{
	char temporary[64];
	size_t bytes = filter->count * sizeof(struct sock_filter);
	ssize_t size = (ssize_t)(sizeof *head + profile->length + bytes);

	head->filter_count = filter->count;
	head->filter_sum = checksum(0, filter->code, bytes);
	snprintf(temporary, sizeof temporary, "%s.%d", key, getpid());
	auto_fd fd = openat(dir, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	struct iovec parts[] = { { head, sizeof *head },
				 { (void *)(uintptr_t)profile->text, profile->length },
				 { filter->code, bytes } };
	if (fd >= 0 && (writev(fd, parts, 3) != size || renameat(dir, temporary, dir, key) < 0))
		unlinkat(dir, temporary, 0);
}

/* Gets the program for a profile: from the cache, or from the compiler.
 * Returns 0 or -errno with a failure record. */
static int get_filter(const struct profile *profile, capability_set bounding,
		      struct seccomp_filter *filter)
{
	struct stored head = describe(profile, bounding);
	uint64_t sum = checksum(checksum(0, &head, sizeof head), profile->text, profile->length);
	auto_fd dir = dirs_open(DIRS_ROOT, "seccomp");
	char key[32];

	/* A cache that can't be had costs time, no more: in a user namespace that is not the
	 * container's, root's directory is another's. */
	if (dir < 0)
		fail_forget();
	snprintf(key, sizeof key, "%016llx", (unsigned long long)sum);
	if (dir >= 0 && cache_read(dir, key, profile, &head, filter))
		return 0;
	TRY(seccomp_profile_compile(profile->text, profile->length, profile->name, bounding,
				    filter));
	TRY(seccomp_shorten(filter));
	malloc_trim(0); /* skiff waits long, and should be small */
	if (dir >= 0)
		cache_write(dir, key, profile, &head, filter);
	return 0;
}

int seccomp_cache_get(const char *path, capability_set bounding, struct seccomp_filter *filter)
{
	struct profile profile = { default_profile_start,
				   (size_t)(default_profile_end - default_profile_start), NULL,
				   NULL };
	int ret = path ? read_profile(path, &profile) : 0;

	if (ret == 0)
		ret = get_filter(&profile, bounding, filter);
	free(profile.owned);
	return ret;
}
