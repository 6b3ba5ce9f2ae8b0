/* limit_options.c - --memory and its siblings; see limit_options.h. */
#include "limit_options.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "fail.h"

enum {
	MEMORY_MIN = 6 << 20, /* Docker's: less does not even start a program */
	CPU_USEC_MIN = 1000,  /* the kernel's: 1 ms in each period */
	PIDS_MAX = 4194304,   /* the kernel's PID_MAX_LIMIT */
	CPUS_TEXT_MAX = 255,
	SHARES_MIN = 2,
	SHARES_MAX = 262144,
	WEIGHT_MAX = 10000,
};

bool limit_option_is(int option)
{
	return option >= LIMIT_OPTION_MEMORY && option <= LIMIT_OPTION_WRITE_IOPS;
}

/* Parses digits, and perhaps a fraction, as number * scale. Returns it and moves *text behind it; -1
 * if there is no number, or too large a one. */
static int64_t parse_scaled(const char **text, int64_t scale)
{
	int64_t value = 0, part = scale;
	const char *at = *text;

	if (!isdigit((unsigned char)*at))
		return -1;
	for (; isdigit((unsigned char)*at); at++)
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, *at - '0', &value))
			return -1;
	if (__builtin_mul_overflow(value, scale, &value))
		return -1;
	if (*at == '.' && isdigit((unsigned char)at[1]))
		for (at++; isdigit((unsigned char)*at); at++) {
			/* 1.5g: half of 2^30. What is less than one unit is dropped. */
			int64_t digit = (*at - '0') * (part / 10) + (*at - '0') * (part % 10) / 10;

			part /= 10;
			if (__builtin_add_overflow(value, digit, &value))
				return -1;
		}
	*text = at;
	return value;
}

int64_t limit_parse_decimal(const char *text, int64_t scale)
{
	int64_t value = parse_scaled(&text, scale);

	return *text ? -1 : value;
}

static int64_t limit_parse_whole(const char *text)
{
	return strchr(text, '.') ? -1 : limit_parse_decimal(text, 1);
}

int64_t limit_parse_size(const char *text)
{
	static const char units[] = "bkmgtp";
	size_t digits = strspn(text, "0123456789.");
	char letter = (char)tolower((unsigned char)text[digits]);
	const char *unit = letter ? strchr(units, letter) : units;
	const char *at = text;
	int64_t value;

	if (!unit)
		return -1;
	value = parse_scaled(&at, INT64_C(1) << (10 * (unit - units)));
	if (at != text + digits)
		return -1;
	/* 64m, 64mb and 64mib are the same. */
	at += letter != '\0';
	if (unit > units && tolower((unsigned char)*at) == 'i')
		at++;
	if (unit > units && tolower((unsigned char)*at) == 'b')
		at++;
	return *at ? -1 : value;
}

bool limit_cpus_valid(const char *text, long count)
{
	do {
		char *end = NULL;
		long first, last;

		if (!isdigit((unsigned char)*text))
			return false;
		last = first = strtol(text, &end, 10);
		if (*end == '-') {
			if (!isdigit((unsigned char)end[1]))
				return false;
			last = strtol(end + 1, &end, 10);
		}
		if (first > last || last >= count || (*end && *end != ','))
			return false;
		text = end + (*end == ',');
		if (*end == ',' && !*text)
			return false;
	} while (*text);
	return true;
}

__attribute__((format(printf, 2, 3))) static int refuse(const struct option_walk *walk,
							const char *range, ...)
{
	char text[128];
	va_list args;

	va_start(args, range);
	vsnprintf(text, sizeof text, range, args);
	va_end(args);
	return fail(0, "%s: %s %s: %s", walk->command, walk->shown, walk->value, text);
}

static int set_size(int64_t *value, const struct option_walk *walk)
{
	*value = LIMIT_NONE;
	if (strcmp(walk->value, "-1") == 0)
		return 0;
	*value = limit_parse_size(walk->value);
	return *value < MEMORY_MIN ? refuse(walk, "not a size from 6m up, or -1 for no limit") : 0;
}

static int set_number(int64_t *value, const struct option_walk *walk, int64_t min, int64_t max)
{
	*value = limit_parse_whole(walk->value);
	return *value < min || *value > max ? refuse(walk, "not a whole number from %lld to %lld",
						     (long long)min, (long long)max) :
					      0;
}

static int set_cpus(int64_t *usec, const struct option_walk *walk)
{
	long count = sysconf(_SC_NPROCESSORS_ONLN);

	*usec = LIMIT_NONE;
	if (strcmp(walk->value, "-1") == 0)
		return 0;
	*usec = limit_parse_decimal(walk->value, LIMIT_CPU_PERIOD_USEC);
	if (*usec < CPU_USEC_MIN || *usec > count * LIMIT_CPU_PERIOD_USEC)
		return refuse(walk, "not a number from 0.01 to %ld, the CPUs of this machine",
			      count);
	return 0;
}

static int set_cpuset(struct limits *limits, const struct option_walk *walk)
{
	long count = sysconf(_SC_NPROCESSORS_CONF);

	limits->cpus = walk->value;
	if (strlen(walk->value) > CPUS_TEXT_MAX || !limit_cpus_valid(walk->value, count))
		return refuse(walk, "not a list such as 0-2,5 of CPUs from 0 to %ld", count - 1);
	return 0;
}

static int set_pids(int64_t *value, const struct option_walk *walk)
{
	*value = LIMIT_NONE;
	if (strcmp(walk->value, "-1") == 0 || strcmp(walk->value, "0") == 0)
		return 0;
	*value = limit_parse_whole(walk->value);
	return *value < 1 || *value > PIDS_MAX ?
		       refuse(walk, "not a whole number from 1 to %d, or 0 or -1 for no limit",
			      PIDS_MAX) :
		       0;
}

static int set_rate(struct limits *limits, int option, const struct option_walk *walk)
{
	static const struct {
		const char *key, *option;
	} kinds[] = {
		{ "rbps", "--device-read-bps" },
		{ "wbps", "--device-write-bps" },
		{ "riops", "--device-read-iops" },
		{ "wiops", "--device-write-iops" },
	};
	const char *colon = strrchr(walk->value, ':');
	bool bytes = option <= LIMIT_OPTION_WRITE_BPS;
	struct device_rate *rate = &limits->rate[limits->rates];
	struct stat status;
	char path[256];

	if (!colon || colon == walk->value || (size_t)(colon - walk->value) >= sizeof path)
		return refuse(walk, "not of the form PATH:RATE");
	if (limits->rates == LIMIT_RATES_MAX)
		return refuse(walk, "more than %d of these limits", LIMIT_RATES_MAX);
	snprintf(path, sizeof path, "%.*s", (int)(colon - walk->value), walk->value);
	if (stat(path, &status) < 0)
		return fail(errno, "%s: %s %s", walk->command, walk->shown, walk->value);
	if (!S_ISBLK(status.st_mode))
		return refuse(walk, "%s is not a block device", path);
	rate->key = kinds[option - LIMIT_OPTION_READ_BPS].key;
	rate->option = kinds[option - LIMIT_OPTION_READ_BPS].option;
	rate->major = major(status.st_rdev);
	rate->minor = minor(status.st_rdev);
	rate->rate = LIMIT_NONE;
	limits->rates++;
	if (strcmp(colon + 1, "-1") == 0)
		return 0;
	rate->rate = bytes ? limit_parse_size(colon + 1) : limit_parse_whole(colon + 1);
	return rate->rate <= 0 ?
		       refuse(walk, "the rate is not a number from 1 up, or -1 for no limit") :
		       0;
}

/* The formula of the OCI runtimes (runc up to 1.3, crun): the range 2 to 262144 of version 1 onto 1
 * to 10000. 1024, the default there, becomes 39, while the default here is 100: give all of them
 * shares, or none. */
static int set_shares(int64_t *weight, const struct option_walk *walk)
{
	int64_t shares;

	TRY(set_number(&shares, walk, SHARES_MIN, SHARES_MAX));
	*weight = 1 + (shares - SHARES_MIN) * (WEIGHT_MAX - 1) / (SHARES_MAX - SHARES_MIN);
	return 0;
}

int limit_option_set(struct limits *limits, int option, const struct option_walk *walk)
{
	switch (option) {
	case LIMIT_OPTION_MEMORY:
		return set_size(&limits->value[LIMIT_MEMORY], walk);
	case LIMIT_OPTION_MEMORY_LOW:
		return set_size(&limits->value[LIMIT_MEMORY_LOW], walk);
	case LIMIT_OPTION_SWAP:
		return set_size(&limits->value[LIMIT_SWAP], walk);
	case LIMIT_OPTION_CPUS:
		return set_cpus(&limits->value[LIMIT_CPU], walk);
	case LIMIT_OPTION_SHARES:
		return set_shares(&limits->value[LIMIT_CPU_WEIGHT], walk);
	case LIMIT_OPTION_WEIGHT:
		return set_number(&limits->value[LIMIT_CPU_WEIGHT], walk, 1, WEIGHT_MAX);
	case LIMIT_OPTION_CPUSET:
		return set_cpuset(limits, walk);
	case LIMIT_OPTION_PIDS:
		return set_pids(&limits->value[LIMIT_PIDS], walk);
	default:
		return set_rate(limits, option, walk);
	}
}

int limit_options_check(struct limits *limits, const char *command, bool is_new)
{
	int64_t memory = limits->value[LIMIT_MEMORY], low = limits->value[LIMIT_MEMORY_LOW];
	int64_t *swap = &limits->value[LIMIT_SWAP];

	if (memory > 0 && low > memory)
		return fail(0, "%s: --memory-reservation: it can't be more than --memory", command);
	if (*swap > 0 && (memory == LIMIT_NONE || (memory == LIMIT_UNSET && is_new)))
		return fail_hint(fail(0, "%s: --memory-swap: it needs --memory", command),
				 "it counts memory and swap together");
	if (*swap > 0 && *swap < memory)
		return fail_hint(
			fail(0, "%s: --memory-swap: it can't be less than --memory", command),
			"it counts memory and swap together; as much as --memory: no swap");
	if (is_new && memory > 0 && *swap == LIMIT_UNSET) {
		limits->swap_is_default = true;
		*swap = memory > INT64_MAX / 2 ? LIMIT_NONE : 2 * memory;
	}
	return 0;
}
