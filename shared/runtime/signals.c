/* signals.c - signals and the terminal between skiff and the container; see signals.h. */
#include "signals.h"

#include <inttypes.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "container.h"
#include "fail.h"
#include "kernel.h"
#include "scope.h"

enum { GRACE_MSEC = 500 };

static bool is_fault(int signal)
{
	return signal == SIGSEGV || signal == SIGILL || signal == SIGBUS || signal == SIGFPE ||
	       signal == SIGTRAP || signal == SIGSYS || signal == SIGABRT;
}

void signals_forwarded(sigset_t *set)
{
	sigfillset(set);
	sigdelset(set, SIGTTIN);
	for (int signal = 1; signal < NSIG; signal++)
		if (is_fault(signal))
			sigdelset(set, signal);
}

int signals_block(struct container *c)
{
	struct sigaction child = { .sa_handler = SIG_DFL };
	sigset_t set;

	signals_forwarded(&set);
	/* A caller that ignores SIGCHLD would make the kernel reap the container: wait(2). */
	if (sigaction(SIGCHLD, &child, NULL) < 0 ||
	    sigprocmask(SIG_BLOCK, &set, &c->caller_mask) < 0)
		return fail(errno, "blocking signals");
	c->signals_blocked = 1;
	pid_t foreground = tcgetpgrp(STDIN_FILENO);
	c->has_terminal = foreground > 0 && foreground == getpgrp() &&
			  tcgetattr(STDIN_FILENO, &c->terminal_modes) == 0;
	return 0;
}

void signals_restore(struct container *c)
{
	if (c->signals_blocked)
		sigprocmask(SIG_SETMASK, &c->caller_mask, NULL);
	c->signals_blocked = 0;
}

int signals_reset(void)
{
	struct sigaction fresh = { .sa_handler = SIG_DFL };
	sigset_t none;

	/* Ignored signals survive execve(2); a command expects none. */
	for (int signal = 1; signal <= SIGSYS; signal++)
		if (signal != SIGKILL && signal != SIGSTOP && sigaction(signal, &fresh, NULL) < 0)
			return fail(errno, "resetting signal %d", signal);
	sigemptyset(&none);
	return sigprocmask(SIG_SETMASK, &none, NULL) < 0 ? fail(errno, "unblocking signals") : 0;
}

bool signal_terminates(int signal)
{
	return signal != SIGCHLD && signal != SIGCONT && signal != SIGURG && signal != SIGWINCH &&
	       signal != SIGTSTP && signal != SIGTTIN && signal != SIGTTOU;
}

/* What acts during the start already: SIGCHLD, and what would end skiff. */
static void signals_of_start(sigset_t *set)
{
	signals_forwarded(set);
	for (int signal = 1; signal < NSIG; signal++)
		if (signal != SIGCHLD && !signal_terminates(signal))
			sigdelset(set, signal);
}

/* One signal that came during the start. Returns 0 or -errno with a record. */
static int act_during_start(struct container *c, int signal)
{
	siginfo_t info = { 0 };

	if (signal != SIGCHLD)
		return fail_exit_code(fail(0, "starting the container: ended by signal %d (%s)",
					   signal, strsignal(signal)),
				      EXIT_SIGNAL + signal);
	if (waitid(P_PIDFD, (id_t)c->pidfd, &info, WSTOPPED | WNOHANG) < 0)
		return fail(errno, "watching for signals");
	return info.si_pid ? terminal_stopped(c) : 0;
}

/* RACE: the command may run, and somebody may know it and have sent the signal, while its start is not all
 * over: with --init the socket's end has one more process to wait for. Then the signal is the command's.
 * Returns whether fd can be read in a moment; the signal is there again then. */
static bool start_goes_on(int fd, int signal)
{
	struct pollfd ready = { fd, POLLIN, 0 };

	return signal != SIGCHLD && poll(&ready, 1, GRACE_MSEC) > 0 && kill(getpid(), signal) == 0;
}

int signals_watch_start(struct container *c, int fd)
{
	struct signalfd_siginfo info;
	auto_fd signals = -1;
	sigset_t set;

	signals_of_start(&set);
	signals = signalfd(-1, &set, SFD_CLOEXEC);
	if (signals < 0)
		return fail(errno, "watching for signals");
	for (;;) {
		struct pollfd ready[] = { { fd, POLLIN, 0 }, { signals, POLLIN, 0 } };

		if (poll(ready, 2, -1) < 0)
			return fail(errno, "watching for signals");
		if (ready[0].revents)
			return 0;
		if (read(signals, &info, sizeof info) != (ssize_t)sizeof info)
			return fail(errno, "watching for signals");
		if (start_goes_on(fd, (int)info.ssi_signo))
			return 0;
		TRY(act_during_start(c, (int)info.ssi_signo));
	}
}

/* A signal mask of /proc/PID/status, such as "SigCgt:"; 0 if it is not there. */
static uint64_t status_mask(const char *status, const char *field)
{
	const char *at = strstr(status, field);

	return at ? strtoull(at + strlen(field), NULL, 16) : 0;
}

/* Reads /proc/PID/FILE. Returns whether it could. */
static bool read_proc(pid_t pid, const char *file, char text[4096])
{
	char path[64];
	auto_fd fd = -1;
	ssize_t length;

	snprintf(path, sizeof path, "/proc/%d/%s", pid, file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	length = fd < 0 ? -1 : read(fd, text, 4095);
	text[length > 0 ? length : 0] = '\0';
	return length > 0;
}

/* Whether the process handles, ignores or blocks the signal; also when it can't be asked. A blocked
 * signal is kept by the kernel until it is unblocked. */
static bool is_noticed(pid_t pid, int signal)
{
	char status[4096];

	if (!read_proc(pid, "status", status))
		return true;
	uint64_t noticed = status_mask(status, "SigCgt:") | status_mask(status, "SigIgn:") |
			   status_mask(status, "SigBlk:");
	return noticed & (UINT64_C(1) << (signal - 1));
}

/* Whether the process sits in sigwait(3) or its kin. KERNEL: meanwhile the signals that it waits
 * for are missing from SigBlk, although they count as blocked. proc(5), /proc/PID/syscall. */
static bool waits_for_signals(pid_t pid)
{
	char call[4096];

	return read_proc(pid, "syscall", call) && strtol(call, NULL, 10) == SYS_rt_sigtimedwait;
}

bool signal_is_dropped(const struct container *c, int signal)
{
	if (!(c->clone_flags & CLONE_NEWPID) || !signal_terminates(signal))
		return false;
	/* RACE: the process may enter or leave sigwait between two looks, so look a third time. */
	return !is_noticed(c->pid, signal) && !waits_for_signals(c->pid) &&
	       !is_noticed(c->pid, signal);
}

int terminal_give(struct container *c)
{
	if (setpgid(0, 0) < 0)
		return fail(errno, "making a process group");
	/* ORDER: SIGTTOU is blocked until signals_reset(): we are a background group here. */
	if (c->has_terminal && tcsetpgrp(STDIN_FILENO, getpgrp()) < 0)
		return fail(errno, "giving the container the terminal");
	return 0;
}

void terminal_take_back(struct container *c)
{
	if (!c->has_terminal || c->pid <= 0)
		return;
	tcsetpgrp(STDIN_FILENO, getpgrp());
	/* ORDER: output that the container has stopped, with tcflow(3), would never be drained. */
	tcflow(STDIN_FILENO, TCOON);
	tcsetattr(STDIN_FILENO, TCSADRAIN, &c->terminal_modes);
}

int terminal_stopped(struct container *c)
{
	if (!c->has_terminal)
		return 0;
	terminal_take_back(c);
	raise(SIGSTOP);
	/* Continued: by `fg`, which made us the foreground group, or by `bg`, which did not. */
	if (tcgetpgrp(STDIN_FILENO) == getpgrp())
		tcsetpgrp(STDIN_FILENO, c->pid);
	kill(-c->pid, SIGCONT);
	return 0;
}
