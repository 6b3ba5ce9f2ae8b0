/* privileges.h - what a container may do: the part of struct container that chapter 06 works on. */
#ifndef SKIFF_PRIVILEGES_H
#define SKIFF_PRIVILEGES_H

#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "strv.h"

struct sock_filter;

/* A set of capabilities: bit n is capability number n of capabilities(7). */
typedef uint64_t capability_set;

#define CAPABILITY(number) ((capability_set)1 << (number))
#define CAPABILITIES_ALL (~(capability_set)0)

enum {
	PRIVILEGES_ULIMITS = 16, /* as many as the kernel has */
	PRIVILEGES_GROUPS = 64,	 /* supplementary groups */
};

/* The five sets of a process. */
struct capability_sets {
	capability_set bounding;
	capability_set permitted;
	capability_set effective;
	capability_set inheritable;
	capability_set ambient;
};

struct ulimit {
	int resource; /* RLIMIT_* */
	struct rlimit limit;
};

enum device_access { DEVICE_READ = 1, DEVICE_WRITE = 2, DEVICE_MKNOD = 4, DEVICE_ALL = 7 };

/* A device of the host that the container is given. */
struct device {
	char *host;   /* its path outside; owned */
	char *inside; /* its path inside, absolute; owned */
	mode_t mode;  /* type and permissions */
	uid_t uid;
	gid_t gid;
	dev_t number;
	unsigned access; /* enum device_access */
};

struct privileges {
	/* Set by the front door; for `exec`, from the container's state. */
	capability_set cap_add;	 /* --cap-add */
	capability_set cap_drop; /* --cap-drop */
	const char *user;	 /* --user NAME|UID[:GROUP|GID]; NULL: root */
	const char *seccomp;	 /* a profile's path, "unconfined", or NULL: skiff's own */
	const char *apparmor;	 /* a profile's name, or NULL */
	const char *label;	 /* a context of SELinux, or NULL */
	struct strv groups;	 /* --group-add: names and numbers */
	struct strv sysctls;	 /* --sysctl: KEY=VALUE */
	struct ulimit ulimits[PRIVILEGES_ULIMITS];
	unsigned ulimit_count;
	struct device *devices; /* --device, in the order in which they were given */
	size_t device_count;
	struct strv owned; /* strings that the fields above point to, if they are not the caller's */

	/* Set by security_prepare(), in the parent. */
	struct capability_sets sets; /* what the command starts with, if it is root's */
	capability_set profile_caps; /* the profile's rules ask for them; for `exec` the state's */
	void *sets_as_cap_t;	     /* the same as libcap keeps it: the child allocates nothing */
	struct sock_filter *filter;  /* for seccomp(2), or NULL */
	unsigned short filter_count; /* instructions */

	/* Set by security_devices() in the parent; the child is told by sync_send_go(). */
	int without_rules; /* nothing but the lack of CAP_MKNOD keeps it from devices */

	/* Set by the room in the child. */
	int label_fd;			 /* where the name of a label is written, or -1 */
	char home[sizeof "HOME=" + 255]; /* of --user; "": unchanged */
};

/* Sets the defaults: nothing chosen. */
void privileges_init(struct privileges *p);

/* Releases what p owns. */
void privileges_free(struct privileges *p);

/* Adds a device; all strings are copied. Returns 0 or -ENOMEM. */
int privileges_add_device(struct privileges *p, const struct device *device)
	__attribute__((warn_unused_result));

/* Keeps a copy of text as long as p lives. Returns it, or NULL where there is no memory. */
const char *privileges_keep(struct privileges *p, const char *text);

/* The limits that there are: --ulimit NAME and getrlimit(2)'s RLIMIT_NAME.
 * Returns NAME in small letters, or NULL if resource is none. The caller does not free it. */
const char *privileges_ulimit_name(int resource);

/* Returns RLIMIT_* of the first length bytes of name, or -1 if there is none. */
int privileges_ulimit_find(const char *name, size_t length);

#endif
