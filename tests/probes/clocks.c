/* clocks - prints, as JSON, the clocks that a time namespace can shift, in seconds, and one that it can't. */
#include <stdio.h>
#include <time.h>

int main(void)
{
	struct timespec boot, mono, real;

	clock_gettime(CLOCK_BOOTTIME, &boot);
	clock_gettime(CLOCK_MONOTONIC, &mono);
	clock_gettime(CLOCK_REALTIME, &real);
	printf("{\"boottime\":%lld,\"monotonic\":%lld,\"realtime\":%lld}\n", (long long)boot.tv_sec,
	       (long long)mono.tv_sec, (long long)real.tv_sec);
	return 0;
}
