/* usage.c - what a cgroup has used so far; see usage.h. */
#include "usage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cgroupfs.h"
#include "fail.h"

/* io.stat has a line a device: "8:0 rbytes=1 wbytes=2 ...". Adds up one key of all lines. */
static uint64_t sum_of(const char *text, const char *key)
{
	uint64_t sum = 0;

	for (const char *at = text; (at = strstr(at, key)); at += strlen(key))
		sum += strtoull(at + strlen(key), NULL, 10);
	return sum;
}

/* "some avg10=1.53 avg60=..." of a pressure file. */
static double pressure_of(int cgroup_fd, const char *file)
{
	char text[CGROUPFS_TEXT];
	double percent = 0;

	if (cgroupfs_read(cgroup_fd, file, text, sizeof text) == 0 &&
	    sscanf(text, "some avg10=%lf", &percent) == 1)
		return percent;
	return 0;
}

int usage_measure(int cgroup_fd, struct usage *usage)
{
	char io[CGROUPFS_TEXT] = "";
	uint64_t cache = 0;

	/* cpu.stat is there without any controller: without it, the cgroup is gone. */
	TRY(cgroupfs_number(cgroup_fd, "cpu.stat", "usage_usec", &usage->cpu_usec));
	cgroupfs_number(cgroup_fd, "memory.current", NULL, &usage->memory_bytes);
	cgroupfs_number(cgroup_fd, "memory.stat", "inactive_file", &cache);
	usage->memory_bytes -= cache < usage->memory_bytes ? cache : usage->memory_bytes;
	if (cgroupfs_number(cgroup_fd, "memory.max", NULL, &usage->memory_limit_bytes) < 0)
		usage->memory_limit_bytes = UINT64_MAX;
	cgroupfs_number(cgroup_fd, "pids.current", NULL, &usage->pids);
	cgroupfs_read(cgroup_fd, "io.stat", io, sizeof io);
	usage->read_bytes = sum_of(io, "rbytes=");
	usage->written_bytes = sum_of(io, "wbytes=");
	usage->pressure[0] = pressure_of(cgroup_fd, "cpu.pressure");
	usage->pressure[1] = pressure_of(cgroup_fd, "memory.pressure");
	usage->pressure[2] = pressure_of(cgroup_fd, "io.pressure");
	return 0;
}
