/* tree.c - whole directory trees, written by somebody who means no good; see tree.h. */
#include "tree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "scope.h"

struct dirent *tree_next(DIR *list)
{
	struct dirent *entry;

	do {
		errno = 0;
		entry = readdir(list);
	} while (entry && (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0));
	return entry;
}

/* Opens a directory for reading; one of our own with mode 000, as overlayfs makes, is opened up. */
static DIR *open_list(int parent, const char *name)
{
	int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	auto_fd fd = openat(parent, name, flags);

	if (fd < 0 && errno == EACCES && fchmodat(parent, name, 0700, 0) == 0)
		fd = openat(parent, name, flags);
	DIR *list = fd < 0 ? NULL : fdopendir(fd);

	if (list)
		take_fd(&fd);
	return list;
}

/* Removes a file or an empty directory. Returns 0 or -errno: -ENOTEMPTY.
 * SECURITY: a link is removed itself: what it leads to is not the tree's, but perhaps the host's
 * (test: attacks/layer-dots). */
static int remove_entry(int dir, const char *name)
{
	if (unlinkat(dir, name, 0) == 0)
		return 0;
	if (errno != EISDIR)
		return -errno;
	return unlinkat(dir, name, AT_REMOVEDIR) < 0 ? -errno : 0;
}

/* Moves `name` of dir to top, under a number that is free there. */
static int move_up(int dir, const char *name, int top, unsigned *number)
{
	char free_name[16];
	int ret;

	do {
		snprintf(free_name, sizeof free_name, "%u", (*number)++);
		ret = renameat2(dir, name, top, free_name, RENAME_NOREPLACE) < 0 ? -errno : 0;
	} while (ret == -EEXIST);
	return ret;
}

/* Empties `name`, a directory of top, and removes it. Directories in it that are not empty become
 * top's own: a tree a million levels deep takes no more memory and descriptors than a flat one. */
static int flatten(int top, const char *name, unsigned *number)
{
	auto_dir list = open_list(top, name);
	struct dirent *entry;

	if (!list)
		return -errno;
	while ((entry = tree_next(list))) {
		int ret = remove_entry(dirfd(list), entry->d_name);

		if (ret == -ENOTEMPTY)
			ret = move_up(dirfd(list), entry->d_name, top, number);
		if (ret < 0)
			return ret;
	}
	if (errno != 0)
		return -errno;
	return unlinkat(top, name, AT_REMOVEDIR) < 0 && errno != ENOTEMPTY ? -errno : 0;
}

int tree_remove(int parent, const char *name)
{
	int ret = remove_entry(parent, name);
	unsigned number = 0;
	struct dirent *entry;

	if (ret != -ENOTEMPTY)
		return ret == -ENOENT ? 0 : ret;
	auto_dir top = open_list(parent, name);

	if (!top)
		return -errno;
	/* What was moved up may be behind the reader or before it: again until it is empty. */
	while ((ret = unlinkat(parent, name, AT_REMOVEDIR) < 0 ? -errno : 0) == -ENOTEMPTY) {
		rewinddir(top);
		while ((entry = tree_next(top))) {
			ret = remove_entry(dirfd(top), entry->d_name);
			if (ret == -ENOTEMPTY)
				ret = flatten(dirfd(top), entry->d_name, &number);
			if (ret < 0)
				return ret;
		}
		if (errno != 0)
			return -errno;
	}
	return ret;
}
