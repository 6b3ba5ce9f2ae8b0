/* orphans COUNT - makes COUNT orphans that end at once, says "ready" when all have ended, and waits until standard input ends.
 * Whoever is their new parent has to reap them. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	int count = argc > 1 ? atoi(argv[1]) : 1, ended[2];
	char byte;

	if (pipe(ended) < 0)
		return 1;
	for (int i = 0; i < count; i++) {
		pid_t child = fork();
		if (child == 0) {
			pid_t parent = getpid();
			if (fork() == 0)
				while (getppid() == parent)
					usleep(100);
			_exit(0);
		}
		waitpid(child, NULL, 0);
	}
	close(ended[1]);
	while (read(ended[0], &byte, 1) >
	       0) /* end of file: no orphan holds the other end any more */
		;
	puts("ready");
	fflush(stdout);
	while (read(0, &byte, 1) > 0)
		;
	return 0;
}
