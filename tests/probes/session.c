/* session foreground|background FD COMMAND... - does what a shell does with one job: makes a session on the terminal of standard
 * input, runs COMMAND in a process group of its own, in the foreground or the background of the terminal, and writes on FD, as
 * one JSON line each, every stop and the end of it, with the state of the terminal. A stopped job is continued when SIGUSR1 comes. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

static pid_t job;

static void resume(int number)
{
	(void)number;
	tcsetpgrp(0, job);
	kill(-job, SIGCONT);
}

int main(int argc, char **argv)
{
	int foreground = argc > 3 && !strcmp(argv[1], "foreground"),
	    report = argc > 3 ? atoi(argv[2]) : -1, status;
	struct termios before, after;

	if (argc < 4)
		return 2;
	setsid();
	ioctl(0, TIOCSCTTY, 0);
	signal(SIGTTOU, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGUSR1, resume);
	tcgetattr(0, &before);
	job = fork();
	if (job == 0) {
		setpgid(0, 0);
		if (foreground)
			tcsetpgrp(0, getpid());
		for (int n = 1; n < 32; n++)
			signal(n, SIG_DFL);
		close(report);
		execvp(argv[3], argv + 3);
		_exit(127);
	}
	setpgid(job, job);
	dprintf(report, "{\"event\":\"started\",\"pid\":%d,\"shell\":%d}\n", job, getpid());
	for (;;) {
		if (waitpid(job, &status, WUNTRACED) < 0) {
			if (errno == EINTR)
				continue;
			return 1;
		}
		memset(&after, 0, sizeof after);
		tcgetattr(0, &after);
		int same = before.c_iflag == after.c_iflag && before.c_oflag == after.c_oflag &&
			   before.c_lflag == after.c_lflag && before.c_cflag == after.c_cflag &&
			   !memcmp(before.c_cc, after.c_cc, sizeof before.c_cc);
		pid_t group = tcgetpgrp(0);
		tcsetpgrp(0, getpid());
		dprintf(report,
			"{\"event\":\"%s\",\"pid\":%d,\"code\":%d,\"foreground\":%d,\"same_modes\":"
			"%d}\n",
			WIFSTOPPED(status) ? "stopped" : "ended", job,
			WIFSTOPPED(status)  ? WSTOPSIG(status) :
			WIFSIGNALED(status) ? 128 + WTERMSIG(status) :
					      WEXITSTATUS(status),
			group, same);
		if (!WIFSTOPPED(status))
			return 0;
	}
}
