/* path.c - paths that no magic link of /proc can lead astray; see path.h. */
#include "path.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "kernel.h"
#include "scope.h"

int make_directories(const char *path)
{
	struct open_how how = { .flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
				.resolve = RESOLVE_NO_MAGICLINKS };
	auto_fd dir = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	char name[NAME_MAX + 1];

	while (dir >= 0 && *(path += strspn(path, "/"))) {
		size_t length = strcspn(path, "/");

		if (length > NAME_MAX)
			return -ENAMETOOLONG;
		snprintf(name, sizeof name, "%.*s", (int)length, path);
		path += length;
		if (mkdirat(dir, name, 0755) < 0 && errno != EEXIST)
			return -errno;
		int next = sys_openat2(dir, name, &how);
		scope_close_fd(&dir);
		dir = next;
	}
	return dir < 0 ? dir : 0;
}
