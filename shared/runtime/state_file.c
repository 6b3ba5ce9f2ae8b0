/* state_file.c - what stands in a container's state directory; see state_file.h. */
#include "state_file.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"
#include "kernel.h"
#include "scope.h"

int state_file_start_time(pid_t pid, uint64_t *start)
{
	char path[64], text[1024];
	auto_fd fd = -1;
	ssize_t length;
	char *at;

	snprintf(path, sizeof path, "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	length = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
	if (length <= 0)
		return length == 0 || errno == ENOENT ? -ESRCH : -errno;
	text[length] = '\0';
	at = strrchr(text, ')'); /* field 2 is the name, which may hold anything */
	for (int field = 2; at && field < 22; field++)
		at = strchr(at + 1, ' ');
	*start = at ? strtoull(at + 1, NULL, 10) : 0;
	return 0;
}

int state_file_open_process(const json_t *state)
{
	pid_t pid = (pid_t)json_integer_value(json_object_get(state, "pid"));
	uint64_t start = (uint64_t)json_integer_value(json_object_get(state, "startTime"));
	auto_fd pidfd = pid > 0 ? sys_pidfd_open(pid) : -ESRCH;
	uint64_t found = 0;
	int ended;

	if (pidfd < 0)
		return pidfd;
	/* RACE: the ID may have been reused before we opened it, but not after: so compare now. */
	TRY(state_file_start_time(pid, &found));
	if (found != start)
		return -ESRCH;
	/* A pidfd is readable once the process has ended: a zombie is no container. */
	ended = poll(&(struct pollfd){ .fd = pidfd, .events = POLLIN }, 1, 0);
	if (ended != 0)
		return ended < 0 ? -errno : -ESRCH;
	return take_fd(&pidfd);
}

int state_file_cgroup(int dir, char path[PATH_MAX])
{
	ssize_t length = readlinkat(dir, "cgroup", path, PATH_MAX - 1);

	path[length > 0 ? length : 0] = '\0';
	if (length < 0)
		return errno == ENOENT ? 0 : -errno;
	return 1;
}

const char *const state_file_namespaces[NAMESPACE_KINDS] = { "pid",    "ipc",  "uts", "net",
							     "cgroup", "time", "user" };
