/* fail.h - the story of a failure: written once, where it happens, printed once, by main().
 *
 * The record has a fixed size and holds no pointers, so that the child of clone3(2) can send the
 * same bytes to its parent (sync.h). Functions return -errno; the record says what was being done. */
#ifndef SKIFF_FAIL_H
#define SKIFF_FAIL_H

#include <stddef.h>

/* Exit codes, Docker's. */
enum {
	EXIT_SKIFF = 125,	   /* skiff itself failed, before the command ran */
	EXIT_NOT_EXECUTABLE = 126, /* the command was found but could not be executed */
	EXIT_NOT_FOUND = 127,	   /* the command was not found */
	EXIT_SIGNAL = 128,	   /* plus n: the command died of signal n */
};

struct failure {
	int exit_code;	/* 0: nothing failed */
	int error;	/* an errno value, or 0 where the text says it all */
	char text[400]; /* what was being done, and why it failed */
	char hint[300]; /* the way out, or "" */
};

/* Records a failure: "TEXT: STRERROR(error)", or TEXT alone where error is 0; exit code 125.
 * The first record is kept: what fails while undoing does not hide the cause.
 * Returns -error (-EINVAL where error is 0), for `return fail(...)`. */
int fail(int error, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Adds a hint to the record just made (not when the record holds an older failure).
 * Returns ret, for `return fail_hint(fail(...), "...")`. */
int fail_hint(int ret, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Sets the exit code of the record just made. Returns ret. */
int fail_exit_code(int ret, int exit_code);

/* Records what another process sent (the child's record). Returns -error. */
int fail_adopt(const struct failure *other);

/* Forgets the record: there is another way, so nothing has failed. */
void fail_forget(void);

/* The record of this process: exit_code is 0 as long as nothing failed. */
const struct failure *fail_record(void);

/* Prints the record on stderr: `skiff: text`, then `hint: ...`. Returns the exit code. */
int fail_print(void);

/* Prints `skiff: note: ...` on stderr: something the user should know, but no failure. */
void note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A task of the workshop that nobody has written yet: the run fails and says which one. */
int fail_todo(const char *task, const char *file, int line);
#define TODO(task) fail_todo(task, __FILE__, __LINE__)

/* How many bytes the character at text has, in UTF-8; 0 if it is none or a control character: those
 * of ASCII, and U+0080 to U+009F, of which U+009B does what ESC [ does. */
size_t fail_printable_length(const char *text);

/* Returns from the calling function when call fails. It stands for:
 *	int ret = call;
 *	if (ret < 0)
 *		return ret;                                                      */
#define TRY(call)                                                                                  \
	do {                                                                                       \
		int try_ret_ = (call);                                                             \
		if (try_ret_ < 0)                                                                  \
			return try_ret_;                                                           \
	} while (0)

#endif
