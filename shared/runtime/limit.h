/* limit.h - what --memory and its siblings ask for, in the units of the kernel's files. */
#ifndef SKIFF_LIMIT_H
#define SKIFF_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

/* The limits that are one number. */
enum limit {
	LIMIT_MEMORY,	  /* bytes */
	LIMIT_MEMORY_LOW, /* bytes that are not taken away as long as others have more */
	LIMIT_SWAP,	  /* bytes of memory and swap together */
	LIMIT_CPU,	  /* microseconds of CPU time in each 100 ms */
	LIMIT_CPU_WEIGHT, /* share of a busy CPU: 1-10000 */
	LIMIT_PIDS,	  /* processes and threads */
	LIMITS,
};

enum {
	LIMIT_UNSET = 0, /* not asked for */
	LIMIT_NONE = -1, /* asked for: no limit */
	LIMIT_CPU_PERIOD_USEC = 100000,
	LIMIT_RATES_MAX = 16,
};

/* --device-read-bps and its siblings. */
struct device_rate {
	unsigned major, minor;
	const char *key, *option; /* "rbps", "--device-read-bps"; string literals */
	int64_t rate;		  /* bytes or requests a second, or LIMIT_NONE */
};

struct limits {
	int64_t value[LIMITS]; /* LIMIT_UNSET, LIMIT_NONE, or the number */
	bool swap_is_default;  /* LIMIT_SWAP follows from LIMIT_MEMORY alone */
	const char *cpus;      /* "0-1,3", or NULL: not asked for */
	struct device_rate rate[LIMIT_RATES_MAX];
	unsigned rates;
};

#endif
