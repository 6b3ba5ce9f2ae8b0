/* jsonfile.c - small JSON files that are never seen half-written; see jsonfile.h. */
#include "jsonfile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "scope.h"

/* How many bytes are read back: a command line and an environment of the size that execve(2) takes
 * fit several times. */
enum { JSONFILE_MAX = 16 << 20 };

json_t *jsonfile_read(int dir, const char *name)
{
	auto_fd fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	auto_free char *text = NULL;
	struct stat status;

	if (fd < 0 || fstat(fd, &status) < 0)
		return NULL;
	if (status.st_size > JSONFILE_MAX) {
		errno = EFBIG;
		return NULL;
	}
	text = malloc((size_t)status.st_size + 1);
	ssize_t length = text ? read(fd, text, (size_t)status.st_size) : -1;
	json_t *json = length <= 0 ? NULL : json_loadb(text, (size_t)length, 0, NULL);

	if (!json && length >= 0)
		errno = length == 0 ? ENOENT : EBADMSG;
	return json;
}

int jsonfile_write(int dir, const char *name, const json_t *json)
{
	char whole[NAME_MAX + 1];
	auto_free char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
	size_t length = text ? strlen(text) : 0;

	if (!text)
		return -ENOMEM;
	snprintf(whole, sizeof whole, "%s.new", name);
	auto_fd fd = openat(dir, whole, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
			    0600);

	if (fd < 0)
		return -errno;
	ssize_t written = write(fd, text, length);

	if (written != (ssize_t)length)
		return written < 0 ? -errno : -ENOSPC;
	return renameat(dir, whole, dir, name) < 0 ? -errno : 0;
}

json_t *json_text(const char *text)
{
	json_t *string = text ? json_string(text) : NULL;

	return string ? string : json_null();
}

json_t *json_texts(char *const *list)
{
	json_t *array = json_array();

	for (; list && *list; list++)
		json_array_append_new(array, json_text(*list));
	return array;
}
