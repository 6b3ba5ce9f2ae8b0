/* argv - prints its arguments as a JSON array, byte by byte, so that nothing can hide in them. */
#include <stdio.h>

int main(int argc, char **argv)
{
	putchar('[');
	for (int i = 0; i < argc; i++) {
		printf("%s\"", i ? "," : "");
		for (const unsigned char *c = (unsigned char *)argv[i]; *c; c++)
			printf("\\u%04x", *c);
		putchar('"');
	}
	puts("]");
	return 0;
}
