/* init-talk.c - how PID 1 of the lab VM hears from the host and tells it something. */
#define _GNU_SOURCE
#include "init.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/reboot.h>
#include <time.h>
#include <unistd.h>

int write_all(int fd, const char *bytes, size_t count)
{
	while (count > 0) {
		ssize_t done = write(fd, bytes, count);
		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -errno;
		bytes += done;
		count -= (size_t)done;
	}
	return 0;
}

void report(int fd, const char *format, ...)
{
	char line[512];
	va_list args;

	va_start(args, format);
	int length = vsnprintf(line, sizeof line, format, args);
	va_end(args);
	if (length < 0)
		return;
	if ((size_t)length >= sizeof line)
		length = sizeof line - 1;
	/* A failure here is not looked at: there is nobody left whom we could tell. */
	if (fd >= 0)
		write_all(fd, line, (size_t)length);
}

void power_off(void)
{
	sync();
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}

void die(const struct lab *lab, const char *what)
{
	const char *why = strerror(errno);

	report(lab->console_fd, "lab init: %s: %s\n", what, why);
	report(lab->control_fd, "fail %s: %s\n", what, why);
	power_off();
}

double seconds_since_boot(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Value of the word KEY=VALUE on the kernel's command line; NULL if there is none. */
char *command_line_value(const char *key, char *buffer, size_t size)
{
	int fd = open("/proc/cmdline", O_RDONLY | O_CLOEXEC);
	ssize_t count = fd < 0 ? 0 : read(fd, buffer, size - 1);
	size_t length = strlen(key);

	if (fd >= 0)
		close(fd);
	buffer[count > 0 ? count : 0] = '\0';
	for (char *word = strtok(buffer, " \n"); word; word = strtok(NULL, " \n"))
		if (strncmp(word, key, length) == 0 && word[length] == '=')
			return word + length + 1;
	return NULL;
}

/* Does this entry of /sys/class/virtio-ports have the wanted name? */
static int port_has_name(const char *entry, const char *wanted)
{
	char path[300];
	char name[64] = "";

	snprintf(path, sizeof path, "/sys/class/virtio-ports/%s/name", entry);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	ssize_t count = read(fd, name, sizeof name - 1);
	close(fd);
	name[strcspn(name, "\n")] = '\0';
	return count > 0 && strcmp(name, wanted) == 0;
}

/* Open a port by the name that QEMU gave it. -1 if it is not there. */
static int open_port_now(const char *wanted, int flags)
{
	char path[300];
	struct dirent *entry;
	int fd = -1;
	DIR *ports = opendir("/sys/class/virtio-ports");

	while (ports && fd < 0 && (entry = readdir(ports)) != NULL) {
		if (!port_has_name(entry->d_name, wanted))
			continue;
		snprintf(path, sizeof path, "/dev/%s", entry->d_name);
		fd = open(path, flags | O_CLOEXEC);
	}
	if (ports)
		closedir(ports);
	return fd;
}

int open_port(const struct lab *lab, const char *wanted, int flags)
{
	for (int tries = 0; tries < PATIENCE; tries++) {
		int fd = open_port_now(wanted, flags);
		if (fd >= 0)
			return fd;
		usleep(10000);
	}
	errno = ENODEV;
	die(lab, wanted);
}
