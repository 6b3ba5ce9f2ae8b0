/* process.h - chapter 01: the container's first process.
 *
 * Runs in: process_clone in the parent, and from there in both; process_surroundings and
 *          process_exec in the child, last of all; process_wait in the parent.
 * Takes:   c->argv, c->env, c->workdir, c->preserve_fds, c->flags (CONTAINER_INIT),
 *          c->clone_flags, which chapters 02 and 03 have filled.
 * Leaves:  c->pid, c->pidfd, c->exit_code.
 * Undo:    the corridor kills the process and reaps it.
 * Kernel:  clone3 (5.3), pidfd_send_signal (5.1), waitid with P_PIDFD (5.4), close_range with
 *          CLOSE_RANGE_CLOEXEC (5.11), openat2 (5.6), signalfd, execve.
 * Tests:   tests/chapters/test_01_process.py */
#ifndef SKIFF_PROCESS_H
#define SKIFF_PROCESS_H

struct container;

/* Makes the container's first process with clone3(2): c->clone_flags, and a pidfd for the parent.
 * Returns 0 in both processes: c->pid is 0 in the child; in the parent it is the child's process
 * ID, and c->pidfd its pidfd. Returns -errno with a failure record when there is no child. */
int process_clone(struct container *c) __attribute__((warn_unused_result));

/* Child: gives the command what it may expect around it: a process group (and the terminal, if
 * skiff has it), its working directory, umask 022, signals as at boot, and no descriptor of ours
 * but 0, 1, 2 and c->preserve_fds more. Returns 0 or -errno with a failure record. */
int process_surroundings(struct container *c) __attribute__((warn_unused_result));

/* Child: becomes c->argv[0], which is looked for in the PATH of c->env unless it holds a slash.
 * With CONTAINER_INIT, starts it as a child instead and stays as the init that reaps orphans.
 * Returns only on failure: -errno with a failure record whose exit code is 127 (not found), 126
 * (found, but could not be executed) or 125; or, as an init, the exit code of the command. */
int process_exec(struct container *c) __attribute__((warn_unused_result));

/* Parent: forwards signals to the container until its first process has ended.
 * Sets c->exit_code to the status of exit(3), or to 128 plus the number of the signal that ended
 * it. Returns 0 or -errno with a failure record. */
int process_wait(struct container *c) __attribute__((warn_unused_result));

#endif
