/* jsonfile.h - small JSON files that are never seen half-written. */
#ifndef SKIFF_JSONFILE_H
#define SKIFF_JSONFILE_H

#include <jansson.h>

/* Reads NAME in dir. Returns a new reference, or NULL with errno: ENOENT where there is none or an
 * empty one, for it is renamed into place whole; EBADMSG for one that is not JSON. */
json_t *jsonfile_read(int dir, const char *name);

/* Writes NAME in dir, mode 0600: whole, as NAME.new, then renamed into place. json is not consumed.
 * Returns 0 or -errno, without a failure record. */
int jsonfile_write(int dir, const char *name, const json_t *json)
	__attribute__((warn_unused_result));

/* A new JSON string, or null where text is NULL or no UTF-8 (JSON can't hold it). */
json_t *json_text(const char *text);

/* A new JSON array of the strings of list, which ends with NULL or is NULL. */
json_t *json_texts(char *const *list);

#endif
