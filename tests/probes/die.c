/* die - ends as it is told: `die N` exits with N, `die -s N` sends itself signal N, `die -f SEGV|FPE|ILL|BUS|TRAP` commits
 * a real fault, which ends even a PID 1. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void raise_fault(unsigned long address)
{
	volatile unsigned long where = address;
	*(volatile char *)where = 1;
}

int main(int argc, char **argv)
{
	if (argc == 2)
		return atoi(argv[1]);
	if (argc != 3)
		return 99;
	if (!strcmp(argv[1], "-s")) {
		kill(getpid(), atoi(argv[2]));
		return 98;
	}
	if (!strcmp(argv[2], "SEGV"))
		raise_fault(8);
	if (!strcmp(argv[2], "ILL") || !strcmp(argv[2], "TRAP") || !strcmp(argv[2], "FPE")) {
#if defined(__x86_64__)
		if (!strcmp(argv[2], "TRAP"))
			__asm__ volatile("int3");
		if (!strcmp(argv[2], "FPE"))
			__asm__ volatile("xorl %%ecx, %%ecx; movl $1, %%eax; cltd; idivl %%ecx" ::
						 : "eax", "ecx", "edx");
#endif
		__builtin_trap();
	}
	if (!strcmp(argv[2], "BUS")) {
		FILE *file = tmpfile();
		if (!file)
			return 97;
		*(volatile char *)mmap(NULL, 4096, PROT_WRITE, MAP_SHARED, fileno(file), 0) = 1;
	}
	return 98;
}
