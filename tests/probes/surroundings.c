/* surroundings - prints, as JSON, what a program gets from whoever started it: environment, working directory, umask,
 * open descriptors (asked one by one: there may be no /proc), blocked and ignored signals, descriptor limit. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static void string(const char *text)
{
	putchar('"');
	for (const unsigned char *c = (const unsigned char *)text; *c; c++)
		printf(*c < 32 || *c > 126 || *c == '"' || *c == '\\' ? "\\u%04x" : "%c", *c);
	putchar('"');
}

int main(int argc, char **argv, char **environ)
{
	char cwd[4096];
	sigset_t blocked;
	struct rlimit files;
	const char *comma = "";

	printf("{\"env\":[");
	for (char **e = environ; *e; e++, comma = ",")
		printf("%s", comma), string(*e);
	printf("],\"cwd\":");
	string(getcwd(cwd, sizeof cwd) ? cwd : "?");
	printf(",\"umask\":%u,\"fds\":[", umask(0));
	getrlimit(RLIMIT_NOFILE, &files);
	comma = "";
	for (int fd = 0; fd < 4096 && fd < (int)files.rlim_cur; fd++) {
		struct stat st;
		if (fstat(fd, &st) == 0) {
			printf("%s{\"fd\":%d,\"mode\":%u,\"ino\":%lu}", comma, fd, st.st_mode,
			       (unsigned long)st.st_ino);
			comma = ",";
		}
	}
	printf("],\"blocked\":[");
	sigprocmask(SIG_BLOCK, NULL, &blocked);
	comma = "";
	for (int n = 1; n < 65; n++)
		if (sigismember(&blocked, n) == 1)
			printf("%s%d", comma, n), comma = ",";
	printf("],\"ignored\":[");
	comma = "";
	for (int n = 1; n < 65; n++) {
		struct sigaction old;
		if (sigaction(n, NULL, &old) == 0 && old.sa_handler == SIG_IGN)
			printf("%s%d", comma, n), comma = ",";
	}
	printf("],\"files\":%lu,\"argc\":%d,\"argv0\":", (unsigned long)files.rlim_cur, argc);
	string(argv[0]);
	puts("}");
	return 0;
}
