/* ipc put FILE: leaves the first line of FILE in System V shared memory, as a database would.
 * ipc get: prints what is in every shared memory segment there is.
 *
 * System V IPC has no files: segments, queues and semaphores are found by number, in one table for
 * each IPC namespace. sysvipc(7), shmctl(2). */
#include <stdio.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/shm.h>

enum { SEGMENT_BYTES = 256 };

static int put(const char *path)
{
	int id = shmget(IPC_PRIVATE, SEGMENT_BYTES, IPC_CREAT | 0600);
	char *memory = id < 0 ? (void *)-1 : shmat(id, NULL, 0);
	FILE *file = fopen(path, "r");

	if (memory == (void *)-1 || !file || !fgets(memory, SEGMENT_BYTES, file)) {
		perror(path);
		return 1;
	}
	return 0;
}

static int get(void)
{
	struct shm_info info;
	struct shmid_ds segment;
	int last = shmctl(0, SHM_INFO, (struct shmid_ds *)&info), found = 0;

	for (int i = 0; i <= last; i++) {
		int id = shmctl(i, SHM_STAT, &segment); /* the i-th line of the table */
		char *memory = id < 0 ? (void *)-1 : shmat(id, NULL, SHM_RDONLY);

		if (memory == (void *)-1)
			continue;
		printf("segment %d: %.*s\n", id, (int)segment.shm_segsz, memory);
		found++;
	}
	if (!found)
		printf("no shared memory to be seen\n");
	return !found;
}

int main(int argc, char **argv)
{
	return argc > 2 && strcmp(argv[1], "put") == 0 ? put(argv[2]) : get();
}
