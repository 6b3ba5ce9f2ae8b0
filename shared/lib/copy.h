/* copy.h - copies of files and trees by descriptors: no name on the way is looked up twice, and no
 * symbolic link is followed, whoever changes the trees meanwhile. */
#ifndef SKIFF_COPY_H
#define SKIFF_COPY_H

#include <dirent.h>
#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

/* Directories in directories cost two descriptors each, of the 1024 that a process has. */
enum { COPY_LINKS_MAX = 256, COPY_DEPTH_MAX = 350 };

/* A file with several names, of which some have not been met yet. */
struct copy_link {
	dev_t device;
	ino_t inode;
	nlink_t left; /* names not met yet */
	int fd;	      /* the copy, O_PATH */
};

/* A directory whose contents are being copied. */
struct copy_level {
	DIR *list;
	int to;
	const char *name; /* for a failure; belongs to the level above */
	bool is_new;	  /* gets the attributes at the end */
};

/* One copy. Zeroed, and then the first group set by the caller. */
struct copy {
	bool keep_owner; /* user and group IDs and, with them, all modes and extended attributes */
	uid_t uid;	 /* else: who owns the copies, who then are not set-user-ID, ... */
	gid_t gid;
	bool is_layer; /* overlayfs's marks of opaque directories are kept, too */

	char failed[NAME_MAX + 32]; /* the name at which it ended, after a failure */
	unsigned depth;		    /* how many levels are open */
	struct copy_level levels[COPY_DEPTH_MAX];
	unsigned link_count;
	struct copy_link links[COPY_LINKS_MAX];
};

/* Copies `from` in from_dir, whatever it is, as `to` in to_dir. A directory that is there already
 * gets the contents; what else is there is replaced, but no directory by a file or a file by a
 * directory. Holes stay holes; sockets are left out.
 * Returns 0 or -errno: -EISDIR, -ENOTDIR, -ENAMETOOLONG (more than
 * COPY_DEPTH_MAX levels), ...; copy->failed tells where. */
int copy_tree(struct copy *copy, int from_dir, const char *from, int to_dir, const char *to)
	__attribute__((warn_unused_result));

/* Copies what is in from_dir into to_dir. Else as copy_tree(). */
int copy_contents(struct copy *copy, int from_dir, int to_dir) __attribute__((warn_unused_result));

/* Gives an open directory the owner, mode, times and extended attributes of another. */
int copy_attributes(struct copy *copy, int from, int to) __attribute__((warn_unused_result));

/* Closes what the copy holds open, also after a failure. */
void copy_end(struct copy *copy);

#endif
