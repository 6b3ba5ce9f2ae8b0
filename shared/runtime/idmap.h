/* idmap.h - which IDs a user namespace maps, and the files that say so: user_namespaces(7). */
#ifndef SKIFF_IDMAP_H
#define SKIFF_IDMAP_H

#include <stdbool.h>
#include <sys/types.h>

#include "container.h"

/* Parses C:H:N (container ID, host ID, how many; podman's --uidmap) and appends it to maps.
 * Returns 0 or -errno with a failure record that names option. */
int idmap_parse(struct id_maps *maps, const char *text, const char *option)
	__attribute__((warn_unused_result));

/* Fills empty maps: for root, root's range of /etc/subuid and /etc/subgid; for anybody else, their
 * own ID as root and their range behind it, or the own ID alone. Only one map given: both alike.
 * Returns 0 or -errno with a failure record. */
int idmap_choose(struct id_maps *uids, struct id_maps *gids) __attribute__((warn_unused_result));

/* Whether this process may write any map: it is root. */
bool idmap_may_write(void);

/* Whether the maps hold nothing but this process's own user and group. */
bool idmap_is_own_id(const struct id_maps *uids, const struct id_maps *gids);

/* Writes /proc/PID/FILE (uid_map or gid_map). Returns 0 or -errno with a failure record. */
int idmap_write(pid_t pid, const char *file, const struct id_maps *maps)
	__attribute__((warn_unused_result));

/* Writes "deny" to /proc/PID/setgroups, which must come before an unprivileged gid_map.
 * Returns 0 or -errno with a failure record. */
int idmap_deny_setgroups(pid_t pid) __attribute__((warn_unused_result));

/* Runs newuidmap(1) or newgidmap(1), which check the maps against /etc/subuid and /etc/subgid.
 * Returns 0 only if it exited with 0; else -errno with a failure record. */
int idmap_run_helper(const char *program, pid_t pid, const struct id_maps *maps)
	__attribute__((warn_unused_result));

/* For root, who has not joined another user namespace yet: makes a mount tree of c->rootfs_path in which the host's IDs are mapped as in the user
 * namespace of the process pid, so that the files of root are root's inside: c->rootfs_fd. Where there is an
 * overlay (c->store_fd), one tree for each layer and one for the store: c->tree_fds. Nothing is done
 * for an ordinary user. Returns 0 or -errno with a failure record. */
int idmap_rootfs(struct container *c, pid_t pid) __attribute__((warn_unused_result));

#endif
