/* state.c - what skiff remembers of a running container, on disk; see state.h. */
#include "state.h"

#include <ctype.h>
#include <inttypes.h>
#include <jansson.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "container.h"
#include "dirs.h"
#include "fail.h"
#include "jsonfile.h"
#include "kernel.h"
#include "scope.h"

bool state_name_valid(const char *name)
{
	if (!isalnum((unsigned char)name[0]) || !name[1] || strlen(name) > NAME_MAX)
		return false;
	for (const char *at = name; *at; at++)
		if (!isalnum((unsigned char)*at) && !strchr("_.-", *at))
			return false;
	return true;
}

/* The time at which a process began, in clock ticks since boot: with it, a process ID that was
 * given to another process can be told apart: proc(5), stat (22).
 * Returns 0, -ESRCH if there is no such process, or another -errno; no record. */
static int process_start_time(pid_t pid, uint64_t *start)
{
	char path[64], text[1024];
	auto_fd fd = -1;
	ssize_t length;
	char *at;

	snprintf(path, sizeof path, "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	length = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
	if (length <= 0)
		return length == 0 || errno == ENOENT ? -ESRCH : -errno;
	text[length] = '\0';
	at = strrchr(text, ')'); /* field 2 is the name, which may hold anything */
	for (int field = 2; at && field < 22; field++)
		at = strchr(at + 1, ' ');
	*start = at ? strtoull(at + 1, NULL, 10) : 0;
	return 0;
}

/* A pidfd of the process that the state names; -ESRCH when it is gone, or another -errno. */
static int state_open_process(const json_t *state)
{
	pid_t pid = (pid_t)json_integer_value(json_object_get(state, "pid"));
	uint64_t start = (uint64_t)json_integer_value(json_object_get(state, "startTime"));
	auto_fd pidfd = pid > 0 ? sys_pidfd_open(pid) : -ESRCH;
	uint64_t found = 0;
	int ended;

	if (pidfd < 0)
		return pidfd;
	/* RACE: the ID may have been reused before we opened it, but not after: so compare now. */
	TRY(process_start_time(pid, &found));
	if (found != start)
		return -ESRCH;
	/* A pidfd is readable once the process has ended: a zombie is no container. */
	ended = poll(&(struct pollfd){ .fd = pidfd, .events = POLLIN }, 1, 0);
	if (ended != 0)
		return ended < 0 ? -errno : -ESRCH;
	return take_fd(&pidfd);
}

/* Whether $SKIFF_ROOT/containers has it: a container that has ended, but is kept (store.h). */
static bool is_kept(int names, const char *id)
{
	char path[sizeof "../containers/" + CONTAINER_ID_LENGTH];

	snprintf(path, sizeof path, "../containers/%s", id);
	return faccessat(names, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Removes the name, if it is the container's. Returns 0 when it is gone, or -errno. */
static int names_unlink(int names, const char *name, const char *id)
{
	char owner[CONTAINER_ID_LENGTH + 1];

	if (!name)
		return 0;
	/* RACE: between the look and the unlink it could become another container's. */
	auto_fd lock = dirs_lock(names, LOCK_EX);

	if (lock < 0)
		return lock;
	ssize_t length = readlinkat(names, name, owner, sizeof owner);
	if (length < 0)
		return errno == ENOENT ? 0 : -errno;
	if (length != CONTAINER_ID_LENGTH || memcmp(owner, id, CONTAINER_ID_LENGTH) != 0)
		return 0;
	return unlinkat(names, name, 0) < 0 ? -errno : 0;
}

/* Removes one container's name and directory. */
static void state_remove_dir(int containers, int names, int dir, const char *id, const char *name)
{
	/* ORDER: the directory last: as long as it is there, the next skiff tries again. */
	if (!is_kept(names, id) && names_unlink(names, name, id) < 0)
		return;
	unlinkat(dir, "state.json.new", 0);
	unlinkat(dir, "state.json", 0);
	unlinkat(containers, id, AT_REMOVEDIR);
}

/* Undoes what a killed skiff left of one container: its processes, its name, its directory. */
static void sweep_one(int containers, int names, const char *id)
{
	auto_fd dir = dirs_open_below(containers, id);

	if (dir < 0 || flock(dir, LOCK_EX | LOCK_NB) < 0)
		return; /* gone, or its skiff is alive */
	json_t *state = jsonfile_read(dir, "state.json");
	if (!state && errno != ENOENT)
		return; /* can't be read now; another time */
	auto_fd pidfd = state ? state_open_process(state) : -ESRCH;
	if (pidfd >= 0)
		sys_pidfd_send_signal(pidfd, SIGKILL);
	if (pidfd >= 0 || pidfd == -ESRCH)
		state_remove_dir(containers, names, dir, id,
				 json_string_value(json_object_get(state, "name")));
	json_decref(state);
}

static void sweep(int containers, int names)
{
	/* RACE: between mkdir and flock a new directory looks abandoned. Makers hold this lock
	 * shared in between; if one is at work we sweep another time. */
	int lock = dirs_lock(containers, LOCK_EX | LOCK_NB);
	auto_dir list = lock < 0 ? NULL : fdopendir(lock);
	struct dirent *entry;

	while (list && (entry = readdir(list)))
		if (entry->d_name[0] != '.')
			sweep_one(containers, names, entry->d_name);
	if (!list)
		scope_close_fd(&lock);
}

/* Links names/NAME to the ID. A link whose container is gone is replaced. */
static int names_link(int containers, int names, const char *name, const char *id)
{
	char owner[CONTAINER_ID_LENGTH + 1] = "";
	/* RACE: two may want the name of a container that is gone. */
	auto_fd lock = dirs_lock(names, LOCK_EX);
	int ret = lock < 0 ? lock : symlinkat(id, names, name) < 0 ? -errno : 0;

	if (ret == -EEXIST) {
		ssize_t length = readlinkat(names, name, owner, sizeof owner - 1);

		bool runs = length > 0 &&
			    faccessat(containers, owner, F_OK, AT_SYMLINK_NOFOLLOW) == 0;

		if (length > 0 && !runs && is_kept(names, owner))
			return fail_hint(
				fail(0, "taking the name %s: the container %.12s has it", name,
				     owner),
				"it has ended: skiff rm %s removes it; run --rm keeps none", name);
		if (runs)
			return fail(0, "taking the name %s: the container %.12s has it", name,
				    owner);
		ret = unlinkat(names, name, 0) < 0 || symlinkat(id, names, name) < 0 ? -errno : 0;
	}
	return ret < 0 ? fail(-ret, "taking the name %s", name) : 0;
}

/* Opens the two directories; they stay open to the end, for by then we may be somebody else. */
static int open_directories(struct container *c)
{
	c->containers_fd = dirs_open(DIRS_RUN, "containers");
	if (c->containers_fd < 0)
		return c->containers_fd;
	c->names_fd = dirs_open(DIRS_ROOT, "names");
	return c->names_fd < 0 ? c->names_fd : 0;
}

/* Makes the container's directory and locks it. */
static int make_directory(struct container *c)
{
	auto_fd lock = dirs_lock(c->containers_fd, LOCK_SH); /* RACE: sweep() says which */

	if (lock < 0 || mkdirat(c->containers_fd, c->id, 0700) < 0)
		return fail(errno, "making the state directory of %.12s", c->id);
	c->state_fd = openat(c->containers_fd, c->id, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (c->state_fd < 0 || flock(c->state_fd, LOCK_EX | LOCK_NB) < 0) {
		int error = errno;

		unlinkat(c->containers_fd, c->id, AT_REMOVEDIR);
		return fail(error, "locking the state directory of %.12s", c->id);
	}
	return 0;
}

int state_create(struct container *c)
{
	TRY(open_directories(c));
	sweep(c->containers_fd, c->names_fd);
	TRY(make_directory(c));
	return c->name ? names_link(c->containers_fd, c->names_fd, c->name, c->id) : 0;
}

/* The names of /proc/PID/ns, in the order of enum namespace_kind. */
static const char *const namespace_names[NAMESPACE_KINDS] = { "pid",	"ipc",	"uts", "net",
							      "cgroup", "time", "user" };

static json_t *state_json(const struct container *c, uint64_t start)
{
	json_t *namespaces = json_array();

	for (int kind = 0; kind < NAMESPACE_KINDS; kind++)
		if (c->ns[kind].mode != NAMESPACE_HOST)
			json_array_append_new(namespaces, json_string(namespace_names[kind]));
	return json_pack("{s:s, s:o, s:i, s:I, s:I, s:o, s:b, s:o, s:o, s:o}", "id", c->id, "name",
			 json_text(c->name), "pid", (int)c->pid, "startTime", (json_int_t)start,
			 "created", (json_int_t)time(NULL), "rootfs", json_text(c->rootfs_path),
			 "noPivot", (c->flags & CONTAINER_NO_PIVOT) != 0, "namespaces", namespaces,
			 "command", json_texts(c->argv), "env", json_texts(c->env.list));
}

int state_write(struct container *c)
{
	uint64_t start = 0;
	int ret = process_start_time(c->pid, &start);
	json_t *state = ret == 0 ? state_json(c, start) : NULL;

	if (ret < 0)
		return fail(-ret, "writing the state of %.12s: reading /proc/%d/stat", c->id,
			    c->pid);
	ret = jsonfile_write(c->state_fd, "state.json", state);
	json_decref(state);
	return ret < 0 ? fail(-ret, "writing the state of %.12s", c->id) : 0;
}

void state_forget_name(const char *name, const char *id)
{
	auto_fd names = dirs_open(DIRS_ROOT, "names");

	if (names >= 0 && names_unlink(names, name, id) < 0)
		note("the name %s could not be given back", name);
}

void state_remove(struct container *c)
{
	if (c->state_fd >= 0)
		state_remove_dir(c->containers_fd, c->names_fd, c->state_fd, c->id, c->name);
	scope_close_fd(&c->state_fd);
	scope_close_fd(&c->names_fd);
	scope_close_fd(&c->containers_fd);
}

/* Looks for IDs that begin with prefix. Returns how many different ones there are with the `found`
 * found before, at most 2; the last one found is in id. */
static int find_by_prefix(enum dirs_base base, const char *prefix, int found,
			  char id[CONTAINER_ID_LENGTH + 1])
{
	auto_fd containers = dirs_open(base, "containers");
	auto_dir list = containers < 0 ? NULL : fdopendir(containers);
	struct dirent *entry;

	if (!list)
		return containers < 0 ? containers : -errno;
	take_fd(&containers); /* the list's from here on */
	while (found < 2 && (entry = readdir(list)))
		if (strncmp(entry->d_name, prefix, strlen(prefix)) == 0 &&
		    strlen(entry->d_name) == CONTAINER_ID_LENGTH &&
		    (found == 0 || strcmp(id, entry->d_name) != 0)) {
			memcpy(id, entry->d_name, CONTAINER_ID_LENGTH + 1);
			found++;
		}
	return found;
}

static int no_such_container(const char *reference)
{
	return fail_exit_code(fail(0, "No such container: %s", reference), 1);
}

int state_resolve(const char *reference, char id[CONTAINER_ID_LENGTH + 1])
{
	auto_fd names = dirs_open(DIRS_ROOT, "names");
	ssize_t length = -1;
	int found;

	if (names < 0)
		return names;
	if (state_name_valid(reference))
		length = readlinkat(names, reference, id, CONTAINER_ID_LENGTH + 1);
	if (length == CONTAINER_ID_LENGTH) {
		id[CONTAINER_ID_LENGTH] = '\0';
		return 0;
	}
	if (length < 0 && state_name_valid(reference) && errno != ENOENT)
		return fail(errno, "finding container %s", reference);
	if (!reference[0] || strspn(reference, "0123456789abcdef") != strlen(reference))
		return no_such_container(reference);
	found = find_by_prefix(DIRS_RUN, reference, 0, id);
	if (found >= 0)
		found = find_by_prefix(DIRS_ROOT, reference, found, id);
	if (found < 0)
		return found;
	if (found == 0)
		return no_such_container(reference);
	if (found > 1)
		return fail_exit_code(
			fail(0, "finding container %s: several IDs begin with it", reference), 1);
	return 0;
}

/* Takes from state.json what a caller may need. Returns 0 or -ENOMEM. */
static int state_parse(const json_t *state, struct state_container *found)
{
	json_t *item;
	size_t i;

	found->pid = (pid_t)json_integer_value(json_object_get(state, "pid"));
	found->no_pivot = json_is_true(json_object_get(state, "noPivot"));
	json_array_foreach(json_object_get(state, "namespaces"), i, item) {
		for (int kind = 0; kind < NAMESPACE_KINDS && json_is_string(item); kind++)
			if (strcmp(json_string_value(item), namespace_names[kind]) == 0)
				found->namespaces |= 1u << kind;
	}
	json_array_foreach(json_object_get(state, "env"), i, item) {
		if (json_is_string(item))
			TRY(strv_append(&found->env, json_string_value(item)));
	}
	return 0;
}

/* Opens the container's process and reads what its state says.
 * Returns 0, -ESRCH when it is not running, or another -errno. */
static int state_load(int containers, const char *id, struct state_container *found)
{
	auto_fd dir = dirs_open_below(containers, id);
	json_t *state;
	int ret;

	if (dir < 0)
		return dir == -ENOENT ? -ESRCH : dir;
	state = jsonfile_read(dir, "state.json");
	if (!state)
		return errno == ENOENT ? -ESRCH : -errno;
	found->pidfd = state_open_process(state);
	ret = found->pidfd < 0 ? found->pidfd : state_parse(state, found);
	json_decref(state);
	return ret;
}

int state_find(const char *reference, struct state_container *found)
{
	auto_fd containers = dirs_open(DIRS_RUN, "containers");
	char id[CONTAINER_ID_LENGTH + 1];
	int ret;

	*found = (struct state_container){ .pidfd = -1 };
	if (containers < 0)
		return containers;
	TRY(state_resolve(reference, id));
	ret = state_load(containers, id, found);
	if (ret == 0)
		return 0;
	scope_close_fd(&found->pidfd);
	strv_clear(&found->env);
	if (ret == -ESRCH)
		return fail_exit_code(fail(0, "container %s is not running", reference), 1);
	return fail(-ret, "reading the state of %s", reference);
}
