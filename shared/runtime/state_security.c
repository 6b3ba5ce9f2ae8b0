/* state_security.c - the security part of state.json; see state_security.h. */
#include "state_security.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "container.h"
#include "fail.h"

static const struct {
	const char *key;
	unsigned flag;
} flags[] = {
	{ "privileged", CONTAINER_PRIVILEGED },
	{ "noNewPrivileges", CONTAINER_NO_NEW_PRIVS },
	{ "unmasked", CONTAINER_UNMASKED },
	{ "homeGiven", CONTAINER_HOME_GIVEN },
};

/* The texts of struct privileges that are kept, by their keys. */
#define TEXTS(p)                                                                                   \
	{                                                                                          \
		{ "user", &(p)->user }, { "seccomp", &(p)->seccomp },                              \
			{ "apparmor", &(p)->apparmor }, { "label", &(p)->label },                  \
	}

/* The limits of --ulimit, as text: JSON has no numbers of 64 bits. */
static json_t *write_ulimits(const struct privileges *p)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < p->ulimit_count; i++) {
		char text[3 * 24];

		snprintf(text, sizeof text, "%d %" PRIu64 " %" PRIu64, p->ulimits[i].resource,
			 (uint64_t)p->ulimits[i].limit.rlim_cur,
			 (uint64_t)p->ulimits[i].limit.rlim_max);
		json_array_append_new(list, json_string(text));
	}
	return list;
}

static void read_ulimits(const json_t *list, struct privileges *p)
{
	json_t *item;
	size_t i;

	json_array_foreach(list, i, item) {
		struct ulimit *one = &p->ulimits[p->ulimit_count];
		uint64_t soft, hard;

		if (p->ulimit_count == PRIVILEGES_ULIMITS || !json_is_string(item) ||
		    sscanf(json_string_value(item), "%d %" SCNu64 " %" SCNu64, &one->resource,
			   &soft, &hard) != 3)
			continue;
		one->limit = (struct rlimit){ .rlim_cur = soft, .rlim_max = hard };
		p->ulimit_count++;
	}
}

json_t *state_security_write(const struct container *c)
{
	const struct privileges *p = &c->privileges;
	const struct {
		const char *key;
		const char *const *text;
	} texts[] = TEXTS(p);
	char set[2 + 16 + 1];
	json_t *groups = json_array();
	json_t *security;

	/* JSON has no numbers of 64 bits. */
	snprintf(set, sizeof set, "0x%" PRIx64, p->sets.bounding);
	for (size_t i = 0; i < p->groups.count; i++)
		json_array_append_new(groups, json_string(p->groups.list[i]));
	security = json_pack("{s:s, s:o, s:o}", "capabilities", set, "groups", groups, "ulimits",
			     write_ulimits(p));
	for (size_t i = 0; security && i < sizeof flags / sizeof flags[0]; i++)
		json_object_set_new(security, flags[i].key, json_boolean(c->flags & flags[i].flag));
	for (size_t i = 0; security && i < sizeof texts / sizeof texts[0]; i++)
		if (*texts[i].text)
			json_object_set_new(security, texts[i].key, json_string(*texts[i].text));
	return security;
}

int state_security_read(const json_t *security, struct container *c)
{
	struct privileges *p = &c->privileges;
	const struct {
		const char *key;
		const char **text;
	} texts[] = TEXTS(p);
	const char *set = json_string_value(json_object_get(security, "capabilities"));
	json_t *item;
	size_t i;

	p->sets.bounding = p->profile_caps = set ? strtoull(set, NULL, 16) : 0;
	for (i = 0; i < sizeof flags / sizeof flags[0]; i++)
		if (json_is_true(json_object_get(security, flags[i].key)))
			c->flags |= flags[i].flag;
	for (i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		const char *text = json_string_value(json_object_get(security, texts[i].key));

		*texts[i].text = text ? privileges_keep(p, text) : NULL;
		if (text && !*texts[i].text)
			return -ENOMEM;
	}
	read_ulimits(json_object_get(security, "ulimits"), p);
	json_array_foreach(json_object_get(security, "groups"), i, item) {
		if (json_is_string(item))
			TRY(strv_append(&p->groups, json_string_value(item)));
	}
	return 0;
}
