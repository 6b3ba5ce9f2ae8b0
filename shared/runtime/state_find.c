/* state_find.c - finding a running container; see state.h. */
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cgroupfs.h"
#include "container.h"
#include "dirs.h"
#include "fail.h"
#include "jsonfile.h"
#include "kernel.h"
#include "scope.h"
#include "state.h"
#include "state_file.h"

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
	fail_exit_code(fail(0, "No such container: %s", reference), 1);
	return -ENOENT;
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
	const char *name = json_string_value(json_object_get(state, "name"));
	json_t *item;
	size_t i;

	snprintf(found->name, sizeof found->name, "%s", name ? name : "");
	found->pid = (pid_t)json_integer_value(json_object_get(state, "pid"));
	found->no_pivot = json_is_true(json_object_get(state, "noPivot"));
	json_array_foreach(json_object_get(state, "namespaces"), i, item) {
		for (int kind = 0; kind < NAMESPACE_KINDS && json_is_string(item); kind++)
			if (strcmp(json_string_value(item), state_file_namespaces[kind]) == 0)
				found->namespaces |= 1u << kind;
	}
	found->security = json_incref(json_object_get(state, "security"));
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
	char cgroup[PATH_MAX];
	json_t *state;
	int ret;

	if (dir < 0)
		return dir == -ENOENT ? -ESRCH : dir;
	state = jsonfile_read(dir, "state.json");
	if (!state)
		return errno == ENOENT ? -ESRCH : -errno;
	strcpy(found->id, id);
	found->pidfd = state_file_open_process(state);
	ret = found->pidfd < 0 ? found->pidfd : state_parse(state, found);
	json_decref(state);
	if (ret < 0)
		return ret;
	/* SECURITY: a container whose cgroup can't be opened is not one without: what `exec` starts
	 * would be without its limits (test: faults, openat). */
	ret = state_file_cgroup(dir, cgroup);
	if (ret > 0) {
		found->cgroup_fd = cgroupfs_open(cgroup);
		ret = found->cgroup_fd;
	}
	return ret < 0 ? ret : 0;
}

void state_release(struct state_container *found)
{
	scope_close_fd(&found->pidfd);
	scope_close_fd(&found->cgroup_fd);
	strv_clear(&found->env);
	json_decref(found->security);
	found->security = NULL;
}

int state_find_all(struct state_container **found)
{
	auto_fd containers = dirs_open(DIRS_RUN, "containers");
	int copy = containers < 0 ? -1 :
				    openat(containers, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_dir list = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *entry;
	int count = 0;

	while (list && (entry = readdir(list))) {
		struct state_container *grown;

		if (strlen(entry->d_name) != CONTAINER_ID_LENGTH)
			continue;
		grown = reallocarray(*found, (size_t)count + 1, sizeof *grown);
		if (!grown)
			break;
		*found = grown;
		grown[count] = (struct state_container){ .pidfd = -1, .cgroup_fd = -1 };
		/* One that ends meanwhile, or can't be read, is none of them. */
		if (state_load(containers, entry->d_name, &grown[count]) == 0)
			count++;
		else
			state_release(&grown[count]);
	}
	return containers < 0 ? containers : count;
}

int state_find(const char *reference, struct state_container *found)
{
	auto_fd containers = dirs_open(DIRS_RUN, "containers");
	char id[CONTAINER_ID_LENGTH + 1];
	int ret;

	*found = (struct state_container){ .pidfd = -1, .cgroup_fd = -1 };
	if (containers < 0)
		return containers;
	TRY(state_resolve(reference, id));
	ret = state_load(containers, id, found);
	if (ret == 0)
		return 0;
	state_release(found);
	if (ret == -ESRCH) {
		fail_exit_code(fail(0, "container %s is not running", reference), 1);
		return ret;
	}
	return fail(-ret, "reading the state of %s", reference);
}
