/* audit.c - the front door `skiff audit`: what a container could still do. */
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "audit_facts.h"
#include "commands.h"
#include "container.h"
#include "fail.h"
#include "options.h"
#include "scope.h"
#include "state.h"
#include "state_security.h"

enum audit_option { AUDIT_FORMAT = 1, AUDIT_HELP };

static const struct option_row audit_options[] = {
	{ "format", 0, VALUE_NEEDED, 6, AUDIT_FORMAT, "table or json" },
	{ "help", 0, VALUE_NONE, 0, AUDIT_HELP, "show this" },
	{ 0 },
};

/* Finds the container and takes its privileges as its state has them. */
static int find_container(struct container *c, const char *reference)
{
	struct state_container found;
	int ret = state_find(reference, &found);

	if (ret < 0)
		return ret;
	c->target_pidfd = take_fd(&found.pidfd);
	c->target_pid = found.pid;
	ret = state_security_read(found.security, c);
	state_release(&found);
	return ret < 0 ? fail(-ret, "reading the container's privileges") : 0;
}

/* Prints text from the container's names without what a terminal would obey. */
static void print_plain(const char *text)
{
	for (; *text; text++)
		putchar((unsigned char)*text < 0x20 || *text == 0x7f ? '?' : *text);
}

static void print_table(const json_t *facts)
{
	json_t *fact;
	size_t i;

	printf("%-18s %-28s %s\n", "KIND", "WHAT", "RISK");
	json_array_foreach(facts, i, fact) {
		const char *what = json_string_value(json_object_get(fact, "what"));
		const char *risk = json_string_value(json_object_get(fact, "risk"));
		int width = 28 - (int)strlen(what);

		printf("%-18s ", json_string_value(json_object_get(fact, "kind")));
		print_plain(what);
		printf("%*s %s\n", width > 0 ? width : 0, "", risk ? risk : "-");
	}
}

static int audit(struct container *c, const char *reference, bool as_json)
{
	json_t *facts = NULL;
	int ret = find_container(c, reference);

	if (ret == 0)
		ret = audit_collect(c, &facts);
	if (ret == 0 && as_json) {
		json_t *all = json_pack("{s:s, s:O}", "container", reference, "facts", facts);

		json_dumpf(all, stdout, JSON_INDENT(2));
		putchar('\n');
		json_decref(all);
	} else if (ret == 0) {
		print_table(facts);
	}
	json_decref(facts);
	return ret;
}

static int audit_help(void)
{
	printf("Usage: skiff audit [OPTIONS] CONTAINER\n\n"
	       "Tell what a running container could still do, and the risk of it.\n\nOptions:\n");
	options_print(audit_options);
	return 0;
}

int command_audit(const struct global_options *global, char *const *words)
{
	struct option_walk walk = { .command = "audit", .rows = audit_options, .argv = words };
	bool as_json = false;
	struct container c;
	int option, ret;

	(void)global;
	while ((option = options_next(&walk)) > 0) {
		if (option == AUDIT_HELP)
			return audit_help();
		as_json = strcmp(walk.value, "json") == 0;
		if (!as_json && strcmp(walk.value, "table") != 0)
			return fail(0, "audit: --format %s: table or json", walk.value);
	}
	if (option < 0)
		return option;
	if (!words[walk.at] || words[walk.at + 1])
		return fail_hint(fail(0, "audit: one container is wanted"),
				 "skiff audit CONTAINER");
	container_init(&c);
	ret = audit(&c, words[walk.at], as_json);
	container_free(&c);
	return ret;
}
