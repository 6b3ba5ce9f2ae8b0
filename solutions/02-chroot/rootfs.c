/* rootfs.c - chapter 02: another root. The contract is in rootfs.h. */
#include "rootfs.h"

#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "chapters.h"
#include "container.h"
#include "fail.h"
#include "kernel.h"
#include "scope.h"

ROOM(02);

int rootfs_prepare(struct container *c)
{
	if (c->flags & CONTAINER_NO_PIVOT)
		return 0;
	/* TASK 2.2 private
	 * Ask for a mount namespace: add CLONE_NEWNS to c->clone_flags.
	 * Read: mount_namespaces(7) */
	c->clone_flags |= CLONE_NEWNS;
	return 0;
	/* END 2.2 */
}

/* A mount namespace starts as a copy, and its mounts may still be peers of the host's.
 * SECURITY: what is mounted on a peer is mounted on the host, too (test:
 * attacks/02-mount-propagation). */
int rootfs_private(struct container *c)
{
	if (c->flags & CONTAINER_NO_PIVOT)
		return 0;
	/* TASK 2.2 private
	 * Make every mount private, from "/" down, so that no mount or unmount of ours reaches the
	 * host and none of the host's reaches us.
	 * Read: mount_namespaces(7) on shared subtrees, mount(2) on MS_PRIVATE and MS_REC */
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return fail(errno, "making the container's mounts private");
	return 0;
	/* END 2.2 */
}

int rootfs_open(int root_fd, const char *path, int flags, unsigned long long resolve)
{
	/* TASK 2.3 resolve
	 * Open path with sys_openat2(), as if root_fd were "/": RESOLVE_IN_ROOT. Refuse magic links,
	 * too, and add O_CLOEXEC to flags and resolve to the other RESOLVE_ flags.
	 * SECURITY: an image may hold /proc -> ../../etc; only the kernel can look up a path
	 * without a race (test: attacks/02-hostile-links).
	 * Read: openat2(2) */
	struct open_how how = {
		.flags = (unsigned)(flags | O_CLOEXEC),
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | resolve,
	};

	return sys_openat2(root_fd, path, &how);
	/* END 2.3 */
}

/* Mounts the root onto itself, for pivot_root(2) wants a mount point, and opens it. A tree that an
 * earlier step has made (c->rootfs_fd) is mounted there instead. */
static int attach_root(struct container *c)
{
	auto_fd below = open(c->rootfs_path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int ret;

	if (below >= 0 && c->rootfs_fd < 0)
		c->rootfs_fd = KERNEL_RESULT(syscall(SYS_open_tree, below, "",
						     AT_EMPTY_PATH | AT_RECURSIVE |
							     OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC));
	if (below < 0 || c->rootfs_fd < 0)
		return fail(below < 0 ? errno : -c->rootfs_fd, "opening the root file system %s",
			    c->rootfs_path);
	ret = sys_move_mount(c->rootfs_fd, below);
	return ret < 0 ? fail(-ret, "mounting the root file system %s", c->rootfs_path) : 0;
}

struct mount_option {
	const char *key;
	const char *value;
};

enum { NO_NAMESPACE = -1 };

/* What a container expects to be mounted, in this order; the options are Docker's. */
static const struct mount_row {
	const char *target; /* relative to the root */
	const char *type;
	int shows;	     /* the kind of namespace that it shows, or NO_NAMESPACE */
	unsigned attributes; /* MOUNT_ATTR_* of fsmount(2) */
	struct mount_option options[4];
} mount_rows[] = {
	/* QUOTE mounts */
	{ "proc",
	  "proc",
	  NAMESPACE_PID,
	  MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC,
	  { { 0 } } },
	{ "sys",
	  "sysfs",
	  NAMESPACE_NETWORK,
	  MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_RDONLY,
	  { { 0 } } },
	{ "dev",
	  "tmpfs",
	  NO_NAMESPACE,
	  MOUNT_ATTR_NOSUID,
	  { { "mode", "755" }, { "size", "65536k" } } },
	{ "dev/pts",
	  "devpts",
	  NO_NAMESPACE,
	  MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC,
	  { { "ptmxmode", "0666" }, { "mode", "0620" }, { "gid", "5" } } },
	{ "dev/shm",
	  "tmpfs",
	  NO_NAMESPACE,
	  MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC,
	  { { "mode", "1777" }, { "size", "65536k" } } },
	{ "dev/mqueue",
	  "mqueue",
	  NAMESPACE_IPC,
	  MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC,
	  { { 0 } } },
	/* END mounts */
};

/* Makes a mount of its own, attached nowhere yet, with the first `count` options of the row.
 * Returns its descriptor or -errno, no record. */
static int new_mount_with(const struct mount_row *row, size_t count)
{
	auto_fd fs = sys_fsopen(row->type);

	if (fs < 0)
		return fs;
	/* The first column of /proc/mounts. */
	TRY(sys_fsconfig(fs, KERNEL_FSCONFIG_SET_STRING, "source", row->type));
	for (const struct mount_option *option = row->options; option < row->options + count;
	     option++)
		TRY(sys_fsconfig(fs, KERNEL_FSCONFIG_SET_STRING, option->key, option->value));
	TRY(sys_fsconfig(fs, KERNEL_FSCONFIG_CREATE, NULL, NULL));
	return sys_fsmount(fs, row->attributes);
}

static int new_mount(const struct mount_row *row)
{
	size_t count = 0;
	int mount;

	while (row->options[count].key)
		count++;
	mount = new_mount_with(row, count);
	/* KERNEL: a user namespace with a single ID has no group 5, and devpts says EINVAL; its
	 * terminals then belong to the one group there is. gid is the last option. */
	if (mount == -EINVAL && count > 0 && strcmp(row->options[count - 1].key, "gid") == 0)
		mount = new_mount_with(row, count - 1);
	return mount;
}

/* The host's own mount of the same kind, for a user namespace that does not own what it shows:
 * /sys with the host's network, /dev/mqueue with the host's IPC namespace.
 * SECURITY: only where the container was given that namespace of the host's. An EPERM that has
 * another reason must not open the host's /proc or /dev/shm to it (test: faults, EPERM). */
static int hosts_mount(const struct container *c, const struct mount_row *row)
{
	char path[32] = "/";
	struct kernel_mount_attr attributes = { .attr_set = row->attributes };

	if (row->shows == NO_NAMESPACE || c->ns[row->shows].mode != NAMESPACE_HOST)
		return -EPERM;
	auto_fd tree = sys_open_tree(AT_FDCWD, strcat(path, row->target),
				     OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);

	if (tree == -ENOENT) /* the host has none: an empty directory, then */
		return new_mount(&(struct mount_row){
			"", "tmpfs", NO_NAMESPACE, row->attributes, { { 0 } } });
	if (tree < 0)
		return tree;
	TRY(sys_mount_setattr(tree, AT_RECURSIVE, &attributes));
	return take_fd(&tree);
}

/* Opens the directory to mount on; makes it if the image has none. A symbolic link is refused:
 * whoever makes an image with /proc -> /etc does not mean well. Returns a descriptor or -errno. */
static int open_mount_point(const struct container *c, const char *target)
{
	int flags = O_PATH | O_DIRECTORY;
	int point = rootfs_open(c->rootfs_fd, target, flags, RESOLVE_NO_SYMLINKS);

	if (point == -ENOENT && mkdirat(c->rootfs_fd, target, 0755) == 0)
		point = rootfs_open(c->rootfs_fd, target, flags, RESOLVE_NO_SYMLINKS);
	return point;
}

/* Mounts one row. Returns the mount's descriptor, which the caller owns, or -errno with a record. */
static int mount_row(const struct container *c, const struct mount_row *row)
{
	/* TASK 2.4 mounts
	 * Get the mount with new_mount(), or with hosts_mount() if that says -EPERM; get the
	 * directory with open_mount_point(), which says -ELOOP for a symbolic link; put the one on
	 * the other with sys_move_mount(). Fail with fail(..., "mounting /%s", row->target).
	 * Return the mount's descriptor.
	 * Read: fsmount(2) or its kernel documentation, move_mount(2), mount(2) */
	auto_fd mount = new_mount(row), point = -1;
	int ret;

	if (mount == -EPERM)
		mount = hosts_mount(c, row);
	if (mount < 0)
		return fail(-mount, "mounting /%s", row->target);
	point = open_mount_point(c, row->target);
	if (point == -ELOOP)
		return fail(0, "mounting /%s: in the image it is a symbolic link", row->target);
	if (point < 0)
		return fail(-point, "mounting /%s: opening it in the image", row->target);
	ret = sys_move_mount(mount, point);
	return ret < 0 ? fail(-ret, "mounting /%s", row->target) : take_fd(&mount);
	/* END 2.4 */
}

/* Makes one device node; where a user namespace forbids that, binds the host's. */
static int make_device(int dev_fd, const char *name, unsigned minor)
{
	char path[32] = "/dev/";
	unsigned major = strcmp(name, "tty") == 0 ? 5 : 1;
	auto_fd node = -1, host = -1;

	if (mknodat(dev_fd, name, S_IFCHR | 0666, makedev(major, minor)) == 0)
		return 0;
	if (errno != EPERM)
		return -errno;
	host = sys_open_tree(AT_FDCWD, strcat(path, name), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	node = openat(dev_fd, name, O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (host < 0 || node < 0)
		return host < 0 ? host : -errno;
	return sys_move_mount(host, node);
}

/* Fills /dev with what every program may count on: null(4), zero(4), random(4), tty(4). */
static int fill_dev(int dev_fd)
{
	static const struct {
		const char *name;
		unsigned minor;
	} devices[] = { { "null", 3 },	 { "zero", 5 },	   { "full", 7 },
			{ "random", 8 }, { "urandom", 9 }, { "tty", 0 } };
	static const char *const links[][2] = {
		{ "/proc/self/fd", "fd" },	 { "/proc/self/fd/0", "stdin" },
		{ "/proc/self/fd/1", "stdout" }, { "/proc/self/fd/2", "stderr" },
		{ "/proc/kcore", "core" },	 { "pts/ptmx", "ptmx" },
	};

	for (size_t i = 0; i < sizeof devices / sizeof devices[0]; i++) {
		int ret = make_device(dev_fd, devices[i].name, devices[i].minor);

		if (ret < 0)
			return fail(-ret, "making /dev/%s", devices[i].name);
	}
	for (size_t i = 0; i < sizeof links / sizeof links[0]; i++)
		if (symlinkat(links[i][0], dev_fd, links[i][1]) < 0)
			return fail(errno, "making /dev/%s", links[i][1]);
	return 0;
}

int rootfs_mount(struct container *c)
{
	mode_t caller_umask;
	int ret = 0;

	if (c->flags & CONTAINER_NO_PIVOT)
		return 0;
	TRY(attach_root(c));
	caller_umask = umask(0);
	for (size_t i = 0; i < sizeof mount_rows / sizeof mount_rows[0] && ret >= 0; i++) {
		auto_fd mount = mount_row(c, &mount_rows[i]);

		ret = mount;
		if (ret >= 0 && strcmp(mount_rows[i].target, "dev") == 0)
			ret = fill_dev(mount);
	}
	umask(caller_umask);
	return ret < 0 ? ret : 0;
}

/* The classic way, and all that --no-pivot does. A process that may call chroot(2) can leave. */
static int enter_chroot(struct container *c)
{
	/* TASK 2.1 chroot
	 * Make c->rootfs_path the root with chroot(), and "/" the working directory.
	 * Open the new root first, into c->rootfs_fd (O_PATH | O_DIRECTORY | O_CLOEXEC).
	 * Read: chroot(2) */
	c->rootfs_fd = open(c->rootfs_path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (c->rootfs_fd < 0 || fchdir(c->rootfs_fd) < 0 || chroot(".") < 0 || chdir("/") < 0)
		return fail(errno, "changing the root to %s", c->rootfs_path);
	return 0;
	/* END 2.1 */
}

int rootfs_pivot(struct container *c)
{
	if (c->flags & CONTAINER_NO_PIVOT)
		return enter_chroot(c);
	/* SECURITY: without an old root there is nothing to climb to (tests:
	 * attacks/02-double-chroot, attacks/02-leaked-descriptor). */
	/* TASK 2.5 pivot
	 * Enter c->rootfs_fd, pivot_root(".", "."): the new root becomes "/" and the old one lies on
	 * top of it. Take the old one away, lazily, and make "/" the working directory.
	 * Read: pivot_root(2), from `pivot_root(".", ".")` on; umount2(2) on MNT_DETACH */
	if (fchdir(c->rootfs_fd) < 0)
		return fail(errno, "entering the root file system");
	int ret = sys_pivot_root(".", ".");

	if (ret < 0)
		return fail(-ret, "making %s the root", c->rootfs_path);
	if (umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
		return fail(errno, "letting go of the old root");
	return 0;
	/* END 2.5 */
}
