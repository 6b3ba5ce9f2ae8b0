/* seccomp_cache.h - compiled system call filters, kept on disk so that a start need only load one. */
#ifndef SKIFF_SECCOMP_CACHE_H
#define SKIFF_SECCOMP_CACHE_H

#include "privileges.h"
#include "seccomp_profile.h"

/* Gets the program for the profile at path, or for skiff's own where path is NULL, and a container
 * with these capabilities: from the cache, else from the compiler, and then keeps it. The caller
 * frees filter->code, also after a failure. Returns 0 or -errno with a failure record. */
int seccomp_cache_get(const char *path, capability_set bounding, struct seccomp_filter *filter)
	__attribute__((warn_unused_result));

#endif
