/* audit_facts.h - what a container could still do, as `skiff audit` tells it. */
#ifndef SKIFF_AUDIT_FACTS_H
#define SKIFF_AUDIT_FACTS_H

#include <jansson.h>

struct container;

/* Looks at the processes and mounts of the container that c describes (c->target_pid, c->privileges
 * and c->flags from its state). *facts becomes a list of objects: "kind", "what", "risk" (null where
 * it is as it should be); a reference of the caller's. Returns 0 or -errno with a failure record. */
int audit_collect(struct container *c, json_t **facts) __attribute__((warn_unused_result));

#endif
