/* become FILE - a careless set-user-ID program: it shows any file, whoever asks. */
#include <stdio.h>

int main(int argc, char **argv)
{
	char line[128];
	FILE *file = argc > 1 ? fopen(argv[1], "r") : NULL;

	if (!file || !fgets(line, sizeof line, file)) {
		perror("become");
		return 1;
	}
	fputs(line, stdout);
	return 0;
}
