/* kernel.h - system calls that the C library does not wrap everywhere, and their constants.
 *
 * Every sys_ function here is the kernel's call and nothing more, but it reports failure as -errno, so
 * that callers need no global variable. The number of each call comes from <sys/syscall.h>; the
 * structures are the kernel's own (uapi). Linux >= 6.1 is assumed: no call here has a fallback. */
#ifndef SKIFF_KERNEL_H
#define SKIFF_KERNEL_H

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/utsname.h>
#include <unistd.h>

/* <linux/mount.h> clashes with <sys/mount.h> of older C libraries, so the few names are here. */
#ifndef OPEN_TREE_CLONE
#define OPEN_TREE_CLONE 1
#endif
#ifndef OPEN_TREE_CLOEXEC
#define OPEN_TREE_CLOEXEC O_CLOEXEC
#endif
#ifndef MOVE_MOUNT_F_EMPTY_PATH
#define MOVE_MOUNT_F_EMPTY_PATH 0x00000004
#define MOVE_MOUNT_T_EMPTY_PATH 0x00000040
#endif
#ifndef FSOPEN_CLOEXEC
#define FSOPEN_CLOEXEC 0x00000001
#define FSMOUNT_CLOEXEC 0x00000001
#endif
#ifndef MOUNT_ATTR_RDONLY
#define MOUNT_ATTR_RDONLY 0x00000001
#define MOUNT_ATTR_NOSUID 0x00000002
#define MOUNT_ATTR_NODEV 0x00000004
#define MOUNT_ATTR_NOEXEC 0x00000008
#endif
#ifndef MOUNT_ATTR_IDMAP
#define MOUNT_ATTR_IDMAP 0x00100000
#endif
#ifndef AT_RECURSIVE
#define AT_RECURSIVE 0x8000
#endif
#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif
#ifndef P_PIDFD
#define P_PIDFD 3
#endif

/* fsconfig(2) commands, from the kernel's <linux/mount.h>. */
enum { KERNEL_FSCONFIG_SET_FLAG = 0, KERNEL_FSCONFIG_SET_STRING = 1, KERNEL_FSCONFIG_CREATE = 6 };

/* struct mount_attr of the kernel's <linux/mount.h>, see mount_setattr(2). */
struct kernel_mount_attr {
	uint64_t attr_set;
	uint64_t attr_clr;
	uint64_t propagation;
	uint64_t userns_fd;
};

#define KERNEL_RESULT(call)                                                                        \
	({                                                                                         \
		long result_ = (call);                                                             \
		(int)(result_ < 0 ? -errno : result_);                                             \
	})

/* Whether this kernel says of itself that it is at least of version major.minor: uname(2). For what it
 * can't be asked in a better way: distributions bring newer things to older versions. */
static inline bool kernel_is_at_least(int major, int minor)
{
	struct utsname kernel;
	int have[2] = { 0, 0 };

	if (uname(&kernel) < 0 || sscanf(kernel.release, "%d.%d", &have[0], &have[1]) != 2)
		return false;
	return have[0] > major || (have[0] == major && have[1] >= minor);
}

/* clone3(2): like fork(2), the child continues after the call with 0. */
static inline int sys_clone3(struct clone_args *args)
{
	return KERNEL_RESULT(syscall(SYS_clone3, args, sizeof *args));
}

static inline int sys_pidfd_open(pid_t pid)
{
	return KERNEL_RESULT(syscall(SYS_pidfd_open, pid, 0));
}

static inline int sys_pidfd_send_signal(int pidfd, int signal)
{
	return KERNEL_RESULT(syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0));
}

static inline int sys_close_range(unsigned first, unsigned last, unsigned flags)
{
	return KERNEL_RESULT(syscall(SYS_close_range, first, last, flags));
}

static inline int sys_openat2(int dirfd, const char *path, const struct open_how *how)
{
	return KERNEL_RESULT(syscall(SYS_openat2, dirfd, path, how, sizeof *how));
}

static inline int sys_pivot_root(const char *new_root, const char *put_old)
{
	return KERNEL_RESULT(syscall(SYS_pivot_root, new_root, put_old));
}

static inline int sys_open_tree(int dirfd, const char *path, unsigned flags)
{
	return KERNEL_RESULT(syscall(SYS_open_tree, dirfd, path, flags));
}

/* open_tree(2) of an open file or directory: a copy of its mount; flags may hold AT_RECURSIVE. */
static inline int sys_open_tree_fd(int fd, unsigned flags)
{
	return sys_open_tree(fd, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | flags);
}

/* move_mount(2) by two descriptors: no path is looked up again. */
static inline int sys_move_mount(int from_fd, int to_fd)
{
	return KERNEL_RESULT(syscall(SYS_move_mount, from_fd, "", to_fd, "",
				     MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH));
}

static inline int sys_mount_setattr(int fd, unsigned flags, struct kernel_mount_attr *attr)
{
	return KERNEL_RESULT(
		syscall(SYS_mount_setattr, fd, "", AT_EMPTY_PATH | flags, attr, sizeof *attr));
}

static inline int sys_fsopen(const char *type)
{
	return KERNEL_RESULT(syscall(SYS_fsopen, type, FSOPEN_CLOEXEC));
}

static inline int sys_fsconfig(int fs_fd, unsigned command, const char *key, const char *value)
{
	return KERNEL_RESULT(syscall(SYS_fsconfig, fs_fd, command, key, value, 0));
}

static inline int sys_fsmount(int fs_fd, unsigned attributes)
{
	return KERNEL_RESULT(syscall(SYS_fsmount, fs_fd, FSMOUNT_CLOEXEC, attributes));
}

static inline int sys_seccomp(unsigned operation, unsigned flags, void *arguments)
{
	return KERNEL_RESULT(syscall(SYS_seccomp, operation, flags, arguments));
}

union bpf_attr;

static inline int sys_bpf(int command, union bpf_attr *attr, unsigned size)
{
	return KERNEL_RESULT(syscall(SYS_bpf, command, attr, size));
}

/* execveat(2) of an open file. */
static inline int sys_fexecve(int fd, char *const *argv, char *const *env)
{
	return KERNEL_RESULT(syscall(SYS_execveat, fd, "", argv, env, AT_EMPTY_PATH));
}

#endif
