/* forks N - makes up to N children that wait, says how many it got, and waits until standard input ends. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	int wanted = argc > 1 ? atoi(argv[1]) : 1, made = 0;
	char byte;

	for (; made < wanted; made++) {
		pid_t pid = fork();

		if (pid < 0)
			break;
		if (pid == 0)
			for (;;)
				pause();
	}
	printf("%d\n", made);
	fflush(stdout);
	while (read(0, &byte, 1) > 0)
		;
	return 0;
}
