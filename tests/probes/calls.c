/* calls [NAME...] - makes system calls that a filter may refuse and prints, as JSON, the error number of each (0: it worked). A call
 * that ends the process prints nothing: each runs in a child, and a signal n counts as -n. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int result(long ret)
{
	return ret < 0 ? errno : 0;
}

/* A call by the table of i386, as a 32-bit program would make it. */
static int call_32(long number, long first, long second, long third)
{
#ifdef __x86_64__
	long ret;

	__asm__ volatile("int $0x80"
			 : "=a"(ret)
			 : "a"(number), "b"(first), "c"(second), "d"(third)
			 : "memory", "r8", "r9", "r10", "r11");
	return ret < 0 ? (int)-ret : 0;
#else
	(void)number, (void)first, (void)second, (void)third;
	return 0;
#endif
}

static int do_getpid(void)
{
	return result(syscall(SYS_getpid));
}
static int do_mount(void)
{
	return result(mount("none", "/tmp", "tmpfs", 0, NULL));
}
static int do_unshare_user(void)
{
	return result(unshare(CLONE_NEWUSER));
}
static int do_clone3(void)
{
	return result(syscall(SYS_clone3, NULL, 0));
}
static int do_clone_user(void)
{
	long pid = syscall(SYS_clone, CLONE_NEWUSER | 17, 0, 0, 0, 0);

	if (pid == 0)
		_exit(0);
	return result(pid);
}
static int do_clone_thread(void)
{
	long pid = syscall(SYS_clone, 17, 0, 0, 0, 0);

	if (pid == 0)
		_exit(0);
	return result(pid);
}
static int do_keyctl(void)
{
	return result(syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_USER_KEYRING, 1));
}
static int do_add_key(void)
{
	return result(syscall(SYS_add_key, "user", "skiff", "x", 1, KEY_SPEC_PROCESS_KEYRING));
}
static int do_ptrace(void)
{
	return result(ptrace(PTRACE_TRACEME, 0, 0, 0));
}
static int do_io_uring(void)
{
	return result(syscall(SYS_io_uring_setup, 1, NULL));
}
static int do_bpf(void)
{
	return result(syscall(SYS_bpf, 0, NULL, 0));
}
static int do_socket_inet(void)
{
	return result(socket(AF_INET, SOCK_STREAM, 0));
}
static int do_socket_vsock(void)
{
	return result(socket(AF_VSOCK, SOCK_STREAM, 0));
}
static int do_socket_alg(void)
{
	return result(socket(AF_ALG, SOCK_SEQPACKET, 0));
}
static int do_personality_ask(void)
{
	return result(personality(0xffffffff));
}
static int do_personality_layout(void)
{
	return result(personality(ADDR_NO_RANDOMIZE));
}
static int do_unknown(void)
{
	return result(syscall(5000));
}
static int do_kexec(void)
{
	return result(syscall(SYS_kexec_load, 0, 0, NULL, 0));
}
static int do_getpid_32(void)
{
	return call_32(20, 0, 0, 0);
}
static int do_keyctl_32(void)
{
	return call_32(288, KEYCTL_GET_KEYRING_ID, KEY_SPEC_USER_KEYRING, 1);
}
static int do_mkdir(void)
{
	return result(mkdirat(AT_FDCWD, "/tmp/made", 0700));
}

static const struct {
	const char *name;
	int (*call)(void);
} calls[] = {
	{ "getpid", do_getpid },
	{ "mount", do_mount },
	{ "unshare_user", do_unshare_user },
	{ "clone3", do_clone3 },
	{ "clone_user", do_clone_user },
	{ "clone_thread", do_clone_thread },
	{ "keyctl", do_keyctl },
	{ "add_key", do_add_key },
	{ "ptrace", do_ptrace },
	{ "io_uring", do_io_uring },
	{ "bpf", do_bpf },
	{ "socket_inet", do_socket_inet },
	{ "socket_vsock", do_socket_vsock },
	{ "socket_alg", do_socket_alg },
	{ "personality_ask", do_personality_ask },
	{ "personality_layout", do_personality_layout },
	{ "unknown", do_unknown },
	{ "kexec", do_kexec },
	{ "getpid_32", do_getpid_32 },
	{ "keyctl_32", do_keyctl_32 },
	{ "mkdir", do_mkdir },
};

/* In a child: what a call changes or ends is not ours. */
static int attempt(int (*call)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(call());
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return -1000;
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

int main(int argc, char **argv)
{
	int printed = 0;

	printf("{");
	fflush(stdout);
	for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
		int wanted = argc == 1;

		for (int j = 1; j < argc; j++)
			wanted |= strcmp(argv[j], calls[i].name) == 0;
		if (wanted)
			printf("%s\"%s\":%d", printed++ ? "," : "", calls[i].name,
			       attempt(calls[i].call));
		fflush(stdout);
	}
	printf("}\n");
	return 0;
}
