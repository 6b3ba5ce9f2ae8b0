/* cp.c - `skiff cp`: files into a container and out of it, whether it runs or not.
 *
 * A container that runs is changed through its own mounts (/proc/PID/root); for one that has ended
 * a helper process mounts its layers once more, for itself alone. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "commands.h"
#include "container.h"
#include "copy.h"
#include "fail.h"
#include "options.h"
#include "rootfs.h"
#include "scope.h"
#include "state.h"
#include "store.h"
#include "tree.h"

enum { CP_ARCHIVE = 1 << 1, CP_FOLLOW = 1 << 2, CP_QUIET = 1 << 3, LINKS_MAX = 40, HOST = -1 };

static const struct option_row cp_options[] = {
	{ "archive", 'a', VALUE_NONE, 5, CP_ARCHIVE,
	  "keep owners, all modes, extended attributes" },
	{ "follow-link", 'L', VALUE_NONE, 5, CP_FOLLOW, "follow a symbolic link SRC" },
	{ "quiet", 'q', VALUE_NONE, 5, CP_QUIET, "say nothing, as always" },
	{ "help", 0, VALUE_NONE, 0, COMMAND_HELP, "show this" },
	{ 0 },
};

struct job {
	const char *from;
	const char *to;
	bool into; /* the container is where it goes */
	int flags;
	struct store_container found;
	pid_t pid; /* of a container that runs */
	int pidfd; /* the same; running's */
};

/* Where a path leads to: a name in a directory. */
struct place {
	int dir;
	char name[NAME_MAX + 1]; /* "." for the directory itself */
	bool exists;
	bool is_directory;
	bool is_link;
	bool ends_with_slash;
};

/* Opens a directory of the host (root is HOST), or of the container.
 * SECURITY: a link in a container must lead to where it leads for the container. rootfs_open() has the
 * kernel look up the path as if root were "/", however fast somebody inside exchanges what is on the
 * way (CVE-2018-15664; test: attacks/05-cp-links). */
static int open_directory(int root, const char *path)
{
	int flags = O_RDONLY | O_DIRECTORY, fd;

	if (root != HOST)
		return rootfs_open(root, path, flags, 0);
	fd = open(path, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static bool is_dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* Finds what path names, without following it; above becomes the path of the directory it is in.
 * Returns 0 or -errno. */
static int locate(int root, const char *path, char above[PATH_MAX], struct place *place)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	bool is_whole = !*name || is_dots(name);
	struct stat status;

	snprintf(above, PATH_MAX, "%.*s", slash && slash > path ? (int)(slash - path) : 1,
		 slash ? path : ".");
	if (snprintf(place->name, sizeof place->name, "%s", is_whole ? "." : name) > NAME_MAX)
		return -ENAMETOOLONG;
	scope_close_fd(&place->dir);
	place->dir = open_directory(root, is_whole ? path : above);
	if (place->dir < 0)
		return place->dir;
	place->exists = fstatat(place->dir, place->name, &status, AT_SYMLINK_NOFOLLOW) == 0;
	if (!place->exists)
		return errno == ENOENT ? 0 : -errno;
	place->is_directory = S_ISDIR(status.st_mode);
	place->is_link = S_ISLNK(status.st_mode);
	return 0;
}

/* Finds what the path names; a link at its end is followed if follow says so, or a slash behind it.
 * Returns 0 or -errno, no record; place->dir is the caller's. */
static int find_place(int root, const char *given, bool follow, struct place *place)
{
	char path[PATH_MAX], above[PATH_MAX], target[PATH_MAX];
	size_t length;

	*place = (struct place){ .dir = -1 };
	if (snprintf(path, sizeof path, "%s", given) >= PATH_MAX)
		return -ENAMETOOLONG;
	for (int links = 0; links < LINKS_MAX; links++) {
		for (length = strlen(path); length > 1 && path[length - 1] == '/'; length--) {
			path[length - 1] = '\0';
			place->ends_with_slash = true;
		}
		TRY(locate(root, path, above, place));
		if (!place->exists || !place->is_link || !(follow || place->ends_with_slash))
			return 0;
		place->is_link = false;
		ssize_t got = readlinkat(place->dir, place->name, target, sizeof target - 1);

		if (got < 0)
			return -errno;
		target[got] = '\0';
		if (snprintf(path, sizeof path, "%s%s%s", target[0] == '/' ? "" : above,
			     target[0] == '/' ? "" : "/", target) >= PATH_MAX)
			return -ENAMETOOLONG;
	}
	return -ELOOP;
}

/* Opens the directory that a place is. */
static int open_place(const struct place *place)
{
	int fd = openat(place->dir, place->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* The last name of a path as it was typed, without the slashes behind it; "." if it names what is in a
 * directory, as "/" and "..". Returns its length; *name points into path. */
static int last_name(const char *path, const char **name)
{
	size_t end = strlen(path);

	while (end > 0 && path[end - 1] == '/')
		end--;
	size_t start = end;
	while (start > 0 && path[start - 1] != '/')
		start--;
	*name = path + start;
	return (int)(end - start);
}

/* Docker's rules: into a directory that is there; else under the new name.
 * SECURITY: the name there is the one that was typed. Where a link leads is the container's choice: it
 * could be .bashrc, or a directory's "/.", which is all of it (test: attacks/cp-name). */
static int copy_to(const struct job *job, const struct place *from, const struct place *to,
		   struct copy *copy)
{
	const char *last;
	char name[NAME_MAX + 1];
	int length = last_name(job->from, &last);

	if (to->exists && to->is_directory) {
		auto_fd target = open_place(to);

		if (target < 0)
			return target;
		snprintf(name, sizeof name, "%.*s", length, last);
		if (length > 0 && !is_dots(name))
			return copy_tree(copy, from->dir, from->name, target, name);
		auto_fd source = open_place(from);

		return source < 0 ? source : copy_contents(copy, source, target);
	}
	if (from->is_directory && to->exists)
		return fail(0, "cp: %s: a directory can't be copied to a file", job->to);
	if (!from->is_directory && to->ends_with_slash)
		return fail(0, "cp: %s: there is no such directory", job->to);
	return copy_tree(copy, from->dir, from->name, to->dir, to->name);
}

/* Copies, with root as the root of the container. */
static int copy_between(const struct job *job, int root)
{
	struct copy copy = { .keep_owner = job->flags & CP_ARCHIVE };
	struct place from = { .dir = -1 }, to = { .dir = -1 };
	int ret = find_place(job->into ? HOST : root, job->from, job->flags & CP_FOLLOW, &from);

	if (ret == 0 && !from.exists)
		ret = -ENOENT;
	if (ret == 0 && from.ends_with_slash && !from.is_directory)
		ret = -ENOTDIR;
	if (ret < 0) {
		scope_close_fd(&from.dir);
		return fail(-ret, "cp: finding %s", job->from);
	}
	ret = find_place(job->into ? root : HOST, job->to, true, &to);
	if (ret < 0)
		fail(-ret, "cp: finding %s", job->to);
	if (ret == 0)
		ret = copy_to(job, &from, &to, &copy);
	if (ret < 0) /* copy_to() may have told why already: the first record is kept */
		fail(-ret, "cp: copying %s%s%s", job->from, copy.failed[0] ? ", at " : "",
		     copy.failed);
	copy_end(&copy);
	scope_close_fd(&from.dir);
	scope_close_fd(&to.dir);
	return ret;
}

/* In the helper. */
static int copy_files(struct container *helper, void *arg)
{
	const struct job *job = arg;
	char path[64];
	auto_fd root = -1;

	if (job->pid == 0)
		return copy_between(job, helper->rootfs_fd);
	snprintf(path, sizeof path, "/proc/%d/root", job->pid);
	root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return fail(errno, "opening the container's root");
	/* RACE: if the process has ended, its ID may be another's by now, and that root the host's. A
	 * pidfd is readable from its end on, and only after that is the ID given away. */
	if (poll(&(struct pollfd){ job->pidfd, POLLIN, 0 }, 1, 0) != 0)
		return fail(ESRCH, "opening the container's root");
	return copy_between(job, root);
}

/* A container that runs: its own view, as root of its user namespace. */
static int use_running(struct container *helper, struct job *job, struct state_container *running)
{
	TRY(state_find(job->found.id, running));
	job->pid = running->pid;
	job->pidfd = running->pidfd;
	if (!(running->namespaces & (1u << NAMESPACE_USER)))
		return 0;
	if (geteuid() == 0)
		/* KERNEL: the overlay stores no owner whom the container's user namespace does not
		 * map, and root of that namespace may not read the files of the host's root. */
		return job->into ? fail_hint(fail(0, "cp: %.12s runs in a user namespace",
						  job->found.id),
					     "copy into it when it has ended, or with skiff exec") :
				   0;
	helper->ns[NAMESPACE_USER].mode = NAMESPACE_CONTAINER;
	helper->ns[NAMESPACE_USER].pidfd = fcntl(running->pidfd, F_DUPFD_CLOEXEC, 3);
	return 0;
}

/* A container that has ended: the helper mounts its layers again. */
static int use_layers(struct container *helper, struct job *job)
{
	helper->layers = job->found.layers;
	job->found.layers = (struct strv){ 0 };
	if (helper->layers.count == 0)
		return fail(0, "cp: nothing is known of the layers of %.12s", job->found.id);
	helper->rootfs_path = helper->layers.list[helper->layers.count - 1];
	helper->flags |= job->found.userxattr ? CONTAINER_USERXATTR : 0;
	helper->store_fd = job->found.dir_fd;
	if (mkdirat(job->found.dir_fd, "work", 0700) < 0 && errno != EEXIST)
		return fail(errno, "cp: mounting the layers of %.12s", job->found.id);
	return 0;
}

static int copy_with(const char *reference, struct job *job)
{
	struct container helper;
	struct state_container running = { .pidfd = -1, .cgroup_fd = -1 };
	int ret = store_find(reference, &job->found);

	if (ret < 0)
		return ret;
	store_helper(&helper, &job->found);
	ret = job->found.running ? use_running(&helper, job, &running) : use_layers(&helper, job);
	if (ret == 0)
		ret = container_help(&helper, copy_files, job);
	if (!job->found.running && tree_remove(job->found.dir_fd, "work") < 0)
		note("the directory work of %.12s could not be removed", job->found.id);
	helper.store_fd = -1;
	container_free(&helper);
	state_release(&running);
	return ret;
}

/* The colon behind a container's name; NULL for a path of the host. */
static char *find_colon(char *word)
{
	char *colon = strchr(word, ':');

	return word[0] == '/' || word[0] == '.' || !colon || colon == word ||
			       memchr(word, '/', (size_t)(colon - word)) ?
		       NULL :
		       colon;
}

int command_cp(const struct global_options *global, char *const *words)
{
	struct option_walk walk = { .command = "cp", .rows = cp_options, .argv = words };
	struct job job = { .found.dir_fd = -1 };
	char *const *at, *from, *to, name[NAME_MAX + 2];
	int ret = command_words(&walk, "cp [OPTIONS] CONTAINER:SRC DST | SRC CONTAINER:DST",
				"Copy files and directories into a container or out of it.", 2, 2);

	(void)global;
	if (ret < 0 || ret & COMMAND_HELP)
		return ret < 0 ? ret : 0;
	job.flags = ret;
	at = words + walk.at;
	if (strcmp(at[0], "-") == 0 || strcmp(at[1], "-") == 0)
		return fail_hint(fail(0, "cp: - (a tar stream) can't be copied"),
				 "tar does it: skiff exec CONTAINER tar -c -C / PATH > FILE");
	from = find_colon(at[0]);
	to = find_colon(at[1]);
	if (!from == !to)
		return fail_hint(fail(0, from ? "cp: both are in containers" :
						"cp: neither is in a container"),
				 "skiff cp CONTAINER:SRC DST, or skiff cp SRC CONTAINER:DST");
	job.into = to;
	job.from = from ? from + 1 : at[0];
	job.to = to ? to + 1 : at[1];
	snprintf(name, sizeof name, "%.*s", (int)(from ? from - at[0] : to - at[1]),
		 from ? at[0] : at[1]);
	ret = copy_with(name, &job);
	store_release(&job.found);
	return ret;
}
