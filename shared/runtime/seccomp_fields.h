/* seccomp_fields.h - whether a seccomp profile's fields have the types they are to have. */
#ifndef SKIFF_SECCOMP_FIELDS_H
#define SKIFF_SECCOMP_FIELDS_H

#include <jansson.h>

/* Looks at each known field of a profile. name is for messages, NULL for skiff's own profile.
 * Returns 0, or -EINVAL with a failure record that names the first field of another type. */
int seccomp_fields_check(const json_t *profile, const char *name)
	__attribute__((warn_unused_result));

#endif
