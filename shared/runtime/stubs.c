/* stubs.c - rooms that are not in this build.
 *
 * Every function is weak: a room that is linked in replaces it. A stub does nothing, so that the
 * corridor is the same in every build; what a user asks for by an option is refused by the option
 * table (shared/cli/options.c) before the corridor is entered. */
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "cgroup.h"
#include "chapters.h"
#include "container.h"
#include "fail.h"
#include "layer.h"
#include "namespaces.h"
#include "overlay.h"
#include "process.h"
#include "rooms.h"
#include "rootfs.h"
#include "security.h"
#include "start.h"

#define STUB __attribute__((weak))
#define WEAK_ROOM(number)                                                                          \
	extern const char room_##number;                                                           \
	STUB const char room_##number = 0

WEAK_ROOM(00);
WEAK_ROOM(01);
WEAK_ROOM(02);
WEAK_ROOM(03);
WEAK_ROOM(04);
WEAK_ROOM(05);
WEAK_ROOM(06);
WEAK_ROOM(07);
WEAK_ROOM(08);
WEAK_ROOM(09);
WEAK_ROOM(10);
WEAK_ROOM(11);
WEAK_ROOM(12);
WEAK_ROOM(13);
WEAK_ROOM(14);
WEAK_ROOM(15);

STUB int start_process_id(void)
{
	return chapter_need(0, "hello");
}

STUB int process_clone(struct container *c)
{
	(void)c;
	return chapter_need(1, "running a command");
}

#define NOTHING(function)                                                                          \
	STUB int function(struct container *c)                                                     \
	{                                                                                          \
		(void)c;                                                                           \
		return 0;                                                                          \
	}
#define NOTHING_TO_UNDO(function)                                                                  \
	STUB void function(struct container *c)                                                    \
	{                                                                                          \
		(void)c;                                                                           \
	}

NOTHING(process_surroundings)
NOTHING(process_exec)
NOTHING(process_wait)

STUB int rootfs_prepare(struct container *c)
{
	note("chapter 02 (chroot) is not in this build: %s is not entered", c->rootfs_path);
	return 0;
}

NOTHING(rootfs_private)
NOTHING(rootfs_mount)
NOTHING(rootfs_pivot)
NOTHING(namespaces_prepare)
NOTHING(namespaces_map_ids)
NOTHING(namespaces_enter)
NOTHING(cgroup_create)
NOTHING_TO_UNDO(cgroup_remove)
NOTHING(cgroup_set_oom_score)
NOTHING(cgroup_mount)
NOTHING(cgroup_report)

STUB void cgroup_birth(const struct container *c, struct clone_args *args)
{
	(void)c, (void)args;
}

STUB void cgroup_wake(struct container *c, int signal)
{
	(void)c, (void)signal;
}

STUB int cgroup_sweep(const char *path, const char *id)
{
	(void)path, (void)id;
	return 0;
}

STUB int cgroup_limit(int cgroup_fd, const struct limits *limits, bool checked)
{
	(void)cgroup_fd, (void)limits, (void)checked;
	return chapter_need(4, "update");
}

STUB int cgroup_freeze(int cgroup_fd, bool frozen)
{
	(void)cgroup_fd, (void)frozen;
	return -ENOSYS;
}

STUB bool cgroup_is_frozen(int cgroup_fd)
{
	(void)cgroup_fd;
	return false;
}

STUB int cgroup_kill(int cgroup_fd)
{
	(void)cgroup_fd;
	return -ENOSYS;
}

STUB double cgroup_cpu_percent(uint64_t before_usec, uint64_t after_usec, uint64_t interval_usec)
{
	(void)before_usec, (void)after_usec, (void)interval_usec;
	return 0;
}

NOTHING(overlay_prepare)
NOTHING(overlay_open)
NOTHING(overlay_mount)
NOTHING(overlay_seal)
NOTHING(overlay_record)
NOTHING(overlay_keep)
NOTHING_TO_UNDO(overlay_remove)
NOTHING(security_seal)
NOTHING(security_prepare)
NOTHING(security_devices)
NOTHING(security_mounts)
NOTHING(security_apply)
NOTHING(network_attach)
NOTHING_TO_UNDO(network_detach)
NOTHING(image_resolve)
NOTHING(volume_prepare)
NOTHING(volume_mount)

STUB int layer_changes(int upper_fd, const struct strv *lowers, bool userxattr, struct strv *lines)
{
	(void)upper_fd, (void)lowers, (void)userxattr, (void)lines;
	return chapter_need(5, "diff");
}

STUB int layer_copy(int upper_fd, int dir_fd, const char *name)
{
	(void)upper_fd, (void)dir_fd, (void)name;
	return chapter_need(5, "commit");
}

STUB int rootfs_open(int root_fd, const char *path, int flags, unsigned long long resolve)
{
	(void)root_fd, (void)path, (void)flags, (void)resolve;
	return chapter_need(2, "looking up a path in a container");
}
