/* usage.h - what a cgroup has used so far. */
#ifndef SKIFF_USAGE_H
#define SKIFF_USAGE_H

#include <stdint.h>

/* Counters whose controller is not there are 0. */
struct usage {
	uint64_t cpu_usec;	     /* CPU time, of all CPUs together */
	uint64_t memory_bytes;	     /* without the page cache that could be given up at once */
	uint64_t memory_limit_bytes; /* UINT64_MAX: none */
	uint64_t read_bytes, written_bytes;
	uint64_t pids;
	double pressure[3]; /* CPU, memory, I/O: % of the last 10 s that some process waited */
};

/* Fills *usage. Returns 0, or -errno without a record when the cgroup is gone. */
int usage_measure(int cgroup_fd, struct usage *usage) __attribute__((warn_unused_result));

#endif
