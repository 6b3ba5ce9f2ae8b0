/* security_options.h - the options of chapter 06, as Docker writes them. */
#ifndef SKIFF_SECURITY_OPTIONS_H
#define SKIFF_SECURITY_OPTIONS_H

#include "options.h"
#include "privileges.h"

struct container;

/* Adds the capability NAME, CAP_NAME or ALL, in any case of letters, to *set.
 * Returns 0 or -EINVAL with a failure record. */
int security_parse_capability(const char *text, const struct option_walk *walk, capability_set *set)
	__attribute__((warn_unused_result));

/* --security-opt: seccomp=, no-new-privileges, systempaths=, apparmor=, label=.
 * Returns 0 or -errno with a failure record. */
int security_parse_opt(struct container *c, const struct option_walk *walk)
	__attribute__((warn_unused_result));

/* --device HOST[:INSIDE][:rwm]. Returns 0 or -errno with a failure record. */
int security_parse_device(struct privileges *p, const struct option_walk *walk)
	__attribute__((warn_unused_result));

/* --ulimit NAME=SOFT[:HARD]. Returns 0 or -errno with a failure record. */
int security_parse_ulimit(struct privileges *p, const struct option_walk *walk)
	__attribute__((warn_unused_result));

/* --sysctl KEY=VALUE. Returns 0 or -errno with a failure record. */
int security_parse_sysctl(struct privileges *p, const struct option_walk *walk)
	__attribute__((warn_unused_result));

/* -u, --user. Returns 0 or -errno with a failure record. */
int security_parse_user(struct privileges *p, const struct option_walk *walk)
	__attribute__((warn_unused_result));

/* What only all options together tell: whether each --sysctl belongs to a namespace that the
 * container has of its own. Returns 0 or -errno with a failure record. */
int security_check(const struct container *c) __attribute__((warn_unused_result));

#endif
