/* catch COUNT [blocked] - handles every signal that can be handled (or, `blocked`, keeps them blocked and asks for them, as programs with
 * signalfd do), says "ready", prints the number of each signal that comes, a line each, and ends with 0 after COUNT of them. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static volatile sig_atomic_t left;

static void caught(int number)
{
	dprintf(1, "%d\n", number);
	left--;
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = caught };
	sigset_t all, none;

	left = argc > 1 ? atoi(argv[1]) : 1;
	sigfillset(&all);
	sigdelset(&all, SIGCHLD);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &all, NULL);
	action.sa_mask = all;
	for (int n = 1; n < 65 && argc < 3; n++)
		if (sigismember(&all, n))
			sigaction(n, &action, NULL);
	puts("ready");
	fflush(stdout);
	while (left > 0) {
		if (argc < 3)
			sigsuspend(&none);
		else
			caught(sigwaitinfo(&all, NULL));
	}
	return 0;
}
