/* seccomp_profile.c - compiles a seccomp profile; see seccomp_profile.h.
 *
 * The format is Docker's: a default action, and rules; each has names of system calls, an action,
 * conditions on their arguments, and says for which capabilities, architectures and kernels it
 * counts. It runs in the parent, and only when the cache does not have the result. */
#include "seccomp_profile.h"

#include <errno.h>
#include <jansson.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fail.h"
#include "kernel.h"
#include "scope.h"
#include "seccomp_fields.h"

/* One compilation. */
struct compiler {
	const char *name; /* of the profile, or NULL for skiff's own */
	capability_set bounding;
	uint32_t default_action;
	scmp_filter_ctx filter;
	int highest; /* the highest number of a call that is named: numbers above it are unknown */
};

enum { X32_BIT = 0x40000000 }; /* in the numbers of x32's calls */

/* What Docker calls the architectures in "includes" and "excludes", and libseccomp in "archMap". */
static const struct {
	const char *includes, *map;
	uint32_t token;
} architectures[] = {
	{ "amd64", "SCMP_ARCH_X86_64", SCMP_ARCH_X86_64 },
	{ "x86", "SCMP_ARCH_X86", SCMP_ARCH_X86 },
	{ "x32", "SCMP_ARCH_X32", SCMP_ARCH_X32 },
	{ "arm64", "SCMP_ARCH_AARCH64", SCMP_ARCH_AARCH64 },
	{ "arm", "SCMP_ARCH_ARM", SCMP_ARCH_ARM },
};

static int bad_profile(const struct compiler *compiler, const char *why, const char *what)
{
	return fail(0, "reading the seccomp profile %s: %s %s",
		    compiler->name ? compiler->name : "of skiff's own", why, what ? what : "?");
}

static const char *text_of(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

/* Turns an action's name into libseccomp's value. Returns 0 or -EINVAL with a failure record. */
static int parse_action(const struct compiler *compiler, const char *name, const json_t *error,
			uint32_t *action)
{
	static const struct {
		const char *name;
		uint32_t action;
	} actions[] = {
		{ "SCMP_ACT_ALLOW", SCMP_ACT_ALLOW },
		{ "SCMP_ACT_LOG", SCMP_ACT_LOG },
		{ "SCMP_ACT_KILL", SCMP_ACT_KILL },
		{ "SCMP_ACT_KILL_THREAD", SCMP_ACT_KILL_THREAD },
		{ "SCMP_ACT_KILL_PROCESS", SCMP_ACT_KILL_PROCESS },
		{ "SCMP_ACT_TRAP", SCMP_ACT_TRAP },
	};
	uint32_t number = json_is_integer(error) ? (uint32_t)json_integer_value(error) : EPERM;

	for (size_t i = 0; name && i < sizeof actions / sizeof actions[0]; i++)
		if (strcmp(actions[i].name, name) == 0) {
			*action = actions[i].action;
			return 0;
		}
	if (name && strcmp(name, "SCMP_ACT_ERRNO") == 0)
		*action = SCMP_ACT_ERRNO(number & 0xffff);
	else if (name && strcmp(name, "SCMP_ACT_TRACE") == 0)
		*action = SCMP_ACT_TRACE(number & 0xffff);
	else
		return bad_profile(compiler, "unknown action", name);
	return 0;
}

/* Whether any of the architectures in list is the one that we run on. */
static bool names_our_arch(const json_t *list)
{
	uint32_t native = seccomp_arch_native();
	json_t *item;
	size_t i;

	json_array_foreach(list, i, item) {
		for (size_t j = 0; j < sizeof architectures / sizeof architectures[0]; j++)
			if (json_is_string(item) && architectures[j].token == native &&
			    strcmp(architectures[j].includes, json_string_value(item)) == 0)
				return true;
	}
	return false;
}

/* Whether one, or each, of the capabilities in list is among ours. */
static bool has_capabilities(const struct compiler *compiler, const json_t *list, bool each)
{
	json_t *item;
	size_t i;

	json_array_foreach(list, i, item) {
		cap_value_t capability;
		bool have = json_is_string(item) &&
			    cap_from_name(json_string_value(item), &capability) == 0 &&
			    compiler->bounding & CAPABILITY(capability);

		if (have != each)
			return have;
	}
	return each;
}

/* Whether this kernel is at least of the version MAJOR.MINOR. */
static bool kernel_is_since(const char *version)
{
	int major, minor;

	return sscanf(version, "%d.%d", &major, &minor) == 2 && kernel_is_at_least(major, minor);
}

/* Whether a rule counts here: its "includes" all hold, and none of its "excludes". */
static bool rule_counts(const struct compiler *compiler, const json_t *rule)
{
	const json_t *in = json_object_get(rule, "includes");
	const json_t *out = json_object_get(rule, "excludes");
	const json_t *arches = json_object_get(in, "arches");

	if (json_array_size(arches) > 0 && !names_our_arch(arches))
		return false;
	if (!has_capabilities(compiler, json_object_get(in, "caps"), true))
		return false;
	if (text_of(in, "minKernel") && !kernel_is_since(text_of(in, "minKernel")))
		return false;
	return !names_our_arch(json_object_get(out, "arches")) &&
	       !has_capabilities(compiler, json_object_get(out, "caps"), false) &&
	       !(text_of(out, "minKernel") && kernel_is_since(text_of(out, "minKernel")));
}

/* Turns the conditions of a rule into libseccomp's. Returns how many, or -EINVAL with a record. */
static int parse_conditions(const struct compiler *compiler, const json_t *list,
			    struct scmp_arg_cmp conditions[6])
{
	static const char *const operators[] = {
		[SCMP_CMP_NE] = "SCMP_CMP_NE",
		[SCMP_CMP_LT] = "SCMP_CMP_LT",
		[SCMP_CMP_LE] = "SCMP_CMP_LE",
		[SCMP_CMP_EQ] = "SCMP_CMP_EQ",
		[SCMP_CMP_GE] = "SCMP_CMP_GE",
		[SCMP_CMP_GT] = "SCMP_CMP_GT",
		[SCMP_CMP_MASKED_EQ] = "SCMP_CMP_MASKED_EQ",
	};
	json_t *item;
	size_t i;

	json_array_foreach(list, i, item) {
		json_int_t index = json_integer_value(json_object_get(item, "index"));
		const char *name = text_of(item, "op");
		unsigned op = SCMP_CMP_NE;

		while (op <= SCMP_CMP_MASKED_EQ && !(name && strcmp(operators[op], name) == 0))
			op++;
		if (op > SCMP_CMP_MASKED_EQ)
			return bad_profile(compiler, "unknown comparison", name);
		if (i >= 6 || index < 0 || index > 5)
			return bad_profile(compiler, "a system call has 6 arguments, not more:",
					   text_of(item, "op"));
		conditions[i] = (struct scmp_arg_cmp){
			.arg = (unsigned)index,
			.op = (enum scmp_compare)op,
			.datum_a = (scmp_datum_t)json_integer_value(json_object_get(item, "value")),
			.datum_b = (scmp_datum_t)json_integer_value(
				json_object_get(item, "valueTwo")),
		};
	}
	return (int)i;
}

/* Adds one call of a rule, with all conditions or, where two are on the same argument, with each of
 * them in turn, as Docker reads it. Returns 0 or -errno without a record. */
static int add_call(struct compiler *compiler, uint32_t action, int number,
		    const struct scmp_arg_cmp *conditions, int count)
{
	bool same_argument = false;
	int ret = 0;

	for (int i = 0; i < count; i++)
		for (int j = 0; j < i; j++)
			same_argument |= conditions[i].arg == conditions[j].arg;
	if (!same_argument)
		return seccomp_rule_add_array(compiler->filter, action, number, (unsigned)count,
					      conditions);
	for (int i = 0; i < count && ret == 0; i++)
		ret = seccomp_rule_add_array(compiler->filter, action, number, 1, conditions + i);
	return ret;
}

/* Adds one name of a rule. Returns 0 or -errno with a failure record. */
static int add_name(struct compiler *compiler, const json_t *rule, const char *name)
{
	struct scmp_arg_cmp conditions[6] = { 0 };
	int count = parse_conditions(compiler, json_object_get(rule, "args"), conditions);
	uint32_t action = compiler->default_action;
	int number, ret;

	if (count < 0)
		return count;
	TRY(parse_action(compiler, text_of(rule, "action"), json_object_get(rule, "errnoRet"),
			 &action));
	number = name ? seccomp_syscall_resolve_name(name) : __NR_SCMP_ERROR;
	if (number == __NR_SCMP_ERROR) {
		/* Our own profile knows newer calls than an old libseccomp does; see add_unknown(). */
		if (compiler->name)
			note("the seccomp profile %s names %s, a system call that nobody knows "
			     "here",
			     compiler->name, name ? name : "nothing");
		return 0;
	}
	if (number > compiler->highest)
		compiler->highest = number;
	if (action == compiler->default_action)
		return 0;
	ret = add_call(compiler, action, number, conditions, count);
	return ret < 0 ? fail(-ret, "adding %s to the system call filter", name) : 0;
}

static int add_rule(struct compiler *compiler, const json_t *rule)
{
	const json_t *names = json_object_get(rule, "names");
	json_t *item;
	size_t i;

	if (!rule_counts(compiler, rule))
		return 0;
	if (!json_is_array(names)) /* an older form of the format */
		return add_name(compiler, rule, text_of(rule, "name"));
	json_array_foreach(names, i, item)
		TRY(add_name(compiler, rule, json_string_value(item)));
	return 0;
}

bool seccomp_has_x32(void)
{
#ifdef __x86_64__
	return syscall(X32_BIT + SYS_getpid) >= 0;
#else
	return false;
#endif
}

/* Adds the architecture of that name to the filter, if libseccomp and we know it. */
static int add_architecture(struct compiler *compiler, const char *name)
{
	for (size_t i = 0; name && i < sizeof architectures / sizeof architectures[0]; i++)
		if (strcmp(architectures[i].map, name) == 0 &&
		    (architectures[i].token != SCMP_ARCH_X32 || seccomp_has_x32())) {
			int ret = seccomp_arch_add(compiler->filter, architectures[i].token);

			return ret < 0 && ret != -EEXIST ?
				       fail(-ret, "adding %s to the system call filter", name) :
				       0;
		}
	return 0;
}

/* Adds the architectures whose programs this kernel may run besides its own. Without them every
 * call of such a program would kill it. */
static int add_architectures(struct compiler *compiler, const json_t *profile)
{
	json_t *item, *sub;
	size_t i, j;

	json_array_foreach(json_object_get(profile, "architectures"), i, item)
		TRY(add_architecture(compiler, json_string_value(item)));
	json_array_foreach(json_object_get(profile, "archMap"), i, item) {
		const char *name = text_of(item, "architecture");
		bool native = false;

		for (j = 0; name && j < sizeof architectures / sizeof architectures[0]; j++)
			native |= strcmp(architectures[j].map, name) == 0 &&
				  architectures[j].token == seccomp_arch_native();
		json_array_foreach(json_object_get(item, "subArchitectures"), j, sub)
			if (native)
				TRY(add_architecture(compiler, json_string_value(sub)));
	}
	return 0;
}

static int add_all(struct compiler *compiler, const json_t *profile)
{
	json_t *rule;
	size_t i;
	int ret;

	TRY(seccomp_fields_check(profile, compiler->name));
	TRY(parse_action(compiler, text_of(profile, "defaultAction"),
			 json_object_get(profile, "defaultErrnoRet"), &compiler->default_action));
	compiler->filter = seccomp_init(compiler->default_action);
	if (!compiler->filter)
		return fail(ENOMEM, "making a system call filter");
	/* A tree instead of a list: a call is decided in about ten steps, not in hundreds. */
	ret = seccomp_attr_set(compiler->filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (ret < 0)
		return fail(-ret, "making a system call filter");
	TRY(add_architectures(compiler, profile));
	json_array_foreach(json_object_get(profile, "syscalls"), i, rule)
		TRY(add_rule(compiler, rule));
	return 0;
}

enum { UNKNOWN_STEPS = 5 };

#ifdef __x86_64__
#define PRIVATE_CALLS UINT32_MAX
#else
#define PRIVATE_CALLS 0x0f0000 /* of 32-bit ARM: set_tls and its neighbours */
#endif

/* Calls that are newer than the profile: ENOSYS, as from an older kernel, so that programs fall
 * back. EPERM they would take for a decision. New calls have the same number everywhere. */
static size_t add_unknown(const struct compiler *compiler, struct sock_filter *code)
{
	const struct sock_filter steps[UNKNOWN_STEPS] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K,
			 seccomp_has_x32() ? ~(uint32_t)X32_BIT : UINT32_MAX),
		BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, (uint32_t)compiler->highest, 0, 2),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, PRIVATE_CALLS, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
	};

	if (compiler->default_action == SCMP_ACT_ALLOW || compiler->default_action == SCMP_ACT_LOG)
		return 0;
	memcpy(code, steps, sizeof steps);
	return UNKNOWN_STEPS;
}

/* Takes the finished program out of libseccomp. Returns 0 or -errno with a failure record. */
static int export_filter(const struct compiler *compiler, struct seccomp_filter *filter)
{
	auto_fd file = memfd_create("seccomp", MFD_CLOEXEC);
	int ret = file < 0 ? -errno : seccomp_export_bpf(compiler->filter, file);
	off_t bytes = ret < 0 ? -1 : lseek(file, 0, SEEK_END);
	size_t before;

	if (bytes < 0)
		return fail(ret < 0 ? -ret : errno, "compiling the system call filter");
	if ((size_t)bytes / sizeof *filter->code + UNKNOWN_STEPS > BPF_MAXINSNS)
		return fail(E2BIG, "compiling the system call filter");
	filter->code = malloc((size_t)bytes + UNKNOWN_STEPS * sizeof *filter->code);
	if (!filter->code)
		return fail(ENOMEM, "compiling the system call filter");
	before = add_unknown(compiler, filter->code);
	if (pread(file, filter->code + before, (size_t)bytes, 0) != bytes)
		return fail(EIO, "compiling the system call filter");
	filter->count = (unsigned short)(before + (size_t)bytes / sizeof *filter->code);
	return 0;
}

int seccomp_profile_compile(const char *text, size_t length, const char *name, uint64_t bounding,
			    struct seccomp_filter *filter)
{
	struct compiler compiler = { .name = name, .bounding = bounding };
	json_error_t error;
	json_t *profile = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
	int ret;

	if (!profile)
		return fail(0, "reading the seccomp profile %s: line %d: %s",
			    name ? name : "of skiff's own", error.line, error.text);
	ret = add_all(&compiler, profile);
	if (ret == 0)
		ret = export_filter(&compiler, filter);
	if (compiler.filter)
		seccomp_release(compiler.filter);
	json_decref(profile);
	return ret;
}
