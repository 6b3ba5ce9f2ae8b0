"""Chapter 06: task 6.6: devices; and ulimits and sysctls, which need no task."""

import os
import resource
import stat

import pytest

from harness import check, expect, privileges, task
from harness.elsewhere import needs
from harness.people import Person


def opened(box, node, mode, opts=()):
    """What opening a node made inside says: "" or the error."""
    kind, major, minor = node
    redirect = {"r": "< /n", "w": "> /n"}[mode]
    result = box.run("sh", "-c", f"mknod /n {kind} {major} {minor} && : {redirect}", opts=list(opts))
    if os.path.lexists(box.path("/n")):
        os.unlink(box.path("/n"))
    return result


@needs("devices")
@task("6.6")
@pytest.mark.parametrize(
    "node, mode", [(("c", 1, 3), "w"), (("c", 1, 5), "r"), (("c", 1, 7), "r"), (("c", 1, 9), "r")]
)
def test_harmless_devices_open(box, node, mode):
    result = opened(box, node, mode)
    check(
        result.code == 0,
        f"We ran `{result.typed}`.",
        f"{result.ended}; {result.err!r}",
        "null, zero, full, random and terminals are for everybody.",
        "a jump of the rules leads too far: count the steps that are left in the rule.",
    )


@needs("devices")
@task("6.6")
@pytest.mark.parametrize("node, mode", [(("c", 1, 1), "r"), (("c", 10, 229), "w"), (("c", 1, 11), "w"), (("c", 4, 0), "w")])
def test_other_devices_do_not(box, node, mode):
    result = opened(box, node, mode)
    check(
        result.code != 0 and "not permitted" in result.err,
        f"We ran `{result.typed}`: to make the node is allowed, to open it is not.",
        f"{result.ended}; {result.err!r}",
        "A device is two numbers, and root may make a node for any. The rules of the cgroup stand between.",
        "the program was not attached to the cgroup (BPF_PROG_ATTACH), or a rule lets everything through.",
    )


@needs("devices")
@task("6.6")
def test_device_option_opens_one(box):
    for access, mode, works in (("rwm", "w", True), ("r", "w", False), ("rw", "r", True), ("w", "r", False)):
        command = f": {'<' if mode == 'r' else '>'} /dev/given"
        result = box.run("sh", "-c", command, opts=["--cap-add", "SYSLOG", "--device", f"/dev/kmsg:/dev/given:{access}"])
        check(
            (result.code == 0) == works,
            f"We ran `{result.typed}`.",
            f"{result.ended}; {result.err!r}",
            f"The access {access} {'allows' if works else 'does not allow'} to open it for {'reading' if mode == 'r' else 'writing'}.",
            "the access of the rule is not looked at.",
        )


@needs("devices")
@task("6.6")
def test_privileged_opens_all(box):
    result = box.run("sh", "-c", ": < /dev/kmsg", opts=["--privileged"])
    expect(result, 0, rule="--privileged: all of the host's devices, and no rules.")


def test_no_rules_no_nodes(box):
    """Where a container has no cgroup, root may not make device nodes at all."""
    held = box.hold()
    ruled, sets = privileges.has_device_rules(held.command()), privileges.seen(held.command())
    held.finish()
    check(
        ruled or not sets["CapBnd"] & privileges.MKNOD,
        f"We ran `{held.typed}` where no device rules can be had.",
        f"It has {privileges.shown(sets)}.",
        "With CAP_MKNOD and no rules, root in a container opens the host's disk.",
    )


def test_device_nodes(box):
    os.mkdir(box.path("/data"))
    for option, path in (
        ("/dev/full", "/dev/full"),
        ("/dev/full:/dev/mine", "/dev/mine"),
        ("/dev/full:/dev/deep/er/mine:r", "/dev/deep/er/mine"),
        ("/dev/full:rw", "/dev/full"),
        ("/dev/full:/data/mine", "/data/mine"),
    ):
        held = box.hold(["--device", option])
        found = os.stat(f"/proc/{held.command()}/root{path}")
        check(
            stat.S_ISCHR(found.st_mode) and found.st_rdev == os.makedev(1, 7) and stat.S_IMODE(found.st_mode) == 0o666,
            f"We ran `{held.typed}` and looked at {path} in it.",
            f"It is {oct(found.st_mode)}, {os.major(found.st_rdev)}:{os.minor(found.st_rdev)}.",
            "The node is there, with the numbers and the mode of the host's.",
        )
        held.finish()


def test_device_link_in_the_way(box, home):
    """A link of the image does not lead the node outside."""
    os.symlink(home, box.path("/out"))
    os.symlink("/" + "../" * 20 + home.lstrip("/"), box.path("/up"))
    before = sorted(os.listdir(home))
    for path in ("/out/node", "/up/node", "/out/../node"):
        result = box.run("@die", "0", opts=["--device", "/dev/full:" + path])
        check(
            sorted(os.listdir(home)) == before and result.code == 125,
            f"The image has links to a directory of the host. We ran `{result.typed}`.",
            f"{result.ended}; the directory holds {sorted(os.listdir(home))}. {result.err}",
            "No link is followed on the way to a node.",
        )


def test_bad_devices(box):
    for option, says in (
        ("/dev/null:/dev/x:q", "letters"),
        ("/dev/null:/dev/x:rr", "letters"),
        ("/dev/null:/dev/x:", "letters"),
        ("null", "absolute"),
        ("/dev/null:/dev/../x", "absolute"),
        ("/etc/passwd", "not a device"),
        ("/dev/not-there", "No such"),
        ("", "absolute"),
    ):
        result = box.run("@die", "0", opts=["--device", option])
        check(
            result.code == 125 and says in result.err and len(result.complaints) <= 2,
            f"We ran `{result.typed}`.",
            f"{result.ended}; standard error: {result.err!r}; it should say {says!r}.",
        )


def test_ordinary_users_device(box, home):
    """A user namespace may make no nodes: the host's own is bound."""
    person = Person(home)
    person.owns(box.root)
    result = person.run(box, "sh", "-c", "test -c /dev/mine && head -c 1 /dev/mine | wc -c", opts=["--device", "/dev/zero:/dev/mine"])
    check(result.out.strip() == "1", f"As user {person.uid} we ran `{result.typed}`.", f"{result.out!r} {result.err}")


def test_ulimits(box):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    result = box.run(
        "sh", "-c", "ulimit -n; ulimit -Hn; ulimit -c", opts=["--ulimit", "nofile=99:101", "--ulimit", "core=0", "--user", "1000"]
    )
    check(result.out.split() == ["99", "101", "0"], f"We ran `{result.typed}`.", f"It printed {result.out!r}. {result.err}")
    bad = ("nofile", "nofile=", "nofile=x", "nofile=2:1", "nofile=-2", "nofile=1:2:3", "files=1", "nofile=99999999999999999999", "=1")
    for value in bad:
        result = box.run("@die", "0", opts=["--ulimit", value])
        check(
            result.code == 125 and result.complaints,
            f"We ran `{result.typed}`.",
            f"{result.ended}; {result.err!r}",
            "A limit that is none is refused in one line.",
        )
    result = box.run("@die", "0", opts=["--ulimit", "nofile=99999999999"])
    check("--ulimit nofile" in result.err, f"We ran `{result.typed}`.", f"It said {result.err!r}.",
          "The kernel allows fewer: what failed is called by its name.")
    check(resource.getrlimit(resource.RLIMIT_NOFILE) == (soft, hard), "We ran containers with limits.", "Ours have changed.")


def test_ulimits_in_exec(box):
    name, held = box.named("--ulimit", "nofile=64:65", "--ulimit", "cpu=-1")
    result = box.exec(name, "sh", "-c", "ulimit -n; ulimit -Hn; ulimit -t")
    check(
        result.out.split() == ["64", "65", "unlimited"],
        f"We ran `{result.typed}` in a container with --ulimit nofile=64:65 and cpu=-1.",
        f"It printed {result.out!r}. {result.err}",
        "What joins a container has its limits: else exec would be a way round.",
    )
    held.finish()


def test_sysctls(box):
    with open("/proc/sys/net/ipv4/ip_default_ttl", encoding="ascii") as file:
        hosts = file.read()
    result = box.run(
        "sh",
        "-c",
        "cat /proc/sys/net/ipv4/ip_default_ttl /proc/sys/kernel/shmmni /proc/sys/fs/mqueue/msg_max",
        opts=["--sysctl", "net.ipv4.ip_default_ttl=42", "--sysctl", "kernel.shmmni=4000", "--sysctl", "fs.mqueue.msg_max=7"],
    )
    with open("/proc/sys/net/ipv4/ip_default_ttl", encoding="ascii") as file:
        now = file.read()
    check(
        result.out.split() == ["42", "4000", "7"] and now == hosts,
        f"We ran `{result.typed}`.",
        f"Inside: {result.out.split()}; the host's ip_default_ttl was {hosts.strip()} and is {now.strip()}. {result.err}",
        "A setting of a namespace is set in the container's, and nowhere else.",
    )


def test_bad_sysctls(box):
    for value, opts in (
        ("kernel.core_pattern=x", ()),
        ("kernel.shmmax_x=1", ()),
        ("vm.swappiness=1", ()),
        ("net.ipv4.ip_forward", ()),
        ("net/../kernel/core_pattern=x", ()),
        ("net.....kernel.core_pattern=x", ()),
        ("net.no_such_thing=1", ()),
        ("net.ipv4.ip_default_ttl=many", ()),
        ("net.ipv4.ip_forward=1", ("--network", "host")),
        ("kernel.shmmni=1", ("--ipc", "host")),
        ("=1", ()),
    ):
        result = box.run("@die", "0", opts=[*opts, "--sysctl", value])
        check(
            result.code == 125 and 1 <= len(result.complaints) <= 2,
            f"We ran `{result.typed}`.",
            f"{result.ended}; {result.err!r}",
            "Only settings of namespaces that the container has of its own; anything else is the host's.",
        )


def has_apparmor():
    try:
        with open("/sys/module/apparmor/parameters/enabled", encoding="ascii") as file:
            return file.read(1) == "Y"
    except OSError:
        return False


def test_security_opts(box):
    for value in ("", "seccomp", "seccomp=", "no-new-privileges=perhaps", "systempaths=confined", "color=blue"):
        result = box.run("@die", "0", opts=["--security-opt", value])
        check(
            result.code == 125 and 1 <= len(result.complaints) <= 2,
            f"We ran `{result.typed}`.",
            f"{result.ended}; {result.err!r}",
        )
    for value, there in (
        ("apparmor=skiff-no-such", has_apparmor()),
        ("label=type:x", os.path.exists("/sys/fs/selinux/enforce")),
    ):
        result = box.run("@die", "0", opts=["--security-opt", value])
        check(
            result.code == 125 and (there or "this host has no" in result.err),
            f"We ran `{result.typed}`.",
            f"{result.ended}; {result.err!r}",
            "What the host does not have can't be asked for, and is not passed over.",
        )
    for value in ("apparmor=unconfined", "label=disable"):
        expect(box.run("@die", "0", opts=["--security-opt", value]), 0)


def test_node_of_the_image_without_rules(box):
    """Where skiff has no cgroup there are no rules; then the root itself lets no node be opened."""
    os.mknod(box.path("/node"), stat.S_IFCHR | 0o666, os.makedev(1, 3))
    away = (
        "cut -d' ' -f5 /proc/self/mountinfo |"
        ' while read -r at; do [ "$(stat -fc %t "$at")" != 63677270 ] || umount -l "$at"; done; exec "$@"'
    )
    no_cgroup = ["unshare", "--mount", "sh", "-c", away, "sh"]
    opened_in = {}
    for opts in ((), ("--init",), ("--privileged",)):
        result = box.run("sh", "-c", ": < /dev/null && : < /node && echo opened", opts=list(opts), wrapper=no_cgroup)
        opened_in[opts] = (result.out.strip(), "denied" in result.err)
    check(
        opened_in == {(): ("", True), ("--init",): ("", True), ("--privileged",): ("opened", False)},
        "The image has a device node, and skiff could make no cgroup for the container.",
        f"{opened_in}",
        "Without rules a node of the image would open the host's disk: the root has to be mounted nodev.",
    )
