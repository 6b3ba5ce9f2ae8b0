/* test_seccomp.c - profiles of system call filters: shared/runtime/seccomp_profile.c, seccomp_ask.c. */
#include "unit.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "seccomp_ask.h"
#include "seccomp_profile.h"

#ifdef __x86_64__
enum { NATIVE = AUDIT_ARCH_X86_64 };
#else
enum { NATIVE = AUDIT_ARCH_AARCH64 };
#endif

#define SYSADMIN ((capability_set)1 << 21)

static struct seccomp_filter compile(const char *text, capability_set bounding)
{
	struct seccomp_filter filter = { 0 };

	assert_int_equal(seccomp_profile_compile(text, strlen(text), "test", bounding, &filter), 0);
	return filter;
}

/* What a filter says of one call with one argument. */
static uint32_t ask(const char *text, capability_set bounding, int number, uint64_t argument)
{
	struct seccomp_filter filter = compile(text, bounding);
	struct seccomp_data call = { .nr = number, .arch = NATIVE, .args = { argument } };
	uint32_t answer = seccomp_ask(&filter, &call);

	free(filter.code);
	return answer;
}

static void test_actions(void **state)
{
	static const char text[] =
		"{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrnoRet\":7,\"syscalls\":["
		"{\"names\":[\"getpid\"],\"action\":\"SCMP_ACT_ALLOW\"},"
		"{\"names\":[\"getuid\"],\"action\":\"SCMP_ACT_KILL_PROCESS\"},"
		"{\"names\":[\"getgid\"],\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":9}]}";

	(void)state;
	assert_int_equal(ask(text, 0, SYS_getpid, 0), SECCOMP_RET_ALLOW);
	assert_int_equal(ask(text, 0, SYS_getuid, 0), SECCOMP_RET_KILL_PROCESS);
	assert_int_equal(ask(text, 0, SYS_getgid, 0), SECCOMP_RET_ERRNO | 9);
	assert_int_equal(ask(text, 0, SYS_read, 0), SECCOMP_RET_ERRNO | 7);
	assert_int_equal(ask(text, 0, 5000, 0), SECCOMP_RET_ERRNO | ENOSYS);
}

static void test_conditions(void **state)
{
	static const char text[] =
		"{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":["
		"{\"names\":[\"personality\"],\"action\":\"SCMP_ACT_ALLOW\",\"args\":["
		"{\"index\":0,\"value\":5,\"op\":\"SCMP_CMP_EQ\"},"
		"{\"index\":0,\"value\":100,\"op\":\"SCMP_CMP_GE\"}]}]}";

	(void)state;
	/* Two conditions on one argument: either will do. */
	assert_int_equal(ask(text, 0, SYS_personality, 5), SECCOMP_RET_ALLOW);
	assert_int_equal(ask(text, 0, SYS_personality, 100), SECCOMP_RET_ALLOW);
	assert_int_equal(ask(text, 0, SYS_personality, 6), SECCOMP_RET_ERRNO | EPERM);
	assert_int_equal(ask(text, 0, SYS_personality, 5 | 1ull << 32), SECCOMP_RET_ALLOW);
	assert_int_equal(ask(text, 0, SYS_personality, 0), SECCOMP_RET_ERRNO | EPERM);
}

static void test_capabilities(void **state)
{
	static const char text[] = "{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":["
				   "{\"names\":[\"statx\"],\"action\":\"SCMP_ACT_ALLOW\"},"
				   "{\"names\":[\"mount\"],\"action\":\"SCMP_ACT_ALLOW\","
				   "\"includes\":{\"caps\":[\"CAP_SYS_ADMIN\"]}},"
				   "{\"names\":[\"getcpu\"],\"action\":\"SCMP_ACT_ALLOW\","
				   "\"excludes\":{\"caps\":[\"CAP_SYS_ADMIN\"]}}]}";

	(void)state;
	assert_int_equal(ask(text, SYSADMIN, SYS_mount, 0), SECCOMP_RET_ALLOW);
	assert_int_equal(ask(text, 0, SYS_mount, 0), SECCOMP_RET_ERRNO | EPERM);
	assert_int_equal(ask(text, SYSADMIN, SYS_getcpu, 0), SECCOMP_RET_ERRNO | EPERM);
	assert_int_equal(ask(text, 0, SYS_getcpu, 0), SECCOMP_RET_ALLOW);
}

static void test_another_architecture_is_killed(void **state)
{
	struct seccomp_filter filter = compile("{\"defaultAction\":\"SCMP_ACT_ALLOW\"}", 0);
	struct seccomp_data call = { .nr = 0, .arch = AUDIT_ARCH_S390X };

	(void)state;
	assert_int_not_equal(seccomp_ask(&filter, &call), SECCOMP_RET_ALLOW);
	assert_true(seccomp_allows(&filter, SYS_read));
	free(filter.code);
}

static void test_bad_profiles(void **state)
{
	static const char *const bad[][2] = {
		{ "", "line 1" },
		{ "{\n\n}x", "line 3" },
		{ "[]", "unknown action" },
		{ "{\"defaultAction\":\"ALLOW\"}", "ALLOW" },
		{ "{\"defaultAction\":7}", "defaultAction: not a text" },
		{ "{\"syscalls\":{}}", "syscalls: not a list of objects" },
		{ "{\"syscalls\":[null]}", "syscalls: not a list of objects" },
		{ "{\"syscalls\":[{\"names\":\"mkdir\"}]}", "names: not a list of texts" },
		{ "{\"syscalls\":[{\"errnoRet\":-1}]}", "errnoRet: not a whole number" },
		{ "{\"syscalls\":[{\"args\":[{\"value\":\"16\"}]}]}", "value: not a whole" },
		{ "{\"syscalls\":[{\"excludes\":[]}]}", "excludes: not an object" },
		{ "{\"syscalls\":[],\"syscalls\":[]}", "duplicate" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct seccomp_filter filter = { 0 };

		assert_true(seccomp_profile_compile(bad[i][0], strlen(bad[i][0]), "test", 0,
						    &filter) < 0);
		unit_assert_failure(bad[i][1]);
		free(filter.code);
	}
}

/* A program that is no filter never allows anything, and never reads past its data. */
static void test_programs_that_are_none(void **state)
{
	struct sock_filter load = BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 4096);
	struct sock_filter jump = BPF_JUMP(BPF_JMP | BPF_JA, 0xffff, 0, 0);
	struct seccomp_data call = { .arch = NATIVE };

	(void)state;
	assert_int_equal(seccomp_ask(&(struct seccomp_filter){ &load, 1 }, &call),
			 SECCOMP_RET_KILL_PROCESS);
	assert_int_equal(seccomp_ask(&(struct seccomp_filter){ &jump, 1 }, &call),
			 SECCOMP_RET_KILL_PROCESS);
	assert_int_equal(seccomp_ask(&(struct seccomp_filter){ NULL, 0 }, &call),
			 SECCOMP_RET_KILL_PROCESS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(test_actions),      UNIT_TEST(test_conditions),
		UNIT_TEST(test_capabilities), UNIT_TEST(test_another_architecture_is_killed),
		UNIT_TEST(test_bad_profiles), UNIT_TEST(test_programs_that_are_none),
	};

	return cmocka_run_group_tests_name("seccomp", tests, NULL, NULL);
}
