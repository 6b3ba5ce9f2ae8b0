/* unroot FILE - tries to take its own root away: where the root was only moved over the old one, the old one comes to light.
 * Prints the first line of FILE as seen from there, or "held". */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	char line[256] = "";
	int own = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	FILE *file;

	if (argc < 2 || own < 0)
		return 1;
	umount2("/", MNT_DETACH);
	/* Into the mount namespace that we are in: its topmost root becomes ours. */
	setns(own, CLONE_NEWNS);
	file = fopen(argv[1], "r");
	if (!file || !fgets(line, sizeof line, file))
		line[0] = 0;
	puts(line[0] ? line : "held");
	return 0;
}
