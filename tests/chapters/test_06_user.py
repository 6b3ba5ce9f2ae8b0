"""Chapter 06: task 6.2: who the command runs as."""

import os

import pytest

from harness import check, expect, privileges, process_status, task
from harness.people import Person

PASSWD = "root:x:0:0:root:/root:/bin/sh\nsailor:x:1234:2345::/home/sailor:/bin/sh\n"
GROUP = "root:x:0:\ncrew:x:2345:\ndeck:x:3000:cook,sailor\ngalley:x:3001:cook\nbilge:x:3002:sailor\n"


@pytest.fixture
def crew(box):
    for name, text in (("passwd", PASSWD), ("group", GROUP)):
        with open(box.path("/etc/" + name), "w", encoding="ascii") as file:
            file.write(text)
    return box


def likely_ids(seen, uid, gid):
    if seen["uid"][0] != uid:
        return "the user ID was not set."
    if seen["gid"][0] != gid:
        return "setresgid(2) was not called, or after setresuid(2), when it is forbidden."
    return "setgroups(2) was not called, or after setresuid(2), when it is forbidden."


def same_user(box, opts, uid, gid, groups, rule=""):
    result = box.run("@ids", opts=opts)
    seen = result.json()
    check(
        seen["uid"] == [uid] * 3 and seen["gid"] == [gid] * 3 and sorted(seen["groups"]) == sorted(groups),
        f"We ran `{result.typed}` with a probe that prints its IDs.",
        f"It has the user IDs {seen['uid']}, the group IDs {seen['gid']} and the groups {sorted(seen['groups'])};"
        f" they should be {[uid] * 3}, {[gid] * 3} and {sorted(groups)}.",
        rule or "All three IDs are set (real, effective, saved): a saved 0 would be a way back to root.",
        lambda: likely_ids(seen, uid, gid),
    )


@task("6.2")
@pytest.mark.parametrize(
    "user, uid, gid, groups",
    [
        ("1000", 1000, 0, [0]),
        ("1000:50", 1000, 50, [50]),
        ("sailor", 1234, 2345, [2345, 3000, 3002]),
        ("1234", 1234, 2345, [2345, 3000, 3002]),
        ("sailor:deck", 1234, 3000, [3000]),
        ("sailor:77", 1234, 77, [77]),
        ("1000:galley", 1000, 3001, [3001]),
        ("root", 0, 0, [0]),
    ],
)
def test_user(crew, user, uid, gid, groups):
    same_user(crew, ["--user", user], uid, gid, groups)


@task("6.2")
def test_groups_are_not_the_callers(crew):
    """Whatever groups skiff's caller has, the container's root has its own alone."""
    result = crew.run("@ids", wrapper=["setpriv", "--groups", "44,55"])
    seen = result.json()
    check(
        seen["groups"] == [0],
        f"We ran `{result.typed}` as a root with the groups 44 and 55.",
        f"The command has the groups {seen['groups']}.",
        "The caller's groups are the host's: with them come its files.",
        "setgroups(2) was not called.",
    )


@task("6.2")
def test_group_add(crew):
    same_user(crew, ["--user", "1000:50", "--group-add", "deck", "--group-add", "77"], 1000, 50, [50, 3000, 77])


@task("6.2")
def test_own_group_is_a_supplementary_one(crew):
    """CVE-2022-36109: else a file that denies its group would be open to who drops that group."""
    same_user(
        crew,
        ["--user", "1000:50"],
        1000,
        50,
        [50],
        "The own group is among the supplementary ones, too: a set-group-ID program would otherwise drop it.",
    )


@task("6.2")
def test_a_user_has_no_capabilities(box):
    held = box.hold(["--user", "1000"])
    seen = privileges.seen(held.command())
    check(
        seen == privileges.docker("user", held.command()),
        f"We ran `{held.typed}` and read the command's /proc/PID/status.",
        f"It has {privileges.shown(seen)}; it should have {privileges.shown(privileges.docker('user', held.command()))}.",
        "As in Docker's: none but the bounding set, which is the limit for set-user-ID programs.",
    )
    held.finish()


@task("6.2")
def test_init_of_a_user(box):
    """With --init, PID 1 is skiff's own program: it becomes the user as well, with all three IDs."""
    held = box.hold(["--init", "--user", "1000:50"])
    status = process_status(held.child())
    uids, gids = (set(status[field].split()) for field in ("Uid", "Gid"))
    check(
        uids == {"1000"} and gids == {"50"},
        f"We ran `{held.typed}` and read the status of the init.",
        f"Its user IDs (real, effective, saved, file system) are {status['Uid'].split()}, its group IDs {status['Gid'].split()}.",
        "An ID of root's that is left, and be it the saved one, is a way back to root: setresuid(2) sets all.",
    )
    held.finish()


@task("6.2")
def test_home_is_the_users(crew):
    for opts, wanted in (
        (["--user", "sailor"], "/home/sailor"),
        (["--user", "1000"], "/"),
        (["--user", "sailor", "-e", "HOME=/root"], "/root"),
        ([], "/root"),
    ):
        result = crew.run("sh", "-c", "echo $HOME", opts=opts)
        check(
            result.out.strip() == wanted,
            f"We ran `{result.typed}`.",
            f"HOME is {result.out.strip()!r}; it should be {wanted!r}. {result.err}",
            "HOME is that of the image's /etc/passwd, unless -e says another.",
        )


@task("6.2")
def test_exec_as_the_containers_user(crew):
    name, held = crew.named("--user", "sailor")
    for opts, uid, groups in (((), 1234, [2345, 3000, 3002]), (("--user", "7:8"), 7, [8]), (("-u", "0"), 0, [0])):
        result = crew.exec(name, "/probe/ids", opts=opts)
        seen = result.json()
        check(
            seen["uid"][0] == uid and sorted(seen["groups"]) == groups,
            f"We ran `{result.typed}` in a container of user 1234.",
            f"It runs as {seen['uid'][0]} with the groups {seen['groups']}; {uid} and {groups} were meant.",
            "exec runs as the container's user, or as --user says.",
        )
    held.finish()


@task("6.2")
def test_hostile_databases(box):
    """An image's files may hold anything: they are no way to be somebody else, to hang, or out of the root."""
    lines = (
        "x:x:4294967296:0::/:\n"  # 2**32: 0, if it is cut to 32 bits
        "y:x:4294967295:0::/:\n"  # -1: "leave it as it is", to setresuid(2)
        "z:x:-1:0::/:\n"
        "w:x: 0:0::/:\n" + "l" * 100000 + ":x:0:0::/:\n" + "short\n:::\n"
        "last:x:77:78::/:"
    )
    with open(box.path("/etc/passwd"), "w", encoding="ascii") as file:
        file.write(lines)
    for name in ("x", "y", "z", "w", "l" * 250, "short", "nobody-there", "4294967295", "4294967296", "-1", "1000:-1"):
        result = box.run("@ids", opts=["--user", name])
        check(
            result.code == 125 and "uid" not in result.out,
            f"The image's /etc/passwd holds nonsense. We ran `{result.typed}`.",
            f"{result.ended}; it printed {result.out!r}.",
            "A name that is not there, or whose entry is no entry, is an error: never user 0.",
        )
    check("largest user ID" in box.run("@ids", opts=["--user", "4294967296"]).err, "We ran it with --user 4294967296.",
          "Nothing was said of the largest user ID.", "A number that is too large is no missing entry.")
    same_user(box, ["--user", "last"], 77, 78, [78], "A last line without an end counts.")


@task("6.2")
@pytest.mark.parametrize("what", ["fifo", "link", "directory", "nothing"])
def test_databases_that_are_no_files(box, what):
    path = box.path("/etc/passwd")
    os.unlink(path)
    if what == "fifo":
        os.mkfifo(path)
    elif what == "link":
        os.symlink("/proc/1/root/etc/passwd", path)
    elif what == "directory":
        os.mkdir(path)
    result = box.run("@ids", opts=["--user", "daemon"], timeout=5)
    check(
        result.code == 125,
        f"/etc/passwd of the image is: {what}. We ran `{result.typed}`.",
        f"{result.ended}; standard error: {result.err!r}",
        "The user is not found: one line, 125, and no hanging.",
    )
    expect(box.run("@ids", opts=["--user", "1000"]), 0, rule="A number needs no database.")


@task("6.2")
def test_bad_values(box):
    for value in ("", ":", "a:", ":" * 300):
        result = box.run("@die", "0", opts=["--user", value])
        check(
            result.code == 125 and result.complaints,
            f"We ran `{result.typed}`.",
            f"{result.ended}; standard error: {result.err!r}",
        )


@task("6.2")
def test_ordinary_user_with_one_id(box, home):
    """A user namespace with a single ID has no other to become."""
    person = Person(home, ranges=False)
    person.owns(box.root)
    result = person.run(box, "@ids")
    check(result.json()["uid"] == [0, 0, 0], f"As user {person.uid} we ran `{result.typed}`.", f"{result.out} {result.err}")
    result = person.run(box, "@ids", opts=["--user", "1000"])
    check(
        result.code == 125 and len(result.complaints) == 1 and "Invalid argument" in result.err,
        f"As user {person.uid} without a range of IDs we ran `{result.typed}`.",
        f"{result.ended}; standard error: {result.err!r}",
        "The ID is not mapped: EINVAL, said in one line.",
    )
