/* seccomp_ask.c - classic BPF as seccomp(2) has it, as an interpreter; see seccomp_ask.h. */
#include "seccomp_ask.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#ifdef __x86_64__
enum { NATIVE = AUDIT_ARCH_X86_64 };
#else
enum { NATIVE = AUDIT_ARCH_AARCH64 };
#endif

/* The accumulator after one arithmetic instruction. Filters use few of them. */
static uint32_t calculate(const struct sock_filter *step, uint32_t value)
{
	switch (BPF_OP(step->code)) {
	case BPF_AND:
		return value & step->k;
	case BPF_OR:
		return value | step->k;
	case BPF_ADD:
		return value + step->k;
	case BPF_SUB:
		return value - step->k;
	case BPF_RSH:
		return step->k < 32 ? value >> step->k : 0;
	default:
		return value;
	}
}

/* How many instructions a jump goes over. */
static size_t jump(const struct sock_filter *step, uint32_t value)
{
	bool holds = false;

	switch (BPF_OP(step->code)) {
	case BPF_JA:
		return step->k;
	case BPF_JEQ:
		holds = value == step->k;
		break;
	case BPF_JGT:
		holds = value > step->k;
		break;
	case BPF_JGE:
		holds = value >= step->k;
		break;
	case BPF_JSET:
		holds = value & step->k;
		break;
	default:
		break;
	}
	return holds ? step->jt : step->jf;
}

static bool unanswered(uint32_t *answer, size_t at)
{
	*answer = (uint32_t)at;
	return false;
}

/* Runs the filter on the first `known` bytes of what it is told. Returns true with its answer, or false
 * with the index of the instruction that asks for more. */
static bool run(const struct seccomp_filter *filter, const struct seccomp_data *call, size_t known,
		uint32_t *answer)
{
	uint32_t value = 0;

	*answer = SECCOMP_RET_KILL_PROCESS;

	for (size_t at = 0; at < filter->count; at++) {
		const struct sock_filter *step = &filter->code[at];

		switch (BPF_CLASS(step->code)) {
		case BPF_LD:
			if (step->k > sizeof *call - sizeof value)
				return true;
			if (step->k >= known)
				return unanswered(answer, at);
			memcpy(&value, (const char *)call + step->k, sizeof value);
			break;
		case BPF_ALU:
			value = calculate(step, value);
			break;
		case BPF_JMP:
			at += jump(step, value);
			break;
		case BPF_RET:
			*answer = BPF_RVAL(step->code) == BPF_A ? value : step->k;
			return true;
		default:
			return true;
		}
	}
	return true;
}

uint32_t seccomp_ask(const struct seccomp_filter *filter, const struct seccomp_data *call)
{
	uint32_t answer;

	run(filter, call, sizeof *call, &answer);
	return answer;
}

bool seccomp_ask_early(const struct seccomp_filter *filter, const struct seccomp_data *call,
		       uint32_t *answer)
{
	return run(filter, call, offsetof(struct seccomp_data, instruction_pointer), answer);
}

bool seccomp_allows(const struct seccomp_filter *filter, int number)
{
	struct seccomp_data call = { .nr = number, .arch = NATIVE };
	uint32_t action = seccomp_ask(filter, &call) & SECCOMP_RET_ACTION_FULL;

	return action == SECCOMP_RET_ALLOW || action == SECCOMP_RET_LOG;
}
