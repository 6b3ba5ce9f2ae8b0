/* valgrind.c - linked into the skiff that valgrind runs, and into no other.
 *
 * valgrind 3.19 does not know some of the kernel's newer calls and answers ENOSYS. The linker puts
 * this function in front of syscall(2) (--wrap), and it takes them past valgrind:
 *
 *	clone3(2) as clone(2), which takes the same flags and stores the pidfd through the argument
 *	for the parent's thread ID; so valgrind sees that there are two processes from then on;
 *	calls of the mount family, openat2(2), seccomp(2) and those on pidfds as they are, from a
 *	function that runs on the processor itself and not in valgrind: VALGRIND_NON_SIMD_CALL1.
 *
 * Every other call passes unchanged. Of the calls that go past it valgrind does not check arguments,
 * nor does it see the descriptors that they return: the census of the stage tests counts those. */
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/sched.h>
#include <valgrind/valgrind.h>

struct call {
	long number;
	long argument[6];
};

long __real_syscall(long number, long a, long b, long c, long d, long e, long f);
long __wrap_syscall(long number, ...);

/* Runs on the processor: there the C library would look for errno in another place. */
static long call_directly(long thread, const struct call *call)
{
	const long *a = call->argument;
	long result;

	(void)thread;
#if defined(__x86_64__)
	register long r10 __asm__("r10") = a[3], r8 __asm__("r8") = a[4], r9 __asm__("r9") = a[5];
	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(call->number), "D"(a[0]), "S"(a[1]), "d"(a[2]), "r"(r10), "r"(r8),
			   "r"(r9)
			 : "rcx", "r11", "memory");
#elif defined(__aarch64__)
	register long x8 __asm__("x8") = call->number, x0 __asm__("x0") = a[0];
	register long x1 __asm__("x1") = a[1], x2 __asm__("x2") = a[2], x3 __asm__("x3") = a[3];
	register long x4 __asm__("x4") = a[4], x5 __asm__("x5") = a[5];
	__asm__ volatile("svc 0"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
			 : "memory");
	result = x0;
#else
#error "how does this processor call the kernel?"
#endif
	return result;
}

static bool is_unknown_to_valgrind(long number)
{
	switch (number) {
	case SYS_pidfd_open:
	case SYS_pidfd_send_signal:
	case SYS_openat2:
	case SYS_open_tree:
	case SYS_move_mount:
	case SYS_fsopen:
	case SYS_fsconfig:
	case SYS_fsmount:
	case SYS_mount_setattr:
	case SYS_seccomp:
#ifdef __x86_64__
	case 0x40000000 + SYS_getpid: /* is there an x32 ABI? */
#endif
		return true;
	default:
		return false;
	}
}

long __wrap_syscall(long number, ...)
{
	struct call call = { .number = number };
	va_list list;
	long result;

	va_start(list, number);
	for (int i = 0; i < 6; i++)
		call.argument[i] = va_arg(list, long);
	va_end(list);
	if (number == SYS_clone3) {
		const struct clone_args *args = (const struct clone_args *)call.argument[0];

		call = (struct call){ .number = SYS_clone };
		call.argument[0] = (long)(args->flags | args->exit_signal);
		call.argument[2] = (long)args->pidfd;
	}
	if (!is_unknown_to_valgrind(number))
		return __real_syscall(call.number, call.argument[0], call.argument[1],
				      call.argument[2], call.argument[3], call.argument[4],
				      call.argument[5]);
	result = (long)VALGRIND_NON_SIMD_CALL1(call_directly, &call);
	if (result >= 0)
		return result;
	errno = (int)-result;
	return -1;
}
