/* device_rules.c - chapter 06: which devices a container may open. See privilege.h.
 *
 * A program for the kernel's BPF machine is attached to the container's cgroup. The kernel runs it
 * before a process of the cgroup opens or makes a device node, with struct bpf_cgroup_dev_ctx, and
 * refuses with EPERM if it returns 0. The program is a chain of rules; the first one that fits
 * returns 1:
 *
 *	r2 = type, r3 = access, r4 = major, r5 = minor
 *	rule: if (r2 != type || r3 & ~allowed || r4 != major || r5 != minor) goto next rule
 *	      return 1
 *	...
 *	return 0 */
#include <errno.h>
#include <linux/bpf.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "container.h"
#include "fail.h"
#include "kernel.h"
#include "privilege.h"
#include "scope.h"

enum { ANY = -1, RULE_STEPS = 8, HEAD_STEPS = 6, TAIL_STEPS = 2 };

struct rule {
	int type; /* BPF_DEVCG_DEV_CHAR or BPF_DEVCG_DEV_BLOCK */
	int major, minor;
	unsigned access; /* enum device_access */
};

/* What every container may do: Docker's rules. To make any node is allowed; to open it is another
 * matter. */
static const struct rule default_rules[] = {
	/* QUOTE rules */
	{ BPF_DEVCG_DEV_CHAR, ANY, ANY, DEVICE_MKNOD },
	{ BPF_DEVCG_DEV_BLOCK, ANY, ANY, DEVICE_MKNOD },
	{ BPF_DEVCG_DEV_CHAR, 1, 3, DEVICE_ALL },     /* null */
	{ BPF_DEVCG_DEV_CHAR, 1, 5, DEVICE_ALL },     /* zero */
	{ BPF_DEVCG_DEV_CHAR, 1, 7, DEVICE_ALL },     /* full */
	{ BPF_DEVCG_DEV_CHAR, 1, 8, DEVICE_ALL },     /* random */
	{ BPF_DEVCG_DEV_CHAR, 1, 9, DEVICE_ALL },     /* urandom */
	{ BPF_DEVCG_DEV_CHAR, 5, 0, DEVICE_ALL },     /* tty */
	{ BPF_DEVCG_DEV_CHAR, 5, 1, DEVICE_ALL },     /* console */
	{ BPF_DEVCG_DEV_CHAR, 5, 2, DEVICE_ALL },     /* ptmx */
	{ BPF_DEVCG_DEV_CHAR, 136, ANY, DEVICE_ALL }, /* pts */
						      /* END rules */
};

/* A program while it is written. */
struct program {
	struct bpf_insn *code;
	size_t count;
};

static void emit(struct program *program, struct bpf_insn step)
{
	program->code[program->count++] = step;
}

static struct bpf_insn load(unsigned to, unsigned offset)
{
	return (struct bpf_insn){ .code = BPF_LDX | BPF_W | BPF_MEM,
				  .dst_reg = to & 15,
				  .src_reg = BPF_REG_1,
				  .off = (int16_t)offset };
}

static struct bpf_insn operate(unsigned code, unsigned reg, int value)
{
	return (struct bpf_insn){ .code = (uint8_t)code, .dst_reg = reg & 15, .imm = value };
}

/* Goes on `steps` instructions further if the register does not hold value. */
static struct bpf_insn skip_unless(unsigned reg, int value, size_t steps)
{
	return (struct bpf_insn){ .code = BPF_JMP | BPF_JNE | BPF_K,
				  .dst_reg = reg & 15,
				  .off = (int16_t)steps,
				  .imm = value };
}

/* Takes the context apart: its access_type is the access in the upper half, the type below. */
static void emit_head(struct program *program)
{
	emit(program, load(BPF_REG_2, offsetof(struct bpf_cgroup_dev_ctx, access_type)));
	emit(program, load(BPF_REG_3, offsetof(struct bpf_cgroup_dev_ctx, access_type)));
	emit(program, operate(BPF_ALU64 | BPF_AND | BPF_K, BPF_REG_2, 0xffff));
	emit(program, operate(BPF_ALU64 | BPF_RSH | BPF_K, BPF_REG_3, 16));
	emit(program, load(BPF_REG_4, offsetof(struct bpf_cgroup_dev_ctx, major)));
	emit(program, load(BPF_REG_5, offsetof(struct bpf_cgroup_dev_ctx, minor)));
}

static void emit_return(struct program *program, int value)
{
	emit(program, operate(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, value));
	emit(program, (struct bpf_insn){ .code = BPF_JMP | BPF_EXIT });
}

/* The kernel's bits of an access. */
static int access_bits(unsigned access)
{
	return (access & DEVICE_READ ? BPF_DEVCG_ACC_READ : 0) |
	       (access & DEVICE_WRITE ? BPF_DEVCG_ACC_WRITE : 0) |
	       (access & DEVICE_MKNOD ? BPF_DEVCG_ACC_MKNOD : 0);
}

static void emit_rule(struct program *program, const struct rule *rule)
{
	int refused = ~access_bits(rule->access) & access_bits(DEVICE_ALL);
	/* How many steps of this rule are left behind a test: where it does not fit, the program
	 * goes on with the next one. */
	size_t left = 3 + (rule->major != ANY) + (rule->minor != ANY);

	emit(program, skip_unless(BPF_REG_2, rule->type, left));
	/* TASK 6.6 devices
	 * Go on with the next rule, too, when the access (BPF_REG_3) has a bit that is in `refused`:
	 * copy nothing, but test with BPF_JMP | BPF_JSET | BPF_K, offset --left. Then the same for the
	 * major number (BPF_REG_4) and the minor number (BPF_REG_5), unless they are ANY:
	 * skip_unless(..., --left). At last emit_return() of 1.
	 * Read: bpf(2), the kernel's Documentation/bpf/standardization/instruction-set.rst */
	emit(program, (struct bpf_insn){ .code = BPF_JMP | BPF_JSET | BPF_K,
					 .dst_reg = BPF_REG_3,
					 .off = (int16_t)--left,
					 .imm = refused });
	if (rule->major != ANY)
		emit(program, skip_unless(BPF_REG_4, rule->major, --left));
	if (rule->minor != ANY)
		emit(program, skip_unless(BPF_REG_5, rule->minor, --left));
	emit_return(program, 1);
	/* END 6.6 */
}

/* Loads a program of BPF_PROG_TYPE_CGROUP_DEVICE. Returns its descriptor or -errno. */
static int load_program(const struct program *program)
{
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE,
		.insn_cnt = (uint32_t)program->count,
		.insns = (uint64_t)(uintptr_t)program->code,
		.license = (uint64_t)(uintptr_t) "Apache-2.0",
	};

	return sys_bpf(BPF_PROG_LOAD, &attr, sizeof attr);
}

static int attach_program(int program_fd, int cgroup_fd)
{
	/* TASK 6.6 devices
	 * Attach the program to the cgroup: sys_bpf() with BPF_PROG_ATTACH and a union bpf_attr with
	 * target_fd, attach_bpf_fd and attach_type (BPF_CGROUP_DEVICE). The flag BPF_F_ALLOW_MULTI
	 * leaves those of other cgroups above it in force. Return what it returns.
	 * Read: bpf(2) or the kernel's Documentation/admin-guide/cgroup-v2.rst on devices */
	union bpf_attr attr = {
		.target_fd = (uint32_t)cgroup_fd,
		.attach_bpf_fd = (uint32_t)program_fd,
		.attach_type = BPF_CGROUP_DEVICE,
		.attach_flags = BPF_F_ALLOW_MULTI,
	};

	return sys_bpf(BPF_PROG_ATTACH, &attr, sizeof attr);
	/* END 6.6 */
}

/* Writes the whole program. The caller frees program->code; NULL: no memory. */
static struct program write_program(const struct privileges *p)
{
	const size_t defaults = sizeof default_rules / sizeof default_rules[0];
	struct program program = { 0 };

	program.code = calloc(HEAD_STEPS + (defaults + p->device_count) * RULE_STEPS + TAIL_STEPS,
			      sizeof *program.code);
	if (!program.code)
		return program;
	emit_head(&program);
	for (size_t i = 0; i < defaults; i++)
		emit_rule(&program, &default_rules[i]);
	for (size_t i = 0; i < p->device_count; i++) {
		const struct device *device = &p->devices[i];

		emit_rule(&program, &(struct rule){ S_ISBLK(device->mode) ? BPF_DEVCG_DEV_BLOCK :
									    BPF_DEVCG_DEV_CHAR,
						    (int)major(device->number),
						    (int)minor(device->number), device->access });
	}
	emit_return(&program, 0);
	return program;
}

int device_rules_attach(const struct container *c)
{
	struct program program;
	int ret;

	if (c->cgroup_fd < 0)
		return 0;
	program = write_program(&c->privileges);
	if (!program.code)
		return fail(ENOMEM, "writing the device rules");
	auto_fd fd = load_program(&program);
	free(program.code);
	ret = fd < 0 ? fd : attach_program(fd, c->cgroup_fd);
	/* KERNEL: without CAP_BPF, or in a kernel without CONFIG_CGROUP_BPF, there are none. */
	if (ret == -EPERM || ret == -EINVAL || ret == -ENOSYS)
		return 0;
	return ret < 0 ? fail(-ret, "setting the device rules of the container's cgroup") : 1;
}
