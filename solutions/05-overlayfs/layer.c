/* layer.c - chapter 05: what a layer holds. The contract is in layer.h. */
#include "layer.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "container.h"
#include "copy.h"
#include "fail.h"
#include "kernel.h"
#include "scope.h"
#include "tree.h"

/* The directories of several layers that are shown as one, the topmost first. */
struct stack {
	int fd[CONTAINER_LAYERS_MAX];
	unsigned count;
};

/* One walk over an upper layer. */
struct walk {
	int upper;
	struct stack lowers; /* the roots */
	bool userxattr;
	struct strv dirs; /* still to be visited, each with a '/' behind it */
	struct strv *lines;
};

/* Whether overlayfs takes this for "there is nothing here". */
static bool is_whiteout(const struct stat *status)
{
	/* TASK 5.5 whiteouts
	 * A whiteout is a character device (S_ISCHR) whose number st_rdev is makedev(0, 0).
	 * Read: the kernel's Documentation/filesystems/overlayfs.rst, on whiteouts; stat(2) */
	return S_ISCHR(status->st_mode) && status->st_rdev == makedev(0, 0);
	/* END 5.5 */
}

/* Whether the directory hides all that the layers below it have in its place. */
static bool is_opaque(int dir, bool userxattr)
{
	const char *mark = userxattr ? "user.overlay.opaque" : "trusted.overlay.opaque";
	char value[2] = "";

	/* TASK 5.6 opaque
	 * Get the extended attribute `mark` of dir into value. The directory is opaque if the
	 * attribute is there and its first byte is 'y'.
	 * Read: the kernel's Documentation/filesystems/overlayfs.rst, on opaque directories;
	 * fgetxattr(2) */
	return fgetxattr(dir, mark, value, sizeof value) > 0 && value[0] == 'y';
	/* END 5.6 */
}

static void close_stack(struct stack *stack)
{
	while (stack->count > 0)
		scope_close_fd(&stack->fd[--stack->count]);
}

/* The directory `name` of a stack of directories: those of each layer, down to the first that is
 * hidden. Returns 0 or -errno. */
static int descend(const struct stack *above, const char *name, bool userxattr, struct stack *below)
{
	struct stat status;

	below->count = 0;
	for (unsigned i = 0; i < above->count; i++) {
		if (fstatat(above->fd[i], name, &status, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		if (!S_ISDIR(status.st_mode))
			break;
		int fd = openat(above->fd[i], name,
				O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

		if (fd < 0)
			return -errno;
		below->fd[below->count++] = fd;
		if (is_opaque(fd, userxattr))
			break;
	}
	return 0;
}

/* Opens what the lower layers have at path, step by step. Returns 0 or -errno. */
static int open_lowers(const struct walk *walk, const char *path, struct stack *found)
{
	struct stack here = { .count = 0 }, next;
	char name[NAME_MAX + 1];
	int ret = 0;

	for (unsigned i = 0; i < walk->lowers.count; i++) {
		here.fd[here.count] = fcntl(walk->lowers.fd[i], F_DUPFD_CLOEXEC, 3);
		if (here.fd[here.count] < 0)
			return close_stack(&here), -errno;
		here.count++;
	}
	while (ret == 0 && *path) {
		size_t length = strcspn(path, "/");

		snprintf(name, sizeof name, "%.*s", (int)length, path);
		path += length + 1;
		ret = descend(&here, name, walk->userxattr, &next);
		close_stack(&here);
		here = next;
	}
	*found = here;
	if (ret < 0)
		close_stack(found);
	return ret;
}

/* Whether the lower layers show something of that name. */
static bool exists_below(const struct stack *lowers, const char *name)
{
	struct stat status;

	for (unsigned i = 0; i < lowers->count; i++)
		if (fstatat(lowers->fd[i], name, &status, AT_SYMLINK_NOFOLLOW) == 0)
			return !is_whiteout(&status);
	return false;
}

static int add_line(const struct walk *walk, char kind, const char *path, const char *name)
{
	char line[PATH_MAX + NAME_MAX + 8];

	snprintf(line, sizeof line, "%c /%s%s", kind, path, name);
	return strv_append(walk->lines, line);
}

/* One name of the upper layer. */
static int visit_entry(struct walk *walk, int dir, const char *path, const char *name,
		       const struct stack *lowers)
{
	struct stat status;
	char below[PATH_MAX], kind;

	/* RACE: a container that runs removes files while we look. */
	if (fstatat(dir, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -errno;
	/* TASK 5.5 whiteouts
	 * kind is 'D' (deleted) for a whiteout, 'C' (changed) for what exists_below(lowers, name),
	 * and 'A' (added) for what does not.
	 * Read: what `docker container diff --help` says */
	kind = is_whiteout(&status) ? 'D' : exists_below(lowers, name) ? 'C' : 'A';
	/* END 5.5 */
	if (kind == 'D' && !exists_below(lowers, name))
		return 0; /* it hides nothing */
	if (S_ISDIR(status.st_mode)) {
		if (snprintf(below, sizeof below, "%s%s/", path, name) >= PATH_MAX)
			return -ENAMETOOLONG;
		TRY(strv_append(&walk->dirs, below));
	}
	return add_line(walk, kind, path, name);
}

/* A directory stream of its own, for what fd is. */
static DIR *list_directory(int fd)
{
	int again = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return again < 0 ? NULL : fdopendir(again);
}

/* What an opaque directory hides counts as deleted: what is below it and not in it. */
static int visit_hidden(const struct walk *walk, int dir, const char *path,
			const struct stack *lowers)
{
	struct stack above = { .count = 0 };
	struct stat status;

	for (; above.count < lowers->count; above.count++) {
		auto_dir list = list_directory(lowers->fd[above.count]);
		struct dirent *entry;

		if (!list)
			return -errno;
		above.fd[above.count] = lowers->fd[above.count];
		while ((entry = tree_next(list)))
			if (!exists_below(&above, entry->d_name) &&
			    exists_below(lowers, entry->d_name) &&
			    fstatat(dir, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) < 0)
				TRY(add_line(walk, 'D', path, entry->d_name));
		if (errno != 0)
			return -errno;
	}
	return 0;
}

/* One directory of the upper layer; path is "" or ends with '/'. */
static int visit_directory(struct walk *walk, const char *path)
{
	struct open_how how = { .flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC,
				.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS };
	auto_fd dir = sys_openat2(walk->upper, *path ? path : ".", &how);
	auto_dir list = dir < 0 ? NULL : list_directory(dir);
	struct stack lowers = { .count = 0 };
	struct dirent *entry;
	int ret;

	if (dir == -ENOENT && *path) /* RACE: it was removed since we found it */
		return 0;
	if (!list)
		return dir < 0 ? dir : -errno;
	ret = open_lowers(walk, path, &lowers);
	if (ret < 0)
		return ret;
	if (is_opaque(dir, walk->userxattr))
		ret = visit_hidden(walk, dir, path, &lowers);
	while (ret == 0 && (entry = tree_next(list)))
		ret = visit_entry(walk, dir, path, entry->d_name, &lowers);
	if (ret == 0)
		ret = -errno;
	close_stack(&lowers);
	return ret;
}

/* By path; a '/' comes before every other byte, so that a directory's own are next to it. */
static int compare_lines(const void *left, const void *right)
{
	const unsigned char *a = (const unsigned char *)*(char *const *)left + 2;
	const unsigned char *b = (const unsigned char *)*(char *const *)right + 2;

	while (*a && *a == *b)
		a++, b++;
	return (*a == '/' ? 1 : *a) - (*b == '/' ? 1 : *b);
}

static int walk_layer(struct walk *walk, const struct strv *lowers)
{
	char path[PATH_MAX];

	for (size_t i = lowers->count; i-- > 0; walk->lowers.count++) {
		int fd = open(lowers->list[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		if (fd < 0)
			return fail(errno, "opening the layer %s", lowers->list[i]);
		walk->lowers.fd[walk->lowers.count] = fd;
	}
	TRY(strv_append(&walk->dirs, ""));
	for (size_t i = 0; i < walk->dirs.count; i++) {
		/* The list grows, and moves, while it is walked. */
		snprintf(path, sizeof path, "%s", walk->dirs.list[i]);
		int ret = visit_directory(walk, path);

		if (ret < 0)
			return fail(-ret, "reading the container's layer at /%s", path);
	}
	return 0;
}

int layer_changes(int upper_fd, const struct strv *lowers, bool userxattr, struct strv *lines)
{
	struct walk walk = { .upper = upper_fd, .userxattr = userxattr, .lines = lines };
	int ret = walk_layer(&walk, lowers);

	close_stack(&walk.lowers);
	strv_clear(&walk.dirs);
	if (ret == 0 && lines->count > 0)
		qsort(lines->list, lines->count, sizeof *lines->list, compare_lines);
	return ret;
}

int layer_copy(int upper_fd, int dir_fd, const char *name)
{
	struct copy copy = { .keep_owner = true, .is_layer = true };
	auto_fd layer = -1;
	int ret;

	if (mkdirat(dir_fd, name, 0700) < 0)
		return fail(errno, "making the layer %s", name);
	layer = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	ret = layer < 0 ? -errno : copy_contents(&copy, upper_fd, layer);
	if (ret == 0)
		ret = copy_attributes(&copy, upper_fd, layer);
	copy_end(&copy);
	if (ret == 0)
		return 0;
	if (tree_remove(dir_fd, name) < 0)
		note("the unfinished layer %s could not be removed", name);
	return fail(-ret, "copying the container's layer%s%s", copy.failed[0] ? " at " : "",
		    copy.failed);
}
