"""Chapter 03: task 3.4: user and group IDs, for root and for ordinary users."""

import os
import random
import re

import pytest

from harness import PRIVATE, check, expect, kernel, task
from harness.people import Person


def maps_of(pid):
    return {
        name: [tuple(map(int, line.split())) for line in kernel.read_proc(f"{pid}/{name}").splitlines()]
        for name in ("uid_map", "gid_map")
    }


def idle_ranges(count):
    """Ranges of IDs that nobody uses, no two the same."""
    return [100000 + 65536 * step for step in random.sample(range(1, 1001), count)]


@task("3.4")
@pytest.mark.on_disk
def test_root_maps_a_range(box):
    uid, gid = idle_ranges(2)
    held = box.hold(
        opts=["--uidmap", f"0:{uid}:65536", "--gidmap", f"0:{gid}:65536"],
        likely=(
            "the child waits until its IDs are mapped: namespaces_map_ids() must write uid_map and gid_map."
        ),
    )
    child, did = held.child(), f"We ran `{held.typed}` and looked at the command in the host's /proc."
    maps = maps_of(child)
    check(
        "user" in held.own_namespaces(),
        did,
        "It is in the host's user namespace.",
        "A map belongs to a user namespace of the container's own.",
        "CLONE_NEWUSER is missing.",
    )
    check(
        maps == {"uid_map": [(0, uid, 65536)], "gid_map": [(0, gid, 65536)]},
        did,
        f"Its maps: {maps}.",
        "uid_map and gid_map say which IDs of the host stand behind those inside.",
        lambda: (
            "both files got the same map."
            if maps["uid_map"] == maps["gid_map"]
            else "the columns are: inside, outside, count." if maps["uid_map"] == [(uid, 0, 65536)] else ""
        ),
    )
    status = kernel.process_status(child)
    check(
        status["Uid"].split() == [str(uid)] * 4 and status["Gid"].split() == [str(gid)] * 4,
        did,
        (
            f"Uid {status['Uid'].split()}, Gid {status['Gid'].split()} on the host; it should be {uid} and"
            f" {gid}."
        ),
        "Root inside is an ordinary ID outside: that is the point.",
        "after the maps are written the child has to become 0 in its user namespace: setresgid, setresuid.",
    )
    check(
        status["Groups"].split() in ([], [str(gid)]),
        did,
        f"Its supplementary groups on the host: {status['Groups']}.",
        "Groups of the caller are none of the container's.",
        "setgroups(0, NULL) is missing.",
    )
    held.finish()


@task("3.4")
@pytest.mark.on_disk
def test_files_keep_their_owners(box):
    (uid,) = idle_ranges(1)
    os.chown(box.path("/etc/hosts"), 7, 8)
    seen = box.look("@ids", "/etc/passwd", "/etc/hosts", "/root/new", opts=["--uidmap", f"0:{uid}:65536"])
    did = f"We ran a probe with --uidmap 0:{uid}:65536, in a root file system that belongs to root."
    check(
        seen["uid"] == [0, 0, 0] and seen["gid"] == [0, 0, 0],
        did,
        f"It sees itself as uid {seen['uid']}, gid {seen['gid']}.",
        "Inside it is root.",
    )
    check(
        seen["files"][:2] == [{"uid": 0, "gid": 0}, {"uid": 7, "gid": 8}],
        did,
        (
            f"The owners of /etc/passwd and /etc/hosts as it sees them: {seen['files'][:2]}; on disk: 0:0 and"
            " 7:8."
        ),
        "The mount of the root is ID-mapped as well: what belongs to root on disk belongs to root inside.",
        lambda: (
            "idmap_rootfs(c, c->pid) is missing: IDs without a map are shown as 65534."
            if seen["files"][0].get("uid") == 65534
            else ""
        ),
    )
    made = os.stat(box.written("/root/new"))
    check(
        seen["files"][2] == {"uid": 0, "gid": 0} and (made.st_uid, made.st_gid) == (0, 0),
        did,
        f"A file that it made belongs to {made.st_uid}:{made.st_gid} on disk, {seen['files'][2]} inside.",
        "A file that root makes inside is root's on disk, too.",
        "idmap_rootfs(c, c->pid) is missing.",
    )
    check(
        seen["setgroups"] == 0,
        did,
        f"setgroups(2) says {os.strerror(seen['setgroups'])}.",
        "Root of a range may change groups.",
        "setgroups was denied although the map was written with privileges.",
    )


@task("3.4")
@pytest.mark.on_disk
def test_several_ranges(box):
    (uid,) = idle_ranges(1)
    held = box.hold(
        opts=["--uidmap", f"0:{uid}:1000", "--uidmap", f"1000:{uid + 5000}:10", "--gidmap", f"0:{uid}:2000"]
    )
    maps = maps_of(held.child())
    check(
        maps == {"uid_map": [(0, uid, 1000), (1000, uid + 5000, 10)], "gid_map": [(0, uid, 2000)]},
        f"We ran `{held.typed}`.",
        f"The maps: {maps}.",
        "A map may have several lines; they are written together, in one write(2).",
    )
    held.finish()


@task("3.4")
def test_ordinary_user_with_one_id(box, home):
    """Rootless: no privileges, no range in /etc/subuid: the user's own ID becomes root inside."""
    person = Person(home)
    person.owns(box.root)
    result = person.run(box, "id")
    likely = person.why(result)
    check(
        result.code == 0 and re.match(r"uid=0(\(root\))? gid=0", result.out),
        f"As user {person.uid}, who has no privileges and no range in /etc/subuid, we ran `{result.typed}`.",
        f"It printed {result.out.strip()!r}; {result.ended}. {result.err.strip()}",
        "In a user namespace a process may be root although it is nobody outside.",
        likely,
    )
    held = person.hold(box)
    child = held.child()
    maps = maps_of(child)
    check(
        maps == {"uid_map": [(0, person.uid, 1)], "gid_map": [(0, person.gid, 1)]},
        f"As user {person.uid} we ran `{held.typed}`.",
        f"The maps: {maps}.",
        "Without privileges a process may map one ID: its own.",
    )
    check(
        kernel.read_proc(f"{child}/setgroups").strip() == "deny",
        f"As user {person.uid} we ran `{held.typed}`.",
        "/proc/PID/setgroups does not say deny.",
        "Only with setgroups denied may an ordinary user write a gid_map (user_namespaces(7)).",
    )
    check(
        held.own_namespaces() == {*PRIVATE, "user"},
        f"As user {person.uid} we ran `{held.typed}`.",
        f"Its own namespaces: {sorted(held.own_namespaces())}.",
        "Rootless is no less: all namespaces, and the user namespace that allows them.",
        (
            "CLONE_NEWUSER has to be among the flags of the same clone3(2): the kernel makes the user"
            " namespace first."
        ),
    )
    status = kernel.process_status(child)
    check(
        status["Uid"].split() == [str(person.uid)] * 4,
        f"As user {person.uid} we ran `{held.typed}`.",
        f"On the host it runs as {status['Uid'].split()}.",
    )
    held.finish()


@task("3.4")
def test_ordinary_user_lives_well_inside(box, home):
    person = Person(home)
    person.owns(box.root)
    seen = person.run(box, "@ids", "/root/new", "/etc/passwd").json()
    new = os.stat(box.written("/root/new", person))
    check(
        seen["files"] == [{"uid": 0, "gid": 0}] * 2 and new.st_uid == person.uid,
        f"As user {person.uid} we ran a probe in a root file system of that user's.",
        (
            f"Files inside: {seen['files']}; the new one belongs to"
            f" {new.st_uid} on disk."
        ),
        "What root makes inside belongs to the user on disk.",
    )
    devices = person.run(box, "@devices").json()
    bad = {name: value for name, value in devices.items() if value != (1 if name == "mqueue_seen" else 0)}
    check(
        not bad,
        f"As user {person.uid} we used the devices of a container.",
        f"These failed: {bad}.",
        "Rootless containers have a /dev, too: where mknod(2) is forbidden, the host's devices are bound.",
    )
    result = person.run(
        box,
        "sh",
        "-c",
        "echo $$; hostname; touch /tmp/x && rm /tmp/x; exit 9",
        opts=["--hostname", "rootless"],
    )
    check(
        result.code == 9 and result.out.split() == ["1", "rootless"],
        f"As user {person.uid} we ran `{result.typed}`.",
        f"It printed {result.out!r}; {result.ended}. {result.err}",
    )
    loop = person.run(box, "@loopback").json()
    check(
        loop["up"] and loop["ipv4"] == 0,
        f"As user {person.uid} we looked at the loopback in a container.",
        f"{loop}",
    )


@task("3.4")
def test_ordinary_user_with_a_range(box, home):
    person = Person(home, ranges=True)
    person.owns(box.root)
    held = person.hold(box)
    maps = maps_of(held.child())
    check(
        maps
        == {
            "uid_map": [(0, person.uid, 1), (1, person.first, 65536)],
            "gid_map": [(0, person.gid, 1), (1, person.first, 65536)],
        },
        (
            f"As user {person.uid}, who has {person.first}:65536 in /etc/subuid and /etc/subgid, we ran"
            f" `{held.typed}`."
        ),
        f"The maps: {maps}.",
        (
            "newuidmap(1) and newgidmap(1) are set-user-ID: they write for a user the maps that /etc/subuid"
            " allows."
        ),
        "the helper was not used: idmap_run_helper().",
    )
    held.finish()
    seen = person.run(box, "@ids").json()
    check(
        seen["uid"] == [0, 0, 0] and seen["setgroups"] == 0,
        f"As user {person.uid} with a range we ran a probe.",
        f"It sees {seen}.",
        "With a range, groups may be changed: the helper saw to that.",
    )
    result = person.run(box, "sh", "-c", "touch /root/f && chown 5:6 /root/f && stat -c %u:%g /root/f")
    check(
        result.out.strip() == "5:6",
        f"As user {person.uid} with a range we ran `{result.typed}`.",
        f"It printed {result.out!r}. {result.err}",
        "The range gives the container more than one user.",
    )
    made = os.stat(box.written("/root/f", person))
    check(
        (made.st_uid, made.st_gid) == (person.first + 4, person.first + 5),
        f"We looked at the file on disk, of user 5 inside, with the map 1 -> {person.first}.",
        f"It belongs to {made.st_uid}:{made.st_gid}.",
    )


@task("3.4")
def test_ordinary_user_ends_with_signals_too(box, home):
    person = Person(home)
    person.owns(box.root)
    held = person.hold(box)
    held.send(15)
    result = held.wait(5)
    check(
        result.code == 143,
        f"As user {person.uid} we ran `{held.typed}` and sent SIGTERM to skiff.",
        f"It should end with 143; {result.ended}.",
    )
    held = person.hold(box)
    below = kernel.descendants(held.pid)
    os.kill(held.pid, 9)
    held.wait()
    gone = kernel.gone(below)
    check(
        gone,
        f"As user {person.uid} we ran `{held.typed}` and killed skiff with SIGKILL.",
        "The container goes on.",
        "A change of credentials clears PR_SET_PDEATHSIG (prctl(2)): ask for it again after becoming root.",
    )
    expect(person.run(box, "@die", "0"), 0)


def test_bad_maps(box):
    for opts in (
        ["--uidmap", "0:1"],
        ["--uidmap", "a:b:c"],
        ["--uidmap", "0:100000:0"],
        ["--gidmap", "0:4294967296:1"],
        ["--uidmap", "0:1:2:3"],
        ["--uidmap", "-1:0:1"],
        ["--uidmap", "0:100000:10", "--uidmap", "5:200000:10"],
    ):
        result = box.run("@die", "0", opts=opts)
        check(
            result.code == 125
            and len(result.complaints) in (1, 2)
            and result.complaints[0].startswith("skiff: "),
            f"We ran `{result.typed}`.",
            f"{result.ended}; standard error: {result.err!r}",
            "A map that can't be is refused: one line, 125.",
        )
