/* seccomp_ask.h - asks a compiled filter what it would say, without loading it. */
#ifndef SKIFF_SECCOMP_ASK_H
#define SKIFF_SECCOMP_ASK_H

#include <stdbool.h>
#include <stdint.h>

#include "seccomp_profile.h"

struct seccomp_data;

/* Runs the filter on one system call, as the kernel would. Returns what it returns: SECCOMP_RET_*
 * and its data; SECCOMP_RET_KILL_PROCESS for a program that is no filter. */
uint32_t seccomp_ask(const struct seccomp_filter *filter, const struct seccomp_data *call);

/* The same with the architecture and the number alone. Returns true and the answer if they decide; else
 * false and, in *answer, the index of the first instruction that asks for more. */
bool seccomp_ask_early(const struct seccomp_filter *filter, const struct seccomp_data *call,
		       uint32_t *answer);

/* Whether the filter allows this call of the native architecture, with all arguments 0. */
bool seccomp_allows(const struct seccomp_filter *filter, int number);

#endif
