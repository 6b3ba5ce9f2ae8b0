/* overlay.c - chapter 05, your code: an image that nobody writes to. The contract is in overlay.h. */
#include "overlay.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/xattr.h>

#include "chapters.h"
#include "container.h"
#include "fail.h"
#include "idmap.h"
#include "kernel.h"
#include "scope.h"
#include "store.h"

ROOM(05);

/* A descriptor as a path, which holds no character that overlayfs would take for an option. */
struct fd_path {
	char text[48];
};

static struct fd_path path_of_fd(int fd, const char *below)
{
	struct fd_path path;

	snprintf(path.text, sizeof path.text, "/proc/self/fd/%d%s", fd, below);
	return path;
}

/* What we ask of overlayfs besides the directories.
 * SECURITY: a layer's own extended attributes can say "my files are elsewhere" (redirect) and "my
 * data is elsewhere" (metacopy). A stranger's layer must not (test: attacks/05-redirect). */
static const struct mount_option {
	const char *key;
	const char *value;  /* NULL: a flag */
	unsigned only_with; /* the flag of c->flags that it depends on; 0: always */
} overlay_options[] = {
	{ "redirect_dir", "nofollow", 0 },
	{ "metacopy", "off", 0 },
	{ "index", "off", 0 },
	/* An ordinary user may not write trusted.overlay.*, so user.overlay.* it is. */
	{ "userxattr", NULL, CONTAINER_USERXATTR },
	/* What is thrown away at the end need not reach the disk. */
	{ "volatile", NULL, CONTAINER_RM },
};

static bool is_wanted(const struct container *c, const struct mount_option *option)
{
	return !option->only_with || c->flags & option->only_with;
}

enum { OPTIONS = sizeof overlay_options / sizeof overlay_options[0] };

/* The root of the container is the root of its own layer: it looks as that of the image does. */
static int copy_root_attributes(const struct container *c)
{
	struct stat image;

	if (stat(c->rootfs_path, &image) < 0)
		return fail(errno, "opening the root file system %s", c->rootfs_path);
	/* KERNEL: an ordinary user can't give files away; then the root is the user's. */
	if (fchownat(c->store_fd, "diff", image.st_uid, image.st_gid, 0) < 0 && errno != EPERM)
		return fail(errno, "preparing the container's own layer");
	if (fchmodat(c->store_fd, "diff", image.st_mode & 07777, 0) < 0)
		return fail(errno, "preparing the container's own layer");
	return 0;
}

/* The process behind a pidfd, or -errno. */
static pid_t pid_of(int pidfd)
{
	char line[256];
	pid_t pid = -ESRCH;

	snprintf(line, sizeof line, "/proc/self/fdinfo/%d", pidfd);
	auto_file info = fopen(line, "re");

	while (info && fgets(line, sizeof line, info))
		if (sscanf(line, "Pid: %d", &pid) == 1)
			return pid > 0 ? pid : -ESRCH;
	return -ESRCH;
}

/* Root's container in the user namespace of another: the layers are to show root's files as root's.
 * ORDER: before the parent joins it, for then it may not any more. */
static int map_layers(struct container *c)
{
	pid_t pid;

	if (c->ns[NAMESPACE_USER].mode != NAMESPACE_CONTAINER)
		return 0;
	pid = pid_of(c->ns[NAMESPACE_USER].pidfd);
	return pid < 0 ? fail(-pid, "joining the user namespace of the container") :
			 idmap_rootfs(c, pid);
}

/* Finds out whose extended attributes overlayfs is to write. */
static int choose_xattrs(struct container *c)
{
	auto_fd work = openat(c->store_fd, "work", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	/* KERNEL: only root of the first user namespace may set trusted.*: xattr(7). */
	bool may_not = c->ns[NAMESPACE_USER].mode != NAMESPACE_HOST;

	if (work < 0)
		return fail(errno, "preparing the container's own layer");
	if (!may_not && fsetxattr(work, "trusted.overlay.skiff", "", 0, 0) < 0) {
		may_not = errno == EPERM;
		if (!may_not && errno != ENOTSUP) /* overlayfs says itself what it lacks */
			return fail(errno, "preparing the container's own layer");
	}
	if (may_not)
		c->flags |= CONTAINER_USERXATTR;
	return 0;
}

int overlay_prepare(struct container *c)
{
	if (c->flags & CONTAINER_NO_PIVOT)
		return 0;
	TRY(store_create(c));
	TRY(copy_root_attributes(c));
	TRY(choose_xattrs(c));
	c->layers_mapped = idmap_may_write() && c->ns[NAMESPACE_USER].mode != NAMESPACE_HOST;
	return map_layers(c);
}

/* Opens the store again, for c->store_fd belongs to the parent's mounts.
 * RACE: whoever owns a directory above could have exchanged it, so it must be the same one. */
static int open_store(const struct container *c)
{
	char path[PATH_MAX];
	ssize_t length = readlink(path_of_fd(c->store_fd, "").text, path, sizeof path - 1);
	struct stat parents, ours;

	path[length < 0 ? 0 : length] = '\0';
	auto_fd store = length < 0 ? -1 : open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (store < 0 || fstat(store, &ours) < 0 || fstat(c->store_fd, &parents) < 0)
		return fail(errno, "opening skiff's directory of the container");
	if (ours.st_dev != parents.st_dev || ours.st_ino != parents.st_ino)
		return fail(ESTALE, "opening skiff's directory of the container");
	return take_fd(&store);
}

int overlay_open(struct container *c)
{
	size_t count = c->layers.count;

	if (c->store_fd < 0 || c->layers_mapped)
		return 0;
	for (size_t i = 0; i < count; i++) {
		c->layer_fds[i] = open(c->layers.list[i], O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (c->layer_fds[i] < 0)
			return fail(errno, "opening the layer %s", c->layers.list[i]);
	}
	c->layer_fds[count] = open_store(c);
	return c->layer_fds[count] < 0 ? c->layer_fds[count] : 0;
}

/* Takes the ID-mapped trees for layers.
 * KERNEL: before 6.15 a layer has to be mounted somewhere in the mount namespace. So they are, one on
 * the other on "/", until overlayfs has made mounts of its own of them: detach_trees(). */
static int attach_trees(struct container *c)
{
	auto_fd place = c->trees > 0 ? open("/", O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;

	for (unsigned i = 0; i < c->trees; i++) {
		int ret = sys_move_mount(c->tree_fds[i], place);

		if (ret < 0)
			return fail(-ret, "mounting a layer with mapped IDs");
		c->layer_fds[i] = take_fd(&c->tree_fds[i]);
	}
	return 0;
}

static int detach_trees(struct container *c)
{
	for (; c->trees > 0; c->trees--)
		if (umount2(path_of_fd(c->layer_fds[c->trees - 1], "").text, MNT_DETACH) < 0)
			return fail(errno, "letting go of a layer with mapped IDs");
	return 0;
}

/* The options on their way to the kernel.
 * KERNEL: lowerdir+ is there since 6.7. Before, all layers are one string, and a string of
 * fsconfig(2) ends at 255 bytes; mount(2) takes a page, into which 128 descriptors fit. */
struct options {
	int fs;		   /* the file system context */
	bool one_string;   /* for a kernel that may not have lowerdir+ */
	char layers[4096]; /* then: what it says, with colons */
	char others[4096]; /* all other options, as mount(2) wants them */
};

enum { FSCONFIG_STRING_MAX = 255 };

/* Appends to a page of options. 128 layers fill half of it, so a word that does not fit is a mistake
 * of ours: the kernel will miss it and refuse. */
static void append(char text[4096], const char *separator, const char *word)
{
	size_t used = strlen(text);

	if (used + strlen(separator) + strlen(word) < 4096)
		stpcpy(stpcpy(text + used, used > 0 ? separator : ""), word);
}

/* Hands one option to the kernel: a key with its value, or a flag (value is NULL).
 * Returns 0 or -errno. */
static int add_option(struct options *options, const char *key, const char *value)
{
	if (options->one_string && strcmp(key, "lowerdir+") == 0) {
		append(options->layers, ":", value);
		return 0;
	}
	append(options->others, ",", key);
	if (value)
		append(options->others, "=", value);
	return sys_fsconfig(options->fs,
			    value ? KERNEL_FSCONFIG_SET_STRING : KERNEL_FSCONFIG_SET_FLAG, key,
			    value);
}

/* Makes the file system of which all options are known. Returns 0 or -errno: -E2BIG. */
static int create_overlay(const struct options *options)
{
	if (strlen(options->layers) > FSCONFIG_STRING_MAX)
		return -E2BIG;
	if (options->one_string)
		TRY(sys_fsconfig(options->fs, KERNEL_FSCONFIG_SET_STRING, "lowerdir",
				 options->layers));
	/* The first column of /proc/mounts. */
	TRY(sys_fsconfig(options->fs, KERNEL_FSCONFIG_SET_STRING, "source", "overlay"));
	return sys_fsconfig(options->fs, KERNEL_FSCONFIG_CREATE, NULL, NULL);
}

/* Hands over the layers, one by one. Returns 0 or -errno. */
static int add_layers(const struct container *c, struct options *options)
{
	/* SECURITY: names are given as descriptors. A layer's path may hold a colon, which separates
	 * layers, or a comma, which separates options (test: attacks/05-layer-name). */
	/* TODO 5.1 layers
	 * add_option(options, "lowerdir+", PATH) once for each of the c->layers.count layers, where
	 * PATH is path_of_fd(c->layer_fds[i], "").text. overlayfs wants the topmost first; in
	 * c->layers the base is first. Return 0, or the first failure.
	 * Read: the kernel's Documentation/filesystems/overlayfs.rst, on multiple lower layers */
	return TODO("5.1 layers");
	/* END 5.1 */
}

/* Hands over what the container writes to, and overlay_options. Returns 0 or -errno.
 * SECURITY: who shares a directory for "/" with another container writes to its files (test:
 * attacks/05-write-image) and takes the directories from under its mounts (test:
 * attacks/05-under-mount). */
static int add_upper(const struct container *c, struct options *options)
{
	int store = c->layer_fds[c->layers.count];

	/* TODO 5.2 upper
	 * Two more: "upperdir" is the directory /diff below the store, "workdir" its directory
	 * /work: path_of_fd(store, "/diff").text. Then the key and the value of every row of
	 * overlay_options that is_wanted(c, row). Return 0, or the first failure.
	 * Read: the kernel's Documentation/filesystems/overlayfs.rst, on upper and lower */
	return TODO("5.2 upper");
	/* END 5.2 */
}

/* The overlay, mounted nowhere. Returns its descriptor or -errno, no record. */
static int new_overlay(const struct container *c, struct options *options)
{
	/* TODO 5.3 mount
	 * Get a file system context for "overlay" from sys_fsopen() into options->fs; then
	 * add_layers(), add_upper() and create_overlay(). sys_fsmount() with no attributes makes a
	 * mount of what was created. Return its descriptor, or the first failure.
	 * Read: fsopen(2), fsconfig(2), fsmount(2), or their kernel documentation */
	return TODO("5.3 mount");
	/* END 5.3 */
}

/* The same with mount(2), which wants a place: one below the store, from which it is taken again.
 * Returns the mount's descriptor or -errno. */
static int classic_overlay(const struct container *c, const struct options *options)
{
	char text[4096] = "lowerdir=";
	int store = c->layer_fds[c->layers.count], ret;

	append(text, "", options->layers);
	append(text, ",", options->others);
	if (mkdirat(store, "merged", 0700) < 0 && errno != EEXIST)
		return -errno;
	ret = mount("overlay", path_of_fd(store, "/merged").text, "overlay", 0, text) < 0 ? -errno :
											    0;
	if (ret == 0) {
		ret = sys_open_tree(store, "merged", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
		umount2(path_of_fd(store, "/merged").text, MNT_DETACH);
	}
	unlinkat(store, "merged", AT_REMOVEDIR);
	return ret;
}

/* Why it did not work, where we know. */
static int explain_failure(const struct container *c, int error)
{
	static const long overlay_magic = 0x794c7630; /* <linux/magic.h> */
	struct statfs store;
	size_t count = c->layers.count;
	int ret;

	if (error == ELOOP)
		return fail_hint(fail(0, "stacking the layers on %s: they overlap",
				      c->layers.list[0]),
				 "a layer is given twice, lies inside of another, or holds skiff's "
				 "own directory (SKIFF_ROOT)");
	ret = fail(error, "stacking the layers on %s", c->layers.list[0]);
	if (error == ENODEV)
		return fail_hint(ret, "this kernel has no overlayfs: modprobe overlay");
	if (error == EINVAL && fstatfs(c->layer_fds[count], &store) == 0 &&
	    store.f_type == overlay_magic)
		return fail_hint(ret, "skiff's directory is on an overlay itself: SKIFF_ROOT=DIR "
				      "chooses another, on ext4, xfs, btrfs or tmpfs");
	if (error == EINVAL)
		return fail_hint(ret, "the kernel's log (dmesg) says why; SKIFF_ROOT=DIR chooses "
				      "another place for what the container writes");
	return ret;
}

int overlay_mount(struct container *c)
{
	struct options options = { .fs = -1 };
	int root;

	if (c->store_fd < 0)
		return 0;
	TRY(attach_trees(c));
	/* KERNEL: before 6.5 a context takes any key, and complains only when it is too late. */
	options.one_string = !kernel_is_at_least(6, 7);
	root = new_overlay(c, &options);
	if (root == -E2BIG)
		root = classic_overlay(c, &options);
	if (root < 0)
		return explain_failure(c, -root);
	c->rootfs_fd = root;
	TRY(detach_trees(c));
	/* SECURITY: an init of --init lives on with our descriptors, and a descriptor of a host's
	 * directory is a way out (test: attacks/02-leaked-descriptor). */
	for (size_t i = 0; i <= c->layers.count; i++)
		scope_close_fd(&c->layer_fds[i]);
	scope_close_fd(&c->store_fd);
	scope_close_fd(&c->temporary_fd);
	return 0;
}

int overlay_seal(struct container *c)
{
	if (!(c->flags & CONTAINER_READ_ONLY))
		return 0;
	/* TODO 5.4 read-only
	 * Set MOUNT_ATTR_RDONLY on the mount c->rootfs_fd with sys_mount_setattr(), and on no other:
	 * /dev and /proc stay writable. Fail with fail(..., "making the root read-only").
	 * Read: mount_setattr(2), also on AT_RECURSIVE */
	return TODO("5.4 read-only");
	/* END 5.4 */
}

int overlay_record(struct container *c)
{
	return c->store_fd < 0 ? 0 : store_record(c);
}

int overlay_keep(struct container *c)
{
	/* They would keep the layers' file systems from being unmounted. */
	for (; c->trees > 0; c->trees--)
		scope_close_fd(&c->tree_fds[c->trees - 1]);
	return c->store_fd < 0 ? 0 : store_keep(c);
}

void overlay_remove(struct container *c)
{
	store_finish(c);
}
