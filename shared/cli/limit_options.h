/* limit_options.h - --memory and its siblings, for `run` and `update` alike. */
#ifndef SKIFF_LIMIT_OPTIONS_H
#define SKIFF_LIMIT_OPTIONS_H

#include <stdbool.h>

#include "limit.h"
#include "options.h"

/* Their ids, apart from those of any command's own. */
enum limit_option {
	LIMIT_OPTION_MEMORY = 1000,
	LIMIT_OPTION_MEMORY_LOW,
	LIMIT_OPTION_SWAP,
	LIMIT_OPTION_CPUS,
	LIMIT_OPTION_SHARES,
	LIMIT_OPTION_WEIGHT,
	LIMIT_OPTION_CPUSET,
	LIMIT_OPTION_PIDS,
	LIMIT_OPTION_READ_BPS,
	LIMIT_OPTION_WRITE_BPS,
	LIMIT_OPTION_READ_IOPS,
	LIMIT_OPTION_WRITE_IOPS,
};

/* Their rows in a table of options. */
/* clang-format off */
#define LIMIT_OPTION_ROWS                                                                          \
	{ "memory", 'm', VALUE_NEEDED, 4, LIMIT_OPTION_MEMORY,                                     \
	  "SIZE at most this much, such as 64m" },                                                 \
	{ "memory-reservation", 0, VALUE_NEEDED, 4, LIMIT_OPTION_MEMORY_LOW,                       \
	  "SIZE memory that others can't take away" },                                             \
	{ "memory-swap", 0, VALUE_NEEDED, 4, LIMIT_OPTION_SWAP,                                    \
	  "SIZE memory and swap; -1: no limit" },                                                  \
	{ "cpus", 0, VALUE_NEEDED, 4, LIMIT_OPTION_CPUS,                                           \
	  "NUMBER at most so many CPUs, such as 1.5" },                                            \
	{ "cpu-shares", 'c', VALUE_NEEDED, 4, LIMIT_OPTION_SHARES, "WEIGHT from 2 to 262144" },    \
	{ "cpu-weight", 0, VALUE_NEEDED, 4, LIMIT_OPTION_WEIGHT, "WEIGHT from 1 to 10000" },       \
	{ "cpuset-cpus", 0, VALUE_NEEDED, 4, LIMIT_OPTION_CPUSET,                                  \
	  "LIST only these CPUs, such as 0-2,5" },                                                 \
	{ "pids-limit", 0, VALUE_NEEDED, 4, LIMIT_OPTION_PIDS, "N at most so many processes" },    \
	{ "device-read-bps", 0, VALUE_NEEDED, 4, LIMIT_OPTION_READ_BPS,                            \
	  "PATH:RATE bytes a second, such as /dev/sda:1mb" },                                      \
	{ "device-write-bps", 0, VALUE_NEEDED, 4, LIMIT_OPTION_WRITE_BPS, "PATH:RATE bytes a second" },\
	{ "device-read-iops", 0, VALUE_NEEDED, 4, LIMIT_OPTION_READ_IOPS,                          \
	  "PATH:RATE requests a second" },                                                         \
	{ "device-write-iops", 0, VALUE_NEEDED, 4, LIMIT_OPTION_WRITE_IOPS,                        \
	  "PATH:RATE requests a second" }
/* clang-format on */

/* Whether an id is one of these. */
bool limit_option_is(int option);

/* Sets what the option asks for. Returns 0, or -errno with a failure record that names option, value
 * and range. The strings of walk are kept, not copied. */
int limit_option_set(struct limits *limits, int option, const struct option_walk *walk)
	__attribute__((warn_unused_result));

/* Checks what only all of them together tell. With is_new set (`run`), a memory limit brings one for
 * swap: as much again, Docker's default. Returns 0 or -errno with a failure record. */
int limit_options_check(struct limits *limits, const char *command, bool is_new)
	__attribute__((warn_unused_result));

/* Parses a size such as 64m, 1.5g or 1048576. Returns bytes, or -1 if it is none or too large. */
int64_t limit_parse_size(const char *text);

/* Parses a number such as 1.5 in units of 1/scale (a power of ten); further digits are dropped.
 * Returns it, or -1 if it is none or too large. */
int64_t limit_parse_decimal(const char *text, int64_t scale);

/* Checks a list of CPUs such as 0-2,5: each from 0 to count - 1. Returns whether it is one. */
bool limit_cpus_valid(const char *text, long count);

#endif
