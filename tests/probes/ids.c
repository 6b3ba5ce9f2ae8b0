/* ids [FILE...] - prints, as JSON, who it is (user, group and supplementary groups, as it sees itself), what setgroups(2) says, and the
 * owner of each FILE; creates a FILE that is not there. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	uid_t r, e, s;
	gid_t gr, ge, gs, groups[64];
	int count = getgroups(64, groups);

	getresuid(&r, &e, &s);
	getresgid(&gr, &ge, &gs);
	printf("{\"uid\":[%u,%u,%u],\"gid\":[%u,%u,%u],\"groups\":[", r, e, s, gr, ge, gs);
	for (int i = 0; i < count; i++)
		printf("%s%u", i ? "," : "", groups[i]);
	printf("],\"files\":[");
	for (int i = 1; i < argc; i++) {
		struct stat st;
		int fd = open(argv[i], O_CREAT | O_RDONLY | O_CLOEXEC, 0644);
		if (fd < 0 || fstat(fd, &st) < 0)
			printf("%s{\"error\":%d}", i > 1 ? "," : "", errno);
		else
			printf("%s{\"uid\":%u,\"gid\":%u}", i > 1 ? "," : "", st.st_uid, st.st_gid);
	}
	groups[0] = ge;
	printf("],\"setgroups\":%d}\n", setgroups(1, groups) < 0 ? errno : 0);
	return 0;
}
