/* plant.c - linked into the skiffs that sanitizers and valgrind watch, and into no other.
 *
 * SKIFF_PLANT=PLACE plants one mistake, so that a test can see that the alarm works:
 *	parent-leak, parent-descriptor	something is not given back
 *	child-overflow, child-undefined	in the container, just before the execve(2)
 * Without it nothing happens. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

struct container;

static void plant(const char *place)
{
	static volatile int amount = 2147483647;
	const char *wanted = getenv("SKIFF_PLANT");
	char *volatile bytes = malloc(8);

	if (wanted && strcmp(wanted, place) == 0) {
		if (strstr(place, "overflow"))
			bytes[8 + amount % 2] = 1;
		if (strstr(place, "undefined"))
			amount += 1;
		if (strstr(place, "descriptor"))
			amount = open("/", O_PATH | O_CLOEXEC);
		if (strstr(place, "leak"))
			bytes = NULL;
	}
	free(bytes); /* NOLINT(clang-analyzer-unix.Malloc): that is the mistake */
}

/* The linker puts these between the corridor and the room (--wrap). */
int __real_process_exec(struct container *c);
int __wrap_process_exec(struct container *c);
int __wrap_process_exec(struct container *c)
{
	plant("child-overflow");
	plant("child-undefined");
	return __real_process_exec(c);
}

int __real_process_wait(struct container *c);
int __wrap_process_wait(struct container *c);
int __wrap_process_wait(struct container *c)
{
	plant("parent-leak");
	plant("parent-descriptor");
	return __real_process_wait(c);
}
