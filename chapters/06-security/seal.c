/* seal.c - chapter 06, your code: nobody writes to skiff's program file. The contract is in security.h.
 *
 * A process of skiff's that runs in a container, if only for the moment before execve(2), shows
 * skiff's own program as /proc/PID/exe. That link leads to the file on the host, whatever root the
 * container has, and opens for writing if the one who opens it is root. CVE-2019-5736: a container
 * had `/proc/self/exe` executed, waited for its end, and wrote its own program over the runtime's.
 * Nothing that skiff does in the child can prevent it, for execve(2) itself follows the link; but
 * who runs from a read-only mount leads to a read-only mount. */
#include "security.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "container.h"
#include "fail.h"
#include "kernel.h"
#include "scope.h"

enum { SEALS = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE };

/* Whether the program can't be written to by whoever reaches it as /proc/PID/exe. */
static bool is_sealed(const struct container *c, int exe)
{
	struct statvfs fs;
	struct stat status;

	if (fstatvfs(exe, &fs) == 0 && fs.f_flag & ST_RDONLY)
		return true;
	int seals = fcntl(exe, F_GET_SEALS);

	if (seals >= 0 && (seals & SEALS) == SEALS)
		return true;
	/* An ordinary user's container has that user's rights at most, and root's file is not
	 * theirs. */
	return c->ns[NAMESPACE_USER].mode != NAMESPACE_HOST && geteuid() != 0 &&
	       fstat(exe, &status) == 0 && status.st_uid == 0 &&
	       !(status.st_mode & (S_IWGRP | S_IWOTH));
}

/* A read-only mount of the program, attached nowhere: for those who may mount.
 * Returns a descriptor or -errno. */
static int clone_read_only(int exe)
{
	struct kernel_mount_attr read_only = { .attr_set = MOUNT_ATTR_RDONLY };
	auto_fd copy = sys_open_tree_fd(exe, 0);
	int ret = copy < 0 ? copy : sys_mount_setattr(copy, 0, &read_only);

	return ret < 0 ? ret : take_fd(&copy);
}

/* A copy of the program in memory that nobody can change: for everybody else.
 * Returns a descriptor or -errno. */
static int copy_sealed(int exe)
{
	auto_fd copy = memfd_create("skiff", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	struct stat status;
	off_t done = 0;

	if (copy < 0 || fstat(exe, &status) < 0)
		return -errno;
	while (done < status.st_size)
		if (sendfile(copy, exe, &done, (size_t)(status.st_size - done)) <= 0)
			return errno ? -errno : -EIO;
	return fcntl(copy, F_ADD_SEALS, SEALS) < 0 ? -errno : take_fd(&copy);
}

int security_seal(struct container *c)
{
	auto_fd exe = open("/proc/self/exe", O_RDONLY | O_CLOEXEC), copy = -1;

	if (exe < 0)
		return fail(errno, "looking for skiff's own program in /proc");
	if (is_sealed(c, exe)) {
		/* KERNEL: after execveat(2) the process is called by the descriptor's number. */
		prctl(PR_SET_NAME, program_invocation_short_name);
		return 0;
	}
	/* SECURITY: (test: attacks/06-exe-overwrite). */
	copy = clone_read_only(exe);
	if (copy < 0)
		copy = copy_sealed(exe);
	if (copy < 0)
		return fail(-copy, "sealing skiff's own program");
	return fail(-sys_fexecve(copy, c->program_argv, environ),
		    "executing skiff from a sealed program");
}
