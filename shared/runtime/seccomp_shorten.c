/* seccomp_shorten.c - a filter that answers the same in fewer instructions; see seccomp_shorten.h.
 *
 * The kernel turns a filter into machine code at each start, and runs it once for every number that
 * a call may have. Both take time by the length of the program. libseccomp compares one number at a
 * time; but most calls that are allowed lie side by side:
 *
 *	architecture?  ─┬─ x86-64 ── number < 134? ─┬─ number < 57? ─┬─ allow
 *	                │                           │                └─ what the given program
 *	                ├─ i386 ...                 └─ ...              does with the arguments
 *	                └─ any other ...
 *
 * The given program is never interpreted by what it means, only run: with an architecture and a
 * number that are known it comes to an answer, or to the first instruction that needs more. */
#include "seccomp_shorten.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"
#include "seccomp_ask.h"

enum {
	ARCHITECTURES_MAX = 8,
	JUMP_MAX = 250, /* a condition skips at most 255 instructions, and some may come between */
};

/* What the accumulator holds before an instruction. */
enum holds { NOT_REACHED, NOTHING, ARCHITECTURE, NUMBER, ARGUMENT };

/* Calls of one architecture with which the given program does the same, from this number on. */
struct range {
	uint32_t start;
	bool answered;
	uint32_t value; /* the answer, or which instruction asks for an argument */
};

struct shortener {
	const struct seccomp_filter *old;
	enum holds holds[BPF_MAXINSNS];		   /* for each old instruction */
	uint32_t architectures[ARCHITECTURES_MAX]; /* that are compared with */
	unsigned architecture_count;
	uint32_t starts[2 * BPF_MAXINSNS + 1]; /* numbers at which the answer may change */
	unsigned start_count;
	struct range ranges[2 * BPF_MAXINSNS + 1]; /* of one architecture */
	struct sock_filter
		code[BPF_MAXINSNS];    /* written from its end to its start: a jump leads forward */
	unsigned at;		       /* what is written begins here */
	unsigned copies[BPF_MAXINSNS]; /* where an old instruction is in code; 0: not yet */
};

static bool is_jump(const struct sock_filter *one)
{
	return BPF_CLASS(one->code) == BPF_JMP && BPF_OP(one->code) != BPF_JA;
}

/* What the accumulator holds behind an instruction; NOT_REACHED if we do not understand it. */
static enum holds holds_behind(const struct sock_filter *one, enum holds before)
{
	switch (one->code) {
	case BPF_LD | BPF_W | BPF_ABS:
		if (one->k == offsetof(struct seccomp_data, nr))
			return NUMBER;
		return one->k == offsetof(struct seccomp_data, arch) ? ARCHITECTURE : ARGUMENT;
	case BPF_ALU | BPF_AND | BPF_K:
		return before == ARGUMENT || one->k == UINT32_MAX ? before : NOT_REACHED;
	case BPF_JMP | BPF_JEQ | BPF_K:
		return before == NOTHING ? NOT_REACHED : before;
	case BPF_JMP | BPF_JGT | BPF_K:
	case BPF_JMP | BPF_JGE | BPF_K:
		return before == NUMBER || before == ARGUMENT ? before : NOT_REACHED;
	case BPF_JMP | BPF_JSET | BPF_K:
		return before == ARGUMENT ? before : NOT_REACHED;
	case BPF_JMP | BPF_JA:
	case BPF_RET | BPF_K:
		return before;
	default:
		return NOT_REACHED;
	}
}

/* Two ways lead to one instruction: only what both hold is held there.
 * Returns false where there is none. */
static bool reach(struct shortener *s, size_t to, enum holds what)
{
	if (to >= s->old->count)
		return false;
	s->holds[to] = s->holds[to] == NOT_REACHED || s->holds[to] == what ? what : NOTHING;
	return true;
}

/* Fills s->holds. All jumps lead forward, so one pass is enough. Returns whether we understand it. */
static bool understand(struct shortener *s)
{
	s->holds[0] = NOTHING;
	for (unsigned i = 0; i < s->old->count; i++) {
		const struct sock_filter *one = s->old->code + i;
		enum holds behind = s->holds[i];

		if (behind == NOT_REACHED || one->code == (BPF_RET | BPF_K))
			continue;
		behind = holds_behind(one, behind);
		if (behind == NOT_REACHED)
			return false;
		size_t skipped = one->code == (BPF_JMP | BPF_JA) ? one->k : 0;

		if (!reach(s, i + 1 + (is_jump(one) ? one->jt : skipped), behind) ||
		    (is_jump(one) && !reach(s, i + 1u + one->jf, behind)))
			return false;
	}
	return true;
}

static int compare_numbers(const void *left, const void *right)
{
	uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;

	return (a > b) - (a < b);
}

static bool is_known(const struct shortener *s, uint32_t architecture)
{
	for (unsigned i = 0; i < s->architecture_count; i++)
		if (s->architectures[i] == architecture)
			return true;
	return false;
}

/* Notes an architecture that is compared with. Returns whether there is room for it. */
static bool add_architecture(struct shortener *s, uint32_t architecture)
{
	if (is_known(s, architecture))
		return true;
	if (s->architecture_count == ARCHITECTURES_MAX)
		return false;
	s->architectures[s->architecture_count++] = architecture;
	return true;
}

/* Collects what the old program compares with. Returns whether there is room for it. */
static bool collect(struct shortener *s)
{
	s->starts[s->start_count++] = 0;
	for (unsigned i = 0; i < s->old->count; i++) {
		uint32_t k = s->old->code[i].k;

		if (!is_jump(s->old->code + i))
			continue;
		if (s->holds[i] == NUMBER) {
			s->starts[s->start_count++] = k;
			s->starts[s->start_count++] = k + 1;
		}
		if (s->holds[i] == ARCHITECTURE && !add_architecture(s, k))
			return false;
	}
	qsort(s->starts, s->start_count, sizeof *s->starts, compare_numbers);
	return true;
}

/* An architecture that the old program compares with nowhere. */
static uint32_t another_architecture(const struct shortener *s)
{
	uint32_t other = 0;

	while (is_known(s, other))
		other++;
	return other;
}

/* Fills s->ranges for an architecture. Returns how many there are. */
static unsigned find_ranges(struct shortener *s, uint32_t architecture)
{
	unsigned count = 0;

	for (unsigned i = 0; i < s->start_count; i++) {
		struct seccomp_data call = { .nr = (int)s->starts[i], .arch = architecture };
		struct range next = { .start = s->starts[i] };

		next.answered = seccomp_ask_early(s->old, &call, &next.value);
		if (count == 0 || s->ranges[count - 1].answered != next.answered ||
		    s->ranges[count - 1].value != next.value)
			s->ranges[count++] = next;
	}
	return count;
}

/* Writes an instruction before the others. Returns its place. */
static unsigned emit(struct shortener *s, struct sock_filter one)
{
	if (s->at == 0)
		return 0; /* no room; shorten() sees it */
	s->code[--s->at] = one;
	return s->at;
}

/* A place from which `target` is reached, near enough for a condition to jump to. */
static unsigned near(struct shortener *s, unsigned target)
{
	if (target - s->at <= JUMP_MAX)
		return target;
	return emit(s, (struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA, target - s->at));
}

/* Sees to it that what is written begins with `target`. */
static void lead_to(struct shortener *s, unsigned target)
{
	if (target != s->at)
		emit(s, (struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA, target - s->at));
}

static unsigned emit_condition(struct shortener *s, uint16_t code, uint32_t k, unsigned yes,
			       unsigned no)
{
	yes = near(s, yes);
	no = near(s, no);
	return emit(s, (struct sock_filter)BPF_JUMP(code, k, (uint8_t)(yes - s->at),
						    (uint8_t)(no - s->at)));
}

/* Writes an answer, if none of the same is near. */
static unsigned emit_answer(struct shortener *s, uint32_t value)
{
	for (unsigned i = s->at; i < BPF_MAXINSNS && i - s->at < JUMP_MAX; i++)
		if (s->code[i].code == (BPF_RET | BPF_K) && s->code[i].k == value)
			return i;
	return emit(s, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, value));
}

/* Copies the old program from an instruction on, with all that it leads to. Returns its place. */
static unsigned emit_copy(struct shortener *s, unsigned i)
{
	const struct sock_filter *one = s->old->code + i;

	if (s->at == 0)
		return 0;
	if (one->code == (BPF_RET | BPF_K))
		return emit_answer(s, one->k);
	if (one->code == (BPF_JMP | BPF_JA))
		return emit_copy(s, i + 1 + one->k);
	if (s->copies[i])
		return s->copies[i];
	if (is_jump(one)) {
		unsigned yes = emit_copy(s, i + 1 + one->jt), no = emit_copy(s, i + 1 + one->jf);

		return s->copies[i] = emit_condition(s, one->code, one->k, yes, no);
	}
	lead_to(s, emit_copy(s, i + 1));
	return s->copies[i] = emit(s, *one);
}

/* Writes the tree over ranges first ... last. Returns the place of its root. */
static unsigned emit_tree(struct shortener *s, unsigned first, unsigned last)
{
	const struct range *range = s->ranges + first;
	unsigned middle = (first + last + 1) / 2, low, high;

	if (first == last)
		return range->answered ? emit_answer(s, range->value) : emit_copy(s, range->value);
	high = emit_tree(s, middle, last);
	low = emit_tree(s, first, middle - 1);
	return emit_condition(s, BPF_JMP | BPF_JGE | BPF_K, s->ranges[middle].start, high, low);
}

/* Writes what is done with the numbers of an architecture. Returns its place. */
static unsigned emit_architecture(struct shortener *s, uint32_t architecture)
{
	unsigned count = find_ranges(s, architecture);

	lead_to(s, emit_tree(s, 0, count - 1));
	return emit(s, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
						    offsetof(struct seccomp_data, nr)));
}

/* Writes the new program. Returns whether there was room for it. */
static bool emit_all(struct shortener *s)
{
	unsigned starts[ARCHITECTURES_MAX], next;

	next = emit_architecture(s, another_architecture(s));
	for (unsigned i = s->architecture_count; i-- > 0;)
		starts[i] = emit_architecture(s, s->architectures[i]);
	for (unsigned i = s->architecture_count; i-- > 0;)
		next = emit_condition(s, BPF_JMP | BPF_JEQ | BPF_K, s->architectures[i], starts[i],
				      next);
	lead_to(s, next);
	emit(s, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
					     offsetof(struct seccomp_data, arch)));
	return s->at > 0;
}

/* Rewrites s->old as s->code, in the room that was made for it. Returns whether that is shorter. */
static bool shorten(struct shortener *s)
{
	return understand(s) && collect(s) && emit_all(s) && BPF_MAXINSNS - s->at < s->old->count;
}

int seccomp_shorten(struct seccomp_filter *filter)
{
	struct shortener *s = calloc(1, sizeof *s);

	if (!s)
		return fail(ENOMEM, "shortening the system call filter");
	s->old = filter;
	s->at = BPF_MAXINSNS;
	if (filter->count <= BPF_MAXINSNS && shorten(s)) {
		filter->count = (unsigned short)(BPF_MAXINSNS - s->at);
		memcpy(filter->code, s->code + s->at, filter->count * sizeof *filter->code);
	}
	free(s);
	return 0;
}
