/* start.c - chapter 00: the first task, one line long. The contract is in start.h. */
#include "start.h"

#include <unistd.h>

#include "chapters.h"
#include "fail.h"

ROOM(00);

int start_process_id(void)
{
	/* TASK 0.1 hello
	 * Return the process ID of this process, instead of failing.
	 * Read: getpid(2) */
	return getpid();
	/* END 0.1 */
}
