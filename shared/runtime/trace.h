/* trace.h - `--explain`: which step of the corridor took how long, in both processes.
 *
 * STEP(room_verb(c)) is the only way in which the corridor calls a room. It is a plain call that
 * returns on failure; with --explain it is timed as well. The records lie in memory shared with
 * the child, so they survive its execve(2). */
#ifndef SKIFF_TRACE_H
#define SKIFF_TRACE_H

#include <stdbool.h>
#include <stdint.h>

struct container;

/* Starts tracing for c. Returns 0 or -errno with a failure record. */
int trace_open(struct container *c) __attribute__((warn_unused_result));

/* The time now in nanoseconds, or 0 when c is not traced. */
uint64_t trace_now(const struct container *c);

/* Records that `call` ran from `start` until now and returned ret. Returns ret. */
int trace_step(struct container *c, const char *call, uint64_t start, int ret);

/* Records that `call` begins now and does not return: execve(2). */
void trace_last_step(struct container *c, const char *call);

/* Prints what was recorded on stderr: a table, or one JSON object. */
void trace_print(const struct container *c, bool as_json);

/* Forgets what was recorded. May be called without a trace, and twice. */
void trace_close(struct container *c);

/* Runs one step of the corridor; returns from the calling function if it fails. */
#define STEP(call)                                                                                 \
	do {                                                                                       \
		uint64_t step_start_ = trace_now(c);                                               \
		int step_ret_ = trace_step(c, #call, step_start_, (call));                         \
		if (step_ret_ < 0)                                                                 \
			return step_ret_;                                                          \
	} while (0)

#endif
