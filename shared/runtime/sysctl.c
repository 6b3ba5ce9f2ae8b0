/* sysctl.c - settings and labels that are written to /proc; see sysctl.h. */
#include "sysctl.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/vfs.h>

#include "container.h"
#include "fail.h"
#include "kernel.h"
#include "scope.h"

/* Opens a file below the host's /proc.
 * SECURITY: we are before the pivot, so "/" is the host's and no image can have put another /proc
 * there; still nothing but procfs itself will do, without a link or another mount on the way.
 * CVE-2025-52881 made runtimes write to /proc/sysrq-trigger (test: attacks/06-sysctl-redirect).
 * Returns a descriptor or -errno. */
static int open_in_proc(const char *path, unsigned long long resolve)
{
	auto_fd proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct open_how how = { .flags = O_WRONLY | O_CLOEXEC,
				.resolve = RESOLVE_BENEATH | RESOLVE_NO_XDEV | resolve };
	struct statfs fs;

	if (proc < 0 || fstatfs(proc, &fs) < 0)
		return -errno;
	return fs.f_type == PROC_SUPER_MAGIC ? sys_openat2(proc, path, &how) : -ENODEV;
}

/* Sets KEY=VALUE: the file is the key with its dots as slashes. */
static int set_sysctl(const char *assignment)
{
	const char *value = strchr(assignment, '=') + 1;
	char path[NAME_MAX + 8] = "sys/";
	size_t length = (size_t)(value - 1 - assignment), offset = strlen(path);
	auto_fd file = -1;

	if (length >= sizeof path - offset)
		return fail(ENAMETOOLONG, "setting --sysctl %s", assignment);
	memcpy(path + offset, assignment, length);
	path[offset + length] = '\0';
	for (char *dot = path; (dot = strchr(dot, '.'));)
		*dot = '/';
	file = open_in_proc(path, RESOLVE_NO_SYMLINKS);
	if (file < 0)
		return fail(-file, "setting --sysctl %s", assignment);
	if (write(file, value, strlen(value)) != (ssize_t)strlen(value))
		return fail(errno, "setting --sysctl %s", assignment);
	return 0;
}

int sysctls_set(const struct container *c)
{
	for (size_t i = 0; i < c->privileges.sysctls.count; i++)
		TRY(set_sysctl(c->privileges.sysctls.list[i]));
	return 0;
}

int label_open(struct container *c)
{
	struct privileges *p = &c->privileges;

	if (!p->apparmor && !p->label)
		return 0;
	p->label_fd = open_in_proc(p->apparmor ? "thread-self/attr/apparmor/exec" :
						 "thread-self/attr/exec",
				   RESOLVE_NO_MAGICLINKS);
	return p->label_fd < 0 ? fail(-p->label_fd, "opening the place for the label %s",
				      p->apparmor ? p->apparmor : p->label) :
				 0;
}

int label_set(const struct container *c)
{
	const struct privileges *p = &c->privileges;
	char text[512];
	int length;

	if (p->label_fd < 0)
		return 0;
	length = p->apparmor ? snprintf(text, sizeof text, "exec %s", p->apparmor) :
			       snprintf(text, sizeof text, "%s", p->label);
	if (length >= (int)sizeof text || write(p->label_fd, text, (size_t)length) != length)
		return fail(errno, "taking the label %s", p->apparmor ? p->apparmor : p->label);
	return 0;
}
