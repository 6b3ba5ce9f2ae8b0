/* start.h - chapter 00: the first task, one line long.
 *
 * Runs in: `skiff hello`, which starts no container.
 * Kernel:  getpid(2).
 * Tests:   tests/chapters/test_00_start.py */
#ifndef SKIFF_START_H
#define SKIFF_START_H

/* Returns the process ID of the skiff that is running. `skiff hello` prints it. Cannot fail. */
int start_process_id(void);

#endif
