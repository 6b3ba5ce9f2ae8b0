/* dirs.c - the directories in which skiff keeps what it knows; see dirs.h. */
#include "dirs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fail.h"
#include "path.h"
#include "scope.h"

/* The variable that chooses a base. */
static const char *const choice[] = { [DIRS_RUN] = "SKIFF_RUN", [DIRS_ROOT] = "SKIFF_ROOT" };

static const char *environment(const char *name)
{
	const char *value = getenv(name);

	return value && value[0] ? value : NULL;
}

/* Writes the path of a base. Returns 0 or -errno with a failure record. */
static int base_path(enum dirs_base base, char path[PATH_MAX])
{
	const char *chosen = environment(choice[base]);
	const char *user = environment(base == DIRS_RUN ? "XDG_RUNTIME_DIR" : "XDG_DATA_HOME");
	const char *home = environment("HOME");
	int length;

	if (chosen)
		length = snprintf(path, PATH_MAX, "%s", chosen);
	else if (geteuid() == 0)
		length = snprintf(path, PATH_MAX, "%s",
				  base == DIRS_RUN ? "/run/skiff" : "/var/lib/skiff");
	else if (user && user[0] == '/')
		length = snprintf(path, PATH_MAX, "%s/skiff", user);
	else if (base == DIRS_RUN)
		length = snprintf(path, PATH_MAX, "/tmp/skiff-%u", geteuid());
	else if (home && home[0] == '/')
		length = snprintf(path, PATH_MAX, "%s/.local/share/skiff", home);
	else
		return fail_hint(fail(0, "finding a place to keep containers: HOME is not set"),
				 "SKIFF_ROOT=DIR chooses one");
	return length < PATH_MAX ? 0 : fail(ENAMETOOLONG, "finding skiff's directories");
}

/* SECURITY: whoever may write to such a directory chooses the processes that skiff kills (test:
 * attacks/planted-state-dir); whoever may enter it runs what a container has left there, with the
 * rights of its owner (test: attacks/setuid-store). */
static bool is_ours_alone(int dir)
{
	struct stat status;

	return fstat(dir, &status) == 0 && status.st_uid == geteuid() &&
	       !(status.st_mode & (S_IWGRP | S_IWOTH));
}

int dirs_open_below(int dir, const char *name)
{
	auto_fd fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	return is_ours_alone(fd) ? take_fd(&fd) : -EPERM;
}

/* Makes the base. Nobody has made ~/.local/share on a fresh machine: those above DIRS_ROOT, too. */
static int make_base(enum dirs_base base, const char *path)
{
	if (mkdir(path, 0700) == 0 || errno == EEXIST)
		return 0;
	if (errno != ENOENT || path[0] != '/' || base != DIRS_ROOT)
		return -errno;
	TRY(make_directories(path));
	return chmod(path, 0700) < 0 ? -errno : 0;
}

/* Says why dirs_open_below() did not open path. */
static int cannot_open(enum dirs_base base, int error, const char *path)
{
	int ret;

	if (error == EPERM)
		ret = fail(0, "opening skiff's directory %s: others own it or may write to it",
			   path);
	else
		ret = fail(error, "opening skiff's directory %s", path);
	if (error == ENOTDIR)
		return fail_hint(
			ret,
			"it must be a directory itself, not a link to one; %s=DIR chooses another",
			choice[base]);
	if (error != EPERM && error != EACCES)
		return ret;
	return fail_hint(ret, "it must belong to user %u, with mode 0700; %s=DIR chooses another",
			 geteuid(), choice[base]);
}

int dirs_open(enum dirs_base base, const char *name)
{
	char path[PATH_MAX] = "";
	size_t length;
	int ret, dir;

	TRY(base_path(base, path));
	ret = make_base(base, path);
	if (ret < 0)
		return fail(-ret, "making skiff's directory %s", path);
	auto_fd above = dirs_open_below(AT_FDCWD, path);

	if (above < 0)
		return cannot_open(base, -above, path);
	length = strlen(path);
	snprintf(path + length, sizeof path - length, "/%s", name);
	if (mkdirat(above, name, 0700) < 0 && errno != EEXIST)
		return fail(errno, "making skiff's directory %s", path);
	dir = dirs_open_below(above, name);
	return dir < 0 ? cannot_open(base, -dir, path) : dir;
}

int dirs_lock(int dir, int how)
{
	auto_fd lock = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return lock < 0 || flock(lock, how) < 0 ? -errno : take_fd(&lock);
}
