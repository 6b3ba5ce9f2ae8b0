/* hold - says "ready" and waits, with every signal's default action, until it is killed or standard input ends. */
#include <stdio.h>
#include <unistd.h>

int main(void)
{
	char byte;

	puts("ready");
	fflush(stdout);
	while (read(0, &byte, 1) > 0)
		;
	return 0;
}
