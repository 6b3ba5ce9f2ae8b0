/* uring FILE - under a filter that refuses to open files, opens and reads one by io_uring. */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/io_uring.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The sandbox: no system call that opens a file. */
static int forbid_opening(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat, 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EACCES),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof code / sizeof code[0], code };

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

/* One request, from the submission to the result. */
static int request(int ring, const struct io_uring_params *p, struct io_uring_sqe order)
{
	char *queue = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring,
			   IORING_OFF_SQ_RING);
	char *done = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring,
			  IORING_OFF_CQ_RING);
	struct io_uring_sqe *orders = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
					   MAP_SHARED | MAP_POPULATE, ring, IORING_OFF_SQES);
	unsigned *tail = (unsigned *)(void *)(queue + p->sq_off.tail),
		 *head = (unsigned *)(void *)(done + p->cq_off.head);
	unsigned at = *tail & (p->sq_entries - 1);
	struct io_uring_cqe *results = (struct io_uring_cqe *)(void *)(done + p->cq_off.cqes);

	orders[at] = order;
	((unsigned *)(void *)(queue + p->sq_off.array))[at] = at;
	__atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE);
	if (syscall(SYS_io_uring_enter, ring, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) < 0)
		return -errno;
	at = __atomic_fetch_add(head, 1, __ATOMIC_ACQ_REL);
	return results[at & (p->cq_entries - 1)].res;
}

int main(int argc, char **argv)
{
	struct io_uring_params p = { 0 };
	char text[256] = "";
	int ring, file, got;

	if (argc != 2 || forbid_opening() < 0) {
		perror("uring");
		return 2;
	}
	if (open(argv[1], O_RDONLY) >= 0) {
		printf("the sandbox does not hold\n");
		return 2;
	}
	ring = (int)syscall(SYS_io_uring_setup, 4, &p);
	if (ring < 0) {
		perror("io_uring_setup");
		return 1;
	}
	file = request(ring, &p,
		       (struct io_uring_sqe){ .opcode = IORING_OP_OPENAT,
					      .fd = AT_FDCWD,
					      .addr = (uintptr_t)argv[1] });
	got = request(ring, &p,
		      (struct io_uring_sqe){ .opcode = IORING_OP_READ,
					     .fd = file,
					     .addr = (uintptr_t)text,
					     .len = sizeof text - 1 });
	printf("no file was opened by a system call, but: %s\n", got > 0 ? text : strerror(-got));
	return got <= 0;
}
