/* strv.c - a growing list of strings; see strv.h. */
#include "strv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int strv_append(struct strv *v, const char *text)
{
	char **grown = realloc(v->list, (v->count + 2) * sizeof *grown);

	if (!grown)
		return -ENOMEM;
	v->list = grown;
	v->list[v->count] = strdup(text);
	v->list[v->count + 1] = NULL;
	if (!v->list[v->count])
		return -ENOMEM;
	v->count++;
	return 0;
}

static char **strv_find(const struct strv *v, const char *key, size_t key_len)
{
	for (size_t i = 0; i < v->count; i++)
		if (strncmp(v->list[i], key, key_len) == 0 && v->list[i][key_len] == '=')
			return &v->list[i];
	return NULL;
}

int strv_set(struct strv *v, const char *assignment)
{
	char **entry = strv_find(v, assignment, strcspn(assignment, "="));
	char *copy;

	if (!entry)
		return strv_append(v, assignment);
	copy = strdup(assignment);
	if (!copy)
		return -ENOMEM;
	free(*entry);
	*entry = copy;
	return 0;
}

const char *strv_get(const struct strv *v, const char *key)
{
	char **entry = strv_find(v, key, strlen(key));

	return entry ? *entry + strlen(key) + 1 : NULL;
}

void strv_clear(struct strv *v)
{
	for (size_t i = 0; i < v->count; i++)
		free(v->list[i]);
	free(v->list);
	*v = (struct strv){ 0 };
}
