/* capabilities.c - chapter 06: root's power in pieces. The contract is in privilege.h. */
#include <errno.h>
#include <sys/capability.h>

#include "chapters.h"
#include "container.h"
#include "fail.h"
#include "privilege.h"

/* QUOTE default */
/* Docker's default: what programs that expect to be root can't do without, and nothing that reaches
 * past the container's own files, processes and network. */
static const int default_capabilities[] = {
	CAP_CHOWN,	CAP_DAC_OVERRIDE, CAP_FOWNER,		CAP_FSETID,
	CAP_KILL,	CAP_SETGID,	  CAP_SETUID,		CAP_SETPCAP,
	CAP_SYS_CHROOT, CAP_NET_RAW,	  CAP_NET_BIND_SERVICE, CAP_MKNOD,
	CAP_SETFCAP,	CAP_AUDIT_WRITE,
};
/* END default */

/* What skiff, or its child in a user namespace of the container's, may pass on. */
static capability_set available(const struct container *c, cap_t mine)
{
	capability_set set = 0;

	for (int capability = 0; capability < cap_max_bits(); capability++) {
		cap_flag_value_t have = CAP_SET;
		int bound = cap_get_bound(capability); /* -1: the kernel does not know it */

		/* A new user namespace has all of them: user_namespaces(7). */
		if (c->ns[NAMESPACE_USER].mode == NAMESPACE_HOST &&
		    (cap_get_flag(mine, capability, CAP_PERMITTED, &have) < 0 || !bound))
			have = CAP_CLEAR;
		if (have == CAP_SET && bound >= 0)
			set |= CAPABILITY(capability);
	}
	return set;
}

/* --cap-add and --cap-drop as Docker reads them: ALL on one side makes the other the exceptions. */
static capability_set wanted(const struct container *c)
{
	const struct privileges *p = &c->privileges;
	capability_set set = 0;

	if (c->flags & CONTAINER_PRIVILEGED)
		return CAPABILITIES_ALL;
	if (p->cap_add == CAPABILITIES_ALL)
		return p->cap_drop == CAPABILITIES_ALL ? p->cap_add : p->cap_add & ~p->cap_drop;
	for (size_t i = 0; i < sizeof default_capabilities / sizeof default_capabilities[0]; i++)
		set |= CAPABILITY(default_capabilities[i]);
	return (set & ~p->cap_drop) | p->cap_add;
}

/* A capability that was asked for by name and can't be had is an error; one of a set is left out. */
static int refuse_missing(const struct container *c, capability_set have)
{
	capability_set missing = c->privileges.cap_add & ~have;
	char *name;
	int capability = 0;

	if (c->privileges.cap_add == CAPABILITIES_ALL || !missing)
		return 0;
	while (!(missing & CAPABILITY(capability)))
		capability++;
	name = cap_to_name(capability);
	fail_hint(fail(0, "adding the capability %s: skiff does not have it itself",
		       name ? name : "?"),
		  "`grep Cap /proc/self/status`, or `capsh --print`, says what this shell has");
	cap_free(name);
	return -EPERM;
}

int capabilities_choose(struct container *c)
{
	struct privileges *p = &c->privileges;
	struct capability_sets *sets = &p->sets;
	cap_t mine = cap_get_proc();
	capability_set have = mine ? available(c, mine) : 0;

	cap_free(mine);
	if (!mine)
		return fail(errno, "reading skiff's capabilities");
	TRY(refuse_missing(c, have));
	if (!(c->flags & CONTAINER_EXEC))
		sets->bounding = wanted(c);
	if (c->flags & CONTAINER_PRIVILEGED)
		sets->bounding = CAPABILITIES_ALL;
	sets->bounding &= have;
	sets->permitted = sets->effective = sets->bounding;
	sets->inheritable = sets->ambient = 0;
	return 0;
}

int capabilities_bound(const struct container *c)
{
	/* SECURITY: execve(2) gives root back whatever is in the bounding set, however little it had
	 * before: to mount, or to look into processes that have more capabilities than itself
	 * (test: attacks/06-mount, attacks/06-ptrace). */
	/* TASK 6.1 capabilities
	 * Take each capability that is not in c->privileges.sets.bounding out of the bounding set:
	 * cap_drop_bound(). cap_max_bits() says how many the kernel knows; those that are out of the
	 * set already (cap_get_bound() is 0) need nothing.
	 * Read: capabilities(7) on the bounding set, cap_drop_bound(3) */
	for (cap_value_t at = 0; at < cap_max_bits(); at++)
		if (!(c->privileges.sets.bounding & CAPABILITY(at)) && cap_get_bound(at) > 0 &&
		    cap_drop_bound(at) < 0)
			return fail(errno, "limiting the container's capabilities");
	return 0;
	/* END 6.1 */
}

/* Fills one of the three flags of a cap_t from a set. */
static void set_flags(cap_t caps, cap_flag_t flag, capability_set set)
{
	for (cap_value_t at = 0; at < cap_max_bits(); at++)
		cap_set_flag(caps, flag, 1, &at, set & CAPABILITY(at) ? CAP_SET : CAP_CLEAR);
}

int capabilities_convert(struct container *c)
{
	const struct capability_sets *sets = &c->privileges.sets;
	cap_t caps = cap_init();

	if (!caps)
		return fail(errno, "choosing the container's capabilities");
	c->privileges.sets_as_cap_t = caps;
	/* TASK 6.1 capabilities
	 * Put the permitted, effective and inheritable set of *sets into caps: set_flags() three
	 * times, with CAP_PERMITTED, CAP_EFFECTIVE and CAP_INHERITABLE.
	 * Read: cap_get_flag(3), capabilities(7) on thread capability sets */
	set_flags(caps, CAP_PERMITTED, sets->permitted);
	set_flags(caps, CAP_EFFECTIVE, sets->effective);
	set_flags(caps, CAP_INHERITABLE, sets->inheritable);
	return 0;
	/* END 6.1 */
}

void capabilities_take(struct container *c, int capability)
{
	struct capability_sets *sets = &c->privileges.sets;

	sets->bounding &= ~CAPABILITY(capability);
	sets->permitted &= ~CAPABILITY(capability);
	sets->effective &= ~CAPABILITY(capability);
	for (cap_flag_t flag = CAP_EFFECTIVE; flag <= CAP_INHERITABLE; flag++)
		cap_set_flag(c->privileges.sets_as_cap_t, flag, 1, &capability, CAP_CLEAR);
}

int capabilities_set(const struct container *c, bool root)
{
	cap_t caps = c->privileges.sets_as_cap_t;

	/* TASK 6.1 capabilities
	 * Make caps the sets of this process: cap_set_proc(). For a user other than root, cap_clear()
	 * them first: it starts with none, as after an execve() of its own. Before that, empty the
	 * ambient set: cap_reset_ambient().
	 * Read: cap_get_proc(3), cap_clear(3), capabilities(7) on the ambient set */
	if (cap_reset_ambient() < 0 || (!root && cap_clear(caps) < 0) || cap_set_proc(caps) < 0)
		return fail(errno, "giving up capabilities");
	return 0;
	/* END 6.1 */
}
