/* environment.c - the environment of a command; see environment.h. */
#include "environment.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fail.h"
#include "scope.h"

static int set(struct strv *env, const char *assignment)
{
	return strv_set(env, assignment) < 0 ? fail(ENOMEM, "setting the environment") : 0;
}

int environment_defaults(struct strv *env)
{
	TRY(set(env, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"));
	TRY(set(env, "HOME=/root"));
	return isatty(STDIN_FILENO) ? set(env, "TERM=xterm") : 0;
}

int environment_add(struct strv *env, const char *text)
{
	const char *value;
	auto_free char *assignment = NULL;

	if (!text[0] || text[0] == '=')
		return fail(0, "-e %s: a variable needs a name", text);
	if (strchr(text, '='))
		return set(env, text);
	value = getenv(text);
	if (!value)
		return 0;
	if (asprintf(&assignment, "%s=%s", text, value) < 0)
		return fail(ENOMEM, "setting the environment");
	return set(env, assignment);
}

int environment_add_file(struct strv *env, const char *path)
{
	auto_file lines = fopen(path, "re");
	auto_free char *line = NULL;
	size_t size = 0;

	if (!lines)
		return fail(errno, "reading --env-file %s", path);
	while (getline(&line, &size, lines) >= 0) {
		char *at = line + strspn(line, " \t");

		line[strcspn(line, "\r\n")] = '\0';
		if (*at && *at != '#')
			TRY(environment_add(env, at));
	}
	return ferror(lines) ? fail(errno, "reading --env-file %s", path) : 0;
}
