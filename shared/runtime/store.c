/* store.c - what stays of a container when it has ended; see store.h. */
#include "store.h"

#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

#include "dirs.h"
#include "fail.h"
#include "idmap.h"
#include "jsonfile.h"
#include "scope.h"
#include "state.h"
#include "tree.h"

static const char record_name[] = "container.json";

static int remove_temporary(struct container *helper, void *id)
{
	int ret = tree_remove(helper->temporary_fd, id);

	return ret < 0 ? fail(-ret, "removing the files of %.12s", (const char *)id) : 0;
}

/* Removes temporary/ID, also what belongs to the subordinate IDs of an ordinary user.
 * Returns 0 or -errno, perhaps with a record. */
static int remove_directory(int temporary, char *id, const struct container *maps_of)
{
	struct container helper;
	int ret = tree_remove(temporary, id);

	if ((ret != -EACCES && ret != -EPERM) || idmap_may_write())
		return ret;
	container_init(&helper);
	helper.ns[NAMESPACE_USER].mode = NAMESPACE_PRIVATE;
	helper.uid_maps = maps_of->uid_maps;
	helper.gid_maps = maps_of->gid_maps;
	helper.temporary_fd = temporary;
	ret = container_help(&helper, remove_temporary, id);
	helper.temporary_fd = -1;
	container_free(&helper);
	return ret;
}

/* Removes what killed skiffs left in temporary/. */
static void sweep(int temporary)
{
	static const struct container default_maps;

	/* RACE: between mkdir and flock a new directory looks abandoned. Makers hold this lock
	 * shared in between; if one is at work we sweep another time. */
	int lock = dirs_lock(temporary, LOCK_EX | LOCK_NB);
	auto_dir list = lock < 0 ? NULL : fdopendir(lock);
	struct dirent *entry;

	while (list && (entry = readdir(list))) {
		auto_fd dir = entry->d_name[0] == '.' ? -1 :
							dirs_open_below(temporary, entry->d_name);

		if (dir >= 0 && flock(dir, LOCK_EX | LOCK_NB) == 0 &&
		    remove_directory(temporary, entry->d_name, &default_maps) < 0)
			note("what a killed skiff left can't be removed: container %.12s",
			     entry->d_name);
	}
	if (!list)
		scope_close_fd(&lock);
}

/* Makes the directory and locks it. Returns 0 or -errno. */
static int make_directory(struct container *c)
{
	auto_fd lock = dirs_lock(c->temporary_fd, LOCK_SH); /* RACE: sweep() says which */

	if (lock < 0)
		return lock;
	if (mkdirat(c->temporary_fd, c->id, 0700) < 0)
		return -errno;
	c->store_fd = dirs_open_below(c->temporary_fd, c->id);
	if (c->store_fd < 0) {
		unlinkat(c->temporary_fd, c->id, AT_REMOVEDIR);
		return c->store_fd;
	}
	if (flock(c->store_fd, LOCK_EX | LOCK_NB) < 0)
		return -errno;
	return mkdirat(c->store_fd, "diff", 0755) < 0 || mkdirat(c->store_fd, "work", 0700) < 0 ?
		       -errno :
		       0;
}

int store_create(struct container *c)
{
	int ret;

	c->temporary_fd = dirs_open(DIRS_ROOT, "temporary");
	if (c->temporary_fd < 0)
		return c->temporary_fd;
	sweep(c->temporary_fd);
	if (mkdirat(c->temporary_fd, "../containers", 0700) < 0 && errno != EEXIST)
		return fail(errno, "making skiff's directory containers");
	ret = make_directory(c);
	return ret < 0 ? fail(-ret, "making the directory of %.12s", c->id) : 0;
}

static json_t *maps_json(const struct id_maps *maps)
{
	json_t *array = json_array();

	for (unsigned i = 0; i < maps->count; i++)
		json_array_append_new(array, json_pack("[I, I, I]", (json_int_t)maps->map[i].inside,
						       (json_int_t)maps->map[i].outside,
						       (json_int_t)maps->map[i].count));
	return array;
}

/* The layers by their absolute paths: they are to be found from elsewhere, too, and when a link on
 * the way leads somewhere else. Returns NULL on failure, with a record. */
static json_t *layers_json(const struct container *c)
{
	/* KERNEL: who has joined a user namespace may not go every way that its root may. */
	bool joined = c->ns[NAMESPACE_USER].mode == NAMESPACE_CONTAINER;
	json_t *array = json_array();

	for (size_t i = 0; i < c->layers.count; i++) {
		const char *given = c->layers.list[i];
		auto_free char *path = realpath(given, NULL);

		if (!path && !(joined && errno == EACCES)) {
			fail(errno, "finding out where the layer %s is", given);
			json_decref(array);
			return NULL;
		}
		json_array_append_new(array, json_text(path ? path : given));
	}
	return array;
}

static json_t *record_json(const struct container *c)
{
	return json_pack("{s:s, s:o, s:o, s:o, s:I, s:b, s:b, s:o, s:o}", "id", c->id, "name",
			 json_text(c->name), "layers", layers_json(c), "command",
			 json_texts(c->argv), "created", (json_int_t)time(NULL), "userxattr",
			 (c->flags & CONTAINER_USERXATTR) != 0, "readOnly",
			 (c->flags & CONTAINER_READ_ONLY) != 0, "uidMaps", maps_json(&c->uid_maps),
			 "gidMaps", maps_json(&c->gid_maps));
}

int store_record(const struct container *c)
{
	json_t *record = record_json(c);
	int ret = jsonfile_write(c->store_fd, record_name, record);

	json_decref(record);
	return ret < 0 ? fail(-ret, "writing down what container %.12s is", c->id) : 0;
}

int store_keep(struct container *c)
{
	char kept[sizeof "../containers/" + CONTAINER_ID_LENGTH];

	if (c->flags & CONTAINER_RM)
		return 0;
	/* Not by dirs_open(): who has joined a user namespace is another user by now. */
	snprintf(kept, sizeof kept, "../containers/%s", c->id);
	if (renameat(c->temporary_fd, c->id, c->temporary_fd, kept) < 0)
		return fail(errno, "keeping the container %.12s", c->id);
	c->flags |= CONTAINER_KEPT;
	return 0;
}

/* Adds how it ended. */
static int write_end(struct container *c)
{
	json_t *record = jsonfile_read(c->store_fd, record_name);
	int ret = record ? 0 : -errno;

	if (record) {
		json_object_set_new(record, "exitCode", json_integer(c->exit_code));
		json_object_set_new(record, "finished", json_integer((json_int_t)time(NULL)));
		ret = jsonfile_write(c->store_fd, record_name, record);
	}
	json_decref(record);
	return ret;
}

void store_finish(struct container *c)
{
	int ret = 0;

	if (c->flags & CONTAINER_KEPT) {
		int removed = tree_remove(c->store_fd, "work");

		ret = write_end(c);
		ret = ret < 0 ? ret : removed;
	} else if (c->store_fd >= 0) {
		ret = remove_directory(c->temporary_fd, c->id, c);
	}
	if (ret < 0 && c->ns[NAMESPACE_USER].mode == NAMESPACE_CONTAINER)
		note("container %.12s: what it wrote is removed by the next skiff", c->id);
	else if (ret < 0)
		note("the directory of %.12s could not be put in order: %s", c->id, strerror(-ret));
	scope_close_fd(&c->store_fd);
	scope_close_fd(&c->temporary_fd);
}

/* Opens ID in one of the two places. Returns whether it is there, or -errno with a record. */
static int open_store(struct store_container *found, const char *place)
{
	auto_fd where = dirs_open(DIRS_ROOT, place);

	if (where < 0)
		return where;
	found->dir_fd = dirs_open_below(where, found->id);
	if (found->dir_fd < 0 && found->dir_fd != -ENOENT)
		return fail(-found->dir_fd, "opening the directory of %.12s", found->id);
	return found->dir_fd >= 0;
}

static void parse_maps(const json_t *array, struct id_maps *maps)
{
	const json_t *map;
	size_t i;

	json_array_foreach(array, i, map)
		if (maps->count < CONTAINER_MAPS_MAX)
			maps->map[maps->count++] = (struct id_map){
				(uint32_t)json_integer_value(json_array_get(map, 0)),
				(uint32_t)json_integer_value(json_array_get(map, 1)),
				(uint32_t)json_integer_value(json_array_get(map, 2)),
			};
}

/* Takes from container.json what the commands need. Returns 0 or -errno. */
static int parse_record(struct store_container *found)
{
	json_t *record = jsonfile_read(found->dir_fd, record_name);
	const json_t *layer;
	const char *name = json_string_value(json_object_get(record, "name"));
	int ret = record ? 0 : -errno;
	size_t i;

	found->userxattr = json_is_true(json_object_get(record, "userxattr"));
	parse_maps(json_object_get(record, "uidMaps"), &found->uids);
	parse_maps(json_object_get(record, "gidMaps"), &found->gids);
	if (name && !(found->name = strdup(name)))
		ret = -ENOMEM;
	json_array_foreach(json_object_get(record, "layers"), i, layer)
		if (ret == 0 && json_is_string(layer))
			ret = strv_append(&found->layers, json_string_value(layer));
	json_decref(record);
	return ret;
}

bool store_lock(struct store_container *found)
{
	found->running = flock(found->dir_fd, LOCK_EX | LOCK_NB) < 0;
	return !found->running;
}

bool store_is_gone(const struct store_container *found)
{
	struct stat status;

	return fstat(found->dir_fd, &status) < 0 || status.st_nlink == 0;
}

int store_open(const char *id, struct store_container *found)
{
	int ret;

	*found = (struct store_container){ .dir_fd = -1 };
	snprintf(found->id, sizeof found->id, "%s", id);
	ret = open_store(found, "containers");
	if (ret == 0) {
		found->temporary = true;
		ret = open_store(found, "temporary");
	}
	if (ret <= 0)
		return ret;
	if (!store_lock(found) && errno != EWOULDBLOCK)
		return fail(errno, "locking container %.12s", id);
	return 1;
}

int store_find(const char *reference, struct store_container *found)
{
	char id[CONTAINER_ID_LENGTH + 1];
	int ret;

	*found = (struct store_container){ .dir_fd = -1 };
	TRY(state_resolve(reference, id));
	ret = store_open(id, found);
	if (ret == 0)
		ret = fail_hint(fail(0, "container %s has no layer of its own", reference),
				"it was started with --no-pivot, or before chapter 05");
	if (ret < 0)
		return fail_exit_code(ret, 1);
	ret = parse_record(found);
	if (ret < 0)
		return fail_exit_code(fail(-ret, "reading what is known of %s", reference), 1);
	return 0;
}

void store_release(struct store_container *found)
{
	scope_close_fd(&found->dir_fd);
	strv_clear(&found->layers);
	free(found->name);
	found->name = NULL;
}

void store_helper(struct container *c, const struct store_container *found)
{
	container_init(c);
	memcpy(c->id, found->id, sizeof c->id);
	if (idmap_may_write())
		return;
	c->ns[NAMESPACE_USER].mode = NAMESPACE_PRIVATE;
	c->uid_maps = found->uids;
	c->gid_maps = found->gids;
}

int store_remove(struct store_container *found)
{
	auto_fd containers = dirs_open(DIRS_ROOT, "containers");
	auto_fd temporary = containers < 0 ? containers : dirs_open(DIRS_ROOT, "temporary");
	struct container maps;
	int ret;

	if (temporary < 0)
		return temporary;
	/* ORDER: first away from what is kept, in one step: a skiff that is killed from here on
	 * leaves nothing that looks like a container. */
	if (!found->temporary && renameat(containers, found->id, temporary, found->id) < 0)
		return fail(errno, "removing container %.12s", found->id);
	state_forget_name(found->name, found->id);
	container_init(&maps);
	maps.uid_maps = found->uids;
	maps.gid_maps = found->gids;
	ret = remove_directory(temporary, found->id, &maps);
	return ret < 0 ? fail(-ret, "removing the files of %.12s", found->id) : 0;
}
