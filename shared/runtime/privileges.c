/* privileges.c - what a container may do, as data; see privileges.h. */
#include "privileges.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>

#include "scope.h"

void privileges_init(struct privileges *p)
{
	*p = (struct privileges){ .label_fd = -1 };
}

void privileges_free(struct privileges *p)
{
	for (size_t i = 0; i < p->device_count; i++) {
		free(p->devices[i].host);
		free(p->devices[i].inside);
	}
	free(p->devices);
	free(p->filter);
	if (p->sets_as_cap_t)
		cap_free(p->sets_as_cap_t);
	strv_clear(&p->groups);
	strv_clear(&p->sysctls);
	strv_clear(&p->owned);
	scope_close_fd(&p->label_fd);
	privileges_init(p);
}

int privileges_add_device(struct privileges *p, const struct device *device)
{
	struct device *list = reallocarray(p->devices, p->device_count + 1, sizeof *list);
	struct device *added;

	if (!list)
		return -ENOMEM;
	p->devices = list;
	added = &list[p->device_count];
	*added = *device;
	added->host = strdup(device->host);
	added->inside = strdup(device->inside);
	p->device_count++; /* ORDER before the check: privileges_free() frees what there is */
	return added->host && added->inside ? 0 : -ENOMEM;
}

static const char *const ulimit_names[] = {
	[RLIMIT_CORE] = "core",
	[RLIMIT_CPU] = "cpu",
	[RLIMIT_DATA] = "data",
	[RLIMIT_FSIZE] = "fsize",
	[RLIMIT_LOCKS] = "locks",
	[RLIMIT_MEMLOCK] = "memlock",
	[RLIMIT_MSGQUEUE] = "msgqueue",
	[RLIMIT_NICE] = "nice",
	[RLIMIT_NOFILE] = "nofile",
	[RLIMIT_NPROC] = "nproc",
	[RLIMIT_RSS] = "rss",
	[RLIMIT_RTPRIO] = "rtprio",
	[RLIMIT_RTTIME] = "rttime",
	[RLIMIT_STACK] = "stack",
	[RLIMIT_SIGPENDING] = "sigpending",
};

enum { ULIMIT_NAMES = sizeof ulimit_names / sizeof ulimit_names[0] };

const char *privileges_ulimit_name(int resource)
{
	return resource >= 0 && resource < ULIMIT_NAMES ? ulimit_names[resource] : NULL;
}

int privileges_ulimit_find(const char *name, size_t length)
{
	for (int i = 0; i < ULIMIT_NAMES; i++)
		if (ulimit_names[i] && strlen(ulimit_names[i]) == length &&
		    strncmp(ulimit_names[i], name, length) == 0)
			return i;
	return -1;
}

const char *privileges_keep(struct privileges *p, const char *text)
{
	return strv_append(&p->owned, text) < 0 ? NULL : p->owned.list[p->owned.count - 1];
}
