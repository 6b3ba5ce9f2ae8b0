/* dirs.h - the directories in which skiff keeps what it knows.
 *
 *	DIRS_RUN   what is gone after a reboot    $SKIFF_RUN, else /run/skiff for root;
 *	           $XDG_RUNTIME_DIR/skiff, else /tmp/skiff-UID, for anybody else
 *	DIRS_ROOT  what stays                     $SKIFF_ROOT, else /var/lib/skiff for root;
 *	           $XDG_DATA_HOME/skiff, else ~/.local/share/skiff, for anybody else */
#ifndef SKIFF_DIRS_H
#define SKIFF_DIRS_H

enum dirs_base { DIRS_RUN, DIRS_ROOT };

/* Opens BASE/NAME; makes both if needed, mode 0700. Refuses what others own or may write.
 * To be called before skiff joins another user namespace: its user ID says which directory it is.
 * Returns a descriptor, which the caller owns, or -errno with a failure record. */
int dirs_open(enum dirs_base base, const char *name) __attribute__((warn_unused_result));

/* Opens the directory NAME in dir, which exists; the same refusals.
 * Returns a descriptor, which the caller owns, or -errno without a record: -EPERM if refused. */
int dirs_open_below(int dir, const char *name) __attribute__((warn_unused_result));

/* Locks a directory: flock(2), how is LOCK_SH or LOCK_EX, perhaps with LOCK_NB.
 * Returns a descriptor of its own, whose close unlocks, or -errno without a record. */
int dirs_lock(int dir, int how) __attribute__((warn_unused_result));

#endif
