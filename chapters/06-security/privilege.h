/* privilege.h - the parts of chapter 06's room, for the room itself and for `skiff audit`. */
#ifndef SKIFF_PRIVILEGE_H
#define SKIFF_PRIVILEGE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "privileges.h"

struct container;

/* --- capabilities.c --- */

/* Parent: chooses c->privileges.sets from what was asked for and what skiff has.
 * Returns 0 or -errno with a failure record: a capability that skiff does not have. */
int capabilities_choose(struct container *c) __attribute__((warn_unused_result));

/* Parent: puts c->privileges.sets into the form that libcap sets, for the child allocates nothing.
 * Returns 0 or -errno with a failure record. */
int capabilities_convert(struct container *c) __attribute__((warn_unused_result));

/* Takes a capability out of c->privileges.sets, in both of their forms. Allocates nothing. */
void capabilities_take(struct container *c, int capability);

/* Child: takes all but the container's capabilities out of the bounding set; needs CAP_SETPCAP.
 * Returns 0 or -errno with a failure record. */
int capabilities_bound(const struct container *c) __attribute__((warn_unused_result));

/* Child: sets the other four sets. root is false for a user other than root, who starts with none.
 * Returns 0 or -errno with a failure record. */
int capabilities_set(const struct container *c, bool root) __attribute__((warn_unused_result));

/* --- user.c --- */

/* Who the command runs as. */
struct user {
	uid_t uid;
	gid_t gid;
	gid_t groups[PRIVILEGES_GROUPS + 1]; /* supplementary groups, gid among them */
	unsigned group_count;
};

/* Child, after the pivot: finds out who --user and --group-add mean, in the image's /etc/passwd and
 * /etc/group where they are names. Sets c->privileges.home.
 * Returns 0 or -errno with a failure record. */
int user_find(struct container *c, struct user *user) __attribute__((warn_unused_result));

/* Child: becomes user. The permitted capabilities stay. Returns 0 or -errno with a record. */
int user_become(const struct user *user) __attribute__((warn_unused_result));

/* --- seccomp.c --- */

/* Parent: fills c->privileges.filter, from the cache if it is there.
 * Returns 0 or -errno with a failure record. */
int filter_prepare(struct container *c) __attribute__((warn_unused_result));

/* Child: loads the filter, if there is one. Returns 0 or -errno with a failure record. */
int filter_load(const struct container *c) __attribute__((warn_unused_result));

/* --- masks.c --- */

/* Child: hides the paths that show or change the host, makes others read-only, in the mounts below
 * c->rootfs_fd. Returns 0 or -errno with a failure record. */
int masks_mount(const struct container *c) __attribute__((warn_unused_result));

/* --- devices.c, device_rules.c --- */

/* Parent: adds all devices of the host's /dev to c->privileges: for --privileged.
 * Returns 0 or -errno with a failure record. */
int devices_add_all(struct container *c) __attribute__((warn_unused_result));

/* Child: makes the devices of c->privileges below c->rootfs_fd; where a user namespace forbids
 * that, binds the host's. Returns 0 or -errno with a failure record. */
int devices_make(const struct container *c) __attribute__((warn_unused_result));

/* Parent: attaches the device rules to c->cgroup_fd. Returns 1 when they hold, 0 where they can't be
 * had (no cgroup, no privilege), or -errno with a failure record. */
int device_rules_attach(const struct container *c) __attribute__((warn_unused_result));

#endif
