/* usage.c - what a cgroup has used so far; see usage.h. */
#include "usage.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cgroupfs.h"
#include "fail.h"
#include "scope.h"

/* io.stat has a line a device: "8:0 rbytes=1 wbytes=2 ...". Adds up one key of all lines. */
static uint64_t sum_of(const char *text, const char *key)
{
	uint64_t sum = 0;

	for (const char *at = text; (at = strstr(at, key)); at += strlen(key))
		sum += strtoull(at + strlen(key), NULL, 10);
	return sum;
}

/* "some avg10=1.53 avg60=..." of a pressure file. */
static bool read_pressure(int cgroup_fd, const char *file, double *percent)
{
	char text[CGROUPFS_TEXT];

	*percent = 0;
	return cgroupfs_read(cgroup_fd, file, text, sizeof text) == 0 &&
	       sscanf(text, "some avg10=%lf", percent) == 1;
}

/* Without the pids controller: the processes of the cgroup itself, not of cgroups below it. */
static bool count_processes(int cgroup_fd, uint64_t *count)
{
	auto_fd fd = openat(cgroup_fd, "cgroup.procs", O_RDONLY | O_CLOEXEC);
	auto_file file = fd < 0 ? NULL : fdopen(fd, "r");
	char *line = NULL;
	size_t size = 0;

	*count = 0;
	if (!file)
		return false;
	take_fd(&fd); /* the file's from here on */
	while (getline(&line, &size, file) > 0)
		++*count;
	free(line);
	return !ferror(file);
}

int usage_measure(int cgroup_fd, struct usage *usage)
{
	static const char *const pressures[] = { "cpu.pressure", "memory.pressure", "io.pressure" };
	char io[CGROUPFS_TEXT] = "";
	uint64_t cache = 0;

	/* cpu.stat is there without any controller: without it, the cgroup is gone. */
	TRY(cgroupfs_number(cgroup_fd, "cpu.stat", "usage_usec", &usage->cpu_usec));
	usage->knows_memory = cgroupfs_number(cgroup_fd, "memory.current", NULL,
					      &usage->memory_bytes) == 0;
	cgroupfs_number(cgroup_fd, "memory.stat", "inactive_file", &cache);
	usage->memory_bytes -= cache < usage->memory_bytes ? cache : usage->memory_bytes;
	if (cgroupfs_number(cgroup_fd, "memory.max", NULL, &usage->memory_limit_bytes) < 0)
		usage->memory_limit_bytes = UINT64_MAX;
	usage->knows_pids = cgroupfs_number(cgroup_fd, "pids.current", NULL, &usage->pids) == 0 ||
			    count_processes(cgroup_fd, &usage->pids);
	usage->knows_io = cgroupfs_read(cgroup_fd, "io.stat", io, sizeof io) == 0;
	usage->read_bytes = sum_of(io, "rbytes=");
	usage->written_bytes = sum_of(io, "wbytes=");
	for (int i = 0; i < 3; i++)
		usage->knows_pressure[i] = read_pressure(cgroup_fd, pressures[i],
							 &usage->pressure[i]);
	return 0;
}
