/* state_file.h - what stands in a container's state directory; for state.c and state_find.c alone. */
#ifndef SKIFF_STATE_FILE_H
#define SKIFF_STATE_FILE_H

#include <jansson.h>
#include <limits.h>
#include <stdint.h>
#include <sys/types.h>

#include "container.h"

/* The names of /proc/PID/ns, in the order of enum namespace_kind. */
extern const char *const state_file_namespaces[NAMESPACE_KINDS];

/* The time at which a process began, in clock ticks since boot: with it, a process ID that was
 * given to another process can be told apart: proc(5), stat (22).
 * Returns 0, -ESRCH if there is no such process, or another -errno; no record. */
int state_file_start_time(pid_t pid, uint64_t *start) __attribute__((warn_unused_result));

/* Opens the process that the state names. Returns a pidfd, which the caller owns, -ESRCH when the
 * process is gone, or another -errno; no record. */
int state_file_open_process(const json_t *state) __attribute__((warn_unused_result));

/* Reads the path of the container's cgroup, as cgroup_create() has noted it in dir.
 * Returns 1, 0 if there is none, or -errno; no record. */
int state_file_cgroup(int dir, char path[PATH_MAX]) __attribute__((warn_unused_result));

#endif
