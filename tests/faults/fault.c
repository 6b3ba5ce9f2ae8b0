/* fault [-u UID] -o REPORT [-t PROCESS:CALL:NTH] [-e ERRNO | -k] PROGRAM ARG...
 *
 * Runs PROGRAM and makes one of its system calls fail with an error number (-e), or kills the
 * process right before it (-k): the NTH call of the name CALL in process number PROCESS (0 is
 * PROGRAM, its children follow in the order of their birth). strace(1) can inject, too, but counts
 * in all processes at once.
 *
 * REPORT gets one line for each thing that happened:
 *	call PROCESS CALL NTH RESULT ARG0 PATH	a system call of PROGRAM's own code has returned;
 *			PATH is its second argument where that is one, else "-"
 *	hit PROCESS CALL NTH		the call that was meant
 *	exec PROCESS			a child has become another program; it is no longer counted
 *	end PROCESS STATUS		exited; 128 + n: died of signal n
 *	hang				it did not end in time; everything was killed
 * A call counts from main() on: skiff's main() begins with fcntl(0, ...), the loader does not use it.
 * PROGRAM may execute itself anew: its calls are counted on from there.
 * Ends when the last process has; the exit status is PROGRAM's, as a shell shows it. */
#include <asm/unistd.h>
#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CALLS = 512, PROCESSES = 64, SECONDS = 15, EXIT_FAULT = 99 };

static const char *const call_names[CALLS] = {
#include "calls.h" /* made by faults.mk: [59] = "execve", ... */
};

static struct process {
	pid_t pid;
	int alive;
	int ours;      /* runs skiff's own code */
	int execs;     /* how many programs it has become */
	int call;      /* the system call that it is in, or -1 */
	int injected;  /* ... which is made to fail */
	long argument; /* ... its first argument */
	char path[128];
	int count[CALLS];
} processes[PROCESSES];
static int process_count;

static struct {
	int process, nth, error, kill;
	char call[64];
} target = { .process = -1 };
static FILE *report;
static volatile sig_atomic_t late;

static void give_up(const char *what)
{
	perror(what);
	exit(EXIT_FAULT);
}

static void on_alarm(int signal)
{
	(void)signal;
	late = 1;
}

static struct process *find(pid_t pid)
{
	for (int i = 0; i < process_count; i++)
		if (processes[i].pid == pid)
			return &processes[i];
	if (process_count == PROCESSES)
		give_up("too many processes");
	processes[process_count] =
		(struct process){ .pid = pid, .alive = 1, .ours = process_count > 0, .call = -1 };
	return &processes[process_count++];
}

static int number(const struct process *process)
{
	return (int)(process - processes);
}

/* Replaces the number of the system call that the process is about to make by one that is none. */
static void skip_call(pid_t pid)
{
#ifdef __aarch64__
	int none = -1;
	struct iovec part = { &none, sizeof none };

	if (ptrace(PTRACE_SETREGSET, pid, NT_ARM_SYSTEM_CALL, &part) < 0)
		give_up("skipping a call");
#else
	struct user_regs_struct regs;

	if (ptrace(PTRACE_GETREGS, pid, NULL, &regs) < 0)
		give_up("reading registers");
	regs.orig_rax = (unsigned long long)-1;
	if (ptrace(PTRACE_SETREGS, pid, NULL, &regs) < 0)
		give_up("skipping a call");
#endif
}

/* Sets what the system call that was skipped returns. */
static void set_result(pid_t pid, long result)
{
	struct user_regs_struct regs;
	struct iovec part = { &regs, sizeof regs };

	if (ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &part) < 0)
		give_up("reading registers");
#ifdef __aarch64__
	regs.regs[0] = (unsigned long long)result;
#else
	regs.rax = (unsigned long long)result;
#endif
	if (ptrace(PTRACE_SETREGSET, pid, NT_PRSTATUS, &part) < 0)
		give_up("setting a result");
}

/* Notes the path that a call such as openat(2) is given; it ends at the first blank. */
static void read_path(struct process *process, unsigned long long address)
{
	struct iovec here = { process->path, sizeof process->path - 1 };
	struct iovec there = { (void *)(uintptr_t)address, here.iov_len };

	memset(process->path, 0, sizeof process->path);
	if (!strstr(call_names[process->call], "at") ||
	    process_vm_readv(process->pid, &here, 1, &there, 1, 0) <= 0 || !process->path[0])
		strcpy(process->path, "-");
	process->path[strcspn(process->path, " \n")] = '\0';
	for (const char *at = process->path; *at; at++)
		if (*at < 0x21 || *at > 0x7e) { /* an argument that is no path */
			strcpy(process->path, "-");
			break;
		}
	if (!process->path[0])
		strcpy(process->path, "-");
}

static void on_entry(struct process *process, const struct __ptrace_syscall_info *info)
{
	process->call = info->entry.nr < CALLS ? (int)info->entry.nr : -1;
	if (number(process) == 0 && process->call == __NR_fcntl)
		process->ours = 1;
	if (process->call < 0 || !process->ours)
		return;
	int nth = ++process->count[process->call];

	process->argument = (long)info->entry.args[0];
	read_path(process, info->entry.args[1]);
	if (number(process) != target.process || nth != target.nth ||
	    strcmp(call_names[process->call], target.call) != 0)
		return;
	fprintf(report, "hit %d %s %d\n", target.process, target.call, nth);
	if (target.kill) {
		kill(process->pid, SIGKILL);
	} else if (target.error) {
		/* close(2) always gives the descriptor back, also when it reports an error. */
		if (process->call != __NR_close)
			skip_call(process->pid);
		process->injected = 1;
	}
}

static void on_exit_of_call(struct process *process, const struct __ptrace_syscall_info *info)
{
	if (process->injected)
		set_result(process->pid, -target.error);
	if (process->call >= 0 && process->ours)
		fprintf(report, "call %d %s %d %lld %ld %s\n", number(process),
			call_names[process->call], process->count[process->call],
			process->injected ? -target.error : (long long)info->exit.rval,
			process->argument, process->path);
	process->injected = 0;
	process->call = -1;
}

/* One stop of a process that is traced; lets it go on. */
static void on_stop(struct process *process, int status)
{
	int event = status >> 16, signal = WSTOPSIG(status), deliver = 0;
	struct __ptrace_syscall_info info;
	unsigned long born;

	if (event == PTRACE_EVENT_EXEC) {
		if (++process->execs > 1 || number(process) > 0) {
			fprintf(report, "call %d %s %d 0 0 -\n", number(process),
				call_names[process->call], process->count[process->call]);
			process->ours = 0;
		}
		if (number(process) > 0)
			fprintf(report, "exec %d\n", number(process));
	} else if (event == PTRACE_EVENT_FORK || event == PTRACE_EVENT_VFORK ||
		   event == PTRACE_EVENT_CLONE) {
		/* Children are numbered by birth, not by who is heard of first. */
		if (ptrace(PTRACE_GETEVENTMSG, process->pid, NULL, &born) == 0)
			find((pid_t)born);
	} else if (signal == (SIGTRAP | 0x80)) {
		if (ptrace(PTRACE_GET_SYSCALL_INFO, process->pid, sizeof info, &info) > 0) {
			if (info.op == PTRACE_SYSCALL_INFO_ENTRY)
				on_entry(process, &info);
			else if (info.op == PTRACE_SYSCALL_INFO_EXIT)
				on_exit_of_call(process, &info);
		}
	} else if (!event) {
		deliver = signal;
	}
	/* Fails if it was killed meanwhile: then its end is reported soon. */
	ptrace(PTRACE_SYSCALL, process->pid, NULL, deliver);
}

static void kill_all(void)
{
	fprintf(report, "hang\n");
	for (int i = 0; i < process_count; i++)
		if (processes[i].alive)
			kill(processes[i].pid, SIGKILL);
}

static int trace(void)
{
	int status, result = EXIT_FAULT, killed = 0;

	for (;;) {
		pid_t pid = waitpid(-1, &status, __WALL);

		if (late && !killed++) {
			kill_all();
			alarm(2);
		}
		if (pid < 0 && errno == EINTR)
			continue;
		if (pid < 0)
			return result;
		struct process *process = find(pid);

		if (WIFSTOPPED(status)) {
			on_stop(process, status);
			continue;
		}
		process->alive = 0;
		int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
		fprintf(report, "end %d %d\n", number(process), code);
		if (number(process) == 0)
			result = code;
	}
}

static void start(char **argv, long uid)
{
	const unsigned options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK |
				 PTRACE_O_TRACEVFORK | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL;
	const uid_t id = (uid_t)uid;
	int gate[2];
	char byte;

	if (pipe(gate) < 0)
		give_up("pipe");
	pid_t pid = fork();
	if (pid < 0)
		give_up("fork");
	if (pid == 0) {
		close(gate[1]);
		if (read(gate[0], &byte, 1) != 0)
			_exit(EXIT_FAULT);
		close(gate[0]);
		fclose(report);
		if (uid >= 0 && (setresgid(id, id, id) < 0 || setresuid(id, id, id) < 0))
			give_up("becoming the user");
		execv(argv[0], argv);
		give_up(argv[0]);
	}
	find(pid);
	if (ptrace(PTRACE_SEIZE, pid, NULL, options) < 0)
		give_up("PTRACE_SEIZE");
	close(gate[0]);
	close(gate[1]);
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = on_alarm };
	long uid = -1;
	int option;

	while ((option = getopt(argc, argv, "+u:o:t:e:k")) >= 0) {
		if (option == 'u')
			uid = atol(optarg);
		else if (option == 'o')
			report = fopen(optarg, "we");
		else if (option == 't' && sscanf(optarg, "%d:%63[^:]:%d", &target.process,
						 target.call, &target.nth) != 3)
			give_up("-t PROCESS:CALL:NTH");
		else if (option == 'e')
			target.error = atoi(optarg);
		else if (option == 'k')
			target.kill = 1;
	}
	if (!report || !argv[optind])
		give_up("usage: fault -o REPORT [...] PROGRAM ARG...");
	/* A process that has lost its parent becomes ours: until somebody has waited for it, it keeps its
	 * PID namespace from ending. */
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		give_up("PR_SET_CHILD_SUBREAPER");
	sigaction(SIGALRM, &action, NULL);
	start(argv + optind, uid);
	alarm(SECONDS);
	option = trace();
	return fclose(report) == 0 ? option : EXIT_FAULT;
}
