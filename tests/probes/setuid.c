/* setuid [PROGRAM] - prints, as JSON, its user IDs and whether they are root's; with PROGRAM, executes that instead. Installed with the
 * set-user-ID bit, it shows what execve(2) makes of the bit. */
#define _GNU_SOURCE
#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	uid_t real, effective, saved;

	if (argc > 1) {
		execv(argv[1], argv + 1);
		perror(argv[1]);
		return 1;
	}
	getresuid(&real, &effective, &saved);
	printf("{\"real\":%u,\"effective\":%u,\"saved\":%u}\n", real, effective, saved);
	return 0;
}
