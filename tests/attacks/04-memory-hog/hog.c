/* hog MIB - fills so much memory and says so. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

int main(int argc, char **argv)
{
	size_t size = (size_t)(argc > 1 ? atol(argv[1]) : 0) << 20;
	char *block = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (block == MAP_FAILED)
		return 1;
	for (size_t at = 0; at < size; at += 512)
		((volatile char *)block)[at] = 1; /* or the compiler leaves out what nobody reads */
	printf("filled %zu\n", size >> 20);
	return 0;
}
