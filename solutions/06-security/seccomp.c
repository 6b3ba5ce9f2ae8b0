/* seccomp.c - chapter 06: a filter for system calls. The contract is in privilege.h.
 *
 * A profile says in JSON what is allowed; libseccomp compiles it to a program for the kernel's
 * classic BPF machine (seccomp_profile.c). That takes milliseconds, so the program is kept in
 *
 *	$SKIFF_ROOT/seccomp/KEY    struct stored, the profile's bytes, the program
 *
 * KEY is a checksum of all that the program depends on. It only names the file: what decides is that
 * the file holds the very bytes of the profile. A file that does not is made anew. */
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <malloc.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/utsname.h>

#include "container.h"
#include "dirs.h"
#include "fail.h"
#include "kernel.h"
#include "privilege.h"
#include "scope.h"

enum {
	PROFILE_MAX = 1 << 20, /* bytes of a profile */
	FILTER_FORMAT = 1,     /* of the cache; to be raised when the compiler changes */
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
	    status.st_size > PROFILE_MAX * 2)
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
	TRY(filter_compile(profile->text, profile->length, profile->name, bounding, filter));
	malloc_trim(0); /* skiff waits long, and should be small */
	if (dir >= 0)
		cache_write(dir, key, profile, &head, filter);
	return 0;
}

/* The places of ioctl(2) in the tables of system calls that this kernel may have. */
static const struct {
	uint32_t arch, number;
} ioctls[] = {
#ifdef __x86_64__
	{ AUDIT_ARCH_X86_64, SYS_ioctl },
	{ AUDIT_ARCH_X86_64, 0x40000000 + 514 }, /* x32 */
	{ AUDIT_ARCH_I386, 54 },
#else
	{ AUDIT_ARCH_AARCH64, SYS_ioctl },
	{ AUDIT_ARCH_ARM, 54 },
#endif
};

enum { GUARD_STEPS = 8, GUARD_COUNT = GUARD_STEPS * sizeof ioctls / sizeof ioctls[0] };

/* SECURITY: a container that was given skiff's terminal could put letters into its input as if the
 * user had typed them: TIOCSTI of ioctl_tty(2), or TIOCLINUX on a console. These instructions go
 * before the profile's. They compare 32 bits, as the kernel does: CVE-2019-10063
 * (test: attacks/06-tiocsti). */
static void write_guard(struct sock_filter *code)
{
	for (size_t i = 0; i < sizeof ioctls / sizeof ioctls[0]; i++) {
		const struct sock_filter steps[GUARD_STEPS] = {
			BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
			BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ioctls[i].arch, 0, 6),
			BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
			BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ioctls[i].number, 0, 4),
			BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[1])),
			BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, TIOCSTI, 1, 0),
			BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, TIOCLINUX, 0, 1),
			BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		};

		memcpy(code + i * GUARD_STEPS, steps, sizeof steps);
	}
}

/* Puts the guard before the program. Returns 0 or -errno with a failure record. */
static int guard_terminal(struct seccomp_filter *filter)
{
	struct sock_filter *longer = calloc(filter->count + GUARD_COUNT, sizeof *longer);

	if (!longer)
		return fail(ENOMEM, "guarding the terminal");
	write_guard(longer);
	memcpy(longer + GUARD_COUNT, filter->code, filter->count * sizeof *longer);
	free(filter->code);
	filter->code = longer;
	filter->count = (unsigned short)(filter->count + GUARD_COUNT);
	return 0;
}

int filter_prepare(struct container *c)
{
	struct privileges *p = &c->privileges;
	struct profile profile = { default_profile_start,
				   (size_t)(default_profile_end - default_profile_start), NULL,
				   NULL };
	struct seccomp_filter filter = { 0 };
	int ret = 0;

	if (p->seccomp && strcmp(p->seccomp, "unconfined") == 0)
		return 0;
	if (p->seccomp)
		ret = read_profile(p->seccomp, &profile);
	if (ret == 0)
		ret = get_filter(&profile, p->profile_caps, &filter);
	if (ret == 0 && c->has_terminal)
		ret = guard_terminal(&filter);
	free(profile.owned);
	p->filter = filter.code;
	p->filter_count = filter.count;
	return ret;
}

int filter_load(const struct container *c)
{
	struct sock_fprog program = { c->privileges.filter_count, c->privileges.filter };

	if (!program.filter)
		return 0;
	/* TASK 6.3 seccomp
	 * Load the program: sys_seccomp() with SECCOMP_SET_MODE_FILTER, no flags, and its address.
	 * From then on the kernel asks it about each system call of this process and of all that
	 * come from it.
	 * Read: seccomp(2) */
	int ret = sys_seccomp(SECCOMP_SET_MODE_FILTER, 0, &program);

	return ret < 0 ? fail(-ret, "loading the system call filter") : 0;
	/* END 6.3 */
}
