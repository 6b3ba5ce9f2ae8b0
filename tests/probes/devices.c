/* devices - uses each device that a program expects, and prints, as JSON, what happened: null, zero, full, random, urandom, a new
 * pseudo-terminal, shared memory, a message queue. 0 is well, else an errno; -1 is a wrong answer. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static int device(const char *path, int want_read, int want_errno)
{
	char bytes[4] = { 1, 1, 1, 1 };
	int fd = open(path, O_RDWR | O_CLOEXEC), got;

	if (fd < 0)
		return errno;
	got = (int)read(fd, bytes, sizeof bytes);
	if (got != want_read || (want_read == 4 && path[5] == 'z' && (bytes[0] | bytes[3])))
		return -1;
	errno = 0;
	got = (int)write(fd, bytes, 1);
	close(fd);
	return want_errno ? (errno == want_errno ? 0 : -1) : (got == 1 ? 0 : errno);
}

static int terminal(void)
{
	int master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC), slave;
	char *name;

	if (master < 0)
		return errno;
	if (grantpt(master) < 0 || unlockpt(master) < 0 || !(name = ptsname(master)))
		return errno;
	slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
	return slave < 0 ? errno : isatty(slave) ? 0 : -1;
}

int main(void)
{
	mqd_t queue;
	int shm;

	printf("{\"null\":%d,\"zero\":%d,\"full\":%d,\"random\":%d,\"urandom\":%d",
	       device("/dev/null", 0, 0), device("/dev/zero", 4, 0), device("/dev/full", 4, ENOSPC),
	       device("/dev/random", 4, 0), device("/dev/urandom", 4, 0));
	printf(",\"ptmx\":%d", terminal());
	shm = shm_open("/probe", O_CREAT | O_RDWR, 0600);
	printf(",\"shm\":%d", shm < 0 ? errno : 0);
	shm_unlink("/probe");
	queue = mq_open("/probe", O_CREAT | O_RDWR, 0600, NULL);
	struct stat st;
	printf(",\"mqueue\":%d,\"mqueue_seen\":%d", queue < 0 ? errno : 0,
	       stat("/dev/mqueue/probe", &st) == 0);
	mq_unlink("/probe");
	puts("}");
	return 0;
}
