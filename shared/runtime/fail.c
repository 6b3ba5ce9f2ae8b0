/* fail.c - the failure record; see fail.h. */
#include "fail.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
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

void fail_forget(void)
{
	record = (struct failure){ 0 };
	record_is_latest = 0;
}

const struct failure *fail_record(void)
{
	return &record;
}

size_t fail_printable_length(const char *text)
{
	/* With 0, 1, 2, 3 bytes after the first: anything below is a control or could be shorter. */
	static const uint32_t least[] = { 0x20, 0xa0, 0x800, 0x10000 };
	const unsigned char *byte = (const unsigned char *)text;
	size_t more = *byte < 0x80 ? 0 : *byte < 0xe0 ? 1 : *byte < 0xf0 ? 2 : 3;
	uint32_t character = more ? *byte & (0x3fu >> more) : *byte;

	if ((*byte >= 0x80 && *byte < 0xc0) || *byte > 0xf4)
		return 0;
	for (size_t i = 1; i <= more; i++) {
		if ((byte[i] & 0xc0) != 0x80)
			return 0;
		character = character << 6 | (byte[i] & 0x3f);
	}
	if (character < least[more] || character == 0x7f || character > 0x10ffff ||
	    (character >= 0xd800 && character <= 0xdfff))
		return 0;
	return more + 1;
}

/* Prints one line on stderr, PREFIX: TEXT, with a '?' for each byte that is not to be printed.
 * SECURITY: names in a message may come from an image or a config file, and a control character
 * would let them paint on the user's terminal (test: unit/test_fail.c, control characters). */
static void print_line(const char *prefix, const char *text)
{
	char line[sizeof record.text];
	size_t used = 0;

	while (*text) {
		size_t printable = fail_printable_length(text), length = printable ? printable : 1;

		if (used + length >= sizeof line)
			break;
		memcpy(line + used, printable ? text : "?", length);
		used += length;
		text += length;
	}
	line[used] = '\0';
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
