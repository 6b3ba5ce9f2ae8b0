/* hog MIB - fills so much memory and says so. */
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
	size_t size = (size_t)(argc > 1 ? atol(argv[1]) : 0) << 20;
	volatile char *block = malloc(
		size); /* volatile: or the compiler leaves out what nobody reads */

	if (!block)
		return 1;
	for (size_t at = 0; at < size; at += 512)
		block[at] = 1;
	printf("filled %zu\n", size >> 20);
	return 0;
}
