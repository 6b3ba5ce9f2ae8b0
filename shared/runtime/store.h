/* store.h - what stays of a container when it has ended: the files it wrote, and what it was.
 *
 *	$SKIFF_ROOT/containers/ID/container.json   who it was and how it ended
 *	                          diff/            what it wrote: overlayfs's upper layer
 *	                          work/            overlayfs's own, while it runs
 *	$SKIFF_ROOT/temporary/ID/                  the same with --rm, and until the command has begun
 *
 * dirs.h says where that is. The skiff that runs the container holds a lock on its directory; what
 * lies in temporary/ without a lock was left by a skiff that was killed, and the next one removes it. */
#ifndef SKIFF_STORE_H
#define SKIFF_STORE_H

#include <stdbool.h>

#include "container.h"

/* Makes and locks temporary/ID with diff and work: c->store_fd. Removes what killed skiffs left.
 * Returns 0 or -errno with a failure record. */
int store_create(struct container *c) __attribute__((warn_unused_result));

/* Writes container.json: who it is. Returns 0 or -errno with a failure record. */
int store_record(const struct container *c) __attribute__((warn_unused_result));

/* The command has begun: moves the directory to containers/, unless there is --rm.
 * Returns 0 or -errno with a failure record. */
int store_keep(struct container *c) __attribute__((warn_unused_result));

/* The container has ended: notes its exit code, or removes what is not kept.
 * May be called at any time, and twice. */
void store_finish(struct container *c);

/* A container in the store. */
struct store_container {
	char id[CONTAINER_ID_LENGTH + 1];
	char *name;	     /* or NULL; owned, as the next */
	struct strv layers;  /* absolute paths, the base first */
	struct id_maps uids; /* empty: the caller's own; as container.json has them */
	struct id_maps gids;
	int dir_fd;	/* its directory; owned */
	bool userxattr; /* overlayfs's marks are user.overlay.* */
	bool temporary; /* it is in temporary/ */
	bool running;
};

/* Finds a container by name, ID or start of an ID; locks it against others unless it runs.
 * To be released with store_release(), also after a failure.
 * Returns 0, or -errno with a failure record (exit code 1). */
int store_find(const char *reference, struct store_container *found)
	__attribute__((warn_unused_result));

/* Finds a container by its whole ID; as store_find(), but nothing is known of it yet besides where it is
 * and whether it runs. Returns 1, 0 if there is none, or -errno with a failure record. */
int store_open(const char *id, struct store_container *found) __attribute__((warn_unused_result));

/* Tries again to lock a container that was running. Returns whether it has ended and is locked. */
bool store_lock(struct store_container *found);

/* Whether it was removed since it was found. */
bool store_is_gone(const struct store_container *found);

/* Frees what found owns. */
void store_release(struct store_container *found);

/* Removes a container that does not run: its name and all its files.
 * Returns 0 or -errno with a failure record. */
int store_remove(struct store_container *found) __attribute__((warn_unused_result));

/* Fills c so that container_help() does its work with the rights of the container's root: in a user
 * namespace with the container's maps for an ordinary user, as root for root. */
void store_helper(struct container *c, const struct store_container *found);

#endif
