/* state_security.h - the part of a container's state that chapter 06 needs for `exec` and `audit`. */
#ifndef SKIFF_STATE_SECURITY_H
#define SKIFF_STATE_SECURITY_H

#include <jansson.h>

struct container;

/* What state.json says under "security". Returns a new reference, or NULL where there is no memory. */
json_t *state_security_write(const struct container *c);

/* Takes what state.json says under "security" as what was asked for: c->privileges and c->flags.
 * Returns 0 or -ENOMEM. */
int state_security_read(const json_t *security, struct container *c)
	__attribute__((warn_unused_result));

#endif
