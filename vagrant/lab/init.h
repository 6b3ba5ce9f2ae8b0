/* init.h - what the parts of the lab VM's PID 1 know of each other. See init.c. */
#ifndef LAB_INIT_H
#define LAB_INIT_H

#include <stddef.h>

#define PATIENCE 1000 /* times 10 ms: how long we wait for a disk or a port to appear */

struct lab {
	int console_fd; /* the kernel's console: seen only when something goes wrong */
	int control_fd;
	int job_in_fd; /* what the job gets as its descriptors 0, 1 and 2 */
	int job_out_fd;
	int job_err_fd;
	int from_out_fd; /* our ends of the job's pipes, and the ports they are copied to */
	int from_err_fd;
	int to_out_fd;
	int to_err_fd;
};

/* init-talk.c: words with the host */
int write_all(int fd, const char *bytes, size_t count);
__attribute__((format(printf, 2, 3))) void report(int fd, const char *format, ...);
__attribute__((noreturn)) void power_off(void);
__attribute__((noreturn)) void die(const struct lab *lab, const char *what);
double seconds_since_boot(void);
char *command_line_value(const char *key, char *buffer, size_t size);
int open_port(const struct lab *lab, const char *wanted, int flags);

/* init-setup.c: from the initrd to a machine on which a Debian program feels at home */
void load_modules(const struct lab *lab);
void enter_root_disk(const struct lab *lab);
void mount_everything(const struct lab *lab);
void set_up_kernel(const struct lab *lab);
void mount_tree(const struct lab *lab);

#endif
