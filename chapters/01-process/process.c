/* process.c - chapter 01, your code: the container's first process. The contract is in process.h. */
#include "process.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "cgroup.h"
#include "chapters.h"
#include "container.h"
#include "fail.h"
#include "kernel.h"
#include "path.h"
#include "scope.h"
#include "signals.h"
#include "sync.h"

ROOM(01);

/* clone3(2) for the container's first process: later chapters add to args (04: its cgroup). */
static int clone_process(const struct container *c, struct clone_args *args)
{
	cgroup_birth(c, args);
	return sys_clone3(args);
}

int process_clone(struct container *c)
{
	/* TODO 1.1 clone
	 * Make the first process with clone_process(), which is clone3(2): flags CLONE_PIDFD and
	 * c->clone_flags, the pidfd into c->pidfd, SIGCHLD as exit signal. Set c->pid to what it
	 * returns.
	 * Read: clone(2), the part on clone3() */
	return TODO("1.1 clone");
	/* END 1.1 */
}

/* Enters the working directory; makes it first where the root is the container's own.
 * SECURITY: a working directory such as /proc/self/fd/7 would lead through a descriptor of ours
 * to the host: CVE-2024-21626. No magic link is followed (test: attacks/02-workdir-descriptor). */
static int enter_workdir(const struct container *c)
{
	const char *path = c->workdir ? c->workdir : "/";
	struct open_how how = { .flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
				.resolve = RESOLVE_NO_MAGICLINKS };
	auto_fd dir = sys_openat2(AT_FDCWD, path, &how);

	if (dir == -ENOENT && c->rootfs_fd >= 0 && make_directories(path) == 0)
		dir = sys_openat2(AT_FDCWD, path, &how);
	if (dir < 0)
		return fail(-dir, "entering the working directory %s", path);
	if (fchdir(dir) < 0)
		return fail(errno, "entering the working directory %s", path);
	return 0;
}

int process_surroundings(struct container *c)
{
	TRY(terminal_give(c));
	TRY(signals_reset());
	/* TODO 1.4 surroundings
	 * Enter the working directory (enter_workdir() is there for it), set the umask to 022, and
	 * mark all descriptors from 3 + c->preserve_fds up so that execve() closes them.
	 * Read: umask(2), close_range(2) */
	return TODO("1.4 surroundings");
	/* END 1.4 */
}

/* Calls execve(2) on each place in PATH where argv[0] may be. Returns the error that tells most:
 * -ENOENT only if the command was nowhere. */
static int exec_in_path(const struct container *c)
{
	const char *at = strv_get(&c->env, "PATH"), *name = c->argv[0];
	char path[PATH_MAX];
	int error = ENOENT;

	while (at && *at) {
		size_t length = strcspn(at, ":");

		if (snprintf(path, sizeof path, "%.*s/%s", (int)length, at, name) < PATH_MAX)
			execve(path, c->argv, c->env.list);
		if (errno != ENOENT && errno != ENOTDIR)
			error = errno;
		if (error != ENOENT && error != EACCES)
			break;
		at += length + (at[length] == ':');
	}
	return -error;
}

static int exec_command(struct container *c)
{
	TRY(sync_send_ready(c));
	/* TODO 1.2 exec
	 * Become the command: execve() with c->argv and c->env.list when the name holds a slash,
	 * exec_in_path() otherwise. When that returns, fail with exit code EXIT_NOT_FOUND if the
	 * error is ENOENT, EXIT_NOT_EXECUTABLE if it is another: fail_exit_code(fail(...), ...).
	 * Read: execve(2) */
	return TODO("1.2 exec");
	/* END 1.2 */
}

/* What exit code a shell would make of it: the status, or 128 plus the signal. */
static int exit_code_of(const siginfo_t *info)
{
	return info->si_code == CLD_EXITED ? info->si_status : EXIT_SIGNAL + info->si_status;
}

/* The init of --init: waits for every child there is, until `command` has ended. As PID 1 of a
 * PID namespace, or as a subreaper, it inherits all orphans. Returns command's exit code. */
static int init_loop(pid_t command, const sigset_t *all)
{
	/* TODO 1.6 init
	 * Wait for signals with sigwaitinfo(all, &info). On SIGCHLD, reap every child that has
	 * ended: waitid(P_ALL, ..., WEXITED | WNOHANG) until it finds none; if one of them was
	 * `command`, return exit_code_of() it. Pass any other signal on to `command`, unless the
	 * kernel sent it (si_code SI_KERNEL): the terminal's ^C has reached command already.
	 * Read: sigwaitinfo(2), waitid(2), pid_namespaces(7) */
	return TODO("1.6 init");
	/* END 1.6 */
}

/* Wipes the words that skiff was started with, but for the command's: options and environment.
 * SECURITY: the init is a copy of skiff that everybody in the container may look at, and
 * /proc/1/cmdline and /proc/1/environ show these words (test: attacks/03-init-words).
 * KERNEL: they lie one behind the other: argv, environ, and the name of our program, to which
 * AT_EXECFN points: getauxval(3). */
static void wipe_words(const struct container *c)
{
	static const char name[] = "init"; /* what ps(1) will show: skiff and run are longer */
	char *first = program_invocation_name, *end = (char *)getauxval(AT_EXECFN);
	char *command = c->argv[0], *rest = command;

	for (char *const *word = c->argv; *word; word++)
		rest = *word + strlen(*word) + 1;
	if (command < first + sizeof name || rest > end) /* the command's words are elsewhere */
		command = rest = end;
	memset(first, 0, (size_t)(command - first));
	memset(rest, 0, (size_t)(end - rest));
	memcpy(first, name, sizeof name);
}

/* The init after its one start: nothing but waiting. Returns the exit code. */
static int stay_as_init(struct container *c, pid_t command, const sigset_t *all)
{
	int ret;

	/* The command has a copy of its own. */
	for (char *const *word = c->argv; *word; word++)
		memset(*word, 0, strlen(*word));
	/* KERNEL: the change to root of a user namespace made us non-dumpable, and then `exec` could
	 * not join our namespaces: setns(2), ptrace access mode. */
	ret = prctl(PR_SET_DUMPABLE, 1) < 0 || prctl(PR_SET_NAME, "init") < 0 ? -errno : 0;
	/* The socket goes last: from here on its other end is the command's alone. */
	if (ret == 0)
		ret = sys_close_range(3, ~0u, 0);
	if (ret < 0)
		return fail(-ret, "becoming the container's init");
	c->sync_fd = -EBADF;
	ret = init_loop(command, all);
	return ret < 0 ? fail_print() : ret; /* the socket is closed: nobody else would say it */
}

/* Closes what the parent of us both has left us: directories of the host, and more.
 * SECURITY: the command may look into its init, and /proc/1/fd/N/../.. would be the host's "/". To close
 * them behind the fork is too late, for the command may be faster (test: attacks/03-init-descriptor). */
static int close_descriptors(const struct container *c)
{
	unsigned first = 3 + c->preserve_fds, sync = (unsigned)c->sync_fd;
	int ret = sync > first ? sys_close_range(first, sync - 1, 0) : 0;

	if (ret == 0)
		ret = sys_close_range(sync + 1, ~0u, 0);
	return ret < 0 ? fail(-ret, "closing skiff's descriptors") : 0;
}

/* Starts the command as a child and stays as its init. */
static int exec_under_init(struct container *c)
{
	sigset_t all, none;
	pid_t init = getpid(), pid;
	int ret;

	sigfillset(&all);
	sigemptyset(&none);
	if (sigprocmask(SIG_SETMASK, &all, NULL) < 0)
		return fail(errno, "blocking signals"); /* unblocked, SIGCHLD would go unheard */
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		return fail(errno, "becoming the reaper of orphans");
	wipe_words(c); /* ORDER: or the command could be faster, and read them */
	TRY(close_descriptors(c));
	pid = fork(); /* ORDER behind the filter of chapter 06, which forbids clone3(2) */
	if (pid < 0)
		return fail(errno, "making the command's process");
	if (pid > 0)
		return stay_as_init(c, pid, &all);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != init) /* RACE: it died before the prctl */
		return fail(ESRCH, "looking for the init");
	if (sigprocmask(SIG_SETMASK, &none, NULL) < 0)
		return fail(errno, "unblocking signals");
	ret = exec_command(c);
	sync_send_failure(c);
	return ret < 0 ? fail_record()->exit_code : ret;
}

int process_exec(struct container *c)
{
	return c->flags & CONTAINER_INIT ? exec_under_init(c) : exec_command(c);
}

/* Looks whether the container's first process has ended, without waiting.
 * Returns 1 when it has (c->exit_code is set), 0 when it has not, or -errno with a record. */
static int collect_status(struct container *c)
{
	siginfo_t info = { 0 };

	/* TODO 1.3 status
	 * Ask with waitid(P_PIDFD, ...) for WEXITED | WSTOPPED | WNOHANG. Nothing to report
	 * (si_pid is 0): return 0. Stopped (si_code CLD_STOPPED): return terminal_stopped(c).
	 * Ended: set c->exit_code with exit_code_of(), or with EXIT_SIGNAL + c->sent_signal where
	 * skiff had to kill it in that signal's stead, and return 1.
	 * Read: waitid(2) */
	return TODO("1.3 status");
	/* END 1.3 */
}

/* Sends the container a signal that skiff was sent. */
static int forward_signal(struct container *c, int signal)
{
	/* TODO 1.5 signals
	 * Send it with sys_pidfd_send_signal(). If signal_is_dropped() says that PID 1 would not
	 * even notice, send SIGKILL and remember the signal in c->sent_signal. That the process is
	 * gone already (-ESRCH) is no failure.
	 * Read: pidfd_send_signal(2), pid_namespaces(7) */
	return TODO("1.5 signals");
	/* END 1.5 */
}

static int forward_and_wake(struct container *c, int signal)
{
	TRY(forward_signal(c, signal));
	cgroup_wake(c, signal); /* 04 a paused container hears it only then */
	return 0;
}

/* RACE: the end of a container waits until each process of its PID namespace is reaped, also one of
 * `exec`; then its cgroup goes: pid_namespaces(7). So exec asks why it was killed before it reaps. */
static int report_before_reaping(struct container *c)
{
	siginfo_t end = { 0 };

	if (!(c->flags & CONTAINER_EXEC) || c->sent_signal)
		return 0;
	if (waitid(P_PIDFD, (id_t)c->pidfd, &end, WEXITED | WNOHANG | WNOWAIT) < 0)
		return fail(errno, "waiting for the command");
	if (!end.si_pid)
		return 0;
	c->exit_code = exit_code_of(&end);
	return cgroup_report(c); /* 04 */
}

int process_wait(struct container *c)
{
	sigset_t set;
	auto_fd signals = -1;
	struct signalfd_siginfo info;
	int ended;

	signals_forwarded(&set);
	signals = signalfd(-1, &set, SFD_CLOEXEC);
	if (signals < 0)
		return fail(errno, "watching for signals");
	for (;;) {
		TRY(report_before_reaping(c));
		ended = collect_status(c);
		if (ended)
			return ended < 0 ? ended : 0;
		if (read(signals, &info, sizeof info) != (ssize_t)sizeof info)
			return fail(errno, "watching for signals");
		if (info.ssi_signo != SIGCHLD)
			TRY(forward_and_wake(c, (int)info.ssi_signo));
	}
}
