/* floor.c - the floor of `make bench`: what a start costs that does nothing but the start.
 *
 *	floor ROOT COMMAND [ARG...]
 *
 * The command sees the same world as under `skiff run --rootfs ROOT COMMAND`: the same namespaces,
 * mounts, devices, host name and loopback. Each thing is had by the fewest kernel calls that we
 * know; nothing is checked but success, looked up, forwarded, written down or undone. */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#define DO(call) ((call) < 0 ? err(125, "%s", #call) : (void)0)
enum { SEALED = MS_NOSUID | MS_NODEV | MS_NOEXEC };

static void make_dev(void)
{
	static const struct {
		const char *name;
		int major, minor;
	} devices[] = {
		{ "dev/null", 1, 3 },	{ "dev/zero", 1, 5 },	 { "dev/full", 1, 7 },
		{ "dev/random", 1, 8 }, { "dev/urandom", 1, 9 }, { "dev/tty", 5, 0 },
	};
	static const char *const links[][2] = {
		{ "/proc/self/fd", "dev/fd" },	     { "/proc/self/fd/0", "dev/stdin" },
		{ "/proc/self/fd/1", "dev/stdout" }, { "/proc/self/fd/2", "dev/stderr" },
		{ "/proc/kcore", "dev/core" },	     { "pts/ptmx", "dev/ptmx" },
	};

	for (int i = 0; i < 6; i++)
		DO(mknod(devices[i].name, S_IFCHR | 0666,
			 makedev(devices[i].major, devices[i].minor)));
	for (int i = 0; i < 6; i++)
		DO(symlink(links[i][0], links[i][1]));
}

static void enter(const char *root, char **argv)
{
	char path[] = "PATH=/bin", *env[] = { path, NULL };
	struct ifreq lo = { .ifr_name = "lo", .ifr_flags = IFF_UP };

	DO(sethostname("floor", 5));
	DO(ioctl(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), SIOCSIFFLAGS, &lo));
	DO(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	DO(mount(root, root, NULL, MS_BIND | MS_REC, NULL));
	DO(chdir(root));
	umask(0);
	DO(mount("proc", "proc", "proc", SEALED, NULL));
	DO(mount("sysfs", "sys", "sysfs", SEALED | MS_RDONLY, NULL));
	DO(mount("tmpfs", "dev", "tmpfs", MS_NOSUID, "mode=755,size=65536k"));
	make_dev();
	DO(mkdir("dev/pts", 0755));
	DO(mount("devpts", "dev/pts", "devpts", MS_NOSUID | MS_NOEXEC,
		 "newinstance,ptmxmode=0666,mode=0620,gid=5"));
	DO(mkdir("dev/shm", 0755));
	DO(mount("tmpfs", "dev/shm", "tmpfs", SEALED, "mode=1777,size=65536k"));
	DO(mkdir("dev/mqueue", 0755));
	DO(mount("mqueue", "dev/mqueue", "mqueue", SEALED, NULL));
	DO(syscall(SYS_pivot_root, ".", "."));
	DO(umount2(".", MNT_DETACH));
	DO(chdir("/"));
	umask(022);
	DO(execve(argv[0], argv, env));
}

int main(int argc, char **argv)
{
	struct clone_args args = {
		.flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNET |
			 CLONE_NEWCGROUP,
		.exit_signal = SIGCHLD,
	};
	int status = 0;

	if (argc < 3)
		errx(125, "usage: floor ROOT COMMAND [ARG...]");
	pid_t child = (pid_t)syscall(SYS_clone3, &args, sizeof args);
	DO(child);
	if (child == 0)
		enter(argv[1], argv + 2);
	DO(waitpid(child, &status, 0));
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
