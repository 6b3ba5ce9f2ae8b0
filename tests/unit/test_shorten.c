/* test_shorten.c - filters made shorter answer the same: shared/runtime/seccomp_shorten.c. */
#include "unit.h"

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "seccomp_ask.h"
#include "seccomp_shorten.h"

static const uint32_t architectures[] = {
	AUDIT_ARCH_X86_64, AUDIT_ARCH_I386, AUDIT_ARCH_AARCH64, AUDIT_ARCH_ARM, 0, UINT32_MAX
};

static struct seccomp_filter copy_of(const struct seccomp_filter *filter)
{
	struct seccomp_filter copy = { malloc(filter->count * sizeof *copy.code), filter->count };

	assert_non_null(copy.code);
	memcpy(copy.code, filter->code, filter->count * sizeof *copy.code);
	return copy;
}

static void assert_same_answer(const struct seccomp_filter *one, const struct seccomp_filter *other,
			       const struct seccomp_data *call)
{
	uint32_t expected = seccomp_ask(one, call), answer = seccomp_ask(other, call);

	if (expected != answer)
		print_error("call %u of %08x with %#llx, %#llx\n", (unsigned)call->nr, call->arch,
			    (unsigned long long)call->args[0], (unsigned long long)call->args[1]);
	assert_int_equal(expected, answer);
}

/* A number near a limit of some table, or any. */
static uint32_t number_at(unsigned step)
{
	static const uint32_t borders[] = { 0, 0x0f0000, 0x40000000, 0x80000000, 0xc0000000 };

	if (step < 1200)
		return step;
	if (step < 1700)
		return borders[step % 5] + (step - 1200) / 5 - 50;
	return (uint32_t)random() << 1 ^ (uint32_t)random();
}

static void assert_equal_filters(const struct seccomp_filter *one,
				 const struct seccomp_filter *other)
{
	static const uint64_t values[] = { 0,	       1,	    5,		8,
					   38,	       AF_VSOCK,    0x20000,	1024,
					   255,	       65536,	    TIOCSTI,	UINT32_MAX,
					   0x7e020000, 0x100000000, 0x10000000, UINT64_MAX };
	enum { VALUES = sizeof values / sizeof values[0] };

	for (size_t i = 0; i < sizeof architectures / sizeof architectures[0]; i++)
		for (unsigned step = 0; step < 2000; step++) {
			struct seccomp_data call = { .nr = (int)number_at(step),
						     .arch = architectures[i] };
			uint32_t answer;
			/* Where arguments count: all of them. */
			size_t rounds = seccomp_ask_early(one, &call, &answer) ? 1 : VALUES;

			for (size_t j = 0; j < rounds; j++) {
				call.args[0] = values[j];
				call.args[1] = values[(j * 5 + step) % VALUES];
				call.args[2] = values[(j * 3 + step) % VALUES];
				assert_same_answer(one, other, &call);
			}
		}
}

static char *read_default_profile(size_t *length)
{
	char *text = malloc(1 << 16);
	int fd = open(UNIT_TREE "/chapters/06-security/profile.json", O_RDONLY | O_CLOEXEC);
	ssize_t got = read(fd, text, 1 << 16);

	assert_in_range(got, 1, (1 << 16) - 1);
	close(fd);
	*length = (size_t)got;
	return text;
}

static void test_default_profile(void **state)
{
	static const capability_set bounding[] = { 0, 0xa80425fb, ~(capability_set)0 };
	size_t length;
	char *text = read_default_profile(&length);

	(void)state;
	for (size_t i = 0; i < sizeof bounding / sizeof bounding[0]; i++) {
		struct seccomp_filter given = { 0 }, shorter;

		assert_int_equal(seccomp_profile_compile(text, length, NULL, bounding[i], &given),
				 0);
		shorter = copy_of(&given);
		assert_int_equal(seccomp_shorten(&shorter), 0);
		assert_in_range(shorter.count, 1, given.count / 2);
		assert_equal_filters(&given, &shorter);
		free(shorter.code);
		free(given.code);
	}
	free(text);
}

/* Many answers: conditions and what they lead to lie farther apart than a condition can jump. */
static void test_far_jumps(void **state)
{
	struct sock_filter code[BPF_MAXINSNS];
	struct seccomp_filter given = { code, 0 }, shorter;

	(void)state;
	code[given.count++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0);
	for (unsigned i = 0; i < 400; i++) {
		const struct sock_filter steps[] = {
			BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, i, 0, 4),
			BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args)),
			BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, i % 7, 0, 1),
			BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | i),
			BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (i + 1000)),
			BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, i, 0, 0), /* what can be left out */
			BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, i, 0, 0),
			BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, i, 0, 0),
		};

		memcpy(code + given.count, steps, sizeof steps);
		given.count += sizeof steps / sizeof steps[0];
	}
	code[given.count++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	shorter = copy_of(&given);
	assert_int_equal(seccomp_shorten(&shorter), 0);
	assert_in_range(shorter.count, 1, given.count - 1);
	assert_equal_filters(&given, &shorter);
	free(shorter.code);
}

/* A program that would become longer than a filter may be stays as it is. */
static void test_no_room(void **state)
{
	struct sock_filter code[BPF_MAXINSNS];
	struct seccomp_filter given = { code, BPF_MAXINSNS }, same;

	(void)state;
	for (unsigned i = 0; i < BPF_MAXINSNS; i += 4) {
		const struct sock_filter steps[] = {
			BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
			BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, i, 0, 2),
			BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args)),
			BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, i, 0, 0),
		};

		memcpy(code + i, steps, sizeof steps);
	}
	for (unsigned i = BPF_MAXINSNS - 4; i < BPF_MAXINSNS; i++)
		code[i] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	same = copy_of(&given);
	assert_int_equal(seccomp_shorten(&same), 0);
	assert_int_equal(same.count, given.count);
	assert_memory_equal(same.code, given.code, given.count * sizeof *code);
	free(same.code);
}

/* An architecture that the program does not know is answered as such, whatever those are that it knows. */
static void test_highest_architecture(void **state)
{
	static const uint32_t known[] = { 5, UINT32_MAX, 4, 0, 1 };
	struct sock_filter code[64];
	struct seccomp_filter given = { code, 0 }, shorter;

	(void)state;
	code[given.count++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 4);
	while (given.count < 20)
		code[given.count++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 5, 0,
								   0);
	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
		code[given.count++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
								   known[i], 0, 1);
		code[given.count++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K,
								   SECCOMP_RET_ALLOW);
	}
	code[given.count++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K,
							   SECCOMP_RET_KILL_PROCESS);
	shorter = copy_of(&given);
	assert_int_equal(seccomp_shorten(&shorter), 0);
	assert_in_range(shorter.count, 1, given.count - 1);
	for (uint32_t arch = 0; arch < 10; arch++)
		assert_same_answer(&given, &shorter, &(struct seccomp_data){ .arch = arch });
	assert_same_answer(&given, &shorter, &(struct seccomp_data){ .arch = UINT32_MAX });
	free(shorter.code);
}

/* Nor is a program rewritten that leads out of itself. */
static void test_no_end(void **state)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 7, 0, 9),
		BPF_STMT(BPF_JMP | BPF_JA, UINT32_MAX),
	};
	struct seccomp_filter given = { code, 3 };

	(void)state;
	assert_int_equal(seccomp_shorten(&given), 0);
	assert_int_equal(given.count, 3);
}

static uint32_t pick(const uint32_t *list, size_t count)
{
	return list[(size_t)random() % count];
}

/* Any instruction that seccomp(2) takes, and whose jumps stay in the program. */
static struct sock_filter random_instruction(unsigned left)
{
	static const uint32_t offsets[] = { 0, 0, 0, 4, 4, 16, 20, 24 };
	static const uint32_t compared[] = {
		0, 1, 5, 6, 7, 100, AUDIT_ARCH_X86_64, AUDIT_ARCH_I386, 0x40000000, UINT32_MAX
	};
	static const uint32_t answers[] = { SECCOMP_RET_ALLOW, SECCOMP_RET_ERRNO | 1,
					    SECCOMP_RET_KILL_PROCESS };
	static const uint16_t operators[] = { BPF_JEQ, BPF_JEQ, BPF_JGT, BPF_JGE, BPF_JSET };
	uint32_t k = pick(compared, sizeof compared / sizeof compared[0]);
	unsigned kind = (unsigned)random() % 16, reach = left < 12 ? left : 12;

	if (left == 0 || kind == 0)
		return (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, pick(answers, 3));
	if (kind < 6)
		return (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, pick(offsets, 8));
	if (kind == 6)
		return (struct sock_filter)BPF_STMT(BPF_ALU | BPF_AND | BPF_K, k);
	if (kind == 7)
		return (struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA, (uint32_t)random() % reach);
	return (struct sock_filter)BPF_JUMP((uint16_t)(BPF_JMP | BPF_K | operators[random() % 5]),
					    k, (uint8_t)(random() % reach),
					    (uint8_t)(random() % reach));
}

static void assert_equal_at_random(const struct seccomp_filter *one,
				   const struct seccomp_filter *other)
{
	static const uint32_t values[] = { 0,
					   1,
					   2,
					   4,
					   5,
					   6,
					   7,
					   8,
					   99,
					   100,
					   101,
					   0x3fffffff,
					   0x40000000,
					   AUDIT_ARCH_I386,
					   AUDIT_ARCH_X86_64,
					   UINT32_MAX };

	for (unsigned i = 0; i < 200; i++) {
		struct seccomp_data call = {
			.nr = (int)pick(values, 16),
			.arch = pick(architectures, 6),
			.args = { pick(values, 16) | (uint64_t)pick(values, 16) << 32,
				  pick(values, 16) },
		};

		assert_same_answer(one, other, &call);
	}
}

static void test_random_programs(void **state)
{
	unsigned shortened = 0;

	(void)state;
	for (unsigned round = 0; round < 5000; round++) {
		struct sock_filter code[120];
		struct seccomp_filter given = { code, (unsigned short)(1 + random() % 120) },
				      shorter;

		for (unsigned i = 0; i < given.count; i++)
			code[i] = random_instruction(given.count - 1u - i);
		shorter = copy_of(&given);
		assert_int_equal(seccomp_shorten(&shorter), 0);
		assert_in_range(shorter.count, 1, given.count);
		shortened += shorter.count < given.count;
		assert_equal_at_random(&given, &shorter);
		free(shorter.code);
	}
	assert_in_range(shortened, 500, 5000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(test_default_profile),
		UNIT_TEST(test_far_jumps),
		UNIT_TEST(test_no_room),
		UNIT_TEST(test_no_end),
		UNIT_TEST(test_highest_architecture),
		UNIT_TEST(test_random_programs),
	};

	return cmocka_run_group_tests_name("shorten", tests, NULL, NULL);
}
