"""Chapter 06: task 6.1: capabilities."""

import os

import pytest

from harness import check, expect, privileges, task
from harness.people import Person

CHOWN, NET_BIND, NET_ADMIN, SYS_ADMIN = (1 << number for number in (0, 10, 12, 21))


def all_of_skiff():
    """What root on this machine has at most."""
    return privileges.seen(os.getpid())["CapBnd"]


def same_sets(held, wanted, rule="", likely=""):
    seen = privileges.seen(held.command())
    other = {field: value for field, value in seen.items() if value != wanted[field]}
    check(
        not other,
        f"We ran `{held.typed}` and read the command's /proc/PID/status.",
        f"It has {privileges.shown(other)}; it should have "
        + privileges.shown({field: wanted[field] for field in other})
        + ".",
        rule,
        likely(other) if callable(likely) else likely,
    )
    held.finish()


def likely_sets(other):
    if "CapBnd" in other:
        return "the bounding set was not limited: execve(2) gives root all that is in it."
    return "cap_set_proc(3) was not called with the container's sets, or they were not filled."


@task("6.1")
def test_default_is_dockers(box):
    held = box.hold()
    same_sets(
        held,
        privileges.docker("default", held.command()),
        "A container has the 14 capabilities that Docker's has, in the permitted, effective and bounding set.",
        likely_sets,
    )


@task("6.1")
@pytest.mark.parametrize(
    "opts, change",
    [
        (["--cap-add", "NET_ADMIN"], lambda was: was | NET_ADMIN),
        (["--cap-add", "cap_net_admin"], lambda was: was | NET_ADMIN),
        (["--cap-drop", "CAP_CHOWN"], lambda was: was & ~CHOWN),
        (["--cap-drop", "all", "--cap-add", "Net_Bind_Service"], lambda was: NET_BIND),
        (["--cap-drop", "ALL"], lambda was: 0),
        (["--cap-add", "ALL"], lambda was: all_of_skiff()),
        (["--cap-add", "ALL", "--cap-drop", "SYS_ADMIN"], lambda was: all_of_skiff() & ~SYS_ADMIN),
        (["--cap-add", "CHOWN", "--cap-drop", "CHOWN"], lambda was: was),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_add_and_drop(box, opts, change):
    held = box.hold(opts)
    figures = privileges.docker("default", held.command())
    wanted = change(figures["CapBnd"])
    same_sets(
        held,
        {**figures, "CapPrm": wanted, "CapEff": wanted, "CapBnd": wanted},
        "--cap-add and --cap-drop change Docker's default; ALL on one side makes the other the exceptions.",
        likely_sets,
    )


@task("6.1")
def test_privileged_has_all(box):
    held = box.hold(["--privileged"])
    every = all_of_skiff()
    figures = dict.fromkeys(privileges.FIELDS, 0)
    same_sets(
        held,
        {**figures, "CapPrm": every, "CapEff": every, "CapBnd": every},
        "--privileged is root as on the host: every capability, no filter.",
        likely_sets,
    )


@task("6.1")
def test_init_has_no_more(box):
    """PID 1 of --init is skiff itself: it stays in the container."""
    held = box.hold(["--init"])
    child = held.child()
    seen = privileges.seen(child)
    check(
        seen == privileges.docker("default", child),
        f"We ran `{held.typed}` and read the status of the init, which is skiff's own program.",
        f"It has {privileges.shown(seen)}.",
        "Whoever takes the init over must win nothing: its sets are set, not only those that execve(2) makes.",
        "the effective and permitted set were left as they were; only execve(2) would have limited them.",
    )
    held.finish()


@task("6.1")
def test_init_of_a_user_has_none(box):
    held = box.hold(["--init", "--user", "1000"])
    child = held.child()
    seen = privileges.seen(child)
    check(
        seen == privileges.docker("user", child),
        f"We ran `{held.typed}` and read the status of the init, which is skiff's own program.",
        f"It has {privileges.shown(seen)}.",
        "A user other than root has no capabilities. The permitted set was kept over the change of user"
        " (PR_SET_KEEPCAPS); it has to be emptied after it.",
    )
    held.finish()


@task("6.1")
def test_ambient_and_inheritable_are_emptied(box):
    """A skiff that was started with inheritable and ambient capabilities does not pass them on."""
    held = box.hold(wrapper=["setpriv", "--inh-caps", "+chown,+kill", "--ambient-caps", "+chown,+kill"])
    same_sets(
        held,
        privileges.docker("default", held.command()),
        "The inheritable and ambient sets are empty, as Docker's since CVE-2022-24769.",
        lambda other: "the ambient or inheritable set of skiff's caller was left: cap_reset_ambient(3), CAP_INHERITABLE.",
    )


@task("6.1")
def test_exec_has_the_containers(box):
    name, held = box.named("--cap-drop", "ALL", "--cap-add", "NET_ADMIN")
    inside = box.exec_hold(name)
    seen = privileges.seen(inside.command())
    check(
        seen["CapEff"] == seen["CapBnd"] == NET_ADMIN,
        f"We ran `{inside.typed}` in a container of `{held.typed}`.",
        f"It has {privileges.shown(seen)}.",
        "exec gives what the container has, not what skiff has.",
    )
    inside.finish()
    inside = box.exec_hold(name, "--privileged")
    seen = privileges.seen(inside.command())
    check(
        seen["CapEff"] == all_of_skiff(),
        f"We ran `{inside.typed}`.",
        f"It has {privileges.shown(seen)}.",
        "exec --privileged gives one command all of skiff's.",
    )
    inside.finish()
    held.finish()


@task("6.1")
def test_ordinary_users_container(box, home):
    """In a user namespace the same capabilities, over the namespace's own things."""
    person = Person(home)
    person.owns(box.root)
    held = person.hold(box)
    seen = privileges.seen(held.command())
    check(
        seen["CapEff"] == seen["CapBnd"] == privileges.DEFAULT,
        f"As user {person.uid} we ran `{held.typed}`.",
        f"It has {privileges.shown(seen)}.",
        "Rootless, a container has the same sets: in its user namespace.",
    )
    held.finish()


@task("6.1")
def test_what_root_can_do_no_more(box):
    """The capability is gone: the kernel refuses, not skiff."""
    for opts, command in (
        (["--security-opt", "seccomp=unconfined"], "mount -t tmpfs none /tmp"),
        (["--security-opt", "seccomp=unconfined"], "hostname other"),
        (["--security-opt", "seccomp=unconfined", "--cap-drop", "CHOWN"], "chown 1 /etc/passwd"),
    ):
        result = box.run("sh", "-c", command, opts=opts)
        check(
            result.code != 0 and ("ermi" in result.err or "ermitted" in result.err),
            f"We ran `{result.typed}`.",
            f"{result.ended}; standard error: {result.err!r}",
            "Without the capability the kernel says EPERM.",
        )
    expect(box.run("hostname", "other", opts=["--cap-add", "SYS_ADMIN"]), 0)


@task("6.1")
def test_unknown_and_missing_capabilities(box):
    for name in ("BOGUS", "CAP_", "", "21", "CAP_SYS_ADMIN,CAP_CHOWN"):
        result = box.run("@die", "0", opts=["--cap-add", name])
        check(
            result.code == 125 and "no such capability" in result.err and name in result.err,
            f"We ran `{result.typed}`.",
            f"{result.ended}; standard error: {result.err!r}",
            "One line that names the capability, and 125.",
        )
    wrapper = ["setpriv", "--bounding-set", "-sys_time"]
    result = box.run("@die", "0", opts=["--cap-add", "SYS_TIME"], wrapper=wrapper)
    check(
        result.code == 125 and "cap_sys_time" in result.err,
        f"We ran `{result.typed}` with a skiff that does not have CAP_SYS_TIME itself.",
        f"{result.ended}; standard error: {result.err!r}",
        "What skiff does not have it can't give: an error that names it, not a container without it.",
    )
