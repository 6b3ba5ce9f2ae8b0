/* strv.h - a growing, NULL-terminated list of strings, as execve(2) takes them. */
#ifndef SKIFF_STRV_H
#define SKIFF_STRV_H

#include <stddef.h>

struct strv {
	char **list; /* owned, NULL-terminated once something was added; NULL before */
	size_t count;
};

/* Appends a copy of text. Returns 0 or -ENOMEM; on failure the list is unchanged. */
int strv_append(struct strv *v, const char *text) __attribute__((warn_unused_result));

/* Sets KEY=VALUE: assignment must hold a '='. An entry with the same key is replaced in place,
 * as Docker's -e does. Returns 0 or -ENOMEM. */
int strv_set(struct strv *v, const char *assignment) __attribute__((warn_unused_result));

/* The value of KEY, or NULL. The string belongs to the list. */
const char *strv_get(const struct strv *v, const char *key);

/* Frees the strings and the list; the list may be used again. */
void strv_clear(struct strv *v);

#endif
