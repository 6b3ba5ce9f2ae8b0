/* usage.h - what a cgroup has used so far. */
#ifndef SKIFF_USAGE_H
#define SKIFF_USAGE_H

#include <stdbool.h>
#include <stdint.h>

/* What is not known is 0: version 1 may hold the controller, or the kernel lacks it. */
struct usage {
	uint64_t cpu_usec;	     /* CPU time, of all CPUs together */
	uint64_t memory_bytes;	     /* without the page cache that could be given up at once */
	uint64_t memory_limit_bytes; /* UINT64_MAX: none */
	uint64_t read_bytes, written_bytes;
	uint64_t pids;
	bool knows_memory, knows_io, knows_pids;
	double pressure[3]; /* CPU, memory, I/O: % of the last 10 s that some process waited */
	bool knows_pressure[3];
};

/* Fills *usage. Returns 0, or -errno without a record when the cgroup is gone. */
int usage_measure(int cgroup_fd, struct usage *usage) __attribute__((warn_unused_result));

#endif
