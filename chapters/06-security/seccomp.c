/* seccomp.c - chapter 06, your code: a filter for system calls. The contract is in privilege.h.
 *
 * A profile says in JSON what is allowed; seccomp_cache.c gets the program for the kernel's classic
 * BPF machine that says the same. */
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "container.h"
#include "fail.h"
#include "kernel.h"
#include "privilege.h"
#include "scope.h"
#include "seccomp_cache.h"

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

/* SECURITY: a container in the session of skiff's terminal could put letters into its input as if the
 * user had typed them: TIOCSTI of ioctl_tty(2), or TIOCLINUX on a console. It need not be given the
 * terminal for that: /dev/tty is there with all three standard streams elsewhere, and in the background.
 * These instructions go before the profile's. They compare 32 bits, as the kernel does: CVE-2019-10063
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
	struct sock_filter *longer;

	if (filter->count + GUARD_COUNT > BPF_MAXINSNS)
		return fail(E2BIG, "guarding the terminal");
	longer = calloc(filter->count + GUARD_COUNT, sizeof *longer);
	if (!longer)
		return fail(ENOMEM, "guarding the terminal");
	write_guard(longer);
	memcpy(longer + GUARD_COUNT, filter->code, filter->count * sizeof *longer);
	free(filter->code);
	filter->code = longer;
	filter->count = (unsigned short)(filter->count + GUARD_COUNT);
	return 0;
}

/* ENXIO: there is none. One that only can't be opened now is one (TIOCEXCL of ioctl_tty(2)). */
static bool has_terminal(void)
{
	auto_fd terminal = open("/dev/tty", O_RDONLY | O_NOCTTY | O_CLOEXEC);

	return terminal >= 0 || errno != ENXIO;
}

/* A program that allows everything. Returns 0 or -errno with a failure record. */
static int allow_all(struct seccomp_filter *filter)
{
	filter->code = malloc(sizeof *filter->code);
	if (!filter->code)
		return fail(ENOMEM, "making a system call filter");
	*filter->code = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	filter->count = 1;
	return 0;
}

/* seccomp=unconfined takes away the profile, but not the guard of a terminal; --privileged takes both. */
int filter_prepare(struct container *c)
{
	struct privileges *p = &c->privileges;
	struct seccomp_filter filter = { 0 };
	bool unconfined = p->seccomp && strcmp(p->seccomp, "unconfined") == 0;
	int ret;

	if (unconfined && (c->flags & CONTAINER_PRIVILEGED || !has_terminal()))
		return 0;
	ret = unconfined ? allow_all(&filter) :
			   seccomp_cache_get(p->seccomp, p->profile_caps, &filter);
	if (ret == 0)
		ret = guard_terminal(&filter);
	p->filter = filter.code;
	p->filter_count = filter.count;
	return ret;
}

/* SECURITY: the kernel's keys are in no namespace, and io_uring does the work of calls that a filter
 * never sees; only here they are refused (test: attacks/06-keyring, attacks/06-io-uring). */
int filter_load(const struct container *c)
{
	struct sock_fprog program = { c->privileges.filter_count, c->privileges.filter };

	if (!program.filter)
		return 0;
	/* TODO 6.3 seccomp
	 * Load the program: sys_seccomp() with SECCOMP_SET_MODE_FILTER, no flags, and its address.
	 * From then on the kernel asks it about each system call of this process and of all that
	 * come from it.
	 * Read: seccomp(2) */
	return TODO("6.3 seccomp");
	/* END 6.3 */
}
