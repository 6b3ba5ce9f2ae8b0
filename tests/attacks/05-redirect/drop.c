/* drop.c - becomes an ordinary user of the container and prints a file. */
#include <err.h>
#include <grp.h>
#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	char line[256];
	FILE *file;

	if (argc < 2 || setgroups(0, NULL) || setgid(1000) || setuid(1000))
		err(1, "becoming user 1000");
	file = fopen(argv[1], "r");
	if (!file || !fgets(line, sizeof line, file))
		err(1, "%s", argv[1]);
	fputs(line, stdout);
	return 0;
}
