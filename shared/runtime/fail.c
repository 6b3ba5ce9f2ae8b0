/* fail.c - the failure record; see fail.h. */
#include "fail.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static struct failure record;

/* The record takes no further failure, but hint and exit code may still be added to it by the
 * caller that made it. */
static int record_is_latest;

__attribute__((format(printf, 2, 0))) static void record_text(int error, const char *format,
							      va_list args)
{
	int used = vsnprintf(record.text, sizeof record.text, format, args);

	if (used < 0)
		used = 0;
	if (error && (size_t)used < sizeof record.text)
		snprintf(record.text + used, sizeof record.text - (size_t)used, ": %s",
			 strerror(error));
}

int fail(int error, const char *format, ...)
{
	record_is_latest = record.exit_code == 0;
	if (record_is_latest) {
		va_list args;

		record.error = error;
		record.exit_code = EXIT_SKIFF;
		va_start(args, format);
		record_text(error, format, args);
		va_end(args);
	}
	return error ? -error : -EINVAL;
}

int fail_hint(int ret, const char *format, ...)
{
	va_list args;

	if (!record_is_latest)
		return ret;
	va_start(args, format);
	vsnprintf(record.hint, sizeof record.hint, format, args);
	va_end(args);
	return ret;
}

int fail_exit_code(int ret, int exit_code)
{
	if (record_is_latest)
		record.exit_code = exit_code;
	return ret;
}

int fail_adopt(const struct failure *other)
{
	if (record.exit_code == 0) {
		record = *other;
		/* What comes from another process is not trusted to be terminated. */
		record.text[sizeof record.text - 1] = '\0';
		record.hint[sizeof record.hint - 1] = '\0';
	}
	return record.error ? -record.error : -EINVAL;
}

const struct failure *fail_record(void)
{
	return &record;
}

/* Prints one line on stderr, PREFIX: TEXT.
 * SECURITY: names in a message may come from an image or a config file, and a control character
 * would let them paint on the user's terminal (test: unit/test_fail.c, control characters). */
static void print_line(const char *prefix, const char *text)
{
	char line[sizeof record.text];
	size_t length = 0;

	for (; *text && length + 1 < sizeof line; text++)
		line[length++] = (unsigned char)*text < 0x20 || *text == 0x7f ? '?' : *text;
	line[length] = '\0';
	fprintf(stderr, "%s: %s\n", prefix, line);
}

int fail_print(void)
{
	if (record.exit_code == 0)
		return 0;
	print_line("skiff", record.text);
	if (record.hint[0])
		print_line("hint", record.hint);
	return record.exit_code;
}

void note(const char *format, ...)
{
	char text[sizeof record.text];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	print_line("skiff: note", text);
}

int fail_todo(const char *task, const char *file, int line)
{
	int number_len = (int)strcspn(task, " ");
	const char *title = task + number_len + (task[number_len] == ' ');

	return fail_hint(fail(0, "task %.*s (%s) is not written yet: %s:%d", number_len, task,
			      title, file, line),
			 "make hint TASK=%.*s", number_len, task);
}
