/* steal.c - prints a file that only root may read: as a set-user-ID program of root's it may. */
#include <err.h>
#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	char line[256];
	FILE *file = argc > 1 && setuid(0) == 0 ? fopen(argv[1], "r") : NULL;

	if (!file || !fgets(line, sizeof line, file))
		err(1, "reading the secret");
	fputs(line, stdout);
	return 0;
}
