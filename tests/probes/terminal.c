/* terminal [raw|stop] - prints, as JSON, how it stands to the terminal on standard input. Leaves it in raw mode without echo
 * with `raw`, without output with `stop`. Else reads one line, prints "got LINE", and ends. */
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	char line[256] = "";
	struct termios modes;

	printf("{\"tty\":%d,\"pid\":%d,\"pgrp\":%d,\"sid\":%d,\"foreground\":%d}\n", isatty(0),
	       getpid(), getpgrp(), getsid(0), tcgetpgrp(0));
	fflush(stdout);
	if (argc > 1 && !strcmp(argv[1], "raw")) {
		tcgetattr(0, &modes);
		cfmakeraw(&modes);
		tcsetattr(0, TCSANOW, &modes);
		return 0;
	}
	if (argc > 1 && !strcmp(argv[1], "stop"))
		return tcflow(0, TCOOFF) < 0;
	if (fgets(line, sizeof line, stdin))
		printf("got %s", line);
	return 0;
}
