/* user.c - chapter 06, your code: who the command runs as. The contract is in privilege.h.
 *
 * Names are looked up in files of the image, which may hold anything: they are read as lines of a
 * limited length from files of a limited size, after the pivot, so that no link leads outside. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include "container.h"
#include "fail.h"
#include "privilege.h"
#include "rootfs.h"
#include "scope.h"

enum {
	DATABASE_MAX = 16 << 20, /* bytes of /etc/passwd or /etc/group that are read */
	LINE_MAX_BYTES = 4096,	 /* longer lines are passed over */
	FIELDS = 7,		 /* of a line of passwd(5); group(5) has 4 */
	NAME_BYTES = 256,
};

/* What passwd(5) says of a user. */
struct account {
	char name[NAME_BYTES];
	uid_t uid;
	gid_t gid;
	char home[NAME_BYTES];
};

/* A file of lines, read piece by piece. */
struct database {
	int fd;
	size_t total, start, end;
	char piece[LINE_MAX_BYTES];
};

static void database_close(struct database *db)
{
	scope_close_fd(&db->fd);
}

/* Opens a database of the image. Returns 0, or -errno: -ENOENT where there is none. */
static int database_open(const struct container *c, const char *path, struct database *db)
{
	struct stat status;

	*db = (struct database){ .fd = rootfs_open(c->rootfs_fd, path, O_RDONLY | O_NONBLOCK, 0) };
	if (db->fd < 0)
		return db->fd;
	if (fstat(db->fd, &status) < 0 || !S_ISREG(status.st_mode))
		return -EINVAL;
	return status.st_size > DATABASE_MAX ? -EFBIG : 0;
}

/* The next line, without its end, or NULL at the end of the file; db owns it. */
static char *database_line(struct database *db)
{
	bool too_long = false;

	for (;;) {
		char *line = db->piece + db->start;
		char *newline = memchr(line, '\n', db->end - db->start);

		if (newline) {
			*newline = '\0';
			db->start = (size_t)(newline + 1 - db->piece);
			if (!too_long)
				return line;
			too_long = false; /* this was the end of a long line */
			continue;
		}
		if (db->start == 0 && db->end == sizeof db->piece - 1) {
			too_long = true;
			db->end = 0;
		}
		memmove(db->piece, db->piece + db->start, db->end - db->start);
		db->end -= db->start;
		db->start = 0;
		ssize_t got = read(db->fd, db->piece + db->end, sizeof db->piece - 1 - db->end);
		if (got > 0 && (db->total += (size_t)got) <= DATABASE_MAX) {
			db->end += (size_t)got;
			continue;
		}
		db->piece[db->end] = '\0';
		line = db->end > 0 && !too_long ? db->piece : NULL;
		db->end = 0;
		return line;
	}
}

/* Cuts a line at its colons. Returns how many fields it has. */
static int split(char *line, char *fields[FIELDS])
{
	int count = 0;

	for (char *at = line; at && count < FIELDS; count++) {
		fields[count] = at;
		at = strchr(at, ':');
		if (at)
			*at++ = '\0';
	}
	return count;
}

/* Reads an ID: digits alone, and not 4294967295, which means "none" to setresuid(2).
 * Returns whether text is one. */
static bool parse_id(const char *text, uint32_t *id)
{
	char *end;

	if (!isdigit((unsigned char)text[0]))
		return false;
	errno = 0;
	unsigned long long number = strtoull(text, &end, 10);
	if (errno || *end || number >= UINT32_MAX)
		return false;
	*id = (uint32_t)number;
	return true;
}

static int add_group(struct user *user, gid_t gid)
{
	for (unsigned i = 0; i < user->group_count; i++)
		if (user->groups[i] == gid)
			return 0;
	if (user->group_count >= sizeof user->groups / sizeof user->groups[0])
		return fail(0, "choosing the groups of the command: more than %d",
			    PRIVILEGES_GROUPS);
	user->groups[user->group_count++] = gid;
	return 0;
}

/* Whether name is in a list of names with commas. */
static bool is_listed(const char *list, const char *name)
{
	size_t length = strlen(name);

	for (; length > 0 && *list; list += strcspn(list, ","), list += *list == ',')
		if (strncmp(list, name, length) == 0 && (!list[length] || list[length] == ','))
			return true;
	return false;
}

/* Finds an account by name or, where name is NULL, by account->uid.
 * Returns 1 (account is filled), 0 if there is none, or -errno without a record. */
static int find_account(const struct container *c, const char *name, struct account *account)
{
	struct database db __attribute__((cleanup(database_close)));
	int ret = database_open(c, "etc/passwd", &db);
	char *line, *fields[FIELDS];
	uint32_t uid, gid;

	while (ret == 0 && (line = database_line(&db))) {
		if (split(line, fields) < 6 || !parse_id(fields[2], &uid) ||
		    !parse_id(fields[3], &gid) ||
		    (name ? strcmp(fields[0], name) != 0 : uid != account->uid))
			continue;
		account->uid = uid;
		account->gid = gid;
		snprintf(account->name, sizeof account->name, "%s", fields[0]);
		snprintf(account->home, sizeof account->home, "%s", fields[5]);
		return 1;
	}
	return ret == -ENOENT ? 0 : ret;
}

/* Finds a group by its name. Returns 1 (*gid is set), 0 if there is none, or -errno, no record. */
static int find_group(const struct container *c, const char *name, gid_t *gid)
{
	struct database db __attribute__((cleanup(database_close)));
	int ret = database_open(c, "etc/group", &db);
	char *line, *fields[FIELDS];

	while (ret == 0 && (line = database_line(&db)))
		if (split(line, fields) >= 3 && strcmp(fields[0], name) == 0 &&
		    parse_id(fields[2], gid))
			return 1;
	return ret == -ENOENT ? 0 : ret;
}

/* Adds the groups whose lines list the account. Returns 0 or -errno with a failure record. */
static int add_groups_of(const struct container *c, const char *name, struct user *user)
{
	struct database db __attribute__((cleanup(database_close)));
	int ret = database_open(c, "etc/group", &db);
	char *line, *fields[FIELDS];
	gid_t gid;

	while (ret == 0 && (line = database_line(&db)))
		if (split(line, fields) >= 4 && parse_id(fields[2], &gid) &&
		    is_listed(fields[3], name))
			TRY(add_group(user, gid));
	return ret < 0 && ret != -ENOENT ? fail(-ret, "reading the image's /etc/group") : 0;
}

/* A group by number or name. Returns 0 or -errno with a failure record. */
static int resolve_group(const struct container *c, const char *text, gid_t *gid)
{
	int ret = parse_id(text, gid) ? 1 : find_group(c, text, gid);

	if (ret < 0)
		return fail(-ret, "reading the image's /etc/group");
	return ret ? 0 : fail(0, "finding group %s: the image's /etc/group does not have it", text);
}

/* Resolves the part of --user before the colon. Returns 0 or -errno with a failure record. */
static int resolve_account(const struct container *c, const char *text, struct account *account)
{
	bool is_number = parse_id(text, &account->uid);
	int ret = find_account(c, is_number ? NULL : text, account);

	if (ret < 0 && !is_number)
		return fail(-ret, "reading the image's /etc/passwd");
	if (ret > 0 || is_number)
		return 0;
	return fail_hint(fail(0, "finding user %s: the image's /etc/passwd does not have it", text),
			 text[strspn(text, "0123456789")] ?
				 "a number needs no entry: --user UID:GID" :
				 "the largest user ID is 4294967294");
}

int user_find(struct container *c, struct user *user)
{
	const struct privileges *p = &c->privileges;
	struct account account = { .home = "/" };
	char name[NAME_BYTES];
	const char *colon = p->user ? strchr(p->user, ':') : NULL;

	*user = (struct user){ 0 };
	if (p->user) {
		snprintf(name, sizeof name, "%.*s",
			 colon ? (int)(colon - p->user) : (int)sizeof name - 1, p->user);
		TRY(resolve_account(c, name[0] ? name : "0", &account));
		user->uid = account.uid;
		user->gid = account.gid;
		snprintf(c->privileges.home, sizeof c->privileges.home, "HOME=%s", account.home);
	}
	if (colon)
		TRY(resolve_group(c, colon + 1, &user->gid));
	/* SECURITY: the own group is among the supplementary ones, too: else dropping it would give
	 * the "others" of a file more than its group has, CVE-2022-36109
	 * (test: chapters/test_06_user.py, own group). */
	TRY(add_group(user, user->gid));
	if (p->user && !colon && account.name[0])
		TRY(add_groups_of(c, account.name, user));
	for (size_t i = 0; i < p->groups.count; i++) {
		gid_t gid = 0;

		TRY(resolve_group(c, p->groups.list[i], &gid));
		TRY(add_group(user, gid));
	}
	return 0;
}

/* KERNEL: in a user namespace that an ordinary user has made for a single ID, setgroups(2) is
 * forbidden: user_namespaces(7). Where nobody asked for groups, it need not be called. */
static bool groups_are_fixed(const struct user *user)
{
	return errno == EPERM && user->group_count == 1 && user->gid == getegid();
}

int user_become(const struct user *user)
{
	/* TODO 6.2 user
	 * Keep the permitted capabilities over the change: prctl(PR_SET_KEEPCAPS, 1). Then set the
	 * supplementary groups with setgroups(), all three group IDs with setresgid() and all three
	 * user IDs with setresuid(), in this order: who is not root any more may do neither of the
	 * first two. If setgroups() fails and groups_are_fixed(), go on.
	 * Read: credentials(7), setgroups(2), setresuid(2), prctl(2) on PR_SET_KEEPCAPS */
	return TODO("6.2 user");
	/* END 6.2 */
}
