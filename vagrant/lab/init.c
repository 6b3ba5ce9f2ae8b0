/* init.c - PID 1 of the lab VM: one static program, no shell and no systemd, so that a boot is
 * short even under emulation.
 *
 * It is /init of the initrd. It loads the modules in /modules/order, mounts the root disk and
 * moves into it, mounts what a Debian program expects (cgroup v2 only, every mount shared, as
 * systemd does it), mounts the project's tree, runs one job as root, sends its exit status and
 * the files in /out to the host, and switches the machine off.
 *
 * Host and guest talk over virtio-serial ports:
 *
 *	lab.control   guest to host: "up SECONDS", "exit STATUS SECONDS", "fail WHAT: WHY"
 *	              host to guest: "size ROWSxCOLUMNS" when the person's window changes
 *	lab.out       the job's standard output
 *	lab.err       the job's standard error
 *	lab.result    a tar archive of /out
 *
 * With a person at the keyboard, the job is a shell on the console /dev/hvc0 and lab.out and
 * lab.err do not exist. Words on the kernel's command line choose:
 *
 *	lab.tree=1  lab.shell=ROWSxCOLUMNS  lab.term=TERM
 */
#define _GNU_SOURCE
#include "init.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void set_window_size(int fd, const char *text)
{
	struct winsize size = { 0 };

	if (sscanf(text, "%hux%hu", &size.ws_row, &size.ws_col) == 2)
		ioctl(fd, TIOCSWINSZ, &size);
}

/* A job's output goes through a pipe of its own, not straight into the port: a port can be open
 * only once, so "echo x >/dev/stderr" in the job would fail. */
static void open_pipe(const struct lab *lab, int *from_fd, int *job_fd)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0 || fcntl(ends[0], F_SETFL, O_NONBLOCK) < 0)
		die(lab, "pipe");
	*from_fd = ends[0];
	*job_fd = ends[1];
}

static void open_job_files(struct lab *lab, const char *shell)
{
	if (shell) {
		lab->job_in_fd = open("/dev/hvc0", O_RDWR | O_NOCTTY | O_CLOEXEC);
		if (lab->job_in_fd < 0)
			die(lab, "/dev/hvc0");
		lab->job_out_fd = lab->job_in_fd;
		lab->job_err_fd = lab->job_in_fd;
		set_window_size(lab->job_in_fd, shell);
		return;
	}
	lab->job_in_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	lab->to_out_fd = open_port(lab, "lab.out", O_WRONLY);
	lab->to_err_fd = open_port(lab, "lab.err", O_WRONLY);
	open_pipe(lab, &lab->from_out_fd, &lab->job_out_fd);
	open_pipe(lab, &lab->from_err_fd, &lab->job_err_fd);
}

/* The job's text lies in the initrd, which is out of reach after the switch of the root. */
static void save_job(const struct lab *lab, int from_fd)
{
	char bytes[8192];
	ssize_t count;

	if (mkdir("/run/lab", 0755) < 0)
		die(lab, "/run/lab");
	if (from_fd < 0)
		return;
	int to_fd = open("/run/lab/job", O_CREAT | O_WRONLY | O_CLOEXEC, 0755);
	if (to_fd < 0)
		die(lab, "/run/lab/job");
	while ((count = read(from_fd, bytes, sizeof bytes)) > 0)
		if (write_all(to_fd, bytes, (size_t)count) < 0)
			die(lab, "/run/lab/job");
	close(to_fd);
	close(from_fd);
}

static pid_t start(const struct lab *lab, const char *directory, const char *const args[])
{
	char line[4096];
	sigset_t none;
	pid_t pid = fork();

	if (pid < 0)
		die(lab, "fork");
	if (pid > 0)
		return pid;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setsid();
	if (dup2(lab->job_in_fd, 0) < 0 || dup2(lab->job_out_fd, 1) < 0 ||
	    dup2(lab->job_err_fd, 2) < 0)
		_exit(126);
	ioctl(0, TIOCSCTTY, 0);
	char *term = command_line_value("lab.term", line, sizeof line);
	clearenv();
	setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", 1);
	setenv("HOME", "/root", 1);
	setenv("LANG", "C.UTF-8", 1);
	setenv("TERM", term ? term : "dumb", 1);
	setenv("LABVM", "1", 1);
	if (chdir(directory) < 0 && chdir("/") < 0)
		_exit(126);
	execv(args[0], (char *const *)args);
	_exit(127);
}

/* Copy what a pipe holds at this moment. The pipe is given up at its end. */
static void copy_output(int *from_fd, int to_fd)
{
	char bytes[65536];
	ssize_t count;

	while (*from_fd >= 0 && (count = read(*from_fd, bytes, sizeof bytes)) != 0) {
		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0 && errno == EAGAIN)
			return;
		if (count < 0 || write_all(to_fd, bytes, (size_t)count) < 0)
			break;
	}
	if (*from_fd >= 0)
		close(*from_fd);
	*from_fd = -1;
}

static void read_control(struct lab *lab)
{
	char line[128];
	ssize_t count = read(lab->control_fd, line, sizeof line - 1);

	if (count <= 0)
		return;
	line[count] = '\0';
	/* Several messages may have come at once: the last one counts. */
	char *last = strrchr(line, ' ');
	if (last)
		set_window_size(lab->job_in_fd, last + 1);
}

/* Reap everybody who has died; every orphan becomes our child. Has the job's process ended, its
 * exit status (128+n for a signal) is stored and 1 returned. */
static int reap(pid_t job, int *status)
{
	int state;
	int found = 0;
	pid_t pid;

	while ((pid = waitpid(-1, &state, WNOHANG)) > 0) {
		if (pid != job)
			continue;
		*status = WIFEXITED(state) ? WEXITSTATUS(state) : 128 + WTERMSIG(state);
		found = 1;
	}
	return found;
}

static int wait_for_job(struct lab *lab, pid_t job, int signal_fd)
{
	struct signalfd_siginfo info;
	int status = 0;

	for (;;) {
		struct pollfd fds[] = {
			{ .fd = signal_fd, .events = POLLIN },
			{ .fd = lab->from_out_fd, .events = POLLIN },
			{ .fd = lab->from_err_fd, .events = POLLIN },
			{ .fd = lab->control_fd, .events = POLLIN },
		};
		if (poll(fds, sizeof fds / sizeof fds[0], -1) < 0 && errno != EINTR)
			die(lab, "poll");
		copy_output(&lab->from_out_fd, lab->to_out_fd);
		copy_output(&lab->from_err_fd, lab->to_err_fd);
		if (fds[3].revents & POLLIN)
			read_control(lab);
		if ((fds[0].revents & POLLIN) == 0)
			continue;
		if (read(signal_fd, &info, sizeof info) < 0)
			die(lab, "signalfd");
		if (reap(job, &status))
			break;
	}
	/* RACE: the job may have written after our last read and before its end. What it wrote is
	 * in the pipe by now. A daemon that it left behind keeps the pipe open: we don't wait. */
	copy_output(&lab->from_out_fd, lab->to_out_fd);
	copy_output(&lab->from_err_fd, lab->to_err_fd);
	return status;
}

/* Send the files in /out. An empty directory can be removed: then there is nothing to send. */
static void send_results(const struct lab *lab, int signal_fd)
{
	const char *const tar[] = {
		"/bin/busybox", "tar", "-c", "-C", "/out", "-f", "-", ".", NULL
	};
	struct lab quiet = {
		.console_fd = lab->console_fd,
		.control_fd = lab->control_fd,
		.from_out_fd = -1,
		.from_err_fd = -1,
	};

	if (rmdir("/out") == 0)
		return;
	quiet.job_in_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	quiet.job_err_fd = lab->console_fd;
	quiet.job_out_fd = open_port(lab, "lab.result", O_WRONLY);
	if (wait_for_job(&quiet, start(&quiet, "/", tar), signal_fd) != 0) {
		errno = EIO;
		die(lab, "sending /out");
	}
	close(quiet.job_out_fd);
}

static int block_sigchld(const struct lab *lab)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	int fd = signalfd(-1, &set, SFD_CLOEXEC);
	if (fd < 0)
		die(lab, "signalfd");
	return fd;
}

static void run_job(struct lab *lab)
{
	char line[4096];
	const char *const login[] = { "/bin/bash", "-l", NULL };
	const char *const job[] = { "/bin/bash", "/run/lab/job", NULL };
	const char *shell = command_line_value("lab.shell", line, sizeof line);
	int signal_fd = block_sigchld(lab);

	open_job_files(lab, shell);
	double began = seconds_since_boot();
	report(lab->control_fd, "up %.2f\n", began);
	pid_t pid = start(lab, "/tree", shell ? login : job);
	if (!shell) {
		close(lab->job_out_fd);
		close(lab->job_err_fd);
	}
	int status = wait_for_job(lab, pid, signal_fd);
	double ended = seconds_since_boot();
	send_results(lab, signal_fd);
	report(lab->control_fd, "exit %d %.2f\n", status, ended - began);
}

int main(void)
{
	struct lab lab = { -1, -1, -1, -1, -1, -1, -1, -1, -1 };

	if (mount("dev", "/dev", "devtmpfs", 0, "mode=755") < 0 && errno != EBUSY)
		die(&lab, "/dev");
	lab.console_fd = open("/dev/console", O_RDWR | O_NOCTTY | O_CLOEXEC);
	load_modules(&lab);
	int job_fd = open("/job", O_RDONLY | O_CLOEXEC);
	enter_root_disk(&lab);
	mount_everything(&lab);
	lab.control_fd = open_port(&lab, "lab.control", O_RDWR);
	set_up_kernel(&lab);
	mount_tree(&lab);
	save_job(&lab, job_fd);
	run_job(&lab);
	power_off();
}
