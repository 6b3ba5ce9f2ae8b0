/* hog MIB - fills so much memory, says "filled MIB" and waits until standard input ends. Without a number: fills all. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	long wanted = argc > 1 ? atol(argv[1]) : 1 << 20, filled = 0;
	char byte;

	for (; filled < wanted; filled++) {
		char *block = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (block == MAP_FAILED)
			break;
		memset(block, 0xa5, 1 << 20);
	}
	printf("filled %ld\n", filled);
	fflush(stdout);
	while (read(0, &byte, 1) > 0)
		;
	return 0;
}
