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

#include "cgroup.h"
#include "container.h"
#include "dirs.h"
#include "fail.h"
#include "jsonfile.h"
#include "kernel.h"
#include "scope.h"
#include "state_file.h"
#include "state_security.h"

bool state_name_valid(const char *name)
{
	if (!isalnum((unsigned char)name[0]) || !name[1] || strlen(name) > NAME_MAX)
		return false;
	for (const char *at = name; *at; at++)
		if (!isalnum((unsigned char)*at) && !strchr("_.-", *at))
			return false;
	return true;
}

/* Whether it is there: 1 or 0, or -errno where that can't be told. */
static int is_there(int dir, const char *path)
{
	if (faccessat(dir, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return 1;
	return errno == ENOENT ? 0 : -errno;
}

/* Whether $SKIFF_ROOT/containers has it: a container that has ended, but is kept (store.h).
 * Returns 1, 0 or -errno. */
static int is_kept(int names, const char *id)
{
	char path[sizeof "../containers/" + CONTAINER_ID_LENGTH];

	snprintf(path, sizeof path, "../containers/%s", id);
	return is_there(names, path);
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
	int kept = is_kept(names, id);

	if (kept < 0 || (!kept && names_unlink(names, name, id) < 0))
		return;
	unlinkat(dir, "cgroup", 0);
	unlinkat(dir, "state.json.new", 0);
	unlinkat(dir, "state.json", 0);
	unlinkat(containers, id, AT_REMOVEDIR);
}

/* Undoes what a killed skiff left of one container: its processes, its cgroup, its name, its
 * directory. */
static void sweep_one(int containers, int names, const char *id)
{
	auto_fd dir = dirs_open_below(containers, id);
	char cgroup[PATH_MAX];

	if (dir < 0 || flock(dir, LOCK_EX | LOCK_NB) < 0)
		return; /* gone, or its skiff is alive */
	json_t *state = jsonfile_read(dir, "state.json");
	if (!state && errno != ENOENT)
		return; /* can't be read now; another time */
	auto_fd pidfd = state ? state_file_open_process(state) : -ESRCH;
	if (pidfd >= 0)
		sys_pidfd_send_signal(pidfd, SIGKILL);
	int ret = state_file_cgroup(dir, cgroup);
	if (ret > 0)
		ret = cgroup_sweep(cgroup, id);
	if (ret >= 0 && (pidfd >= 0 || pidfd == -ESRCH))
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

		if (length < 0)
			return fail(errno, "taking the name %s", name);
		int runs = is_there(containers, owner), kept = is_kept(names, owner);

		if (runs > 0)
			return fail(0, "taking the name %s: the container %.12s has it", name,
				    owner);
		if (kept > 0)
			return fail_hint(
				fail(0, "taking the name %s: the container %.12s has it", name,
				     owner),
				"it has ended: skiff rm %s removes it; run --rm keeps none", name);
		ret = runs < 0 ? runs : kept;
		if (ret == 0 && (unlinkat(names, name, 0) < 0 || symlinkat(id, names, name) < 0))
			ret = -errno;
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

static json_t *state_json(const struct container *c, uint64_t start)
{
	json_t *namespaces = json_array();

	for (int kind = 0; kind < NAMESPACE_KINDS; kind++)
		if (c->ns[kind].mode != NAMESPACE_HOST)
			json_array_append_new(namespaces, json_string(state_file_namespaces[kind]));
	return json_pack("{s:s, s:o, s:i, s:I, s:I, s:o, s:b, s:o, s:o, s:o, s:o}", "id", c->id,
			 "name", json_text(c->name), "pid", (int)c->pid, "startTime",
			 (json_int_t)start, "created", (json_int_t)time(NULL), "rootfs",
			 json_text(c->rootfs_path), "noPivot", (c->flags & CONTAINER_NO_PIVOT) != 0,
			 "namespaces", namespaces, "command", json_texts(c->argv), "env",
			 json_texts(c->env.list), "security", state_security_write(c));
}

int state_write(struct container *c)
{
	uint64_t start = 0;
	int ret = state_file_start_time(c->pid, &start);
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
	/* A cgroup that could not be removed is left to the next skiff, with the note of its path. */
	if (c->state_fd >= 0 && c->cgroup_fd < 0)
		state_remove_dir(c->containers_fd, c->names_fd, c->state_fd, c->id, c->name);
	scope_close_fd(&c->state_fd);
	scope_close_fd(&c->names_fd);
	scope_close_fd(&c->containers_fd);
}
