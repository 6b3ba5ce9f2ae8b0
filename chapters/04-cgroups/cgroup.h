/* cgroup.h - chapter 04: what a container may use up.
 *
 * Runs in: cgroup_create in the parent, before the clone; cgroup_birth right at the clone;
 *          cgroup_set_oom_score and cgroup_mount in the child, the latter between rootfs_mount and
 *          rootfs_pivot; cgroup_report in the parent, after the end, for `exec` before the command
 *          is reaped. The functions that take a descriptor serve the commands: pause, unpause,
 *          update, stats, kill.
 * Takes:   c->limits, c->cgroup_parent, c->oom_score_adj, c->state_fd; for `exec` c->cgroup_fd.
 * Leaves:  c->cgroup_fd, the container's cgroup; -1 where none can be made and no option needs it.
 * Undo:    cgroup_remove(); for a skiff that was killed, cgroup_sweep() in the next one.
 * Kernel:  cgroup v2 alone: cgroup.kill (5.14), cgroup.freeze (5.2), memory.oom.group (4.19),
 *          clone3 with CLONE_INTO_CGROUP (5.7). cgroups(7), and the kernel's
 *          Documentation/admin-guide/cgroup-v2.rst.
 * Tests:   tests/chapters/test_04_birth.py and its neighbours */
#ifndef SKIFF_CGROUP_H
#define SKIFF_CGROUP_H

#include <stdbool.h>
#include <stdint.h>

struct clone_args;
struct container;
struct limits;

/* Parent: makes the container's cgroup, notes its path in the state directory, sets the limits.
 * Where no cgroup can be had, and nothing was asked for that needs one, does nothing.
 * Returns 0 or -errno with a failure record. */
int cgroup_create(struct container *c) __attribute__((warn_unused_result));

/* Parent: lets the child that args describe be born in the container's cgroup, if it has one. */
void cgroup_birth(const struct container *c, struct clone_args *args);

/* Child: --oom-score-adj, for itself. Returns 0 or -errno with a failure record. */
int cgroup_set_oom_score(struct container *c) __attribute__((warn_unused_result));

/* Child: mounts the container's own cgroup on /sys/fs/cgroup, read-only.
 * Returns 0 or -errno with a failure record. */
int cgroup_mount(struct container *c) __attribute__((warn_unused_result));

/* Parent, when a signal was forwarded to a paused container: thaws it if the signal would end it,
 * for a frozen process hears nothing but SIGKILL. */
void cgroup_wake(struct container *c, int signal);

/* Parent, after the end: returns 0; or, if the kernel killed the container for want of memory,
 * -errno with a failure record that says so (exit code 137). */
int cgroup_report(struct container *c) __attribute__((warn_unused_result));

/* Parent: kills what is left in the container's cgroup and removes it. May be called at any time,
 * and twice; for `exec`, only lets go of it. If it can't be removed, c->cgroup_fd stays open, and
 * state_remove() leaves the state to the next skiff, which sweeps. */
void cgroup_remove(struct container *c);

/* The same for the cgroup of a container whose skiff was killed. path as cgroup_create() noted it;
 * the last part of it has to be id. Returns 0 when it is gone, or -errno without a record. */
int cgroup_sweep(const char *path, const char *id) __attribute__((warn_unused_result));

/* Sets limits on a cgroup: all of them, or, when one fails, none. With checked set, refuses a memory
 * limit below what is used already. Returns 0 or -errno with a failure record. */
int cgroup_limit(int cgroup_fd, const struct limits *limits, bool checked)
	__attribute__((warn_unused_result));

/* Freezes or thaws all processes of a cgroup, and waits until it is done.
 * Returns 0 or -errno without a record. */
int cgroup_freeze(int cgroup_fd, bool frozen) __attribute__((warn_unused_result));

/* Whether the cgroup is frozen; false also where that can't be told. */
bool cgroup_is_frozen(int cgroup_fd);

/* Kills all processes of a cgroup, and waits until they are gone.
 * Returns 0 or -errno without a record. */
int cgroup_kill(int cgroup_fd) __attribute__((warn_unused_result));

/* How busy a cgroup kept the CPUs, in percent of one CPU: before_usec and after_usec are the CPU time
 * that it had used at the two ends of an interval of interval_usec microseconds. */
double cgroup_cpu_percent(uint64_t before_usec, uint64_t after_usec, uint64_t interval_usec);

#endif
