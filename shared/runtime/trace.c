/* trace.c - `--explain`; see trace.h. */
#include "trace.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "chapters.h"
#include "container.h"
#include "fail.h"

enum { TRACE_STEPS = 64 };

struct trace {
	unsigned count[2]; /* one row of records a process: no lock is needed */
	struct trace_record {
		const char *call; /* a string literal: the same address in both processes */
		uint64_t start;
		uint64_t end;
		int ret;
	} record[2][TRACE_STEPS];
};

/* What each step of the corridor does and with which kernel calls. A step that is missing here
 * fails the unit test test_trace.c. */
static const struct explanation {
	const char *step;
	int chapter; /* -1: the corridor's own */
	const char *what;
	const char *calls;
} explanations[] = {
	{ "image_resolve", 8, "find the image and its layers", "openat2" },
	{ "overlay_prepare", 5, "a directory for what it will write", "mkdirat flock" },
	{ "overlay_open", 5, "open the layers, the base first", "openat" },
	{ "overlay_mount", 5, "stack the layers, the writable on top", "fsopen fsconfig fsmount" },
	{ "overlay_seal", 5, "read-only, if asked for", "mount_setattr" },
	{ "overlay_record", 5, "write down what it is made of", "openat write renameat" },
	{ "overlay_keep", 5, "it runs: what it writes is kept", "renameat" },
	{ "volume_prepare", 9, "find the volumes", "openat2" },
	{ "cgroup_create", 4, "make the cgroup and set its limits", "mkdirat openat write" },
	{ "cgroup_set_oom_score", 4, "who dies first without memory", "write oom_score_adj" },
	{ "cgroup_mount", 4, "its own cgroup, read-only", "fsopen fsmount move_mount" },
	{ "cgroup_report", 4, "was it killed for its memory?", "read memory.events" },
	{ "rootfs_prepare", 2, "ask for a mount namespace", "none yet" },
	{ "namespaces_prepare", 3, "choose namespaces; join PID and user", "setns" },
	{ "signals_block", -1, "hold back signals, look at the terminal", "rt_sigprocmask ioctl" },
	{ "container_identify", -1, "take a random ID", "getrandom" },
	{ "state_create", -1, "lock a directory, take the name", "mkdirat flock symlinkat" },
	{ "sync_open", -1, "a socket between the two processes", "socketpair" },
	{ "process_clone", 1, "make the container's first process", "clone3" },
	{ "namespaces_map_ids", 3, "map user and group IDs", "write uid_map gid_map" },
	{ "sync_send_mapped", -1, "tell the child: you are mapped", "sendmsg" },
	{ "network_attach", 7, "wire the network namespace", "netlink" },
	{ "state_write", -1, "write down what runs", "openat write renameat" },
	{ "sync_send_go", -1, "tell the child: go", "sendmsg" },
	{ "sync_await_exec", -1, "wait until the command runs", "poll recvmsg" },
	{ "process_wait", 1, "forward signals, wait for the end",
	  "signalfd pidfd_send_signal waitid" },
	{ "sync_enter_child", -1, "die with skiff; keep one socket end", "prctl close" },
	{ "sync_await_mapped", -1, "wait until the IDs are mapped", "recvmsg" },
	{ "namespaces_enter", 3, "join, host name, loopback, clocks", "setns sethostname ioctl" },
	{ "rootfs_private", 2, "no mount of ours is the host's", "mount" },
	{ "rootfs_mount", 2, "mount the root, /proc, /sys, /dev", "open_tree fsopen move_mount" },
	{ "volume_mount", 9, "mount the volumes", "open_tree move_mount" },
	{ "rootfs_pivot", 2, "make the root ours, drop the old one", "pivot_root umount2" },
	{ "security_seal", 6, "make skiff's own program unwritable",
	  "open_tree mount_setattr execveat" },
	{ "security_prepare", 6, "choose capabilities, get the filter", "prctl openat read" },
	{ "security_devices", 6, "device rules for the cgroup", "bpf" },
	{ "security_mounts", 6, "devices, hidden and read-only paths",
	  "openat2 open_tree move_mount mount_setattr" },
	{ "security_apply", 6, "give up privileges, filter system calls",
	  "prctl setgroups setresgid setresuid capset seccomp" },
	{ "process_surroundings", 1, "directory, signals, descriptors",
	  "openat2 fchdir close_range" },
	{ "sync_await_go", -1, "wait until the parent is ready", "recvmsg" },
	{ "process_exec", 1, "become the command", "execve" },
	{ "container_undo", -1, "undo all of it in reverse", "pidfd_send_signal unlinkat" },
};

static const struct explanation *explanation_of(const char *call)
{
	static const struct explanation unknown = { "?", -1, "?", "?" };
	size_t length = strcspn(call, "(");

	for (size_t i = 0; i < sizeof explanations / sizeof explanations[0]; i++)
		if (strlen(explanations[i].step) == length &&
		    strncmp(explanations[i].step, call, length) == 0)
			return &explanations[i];
	return &unknown;
}

int trace_open(struct container *c)
{
	void *shared = mmap(NULL, sizeof(struct trace), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (shared == MAP_FAILED)
		return fail(errno, "allocating memory for --explain");
	c->trace = shared;
	return 0;
}

uint64_t trace_now(const struct container *c)
{
	struct timespec now;

	if (!c->trace)
		return 0;
	clock_gettime(CLOCK_MONOTONIC_RAW, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void trace_add(struct container *c, struct trace_record record)
{
	int process = c->pid == 0; /* 0: the parent, 1: the child */
	struct trace *trace = c->trace;

	if (trace && trace->count[process] < TRACE_STEPS)
		trace->record[process][trace->count[process]++] = record;
}

int trace_step(struct container *c, const char *call, uint64_t start, int ret)
{
	trace_add(c, (struct trace_record){ call, start, trace_now(c), ret });
	return ret;
}

void trace_last_step(struct container *c, const char *call)
{
	trace_add(c, (struct trace_record){ call, trace_now(c), 0, 0 });
}

/* The child's last step has no end in the child: execve(2) does not return. It ended when the
 * parent saw the socket close. */
static uint64_t record_end(const struct trace *trace, const struct trace_record *record)
{
	if (record->end)
		return record->end;
	for (unsigned i = 0; i < trace->count[0]; i++)
		if (strncmp(trace->record[0][i].call, "sync_await_exec", 15) == 0)
			return trace->record[0][i].end;
	return record->start;
}

static void print_row(const struct trace *trace, int process, const struct trace_record *record)
{
	const struct explanation *about = explanation_of(record->call);
	char chapter[12] = "-";

	if (about->chapter >= 0)
		snprintf(chapter, sizeof chapter, "%02d", about->chapter);
	fprintf(stderr, "%-7s %-7s %-20s %8.0f  %s: %s%s\n", process ? "child" : "parent", chapter,
		about->step, (double)(record_end(trace, record) - record->start) / 1000.0,
		about->calls, about->what, record->ret < 0 ? "  FAILED" : "");
}

static json_t *json_row(const struct trace *trace, int process, const struct trace_record *record)
{
	const struct explanation *about = explanation_of(record->call);

	return json_pack("{s:s, s:o, s:s, s:s, s:s, s:f, s:i}", "process",
			 process ? "child" : "parent", "chapter",
			 about->chapter >= 0 ? json_integer(about->chapter) : json_null(), "step",
			 about->step, "what", about->what, "calls", about->calls, "usec",
			 (double)(record_end(trace, record) - record->start) / 1000.0, "error",
			 record->ret < 0 ? -record->ret : 0);
}

/* The records of both processes, in the order in which they began; false when none is left. */
static bool next_record(const struct trace *trace, unsigned at[2], int *process)
{
	bool parent_left = at[0] < trace->count[0], child_left = at[1] < trace->count[1];

	if (!parent_left && !child_left)
		return false;
	*process = !parent_left ||
		   (child_left && trace->record[1][at[1]].start < trace->record[0][at[0]].start);
	return true;
}

void trace_print(const struct container *c, bool as_json)
{
	json_t *steps = as_json ? json_array() : NULL;
	unsigned at[2] = { 0, 0 };
	int process;

	if (!as_json)
		fprintf(stderr, "%-7s %-7s %-20s %8s  %s\n", "PROCESS", "CHAPTER", "STEP", "USEC",
			"KERNEL CALLS: WHAT FOR");
	while (next_record(c->trace, at, &process)) {
		const struct trace_record *record = &c->trace->record[process][at[process]++];
		int chapter = explanation_of(record->call)->chapter;

		if (chapter >= 0 && !chapter_built(chapter))
			continue; /* a stub: it did nothing */
		if (as_json)
			json_array_append_new(steps, json_row(c->trace, process, record));
		else
			print_row(c->trace, process, record);
	}
	if (as_json) {
		json_t *all = json_pack("{s:o}", "steps", steps);

		json_dumpf(all, stderr, JSON_COMPACT | JSON_REAL_PRECISION(9));
		fputc('\n', stderr);
		json_decref(all);
	}
}

void trace_close(struct container *c)
{
	if (c->trace)
		munmap(c->trace, sizeof *c->trace);
	c->trace = NULL;
}
