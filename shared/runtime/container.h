/* container.h - the one structure that flows through the corridor.
 *
 * A front door (shared/cli/run.c today) fills it; nothing after the front door knows which one it
 * was. The groups say which chapter works on the fields. */
#ifndef SKIFF_CONTAINER_H
#define SKIFF_CONTAINER_H

#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <sys/types.h>
#include <termios.h>

#include "limit.h"
#include "privileges.h"
#include "strv.h"

struct trace;

enum {
	CONTAINER_ID_LENGTH = 64,	/* hex digits */
	CONTAINER_SHORT_ID_LENGTH = 12, /* what people see, and the default host name */
	CONTAINER_NAME_MAX = 64,	/* sethostname(2): at most 64 bytes */
	CONTAINER_MAPS_MAX = 16,
	CONTAINER_LAYERS_MAX = 128,
	OOM_SCORE_ADJ_UNSET = INT_MIN,
};

enum container_flags {
	CONTAINER_INIT = 1 << 0,     /* --init: skiff's own PID 1 reaps orphans           (01) */
	CONTAINER_NO_PIVOT = 1 << 1, /* --no-pivot: chroot(2) only, nothing is mounted     (02) */
	CONTAINER_EXEC = 1 << 2,     /* `skiff exec`: join a container, make no new one    (03) */

	CONTAINER_RM = 1 << 8,		/* --rm: nothing is kept when it ends               (05) */
	CONTAINER_READ_ONLY = 1 << 9,	/* --read-only                                      (05) */
	CONTAINER_USERXATTR = 1 << 10,	/* overlay's marks are user.*, not trusted.*        (05) */
	CONTAINER_KEPT = 1 << 11,	/* it started and stays when it ends                (05) */
	CONTAINER_PRIVILEGED = 1 << 12, /* --privileged                                (06) */
	CONTAINER_NO_NEW_PRIVS = 1 << 13, /* --security-opt no-new-privileges            (06) */
	CONTAINER_UNMASKED = 1 << 14,	  /* --security-opt systempaths=unconfined       (06) */
	CONTAINER_HOME_GIVEN = 1 << 15,	  /* -e HOME=...: --user does not change it      (06) */
};

/* The kinds of namespaces(7) that a user can choose. The mount namespace is not among them: it
 * belongs to the root file system (chapter 02). */
enum namespace_kind {
	NAMESPACE_PID,
	NAMESPACE_IPC,
	NAMESPACE_UTS,
	NAMESPACE_NETWORK,
	NAMESPACE_CGROUP,
	NAMESPACE_TIME,
	NAMESPACE_USER,
	NAMESPACE_KINDS,
};

enum namespace_mode {
	NAMESPACE_HOST,	     /* stay in skiff's own */
	NAMESPACE_PRIVATE,   /* a new one */
	NAMESPACE_CONTAINER, /* another container's: pidfd says whose */
};

struct namespace_choice {
	enum namespace_mode mode;
	int pidfd; /* of the other container's PID 1; owned by the front door */
};

/* One line of /proc/PID/uid_map: user_namespaces(7). */
struct id_map {
	uint32_t inside;
	uint32_t outside;
	uint32_t count;
};

struct id_maps {
	struct id_map map[CONTAINER_MAPS_MAX];
	unsigned count;
};

struct container {
	/* Who it is: set by the front door, id by container_run(). */
	char id[CONTAINER_ID_LENGTH + 1];
	const char *name; /* --name, or NULL */
	unsigned flags;	  /* enum container_flags */

	/* 01 process: what runs. Set by the front door. */
	char *const *argv;     /* NULL-terminated, at least one string */
	struct strv env;       /* KEY=VALUE, the whole environment */
	const char *workdir;   /* absolute, as seen inside; NULL: "/" */
	unsigned preserve_fds; /* descriptors 3 .. 3+n-1 stay open in the command */

	/* 01 process: who runs. Set by process_clone(). */
	pid_t pid;		       /* -1 before the clone, 0 in the child */
	int pidfd;		       /* the child's, in the parent */
	int exit_code;		       /* set by process_wait(): 0-255 */
	int sent_signal;	       /* SIGKILL was sent in place of this signal; 0: none */
	int signals_blocked;	       /* caller_mask is set */
	int has_terminal;	       /* the container is given skiff's terminal */
	struct termios terminal_modes; /* as they were, if has_terminal */
	sigset_t caller_mask;	       /* the signals blocked when skiff was started */
	uint64_t clone_flags;	       /* CLONE_NEW* for clone3(2): chapters 02 and 03 add theirs */

	/* 02 rootfs. The path is set by the front door, the descriptor by the room. */
	const char *rootfs_path; /* the topmost layer, where chapter 05 has several */
	int rootfs_fd;		 /* in the child: the root of the container's own mount tree */

	/* 03 namespaces. Choices are set by the front door. */
	struct namespace_choice ns[NAMESPACE_KINDS];
	char hostname[CONTAINER_NAME_MAX + 1];	 /* "": the short ID */
	char domainname[CONTAINER_NAME_MAX + 1]; /* "": unchanged */
	int64_t time_offset_sec;		 /* added to CLOCK_MONOTONIC and CLOCK_BOOTTIME */
	struct id_maps uid_maps;		 /* empty: chosen by namespaces_map_ids() */
	struct id_maps gid_maps;
	int target_pidfd; /* `exec`: PID 1 of the container to join, else -1. Front door's. */
	pid_t target_pid; /* its process ID, alive as long as it does not show its end */

	/* 04 cgroups. What was asked for is set by the front door, the descriptor by the room (for
	 * `exec` by the front door, too: it is the container's). */
	struct limits limits;
	const char *cgroup_parent; /* --cgroup-parent, or NULL */
	int oom_score_adj;	   /* OOM_SCORE_ADJ_UNSET: as skiff's */
	int cgroup_fd;		   /* the container's cgroup; -1: none */

	/* 06 security. What was asked for is set by the front door. */
	struct privileges privileges;
	char *const *program_argv; /* skiff's own words, to execute it anew */
	/* 05 overlay. The paths are set by the front door, the rest by the room. */
	struct strv layers; /* the directories of --rootfs, the base first */
	int store_fd;	    /* $SKIFF_ROOT/temporary/ID, locked; -1: none, as with --no-pivot */
	int temporary_fd;   /* $SKIFF_ROOT/temporary */
	/* Each layer, and behind them the store, as directories of the child's own mounts; or, for a
	 * user namespace of root's, as ID-mapped mount trees that the parent has made (idmap.h). */
	int layer_fds[CONTAINER_LAYERS_MAX + 1];
	int tree_fds[CONTAINER_LAYERS_MAX + 1];
	unsigned trees;	   /* how many tree_fds there are: 0, or one more than layers */
	int layers_mapped; /* there will be tree_fds, and no layer_fds but those */

	/* The corridor's own. */
	int sync_fd;	     /* parent's or child's end of the socket pair; -1: none */
	int sync_child_fd;   /* the child's end, until the parent has closed it */
	int containers_fd;   /* $SKIFF_RUN/containers; -1: not open. state.c's, as the next two */
	int names_fd;	     /* $SKIFF_ROOT/names */
	int state_fd;	     /* the container's state directory, locked; -1: none */
	struct trace *trace; /* --explain, or NULL */
};

/* Sets the defaults: nothing chosen, every descriptor -1. */
void container_init(struct container *c);

/* Runs c from start to end and undoes everything.
 * Returns the exit code of the command (0-255), or -errno with a failure record (fail.h). */
int container_run(struct container *c) __attribute__((warn_unused_result));

/* Runs one more command in the container that c->target_pidfd names, as container_run() does. */
int container_exec(struct container *c) __attribute__((warn_unused_result));

/* Runs work(c, arg) in a process of its own, which has a private mount namespace and c's user
 * namespace, and in it c->rootfs_fd if c has layers and a store. work must return 0 or -errno with a
 * record. Returns the same, with that process ended. */
int container_help(struct container *c, int (*work)(struct container *, void *), void *arg)
	__attribute__((warn_unused_result));

/* Releases the memory and descriptors that c owns. */
void container_free(struct container *c);

#endif
