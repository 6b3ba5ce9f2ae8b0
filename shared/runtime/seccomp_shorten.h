/* seccomp_shorten.h - a filter that answers the same in fewer instructions. */
#ifndef SKIFF_SECCOMP_SHORTEN_H
#define SKIFF_SECCOMP_SHORTEN_H

#include "seccomp_profile.h"

/* Rewrites a filter of seccomp(2): first the architecture, then a tree over ranges of call numbers
 * that get one answer, and the given instructions only where an answer depends on arguments. To each
 * call the result answers as before. A filter that it does not understand, or that would not become
 * shorter, stays as it is. filter->code was allocated with malloc(3), before and after.
 * Returns 0 or -ENOMEM with a failure record. */
int seccomp_shorten(struct seccomp_filter *filter) __attribute__((warn_unused_result));

#endif
