/* state.h - what skiff remembers of a running container, on disk.
 *
 *	$SKIFF_RUN/containers/ID/state.json   one directory a container, locked by the skiff that runs it
 *	$SKIFF_RUN/containers/ID/cgroup -> PATH   its cgroup, noted before that was made
 *	$SKIFF_ROOT/names/NAME -> ID              a name belongs to whoever made the link, as long as
 *	                                          that container runs or is kept (store.h)
 *
 * dirs.h says where that is.
 * No daemon keeps any of it: a directory that nobody has locked was left by a skiff that was
 * killed, and the next one undoes it. */
#ifndef SKIFF_STATE_H
#define SKIFF_STATE_H

#include <stdbool.h>
#include <sys/types.h>

#include "container.h"
#include "strv.h"

/* Whether name can be a container's name: [a-zA-Z0-9][a-zA-Z0-9_.-]+, as Docker has it. */
bool state_name_valid(const char *name);

/* Makes and locks the state directory of c->id (c->state_fd) and takes c->name; first removes what
 * dead skiffs left. Returns 0 or -errno with a failure record. */
int state_create(struct container *c) __attribute__((warn_unused_result));

/* Writes state.json: whole, under another name, then renamed into place. */
int state_write(struct container *c) __attribute__((warn_unused_result));

/* Undoes state_create() and state_write(). May be called at any time, and twice. */
void state_remove(struct container *c);

/* Gives back the name (NULL: none) of a container that is kept no longer. */
void state_forget_name(const char *name, const char *id);

/* Turns a name, an ID or an unambiguous start of an ID into the ID of a container that runs or is
 * kept. Returns 0 or -errno with a failure record: -ENOENT, and exit code 1, when there is none. */
int state_resolve(const char *reference, char id[CONTAINER_ID_LENGTH + 1])
	__attribute__((warn_unused_result));

/* A running container, as the state directory knows it. */
struct state_container {
	char id[CONTAINER_ID_LENGTH + 1];
	char name[NAME_MAX + 1]; /* "": it has none */
	int pidfd;		 /* PID 1; owned by the caller, as the next one */
	int cgroup_fd;		 /* its cgroup; < 0: it has none */
	pid_t pid;		 /* its process ID */
	unsigned namespaces; /* bit 1 << kind: it does not use skiff's own (enum namespace_kind) */
	bool no_pivot;	     /* it was started with --no-pivot */
	struct strv env;     /* its environment; owned by the caller */
	struct json_t *security; /* for state_security_read(); a reference of the caller's */
};

/* Finds a running container by name, ID or unambiguous start of an ID, and fills *found.
 * Returns 0, or -errno with a failure record (exit code 1, as Docker's): -ENOENT when there is none,
 * -ESRCH when it does not run. */
int state_find(const char *reference, struct state_container *found)
	__attribute__((warn_unused_result));

/* Releases what the caller owns of *found and has not taken. */
void state_release(struct state_container *found);

/* Finds all running containers. *found, NULL before, is an array that the caller releases, one by
 * one, and frees. Returns how many, or -errno with a failure record. */
int state_find_all(struct state_container **found) __attribute__((warn_unused_result));

#endif
