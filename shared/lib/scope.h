/* scope.h - what lives in a function and goes when it returns.
 *
 * Mark a local with auto_fd, auto_free, auto_file or auto_dir; it is released on every way out and
 * errno is kept. To hand the thing on, disarm it with take_fd().
 * What outlives a function (directories, cgroups, links) is undone by container_undo() instead. */
#ifndef SKIFF_SCOPE_H
#define SKIFF_SCOPE_H

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define auto_fd __attribute__((cleanup(scope_close_fd))) int
#define auto_free __attribute__((cleanup(scope_free)))
#define auto_file __attribute__((cleanup(scope_close_file))) FILE *
#define auto_dir __attribute__((cleanup(scope_close_dir))) DIR *

/* Closes *fd if it is open (0 is a valid descriptor), sets it to -EBADF; errno is kept.
 * close(2) is not retried: Linux frees the descriptor also when it reports EINTR. */
static inline void scope_close_fd(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		close(*fd);
	*fd = -EBADF;
	errno = saved;
}

/* Frees what a pointer points to; errno is kept. */
static inline void scope_free(void *pointer)
{
	int saved = errno;

	free(*(void **)pointer);
	errno = saved;
}

/* Closes *file if it is open; errno is kept. */
static inline void scope_close_file(FILE **file)
{
	int saved = errno;

	if (*file)
		fclose(*file);
	*file = NULL;
	errno = saved;
}

/* Closes *dir if it is open; errno is kept. */
static inline void scope_close_dir(DIR **dir)
{
	int saved = errno;

	if (*dir)
		closedir(*dir);
	*dir = NULL;
	errno = saved;
}

/* Disarms an auto_fd: returns the descriptor, which the caller now owns. */
static inline int take_fd(int *fd)
{
	int taken = *fd;

	*fd = -EBADF;
	return taken;
}

#endif
