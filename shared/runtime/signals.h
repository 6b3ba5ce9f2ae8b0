/* signals.h - signals and the terminal on their way between skiff and the container. */
#ifndef SKIFF_SIGNALS_H
#define SKIFF_SIGNALS_H

#include <signal.h>
#include <stdbool.h>

struct container;

/* Fills set with what skiff forwards, and SIGCHLD. Not in it: SIGKILL and SIGSTOP, which cannot
 * be caught; faults of skiff's own (SIGSEGV ...); SIGTTIN. */
void signals_forwarded(sigset_t *set);

/* Parent, first of all: blocks them, so that none is lost or ends skiff half-way (c->caller_mask
 * keeps the old mask), and looks whether skiff has the terminal (c->has_terminal).
 * Returns 0 or -errno with a failure record. */
int signals_block(struct container *c) __attribute__((warn_unused_result));

/* Parent, during the start: waits until fd can be read, or its other end is closed. A signal that
 * would have ended skiff, had it not been blocked, is a failure: exit code 128+n. All others wait
 * for process_wait(), as does one that comes half a second or less before the start goes on; but for a
 * stop of the container: see terminal_stopped().
 * Returns 0 or -errno with a failure record. */
int signals_watch_start(struct container *c, int fd) __attribute__((warn_unused_result));

/* Parent, at the end: the mask as it was. */
void signals_restore(struct container *c);

/* Child: every signal to its default action, none blocked. Returns 0 or -errno with a record. */
int signals_reset(void) __attribute__((warn_unused_result));

/* Whether the signal ends a process that does nothing about it: signal(7). */
bool signal_terminates(int signal);

/* Whether the kernel would drop this signal because the container's first process is PID 1 of a
 * PID namespace and neither handles nor blocks it: pid_namespaces(7). Only for signals whose
 * default action is to terminate. */
bool signal_is_dropped(const struct container *c, int signal);

/* Child: makes its own process group and, if c->has_terminal, the terminal's foreground group.
 * Returns 0 or -errno with a failure record. */
int terminal_give(struct container *c) __attribute__((warn_unused_result));

/* Parent: the container was stopped (^Z). Takes the terminal, stops skiff like any job; when
 * skiff is continued, gives the terminal back and continues the container. Returns 0. */
int terminal_stopped(struct container *c);

/* Parent: makes skiff's group the foreground group again and restores the terminal's modes. */
void terminal_take_back(struct container *c);

#endif
