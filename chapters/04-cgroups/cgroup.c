/* cgroup.c - chapter 04, your code: what a container may use up. The contract is in cgroup.h. */
#include "cgroup.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cgroupfs.h"
#include "chapters.h"
#include "container.h"
#include "fail.h"
#include "kernel.h"
#include "rootfs.h"
#include "scope.h"
#include "signals.h"

ROOM(04);

/* Passes a controller on to the cgroups below dir. Returns 0 or -errno, no record. */
static int enable_controller(int dir, const char *controller)
{
	char word[32];

	snprintf(word, sizeof word, "+%s", controller);
	/* TODO 4.2 limits
	 * Write word to dir's cgroup.subtree_control with cgroupfs_write(). -ENOENT means that dir has
	 * not got the controller itself: open the cgroup above with cgroupfs_open_above(), enable the
	 * controller there first (this function, again), then write once more. Where there is none
	 * above, return what that says.
	 * Read: cgroups(7) on cgroup.subtree_control */
	return TODO("4.2 limits");
	/* END 4.2 */
}

/* One value for one file. */
struct setting {
	const char *controller, *file, *option;
	bool optional; /* nobody asked for it by name */
	char value[256], old[256];
};

enum { SETTINGS_MAX = LIMITS + 2 + LIMIT_RATES_MAX, MIB = 1 << 20 };

static const struct setting places[LIMITS] = {
	[LIMIT_MEMORY] = { .controller = "memory", .file = "memory.max", .option = "--memory" },
	[LIMIT_MEMORY_LOW] = { .controller = "memory",
			       .file = "memory.low",
			       .option = "--memory-reservation" },
	[LIMIT_SWAP] = { .controller = "memory",
			 .file = "memory.swap.max",
			 .option = "--memory-swap" },
	[LIMIT_CPU] = { .controller = "cpu", .file = "cpu.max", .option = "--cpus" },
	[LIMIT_CPU_WEIGHT] = { .controller = "cpu",
			       .file = "cpu.weight",
			       .option = "--cpu-weight or --cpu-shares" },
	[LIMIT_PIDS] = { .controller = "pids", .file = "pids.max", .option = "--pids-limit" },
};

/* Writes into text what the file of this limit is to hold.
 * SECURITY: a file that is left at "max" lets one container take what all of the machine has
 * (test: attacks/04-fork-bomb, attacks/04-memory-hog). */
static void limit_text(enum limit limit, int64_t value, char text[], size_t size)
{
	/* TODO 4.2 limits
	 * A number in decimal, or "max" where value is LIMIT_NONE. cpu.max (LIMIT_CPU) takes two
	 * words: the microseconds, or "max", and the period, LIMIT_CPU_PERIOD_USEC.
	 * Read: cgroups(7), and the kernel's cgroup-v2.rst on cpu.max and memory.max */
	return TODO("4.2 limits");
	/* END 4.2 */
}

/* --memory-swap counts memory and swap together, as version 1 did; the kernel's file swap alone.
 * Returns 0 or -errno with a failure record. */
static int swap_alone(int cgroup_fd, const struct limits *limits, int64_t *value)
{
	uint64_t memory = (uint64_t)limits->value[LIMIT_MEMORY];

	if (*value == LIMIT_NONE)
		return 0;
	if (memory == LIMIT_UNSET) /* `update` of the one alone */
		cgroupfs_number(cgroup_fd, "memory.max", NULL, &memory);
	if (memory > (uint64_t)*value)
		return fail(0, "--memory-swap: it counts memory and swap together, so it can't be "
			       "less than --memory");
	*value -= (int64_t)memory;
	return 0;
}

/* Lists what is to be written. Returns how many, or -errno with a failure record. */
static int list_settings(int cgroup_fd, const struct limits *limits, struct setting list[])
{
	struct setting *next = list;

	for (enum limit limit = 0; limit < LIMITS; limit++) {
		int64_t value = limits->value[limit];

		if (value == LIMIT_UNSET)
			continue;
		if (limit == LIMIT_SWAP)
			TRY(swap_alone(cgroup_fd, limits, &value));
		*next = places[limit];
		next->optional = limit == LIMIT_SWAP && limits->swap_is_default;
		limit_text(limit, value, next->value, sizeof next->value);
		next++;
	}
	/* Not Docker's choice, but Kubernetes': a container that lost one process to a lack of memory
	 * is half dead, and nobody notices. So all of it ends, and skiff says why. */
	if (limits->value[LIMIT_MEMORY] > 0)
		*next++ = (struct setting){ .controller = "memory",
					    .file = "memory.oom.group",
					    .option = "--memory",
					    .value = "1" };
	if (limits->cpus) {
		*next = (struct setting){ .controller = "cpuset",
					  .file = "cpuset.cpus",
					  .option = "--cpuset-cpus" };
		snprintf(next->value, sizeof next->value, "%s", limits->cpus);
		next++;
	}
	for (unsigned i = 0; i < limits->rates; i++) {
		const struct device_rate *rate = &limits->rate[i];
		char number[32] = "max";

		if (rate->rate != LIMIT_NONE)
			snprintf(number, sizeof number, "%" PRId64, rate->rate);
		*next = (struct setting){ .controller = "io",
					  .file = "io.max",
					  .option = rate->option };
		snprintf(next->value, sizeof next->value, "%u:%u %s=%s", rate->major, rate->minor,
			 rate->key, number);
		next++;
	}
	return (int)(next - list);
}

/* Keeps what the file held before. io.max has one line a device; other devices are left alone. */
static void keep_old(struct setting *setting, const char *text)
{
	size_t device = strcspn(setting->value, " ") + 1;
	bool by_device = strcmp(setting->file, "io.max") == 0;

	while (by_device && *text && strncmp(text, setting->value, device) != 0) {
		text += strcspn(text, "\n");
		text += *text == '\n';
	}
	if (*text || !by_device)
		snprintf(setting->old, sizeof setting->old, "%.*s", (int)strcspn(text, "\n"), text);
	else
		snprintf(setting->old, sizeof setting->old,
			 "%.*srbps=max wbps=max riops=max wiops=max", (int)device, setting->value);
}

/* Writes one setting; where its file is not there, makes the controller appear first. */
static int apply(int cgroup_fd, struct setting *setting)
{
	char text[CGROUPFS_TEXT];
	int ret = cgroupfs_read(cgroup_fd, setting->file, text, sizeof text);

	if (ret == -ENOENT) {
		auto_fd above = cgroupfs_open_above(cgroup_fd);

		ret = above < 0 ? above : enable_controller(above, setting->controller);
		if (fail_record()->exit_code)
			return ret; /* a task that is not written yet */
		if (ret < 0)
			return cgroupfs_no_controller(above, setting->controller, setting->option,
						      -ret);
		ret = cgroupfs_read(cgroup_fd, setting->file, text, sizeof text);
	}
	if (ret == -ENOENT && setting->optional)
		return 0;
	if (ret == -ENOENT)
		return fail(0, "%s: this kernel has no %s", setting->option, setting->file);
	keep_old(setting, text);
	if (ret == 0)
		ret = cgroupfs_write(cgroup_fd, setting->file, setting->value);
	return ret < 0 ? fail(-ret, "%s: writing %s to %s", setting->option, setting->value,
			      setting->file) :
			 0;
}

int cgroup_limit(int cgroup_fd, const struct limits *limits, bool checked)
{
	struct setting list[SETTINGS_MAX];
	uint64_t used = 0;
	int count = list_settings(cgroup_fd, limits, list), ret = count;
	int done = 0;

	if (checked && limits->value[LIMIT_MEMORY] > 0)
		cgroupfs_number(cgroup_fd, "memory.current", NULL, &used);
	if (ret >= 0 && used > (uint64_t)limits->value[LIMIT_MEMORY])
		return fail(0,
			    "--memory: %" PRIu64 " bytes are in use, more than the new limit; the "
			    "container would be killed",
			    used);
	for (; ret >= 0 && done < count; done++)
		ret = apply(cgroup_fd, &list[done]);
	/* The one that failed has changed nothing. */
	for (done -= 2; ret < 0 && done >= 0; done--)
		(void)!cgroupfs_write(cgroup_fd, list[done].file, list[done].old);
	return ret < 0 ? ret : 0;
}

/* Whether the user asked for something that takes a cgroup. */
static bool is_needed(const struct container *c)
{
	bool needed = c->cgroup_parent || c->limits.cpus || c->limits.rates;

	for (int limit = 0; limit < LIMITS; limit++)
		needed = needed || c->limits.value[limit] != LIMIT_UNSET;
	return needed;
}

/* Makes the cgroup id in parent. Returns its descriptor, which the caller owns, or -errno with a
 * failure record. */
static int make_cgroup(int parent, const char *id)
{
	/* TODO 4.1 create
	 * Make the directory id in parent with mkdirat(), mode 0755: that is all it takes to make a
	 * cgroup. Open it (O_RDONLY, O_DIRECTORY, O_CLOEXEC) and return the descriptor. Undo the one
	 * if the other fails.
	 * Read: cgroups(7) on creating cgroups, mkdir(2) */
	return TODO("4.1 create");
	/* END 4.1 */
}

int cgroup_create(struct container *c)
{
	auto_fd parent = cgroupfs_open_parent(c->cgroup_parent);
	char path[PATH_MAX];
	int ret;

	if (cgroupfs_is_refusal(parent) && !is_needed(c))
		return 0;
	if (parent < 0)
		return cgroupfs_no_parent(-parent, c->cgroup_parent);
	ret = cgroupfs_path(parent, path, sizeof path - sizeof c->id - 1);
	if (ret < 0)
		return fail(-ret, "finding the container's cgroup");
	strcat(strcat(path, "/"), c->id);
	/* ORDER: noted before it is made: whoever kills us now, the next skiff finds it. */
	if (symlinkat(path, c->state_fd, "cgroup") < 0)
		return fail(errno, "noting the container's cgroup");
	c->cgroup_fd = make_cgroup(parent, c->id);
	return c->cgroup_fd < 0 ? c->cgroup_fd : cgroup_limit(c->cgroup_fd, &c->limits, false);
}

void cgroup_birth(const struct container *c, struct clone_args *args)
{
	if (c->cgroup_fd < 0)
		return;
	/* SECURITY: moved into its cgroup afterwards, a process could fork before that, and its
	 * cgroup namespace would show the cgroup of its parent; and in one cgroup with others it
	 * takes their CPU (test: attacks/04-cgroup-procs, attacks/04-cpu-hog). */
	/* TODO 4.3 birth
	 * Add CLONE_INTO_CGROUP to the flags of args, and give it c->cgroup_fd.
	 * Read: clone(2) on CLONE_INTO_CGROUP */
	return TODO("4.3 birth");
	/* END 4.3 */
}

int cgroup_set_oom_score(struct container *c)
{
	char text[16];
	int ret;

	if (c->oom_score_adj == OOM_SCORE_ADJ_UNSET)
		return 0;
	snprintf(text, sizeof text, "%d", c->oom_score_adj);
	ret = cgroupfs_write(AT_FDCWD, "/proc/self/oom_score_adj", text);
	if (ret == -EACCES)
		return fail_hint(fail(EACCES, "--oom-score-adj %d", c->oom_score_adj),
				 "less than skiff's own takes CAP_SYS_RESOURCE: proc(5)");
	return ret < 0 ? fail(-ret, "--oom-score-adj %d", c->oom_score_adj) : 0;
}

/* The whole hierarchy, for a container that shares the host's cgroup namespace.
 * KERNEL: the options of cgroup2 are those of the last mount(2) in that namespace, for all of the
 * machine: mounted afresh, without nsdelegate, it would take from systemd what keeps its delegated
 * cgroups apart. So the host's own mount is copied. */
static int copy_mount(unsigned attributes)
{
	struct kernel_mount_attr attr = { .attr_set = attributes };
	auto_fd host = cgroupfs_open_mount();
	auto_fd tree = host < 0 ?
			       host :
			       sys_open_tree(host, "",
					     OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);

	if (tree < 0)
		return tree;
	TRY(sys_mount_setattr(tree, 0, &attr));
	return take_fd(&tree);
}

/* The container's own cgroup, which its cgroup namespace shows as the root of the hierarchy. */
static int new_mount(unsigned attributes)
{
	auto_fd fs = sys_fsopen("cgroup2");

	if (fs < 0)
		return fs;
	TRY(sys_fsconfig(fs, KERNEL_FSCONFIG_SET_STRING, "source", "cgroup2"));
	TRY(sys_fsconfig(fs, KERNEL_FSCONFIG_CREATE, NULL, NULL));
	return sys_fsmount(fs, attributes);
}

int cgroup_mount(struct container *c)
{
	const unsigned attributes = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
				    MOUNT_ATTR_NOEXEC;
	int ret;

	if (c->cgroup_fd < 0 || c->rootfs_fd < 0 || c->flags & CONTAINER_NO_PIVOT)
		return 0;
	auto_fd mount = c->ns[NAMESPACE_CGROUP].mode == NAMESPACE_HOST ? copy_mount(attributes) :
									 new_mount(attributes);
	auto_fd point = mount < 0 ? mount :
				    rootfs_open(c->rootfs_fd, "sys/fs/cgroup", O_PATH | O_DIRECTORY,
						RESOLVE_NO_SYMLINKS);
	ret = point < 0 ? point : sys_move_mount(mount, point);
	return ret < 0 ? fail(-ret, "mounting /sys/fs/cgroup") : 0;
}

int cgroup_freeze(int cgroup_fd, bool frozen)
{
	/* TODO 4.4 freeze
	 * Write "1" or "0" to cgroup.freeze. The kernel only takes the order: wait with
	 * cgroupfs_await() until cgroup.events says that it is done: frozen 1, or frozen 0.
	 * Read: the kernel's cgroup-v2.rst on cgroup.freeze */
	return TODO("4.4 freeze");
	/* END 4.4 */
}

bool cgroup_is_frozen(int cgroup_fd)
{
	uint64_t frozen = 0;

	return cgroupfs_number(cgroup_fd, "cgroup.freeze", NULL, &frozen) == 0 && frozen;
}

void cgroup_wake(struct container *c, int signal)
{
	if (c->cgroup_fd >= 0 && signal_terminates(signal) && cgroup_is_frozen(c->cgroup_fd))
		(void)!cgroup_freeze(c->cgroup_fd, false);
}

int cgroup_kill(int cgroup_fd)
{
	/* TODO 4.5 kill
	 * Write "1" to cgroup.kill: SIGKILL for every process in the cgroup and below it, also for
	 * those that fork meanwhile. Then wait with cgroupfs_await() until none is left: populated 0.
	 * Read: the kernel's cgroup-v2.rst on cgroup.kill, cgroups(7) on cgroup.events */
	return TODO("4.5 kill");
	/* END 4.5 */
}

/* Kills what is left in a cgroup and removes it. Returns 0 when it is gone, or -errno. */
static int remove_cgroup(int cgroup_fd, const char *id)
{
	auto_fd above = cgroupfs_open_above(cgroup_fd);

	if (above < 0)
		return above;
	/* With a PID namespace of its own nothing is left by now, and this is all. */
	if (unlinkat(above, id, AT_REMOVEDIR) == 0 || errno == ENOENT)
		return 0;
	if (errno != EBUSY)
		return -errno;
	TRY(cgroup_kill(cgroup_fd));
	cgroupfs_remove_below(cgroup_fd);
	return unlinkat(above, id, AT_REMOVEDIR) < 0 && errno != ENOENT ? -errno : 0;
}

void cgroup_remove(struct container *c)
{
	if (c->cgroup_fd >= 0 && !(c->flags & CONTAINER_EXEC) &&
	    remove_cgroup(c->cgroup_fd, c->id) < 0)
		return;
	scope_close_fd(&c->cgroup_fd);
}

int cgroup_sweep(const char *path, const char *id)
{
	const char *name = strrchr(path, '/');
	auto_fd cgroup = cgroupfs_open(path);

	if (cgroup < 0 || !name || strcmp(name + 1, id) != 0)
		return cgroup == -ENOENT ? 0 : cgroup < 0 ? cgroup : -EINVAL;
	return remove_cgroup(cgroup, id);
}

int cgroup_report(struct container *c)
{
	uint64_t killed = 0, full = 0, limit = 0;

	if (c->cgroup_fd < 0 || c->exit_code != EXIT_SIGNAL + SIGKILL)
		return 0;
	/* TODO 4.6 memory
	 * Read three numbers with cgroupfs_number(): the line oom_kill of memory.events into killed,
	 * the line oom of it into full, and memory.max into limit. Where no process was killed for
	 * want of memory, return 0.
	 * Read: the kernel's cgroup-v2.rst on memory.events */
	return TODO("4.6 memory");
	/* END 4.6 */
	if (full == 0 || limit == UINT64_MAX)
		return fail_exit_code(fail(0, "killed: the host ran out of memory"), c->exit_code);
	return fail_exit_code(fail(0, "killed: used its %" PRIu64 "%s",
				   limit % MIB ? limit : limit / MIB,
				   limit % MIB ? " bytes" : " MiB"),
			      c->exit_code);
}

double cgroup_cpu_percent(uint64_t before_usec, uint64_t after_usec, uint64_t interval_usec)
{
	if (interval_usec == 0 || after_usec < before_usec)
		return 0;
	return 100.0 * (double)(after_usec - before_usec) / (double)interval_usec;
}
