/* seccomp_profile.h - from a profile in Docker's JSON format to a program for seccomp(2). */
#ifndef SKIFF_SECCOMP_PROFILE_H
#define SKIFF_SECCOMP_PROFILE_H

#include <stdbool.h>
#include <stddef.h>

#include "privileges.h"

/* A filter in memory. */
struct seccomp_filter {
	struct sock_filter *code; /* owned by whoever asked for it */
	unsigned short count;	  /* instructions */
};

/* Whether this kernel runs programs of the x32 ABI: few do, and without them a filter is a third
 * shorter. */
bool seccomp_has_x32(void);

/* Compiles a profile of length bytes. bounding says which of its rules count. name is for messages,
 * NULL for skiff's own profile, which may name calls that libseccomp does not know yet.
 * The caller frees filter->code. Returns 0 or -errno with a failure record. */
int seccomp_profile_compile(const char *text, size_t length, const char *name,
			    capability_set bounding, struct seccomp_filter *filter)
	__attribute__((warn_unused_result));

#endif
