/* seccomp_fields.c - the types of a seccomp profile's fields; see seccomp_fields.h. */
#include "seccomp_fields.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "fail.h"

/* What each field holds, by the field that its object is in. A field that is not known is passed
 * over, and null is as if it were not there: both as Docker does. */
enum field_type { TEXT, NUMBER, TEXTS, OBJECT, OBJECTS };

static const struct {
	const char *in, *key;
	enum field_type type;
} fields[] = {
	{ "", "defaultAction", TEXT },
	{ "", "defaultErrnoRet", NUMBER },
	{ "", "architectures", TEXTS },
	{ "", "archMap", OBJECTS },
	{ "", "syscalls", OBJECTS },
	{ "archMap", "architecture", TEXT },
	{ "archMap", "subArchitectures", TEXTS },
	{ "syscalls", "name", TEXT },
	{ "syscalls", "names", TEXTS },
	{ "syscalls", "action", TEXT },
	{ "syscalls", "errnoRet", NUMBER },
	{ "syscalls", "args", OBJECTS },
	{ "syscalls", "includes", OBJECT },
	{ "syscalls", "excludes", OBJECT },
	{ "args", "index", NUMBER },
	{ "args", "value", NUMBER },
	{ "args", "valueTwo", NUMBER },
	{ "args", "op", TEXT },
	{ "includes", "caps", TEXTS },
	{ "includes", "arches", TEXTS },
	{ "includes", "minKernel", TEXT },
	{ "excludes", "caps", TEXTS },
	{ "excludes", "arches", TEXTS },
	{ "excludes", "minKernel", TEXT },
};

static bool has_type(const json_t *value, enum field_type type)
{
	json_t *item;
	size_t i;

	if (type == TEXT)
		return json_is_string(value);
	if (type == NUMBER)
		return json_is_integer(value) && json_integer_value(value) >= 0;
	if (type == OBJECT)
		return json_is_object(value);
	json_array_foreach(value, i, item) {
		if (!has_type(item, type == TEXTS ? TEXT : OBJECT))
			return false;
	}
	return json_is_array(value);
}

/* Whether each known field of an object, and of those inside, is of its type: one of another type
 * would be read as if it were empty, and a rule less lets calls through.
 * Returns 0 or -EINVAL with a failure record. */
static int check_object(const char *name, const char *in, const json_t *object)
{
	static const char *const wanted[] = {
		[TEXT] = "a text",
		[NUMBER] = "a whole number from 0",
		[TEXTS] = "a list of texts",
		[OBJECT] = "an object",
		[OBJECTS] = "a list of objects",
	};

	for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
		const json_t *value = json_object_get(object, fields[i].key);
		json_t *item;
		size_t j;

		if (strcmp(fields[i].in, in) != 0 || !value || json_is_null(value))
			continue;
		if (!has_type(value, fields[i].type))
			return fail(0, "reading the seccomp profile %s: %s: not %s",
				    name ? name : "of skiff's own", fields[i].key,
				    wanted[fields[i].type]);
		if (fields[i].type == OBJECT)
			TRY(check_object(name, fields[i].key, value));
		if (fields[i].type == OBJECTS)
			json_array_foreach(value, j, item)
				TRY(check_object(name, fields[i].key, item));
	}
	return 0;
}

int seccomp_fields_check(const json_t *profile, const char *name)
{
	return check_object(name, "", profile);
}
