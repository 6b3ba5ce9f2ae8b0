/* audit_facts.c - what a container could still do; see audit_facts.h.
 *
 * Facts come from the kernel, /proc/PID of the container's PID 1, not from what was asked for at its
 * start; only the filter's answers come from the program that was loaded then. */
#include "audit_facts.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#include "container.h"
#include "fail.h"
#include "kernel.h"
#include "scope.h"
#include "seccomp_ask.h"
#include "seccomp_cache.h"

/* Adds one fact. risk NULL: as it should be. */
static int add(json_t *facts, const char *kind, const char *what, const char *risk)
{
	json_t *fact = json_pack("{s:s, s:s, s:s?}", "kind", kind, "what", what, "risk", risk);

	/* What is not UTF-8 comes from the container's names. */
	if (!fact)
		fact = json_pack("{s:s, s:s, s:s?}", "kind", kind, "what",
				 "(a name that is no text)", "risk", risk);
	return json_array_append_new(facts, fact) < 0 ? fail(ENOMEM, "auditing the container") : 0;
}

/* What each capability is good for, in the hands of somebody who means harm. */
static const char *const capability_risks[] = {
	/* QUOTE risks */
	[CAP_CHOWN] = "gives files of the container to anybody in it",
	[CAP_DAC_OVERRIDE] = "reads and writes files whatever their permissions say",
	[CAP_DAC_READ_SEARCH] = "opens files by number, also outside of its root: a known way out",
	[CAP_FOWNER] = "changes permissions of files that are not its own",
	[CAP_FSETID] = "keeps set-user-ID bits on files that it changes",
	[CAP_KILL] = "signals every process that it sees",
	[CAP_SETGID] = "takes any group",
	[CAP_SETUID] = "becomes any user of the container",
	[CAP_SETPCAP] = "drops capabilities; gives no more than it has",
	[CAP_LINUX_IMMUTABLE] = "takes from files that they can not be changed, or only grow",
	[CAP_NET_BIND_SERVICE] = "listens on ports below 1024",
	[CAP_NET_BROADCAST] = "nothing: the kernel does not ask for it",
	[CAP_NET_ADMIN] = "rewrites the network namespace: addresses, routes, firewall",
	[CAP_NET_RAW] = "sends forged packets: ARP and DNS spoofing among its neighbours",
	[CAP_IPC_LOCK] = "locks memory without a limit",
	[CAP_IPC_OWNER] = "reads and writes the shared memory and messages of any user",
	[CAP_SYS_MODULE] = "loads code into the host's kernel: it owns the host",
	[CAP_SYS_RAWIO] = "reaches the hardware: it owns the host",
	[CAP_SYS_CHROOT] = "changes its root below its own",
	[CAP_SYS_PTRACE] = "reads and changes every process that it sees",
	[CAP_SYS_PACCT] = "turns the host's record of ended processes on and off",
	[CAP_SYS_ADMIN] = "mounts, joins namespaces, and much more: nearly root on the host",
	[CAP_SYS_BOOT] = "restarts the host",
	[CAP_SYS_NICE] = "takes processor time from others",
	[CAP_SYS_RESOURCE] = "raises its own limits",
	[CAP_SYS_TIME] = "sets the host's clock",
	[CAP_SYS_TTY_CONFIG] = "hangs up terminals, and sets up the host's consoles",
	[CAP_MKNOD] = "makes device nodes; to open one the device rules have to allow it",
	[CAP_LEASE] = "delays others who open a file",
	[CAP_AUDIT_WRITE] = "writes to the host's audit log",
	[CAP_AUDIT_CONTROL] = "turns the host's audit log off and changes its rules",
	[CAP_SETFCAP] = "gives capabilities of its own to files",
	[CAP_MAC_OVERRIDE] = "passes over the host's security policy, if that is Smack",
	[CAP_MAC_ADMIN] = "changes the host's security policy",
	[CAP_SYSLOG] = "reads the kernel's log and its addresses",
	[CAP_WAKE_ALARM] = "wakes the host when it sleeps",
	[CAP_BLOCK_SUSPEND] = "keeps the host from sleeping",
	[CAP_AUDIT_READ] = "reads the host's audit log",
	[CAP_BPF] = "loads programs into the kernel",
	[CAP_PERFMON] = "watches the whole machine's performance counters",
	[CAP_CHECKPOINT_RESTORE] =
		"chooses process IDs, and opens what other processes have mapped",
	/* END risks */
};

/* Reads the line of /proc/PID/status that begins with name. Returns 0 or -errno with a record. */
static int read_status(pid_t pid, const char *name, char *value, size_t size)
{
	char path[64];
	auto_free char *line = NULL;
	size_t room = 0, length = strlen(name);

	snprintf(path, sizeof path, "/proc/%d/status", pid);
	auto_file file = fopen(path, "re");
	while (file && getline(&line, &room, file) > 0)
		if (strncmp(line, name, length) == 0 && line[length] == ':') {
			snprintf(value, size, "%s",
				 line + length + 1 + strspn(line + length + 1, " \t"));
			value[strcspn(value, "\n")] = '\0';
			return 0;
		}
	return fail(file ? EBADMSG : errno, "reading %s", path);
}

static int add_capabilities(const struct container *c, json_t *facts)
{
	char text[64];
	capability_set bounding;

	TRY(read_status(c->target_pid, "CapBnd", text, sizeof text));
	bounding = strtoull(text, NULL, 16);
	for (int at = 0; at < 64; at++) {
		const char *risk = at < (int)(sizeof capability_risks / sizeof *capability_risks) ?
					   capability_risks[at] :
					   NULL;
		char *name = bounding & CAPABILITY(at) ? cap_to_name(at) : NULL;
		int ret = name ? add(facts, "capability", name,
				     risk ? risk : "see capabilities(7)") :
				 0;

		cap_free(name);
		if (ret < 0)
			return ret;
	}
	return 0;
}

/* System calls that open much of the kernel to whoever may make them. */
static const struct {
	int number;
	const char *name, *risk;
} calls[] = {
	{ SYS_mount, "mount", "changes what it sees of file systems, if it has CAP_SYS_ADMIN" },
	{ SYS_unshare, "unshare",
	  "makes user namespaces: every capability, and more kernel to attack" },
	{ SYS_setns, "setns", "joins namespaces that it can name" },
	{ SYS_ptrace, "ptrace", "looks into processes that have no more capabilities than itself" },
	{ SYS_bpf, "bpf", "loads programs into the kernel" },
	{ SYS_io_uring_setup, "io_uring_setup",
	  "acts without system calls that a filter could see" },
	{ SYS_keyctl, "keyctl", "reaches the kernel's keys, which no namespace parts" },
	{ SYS_perf_event_open, "perf_event_open", "measures the whole machine" },
	{ SYS_userfaultfd, "userfaultfd",
	  "stops the kernel in the middle: a tool of many exploits" },
	{ SYS_open_by_handle_at, "open_by_handle_at", "opens files by number, past its root" },
	{ SYS_init_module, "init_module", "loads code into the kernel" },
	{ SYS_kexec_load, "kexec_load", "starts another kernel" },
};

static int add_calls(struct container *c, json_t *facts)
{
	struct privileges *p = &c->privileges;
	struct seccomp_filter filter = { 0 };
	char mode[16];
	int ret = 0;

	TRY(read_status(c->target_pid, "Seccomp", mode, sizeof mode));
	if (strcmp(mode, "0") == 0)
		return add(facts, "filter", "none",
			   "every system call of the kernel is open to it");
	TRY(add(facts, "filter", p->seccomp ? p->seccomp : "skiff's own profile", NULL));
	ret = seccomp_cache_get(p->seccomp, p->profile_caps, &filter);
	for (size_t i = 0; i < sizeof calls / sizeof calls[0] && ret == 0; i++)
		if (seccomp_allows(&filter, calls[i].number))
			ret = add(facts, "call", calls[i].name, calls[i].risk);
	free(filter.code);
	return ret;
}

/* Namespaces that are skiff's own, so the host's. */
static int add_namespaces(const struct container *c, json_t *facts)
{
	static const struct {
		const char *name, *risk;
	} namespaces[] = {
		{ "mnt", "its mounts are the host's" },
		{ "pid", "sees and signals the host's processes" },
		{ "net", "has the host's network: its ports, its unix sockets, its traffic" },
		{ "ipc", "reaches the host's shared memory and message queues" },
		{ "uts", "changes the host's name, if it has CAP_SYS_ADMIN" },
		{ "cgroup", "sees the host's cgroups" },
		{ "user", "its root is the host's root, but for what was taken from it" },
	};

	for (size_t i = 0; i < sizeof namespaces / sizeof namespaces[0]; i++) {
		char path[64];
		struct stat ours, theirs;

		snprintf(path, sizeof path, "/proc/self/ns/%s", namespaces[i].name);
		if (stat(path, &ours) < 0)
			continue; /* this kernel has none of the kind */
		snprintf(path, sizeof path, "/proc/%d/ns/%s", c->target_pid, namespaces[i].name);
		if (stat(path, &theirs) < 0)
			return fail(errno, "reading %s", path);
		if (ours.st_ino == theirs.st_ino)
			TRY(add(facts, "shared namespace", namespaces[i].name, namespaces[i].risk));
	}
	return 0;
}

/* Whether a mount holds nothing of the host's files. root is the part of the file system that is
 * seen at point; a tmpfs is the container's own if all of it is. */
static bool is_of_the_container(const char *type, const char *root, const char *point)
{
	static const char *const types[] = { "proc",	"devpts",  "mqueue", "cgroup",
					     "cgroup2", "overlay", NULL };

	if (strcmp(type, "tmpfs") == 0)
		return strcmp(point, "/") != 0 &&
		       (strcmp(root, "/") == 0 || strncmp(point, "/proc/", 6) == 0);
	for (const char *const *known = types; *known; known++)
		if (strcmp(*known, type) == 0)
			return true;
	return false;
}

/* The device nodes that every container has. */
static bool is_usual_device(const char *name)
{
	static const char *const usual[] = { "null",	"zero", "full", "random",
					     "urandom", "tty",	"ptmx", "console" };

	for (size_t i = 0; i < sizeof usual / sizeof usual[0]; i++)
		if (strcmp(usual[i], name) == 0)
			return true;
	return false;
}

/* Opens a path of the container's view for fstat(2). Returns a descriptor or -errno. */
static int open_inside(const struct container *c, const char *path, uint64_t flags)
{
	char name[64];
	struct open_how how = { .flags = flags | O_CLOEXEC,
				.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };

	snprintf(name, sizeof name, "/proc/%d/root", c->target_pid);
	auto_fd root = open(name, O_PATH | O_DIRECTORY | O_CLOEXEC);

	return root < 0 ? -errno : sys_openat2(root, path, &how);
}

/* What it means that the container may write to a mount of the host's. NULL: nothing; it is one of
 * the nodes that skiff binds into a user namespace, or such a node that masks a file of /proc.
 * SECURITY: a container that may mount can lay a node over anything, so root counts too: what was
 * mounted is called null, or zero ... on the host (test: chapters/test_06_audit.py, covered). */
static const char *host_path_risk(const struct container *c, const char *root, const char *point)
{
	const char *name = strrchr(root, '/');
	auto_fd fd = open_inside(c, point, O_PATH);
	struct stat status;

	if (fd < 0 || fstat(fd, &status) < 0) /* its name has a space, or it has just gone */
		return "a path of the host that it may write to";
	if (S_ISCHR(status.st_mode) && name && is_usual_device(name + 1))
		return NULL;
	if (S_ISCHR(status.st_mode) || S_ISBLK(status.st_mode))
		return "a device of the host that it may write to";
	return S_ISDIR(status.st_mode) ? "a directory of the host that it may write to" :
					 "a file of the host that it may write to";
}

/* One line of /proc/PID/mountinfo: proc(5). */
static int add_mount(const struct container *c, json_t *facts, char *line)
{
	char *fields[6], *rest = strstr(line, " - "), *type, what[512];
	const char *risk = NULL;

	for (int i = 0; i < 6; i++)
		fields[i] = strsep(&line, " ");
	if (!rest || !fields[5])
		return 0;
	rest += 3;
	type = strsep(&rest, " ");
	if (strncmp(fields[5], "rw", 2) != 0)
		return 0;
	snprintf(what, sizeof what, "%s (%s, %s)", fields[4], type, fields[3]);
	if (strcmp(type, "sysfs") == 0)
		risk = "configures the host's kernel and devices";
	else if (!is_of_the_container(type, fields[3], fields[4]))
		risk = host_path_risk(c, fields[3], fields[4]);
	return risk ? add(facts, "writable path", what, risk) : 0;
}

static int add_mounts(const struct container *c, json_t *facts)
{
	char path[64];
	auto_free char *line = NULL;
	size_t size = 0;
	bool read_only_settings = false;

	snprintf(path, sizeof path, "/proc/%d/mountinfo", c->target_pid);
	auto_file file = fopen(path, "re");
	if (!file)
		return fail(errno, "reading %s", path);
	while (getline(&line, &size, file) > 0) {
		read_only_settings |= strstr(line, " /proc/sys ro,") != NULL;
		TRY(add_mount(c, facts, line));
	}
	if (!read_only_settings)
		return add(facts, "writable path", "/proc/sys",
			   "settings of the host's kernel, core_pattern among them: a way out");
	return 0;
}

/* Devices in the container's /dev besides those that every container has. */
static int add_devices(const struct container *c, json_t *facts)
{
	struct dirent *entry;
	struct stat status;
	int fd = open_inside(c, "dev", O_RDONLY | O_DIRECTORY);
	auto_dir list = fd < 0 ? NULL : fdopendir(fd);

	while (list && (entry = readdir(list))) {
		char what[NAME_MAX + 64];

		if (is_usual_device(entry->d_name) ||
		    fstatat(fd, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) < 0 ||
		    !(S_ISCHR(status.st_mode) || S_ISBLK(status.st_mode)))
			continue;
		snprintf(what, sizeof what, "/dev/%s (%c %u:%u)", entry->d_name,
			 S_ISBLK(status.st_mode) ? 'b' : 'c', major(status.st_rdev),
			 minor(status.st_rdev));
		TRY(add(facts, "device", what,
			S_ISBLK(status.st_mode) ? "a disk of the host, below all its permissions" :
						  "hardware of the host, and its driver"));
	}
	return fd == -ENOENT || list ? 0 :
				       fail(fd < 0 ? -fd : errno, "reading the container's /dev");
}

/* Who it runs as, and who that is on the host. */
static int add_user(const struct container *c, json_t *facts)
{
	char ids[64], flag[16] = "", path[64], what[96];
	unsigned inside = 0, outside = 0, count = 0, uid;

	TRY(read_status(c->target_pid, "Uid", ids, sizeof ids));
	uid = (unsigned)strtoul(ids, NULL, 10); /* as seen from here */
	snprintf(path, sizeof path, "/proc/%d/uid_map", c->target_pid);
	auto_file map = fopen(path, "re");
	while (map && fscanf(map, "%u %u %u", &inside, &outside, &count) == 3)
		if (uid - outside < count)
			break;
	snprintf(what, sizeof what, "%u inside, %u on the host", uid - outside + inside, uid);
	TRY(add(facts, "user", what,
		uid == 0 ? "a way out of the container ends as root on the host" : NULL));
	TRY(read_status(c->target_pid, "NoNewPrivs", flag, sizeof flag));
	return add(facts, "no_new_privs", flag[0] == '1' ? "set" : "not set",
		   flag[0] == '1' ? NULL :
				    "set-user-ID programs and file capabilities of the image work");
}

int audit_collect(struct container *c, json_t **facts)
{
	*facts = json_array();
	if (!*facts)
		return fail(ENOMEM, "auditing the container");
	TRY(add_user(c, *facts));
	TRY(add_capabilities(c, *facts));
	TRY(add_calls(c, *facts));
	TRY(add_namespaces(c, *facts));
	TRY(add_mounts(c, *facts));
	return add_devices(c, *facts);
}
