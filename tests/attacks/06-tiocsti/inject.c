/* inject - types $INJECTED and Enter on its controlling terminal; the command number has bits above the lowest 32, which the kernel ignores. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static int terminal;

static int type(const char *letter)
{
	return (int)syscall(SYS_ioctl, terminal, TIOCSTI, letter) < 0 &&
	       (int)syscall(SYS_ioctl, terminal, TIOCSTI | 1ul << 32, letter) < 0;
}

int main(void)
{
	const char *text = getenv("INJECTED");

	terminal = open("/dev/tty", O_RDWR);
	while (text && *text)
		if (type(text++)) {
			perror("nothing was typed");
			return 1;
		}
	return type("\n");
}
