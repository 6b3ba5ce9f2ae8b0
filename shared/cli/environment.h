/* environment.h - the environment of a command, as options give it. */
#ifndef SKIFF_ENVIRONMENT_H
#define SKIFF_ENVIRONMENT_H

#include "strv.h"

/* PATH, HOME and, at a terminal, TERM, as Docker sets them. Returns 0 or -errno with a record. */
int environment_defaults(struct strv *env) __attribute__((warn_unused_result));

/* -e KEY=VALUE, or -e KEY for the caller's own value, if it has one.
 * Returns 0 or -errno with a failure record. */
int environment_add(struct strv *env, const char *text) __attribute__((warn_unused_result));

/* --env-file: one of these a line; empty lines and lines that begin with # are skipped.
 * Returns 0 or -errno with a failure record. */
int environment_add_file(struct strv *env, const char *path) __attribute__((warn_unused_result));

#endif
