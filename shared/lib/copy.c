/* copy.c - copies of files and trees by descriptors; see copy.h. */
#include "copy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "scope.h"
#include "tree.h"

enum { XATTRS_MAX = 65536 };

/* Whether an extended attribute belongs to a copy. overlayfs's own belong to nobody else. */
static bool is_kept(const struct copy *copy, const char *name)
{
	static const char trusted[] = "trusted.overlay.", user[] = "user.overlay.";
	const char *rest;

	if (strncmp(name, trusted, sizeof trusted - 1) == 0)
		rest = name + sizeof trusted - 1;
	else if (strncmp(name, user, sizeof user - 1) == 0)
		rest = name + sizeof user - 1;
	else
		return true;
	return copy->is_layer && strcmp(rest, "opaque") == 0;
}

static int copy_xattrs(const struct copy *copy, int from, int to)
{
	char names[4096], value[XATTRS_MAX];
	ssize_t length = flistxattr(from, names, sizeof names), size;

	if (length <= 0)
		return length < 0 && errno != ENOTSUP ? -errno : 0;
	for (const char *name = names; name < names + length; name += strlen(name) + 1) {
		if (!is_kept(copy, name))
			continue;
		size = fgetxattr(from, name, value, sizeof value);
		/* Labels that the target can't have or that we may not set are no part of the file's
		 * contents; a mark of a layer is. */
		if (size < 0 || (fsetxattr(to, name, value, (size_t)size, 0) < 0 &&
				 ((errno != ENOTSUP && errno != EPERM) || copy->is_layer)))
			return -errno;
	}
	return 0;
}

int copy_attributes(struct copy *copy, int from, int to)
{
	struct stat status;

	if (fstat(from, &status) < 0)
		return -errno;
	/* ORDER: a new owner takes away set-user-ID bits and capabilities. */
	if (fchown(to, copy->keep_owner ? status.st_uid : copy->uid,
		   copy->keep_owner ? status.st_gid : copy->gid) < 0)
		return -errno;
	if (fchmod(to, status.st_mode & (copy->keep_owner ? 07777 : 01777)) < 0)
		return -errno;
	if (copy->keep_owner) {
		int ret = copy_xattrs(copy, from, to);

		if (ret < 0)
			return ret;
	}
	return futimens(to, (struct timespec[]){ status.st_atim, status.st_mtim }) < 0 ? -errno : 0;
}

static int write_all(int to, const char *bytes, size_t length)
{
	while (length > 0) {
		ssize_t written = write(to, bytes, length);

		if (written < 0)
			return -errno;
		bytes += written;
		length -= (size_t)written;
	}
	return 0;
}

/* Copies the bytes from start to end, at which both files stand. */
static int copy_bytes(int from, int to, off_t start, off_t end)
{
	char buffer[65536];

	while (start < end) {
		size_t want = (size_t)(end - start) < sizeof buffer ? (size_t)(end - start) :
								      sizeof buffer;
		ssize_t got = read(from, buffer, want);
		int ret = got < 0 ? -errno : write_all(to, buffer, (size_t)got);

		if (ret < 0 || got == 0)
			return ret;
		start += got;
	}
	return 0;
}

/* Copies a file's data; holes stay holes, or a file of a few bytes could fill a disk. */
static int copy_data(int from, int to)
{
	off_t end = lseek(from, 0, SEEK_END), data = 0, hole = 0;

	while (end > 0 && (data = lseek(from, hole, SEEK_DATA)) >= 0) {
		hole = lseek(from, data, SEEK_HOLE);
		if (hole < 0 || lseek(from, data, SEEK_SET) < 0 || lseek(to, data, SEEK_SET) < 0)
			return -errno;
		int ret = copy_bytes(from, to, data, hole);

		if (ret < 0)
			return ret;
	}
	if (data < 0 && errno != ENXIO) /* ENXIO: nothing but a hole is left */
		return -errno;
	return ftruncate(to, end) < 0 ? -errno : 0;
}

/* Removes what is in the way, unless it is a directory. */
static int make_room(int dir, const char *name)
{
	return unlinkat(dir, name, 0) < 0 && errno != ENOENT ? -errno : 0;
}

/* Links `to` to the copy of a file of which another name was copied already. Returns 1 if there is
 * one, 0 if not, or -errno. */
static int link_again(struct copy *copy, const struct stat *status, int to_dir, const char *to)
{
	char path[48];

	for (unsigned i = 0; i < copy->link_count && status->st_nlink > 1; i++) {
		struct copy_link *link = &copy->links[i];

		if (link->device != status->st_dev || link->inode != status->st_ino || !link->left)
			continue;
		snprintf(path, sizeof path, "/proc/self/fd/%d", link->fd);
		int ret = make_room(to_dir, to);

		if (ret == 0 && linkat(AT_FDCWD, path, to_dir, to, AT_SYMLINK_FOLLOW) < 0)
			ret = -errno;
		if (--link->left == 0)
			scope_close_fd(&link->fd);
		return ret < 0 ? ret : 1;
	}
	return 0;
}

/* Remembers a copy of which more names may come. */
static int remember_link(struct copy *copy, const struct stat *status, int fd)
{
	struct copy_link *link = NULL;

	if (status->st_nlink < 2)
		return 0;
	for (unsigned i = 0; i < copy->link_count && !link; i++)
		if (!copy->links[i].left)
			link = &copy->links[i];
	if (!link && copy->link_count < COPY_LINKS_MAX)
		link = &copy->links[copy->link_count++];
	if (!link)
		return 0; /* then they become files of their own */
	*link = (struct copy_link){ status->st_dev, status->st_ino, status->st_nlink - 1,
				    fcntl(fd, F_DUPFD_CLOEXEC, 3) };
	return link->fd < 0 ? -errno : 0;
}

static int copy_file(struct copy *copy, int from_dir, const char *from, int to_dir, const char *to)
{
	/* RACE: it may have become a FIFO since we looked: O_NONBLOCK. */
	auto_fd in = openat(from_dir, from, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	auto_fd out = -1;
	struct stat status;
	int ret;

	if (in < 0 || fstat(in, &status) < 0)
		return -errno;
	if (!S_ISREG(status.st_mode))
		return -ESTALE;
	ret = link_again(copy, &status, to_dir, to);
	if (ret != 0)
		return ret < 0 ? ret : 0;
	ret = make_room(to_dir, to);
	if (ret < 0)
		return ret;
	out = openat(to_dir, to, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (out < 0)
		return -errno;
	ret = copy_data(in, out);
	if (ret == 0)
		ret = copy_attributes(copy, in, out);
	return ret < 0 ? ret : remember_link(copy, &status, out);
}

/* Steps down into a directory; `from` is to stay where it is until this level is left. */
static int enter(struct copy *copy, int *from_fd, int *to_fd, const char *from, bool is_new)
{
	struct copy_level *level = &copy->levels[copy->depth];

	if (copy->depth == COPY_DEPTH_MAX)
		return -ENAMETOOLONG;
	*level = (struct copy_level){ .list = fdopendir(*from_fd), .name = from, .is_new = is_new };
	if (!level->list)
		return -errno;
	take_fd(from_fd);
	level->to = take_fd(to_fd);
	copy->depth++;
	return 0;
}

/* Steps up, out of the directory that is done. */
static void leave(struct copy *copy)
{
	struct copy_level *level = &copy->levels[--copy->depth];

	scope_close_dir(&level->list);
	scope_close_fd(&level->to);
}

static int copy_directory(struct copy *copy, int from_dir, const char *from, int to_dir,
			  const char *to)
{
	int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	auto_fd in = openat(from_dir, from, flags), out = -1;
	bool is_new;

	if (in < 0)
		return -errno;
	is_new = mkdirat(to_dir, to, 0700) == 0;
	if (!is_new && errno != EEXIST)
		return -errno;
	out = openat(to_dir, to, flags);
	if (out < 0)
		return errno == ELOOP ? -ENOTDIR : -errno;
	return enter(copy, &in, &out, from, is_new);
}

/* A link or a special file: what has no contents to open. */
static int copy_special(const struct copy *copy, int from_dir, const char *from, int to_dir,
			const char *to)
{
	char target[PATH_MAX];
	struct stat status;
	ssize_t length;
	bool is_device, keep_owner;
	int ret = make_room(to_dir, to);

	if (ret < 0 || fstatat(from_dir, from, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return ret < 0 ? ret : -errno;
	/* SECURITY: a container may make a node for any device, but not open it. Outside of it nothing but
	 * the node's mode and owner stand between its users and the disk: neither is the container's
	 * choice, not even with -a (test: chapters/test_05_kept.py, cp_special_files). */
	is_device = !copy->is_layer && (S_ISCHR(status.st_mode) || S_ISBLK(status.st_mode));
	keep_owner = copy->keep_owner && !is_device;
	if (S_ISLNK(status.st_mode)) {
		length = readlinkat(from_dir, from, target, sizeof target - 1);
		if (length < 0)
			return -errno;
		target[length] = '\0';
		ret = symlinkat(target, to_dir, to);
	} else {
		ret = mknodat(to_dir, to,
			      is_device ? (status.st_mode & S_IFMT) | 0600 : status.st_mode,
			      status.st_rdev);
	}
	if (ret < 0 || fchownat(to_dir, to, keep_owner ? status.st_uid : copy->uid,
				keep_owner ? status.st_gid : copy->gid, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	return utimensat(to_dir, to, (struct timespec[]){ status.st_atim, status.st_mtim },
			 AT_SYMLINK_NOFOLLOW) < 0 ?
		       -errno :
		       0;
}

/* Copies one entry; of a directory no more than itself: its contents are the next level. */
static int copy_entry(struct copy *copy, int from_dir, const char *from, int to_dir, const char *to)
{
	struct stat status;
	int ret = 0;

	if (fstatat(from_dir, from, &status, AT_SYMLINK_NOFOLLOW) < 0)
		ret = -errno;
	else if (S_ISREG(status.st_mode))
		ret = copy_file(copy, from_dir, from, to_dir, to);
	else if (S_ISDIR(status.st_mode))
		ret = copy_directory(copy, from_dir, from, to_dir, to);
	else if (!S_ISSOCK(status.st_mode))
		ret = copy_special(copy, from_dir, from, to_dir, to);
	if (ret == -ENAMETOOLONG && copy->depth == COPY_DEPTH_MAX)
		snprintf(copy->failed, sizeof copy->failed, "%s, %d directories deep", from,
			 COPY_DEPTH_MAX);
	else if (ret < 0)
		snprintf(copy->failed, sizeof copy->failed, "%s", from);
	return ret;
}

/* RACE: a container that runs removes files while they are copied. */
static bool is_gone(int dir, const char *name)
{
	struct stat status;

	return fstatat(dir, name, &status, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT;
}

/* Copies what is in the levels that are open, and leaves them.
 * SECURITY: a loop, for a container decides how deep its directories are (test:
 * chapters/test_05_layer.py, test_hostile_depth). */
static int copy_levels(struct copy *copy)
{
	while (copy->depth > 0) {
		struct copy_level *level = &copy->levels[copy->depth - 1];
		int from = dirfd(level->list), ret = 0;
		struct dirent *entry = tree_next(level->list);

		if (entry) {
			ret = copy_entry(copy, from, entry->d_name, level->to, entry->d_name);
			if (ret < 0 && !(ret == -ENOENT && is_gone(from, entry->d_name)))
				return ret;
			continue;
		}
		ret = -errno;
		if (ret == 0 && level->is_new)
			ret = copy_attributes(copy, from, level->to);
		if (ret < 0) {
			snprintf(copy->failed, sizeof copy->failed, "%s", level->name);
			return ret;
		}
		leave(copy);
	}
	return 0;
}

int copy_tree(struct copy *copy, int from_dir, const char *from, int to_dir, const char *to)
{
	int ret = copy_entry(copy, from_dir, from, to_dir, to);

	return ret < 0 ? ret : copy_levels(copy);
}

int copy_contents(struct copy *copy, int from_dir, int to_dir)
{
	auto_fd from = openat(from_dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_fd to = from < 0 ? -1 : fcntl(to_dir, F_DUPFD_CLOEXEC, 3);
	int ret = to < 0 ? -errno : enter(copy, &from, &to, "", false);

	return ret < 0 ? ret : copy_levels(copy);
}

void copy_end(struct copy *copy)
{
	while (copy->depth > 0)
		leave(copy);
	for (unsigned i = 0; i < copy->link_count; i++)
		if (copy->links[i].left)
			scope_close_fd(&copy->links[i].fd);
	copy->link_count = 0;
}
