/* reports.c - linked into the skiff that is built with sanitizers, and into no other.
 *
 * A report must not get lost. A sanitizer writes it to stderr or to a file; but skiff's child has
 * another root by then, may have closed its descriptors, and is in another network. What it always
 * keeps until its execve(2) is memory: so every report is also written into a file that is mapped,
 * shared, from the first moment on. `make asan-test` looks into that file.
 */
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#include <sanitizer/lsan_interface.h>

enum { REPORTS_SIZE = 1 << 20 };

static struct reports {
	atomic_uint used; /* bytes of text */
	char text[REPORTS_SIZE - sizeof(atomic_uint)];
} * reports;

/* Called by the runtime, before main(). exitcode: one that no test expects. */
const char *__asan_default_options(void)
{
	return "exitcode=99:detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1:"
	       "check_initialization_order=1:abort_on_error=0";
}

const char *__ubsan_default_options(void);
const char *__ubsan_default_options(void)
{
	return "print_stacktrace=1:halt_on_error=1";
}

static void append(const char *text)
{
	size_t length = strlen(text);
	unsigned at;

	if (!reports)
		return;
	at = atomic_fetch_add(&reports->used, (unsigned)length);
	if (at + length < sizeof reports->text)
		memcpy(reports->text + at, text, length);
}

static void at_death(void)
{
	char line[80];

	snprintf(line, sizeof line, "== a sanitizer ended process %d\n", getpid());
	append(line);
}

/* LeakSanitizer looks at a process from a child of that process. Where skiff has joined another PID
 * namespace, its children are in that one: the onlooker would take its parent's process ID for
 * somebody else's, and wait for ever. Those runs are valgrind's (valgrind_test.py). */
int __lsan_is_turned_off(void)
{
	struct stat own, childrens;

	return stat("/proc/self/ns/pid", &own) < 0 ||
	       stat("/proc/self/ns/pid_for_children", &childrens) < 0 ||
	       own.st_ino != childrens.st_ino;
}

/* LeakSanitizer ends the process without a word to at_death(): so ask it before it does. Root's
 * reports go to a file, for a test may not show what skiff had printed. */
static void look_for_leaks(void)
{
	if (geteuid() == 0)
		__sanitizer_set_report_path(SKIFF_REPORTS ".leaks");
	if (__lsan_is_turned_off() || !__lsan_do_recoverable_leak_check())
		return;
	append("detected memory leaks\n");
	at_death();
	_exit(99);
}

__attribute__((constructor)) static void open_reports(void)
{
	int fd = open(SKIFF_REPORTS, O_RDWR | O_CREAT | O_CLOEXEC, 0666);

	if (fd >= 0)
		fchmod(fd, 0666);
	if (fd < 0 || ftruncate(fd, REPORTS_SIZE) < 0 ||
	    (reports = mmap(NULL, REPORTS_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0)) ==
		    MAP_FAILED) {
		perror("opening " SKIFF_REPORTS " for the reports of sanitizers");
		_exit(99);
	}
	close(fd);
	__asan_set_error_report_callback(append);
	__sanitizer_set_death_callback(at_death);
	if (atexit(look_for_leaks) != 0)
		_exit(99);
}
