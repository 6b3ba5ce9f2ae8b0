/* init-setup.c - from the initrd to a machine on which a Debian program feels at home. */
#define _GNU_SOURCE
#include "init.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

struct mount_entry {
	const char *type;
	const char *target;
	unsigned long flags;
	const char *options;
};

#define STRICT (MS_NOSUID | MS_NODEV | MS_NOEXEC)

static const struct mount_entry mounts[] = {
	{ "proc", "/proc", STRICT, NULL },
	{ "sysfs", "/sys", STRICT, NULL },
	{ "cgroup2", "/sys/fs/cgroup", STRICT, "nsdelegate,memory_recursiveprot" },
	{ "devpts", "/dev/pts", MS_NOSUID | MS_NOEXEC, "gid=5,mode=620,ptmxmode=666" },
	{ "tmpfs", "/dev/shm", MS_NOSUID | MS_NODEV, "mode=1777" },
	{ "mqueue", "/dev/mqueue", STRICT, NULL },
	{ "tmpfs", "/run", MS_NOSUID | MS_NODEV, "mode=755" },
	{ "tmpfs", "/tmp", MS_NOSUID | MS_NODEV, "mode=1777" },
};

static void load_module(const struct lab *lab, const char *name)
{
	char path[256];

	snprintf(path, sizeof path, "/modules/%s", name);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 ||
	    (syscall(SYS_finit_module, fd, "", 0) < 0 && errno != EEXIST && errno != ENODEV))
		report(lab->console_fd, "lab init: module %s: %s\n", name, strerror(errno));
	if (fd >= 0)
		close(fd);
}

void load_modules(const struct lab *lab)
{
	char line[200];
	FILE *order = fopen("/modules/order", "re");

	if (!order)
		die(lab, "/modules/order");
	while (fgets(line, sizeof line, order)) {
		line[strcspn(line, "\n")] = '\0';
		load_module(lab, line);
	}
	fclose(order);
}

/* Leave the initrd: the root disk becomes "/". The initrd's own files are not freed: they are
 * two megabytes. */
void enter_root_disk(const struct lab *lab)
{
	for (int tries = 0; mount("/dev/vda", "/root", "ext4", MS_NOATIME, "") < 0; tries++) {
		if (tries == PATIENCE)
			die(lab, "mount of the root disk");
		usleep(10000);
	}
	if (mount("/dev", "/root/dev", NULL, MS_MOVE, NULL) < 0 || chdir("/root") < 0 ||
	    mount(".", "/", NULL, MS_MOVE, NULL) < 0 || chroot(".") < 0 || chdir("/") < 0)
		die(lab, "switch to the root disk");
}

void mount_everything(const struct lab *lab)
{
	static const char *const links[][2] = {
		{ "/proc/self/fd", "/dev/fd" },
		{ "fd/0", "/dev/stdin" },
		{ "fd/1", "/dev/stdout" },
		{ "fd/2", "/dev/stderr" },
	};

	for (size_t i = 0; i < sizeof mounts / sizeof mounts[0]; i++) {
		const struct mount_entry *m = &mounts[i];
		mkdir(m->target, 0755);
		if (mount(m->type, m->target, m->type, m->flags, m->options) < 0)
			die(lab, m->target);
	}
	/* As systemd does: a runtime that forgets to make its mounts private shows it here as it
	 * would on a real machine. */
	if (mount(NULL, "/", NULL, MS_REC | MS_SHARED, NULL) < 0)
		die(lab, "shared mounts");
	for (size_t i = 0; i < sizeof links / sizeof links[0]; i++)
		if (symlink(links[i][0], links[i][1]) < 0)
			die(lab, links[i][1]);
}

static int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	int result = write_all(fd, text, strlen(text));
	close(fd);
	return result;
}

void set_up_kernel(const struct lab *lab)
{
	static const char host[] = "lab";
	struct ifreq loopback = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };

	if (write_file("/sys/fs/cgroup/cgroup.subtree_control", "+cpuset +cpu +io +memory +pids") <
	    0)
		die(lab, "cgroup controllers");
	if (sethostname(host, sizeof host - 1) < 0)
		die(lab, "sethostname");
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &loopback) < 0)
		die(lab, "network interface lo");
	close(fd);
}

void mount_tree(const struct lab *lab)
{
	char line[4096];

	if (!command_line_value("lab.tree", line, sizeof line))
		return;
	if (mount("/dev/vdb", "/tree", "ext4", MS_NOATIME, NULL) < 0)
		die(lab, "/tree");
	rmdir("/tree/lost+found");
}
