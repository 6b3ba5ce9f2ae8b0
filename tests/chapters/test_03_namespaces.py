"""Chapter 03: tasks 3.1 to 3.3: namespaces, the host name, the loopback interface."""

import os
import random
import re
import secrets
import socket

from harness import PRIVATE, check, expect, kernel, task

FLAGS = {
    "mnt": "CLONE_NEWNS",
    "pid": "CLONE_NEWPID",
    "uts": "CLONE_NEWUTS",
    "ipc": "CLONE_NEWIPC",
    "net": "CLONE_NEWNET",
    "cgroup": "CLONE_NEWCGROUP",
    "user": "CLONE_NEWUSER",
    "time": "CLONE_NEWTIME",
}


@task("3.1")
def test_namespaces_are_its_own(box):
    held = box.hold()
    own = held.own_namespaces()
    check(
        own == set(PRIVATE),
        f"We ran `{held.typed}` and compared /proc/PID/ns of skiff and of the command.",
        (
            f"Its own: {sorted(own) or 'none'}. It should have its own: {sorted(PRIVATE)}, and share user and"
            " time with the host."
        ),
        (
            "What a process can see of the host depends on its namespaces; Docker's default for root is all"
            " but user and time."
        ),
        lambda: (
            "no flag at all reached clone3(2): c->clone_flags gets kinds[kind].flag for each"
            " NAMESPACE_PRIVATE."
            if own <= {"mnt"}
            else (
                "|= adds a flag, = throws away those before it: c->clone_flags has chapter 02's CLONE_NEWNS"
                " in it."
                if len(own) == 1
                else "; ".join(
                    [f"{FLAGS[kind]} is missing" for kind in PRIVATE if kind not in own]
                    + [f"{FLAGS[kind]} is too much" for kind in own if kind not in PRIVATE]
                )
                + "."
            )
        ),
    )
    held.finish()


@task("3.1")
def test_parent_joins_what_only_it_can(box):
    """A PID namespace holds for children only, so the parent joins it; all else is the child's to join."""
    name, first = box.named()
    second = box.hold(
        opts=[f"{option}=container:{name}" for option in ("--pid", "--ipc", "--uts", "--network")]
    )
    did = f"We ran `{first.typed}` and `{second.typed}`, and compared namespaces."
    check(
        kernel.namespace("pid", first.command()) == kernel.namespace("pid", second.command()),
        did,
        "The second command is not in the first's PID namespace.",
        "setns(2) into a PID namespace holds for the children that are made afterwards.",
        "the parent did not join() the PID namespace of NAMESPACE_CONTAINER: join it before the clone.",
    )
    moved = [
        kind for kind in ("ipc", "uts", "net") if kernel.namespace(kind, second.pid) != kernel.namespace(kind)
    ]
    check(
        not moved,
        did,
        f"skiff itself is in the container's namespaces: {', '.join(moved)}.",
        "skiff stays on the host: it has work to do there as long as the container runs.",
        "the parent joins user and PID only: the child joins the others for itself.",
    )
    second.finish()
    first.finish()


@task("3.1")
def test_command_is_pid_1(box):
    result = box.run("sh", "-c", 'echo $$; ls /proc | grep -c "^[0-9]"')
    words = result.out.split()
    check(
        result.code == 0 and words[:1] == ["1"],
        f"We ran `{result.typed}`: a shell prints its own PID.",
        f"It printed {words[:1]}. {result.err}",
        "The first process of a PID namespace is its PID 1.",
        lambda: "CLONE_NEWPID is missing." if kernel.namespace("pid") else "",
    )
    check(
        int(words[1]) <= 5,
        f"We ran `{result.typed}`: a count of the processes in /proc.",
        f"There are {words[1]}.",
        "In a PID namespace of its own a process sees itself and its children only.",
        "/proc was mounted by a process that is still in the host's PID namespace.",
    )


@task("3.1")
def test_host_sees_the_command_with_two_pids(box):
    held = box.hold()
    child = held.child()
    seen = kernel.process_status(child)["NSpid"].split()
    check(
        seen == [str(child), "1"],
        f"We ran `{held.typed}` and read NSpid in /proc/{child}/status.",
        f"It says {seen}; it should say: {child} on the host, 1 inside.",
        "A process has a PID in its own PID namespace and in each one around it.",
        "CLONE_NEWPID is missing." if len(seen) == 1 else "",
    )
    held.finish()


@task("3.1")
def test_cgroup_and_ipc_are_its_own(box):
    result = box.run("sh", "-c", "cat /proc/self/cgroup; ls /dev/mqueue; ls /sys/class/net")
    paths = [line.split(":", 2)[2] for line in result.out.splitlines() if re.match(r"\d+:.*:/", line)]
    check(
        paths and set(paths) == {"/"},
        f"We ran `{result.typed}`.",
        f"The command sees itself in the cgroups {sorted(set(paths))}.",
        (
            "In a cgroup namespace of its own, a process sees its cgroup as the root: the host's layout is"
            " none of its business."
        ),
        "CLONE_NEWCGROUP is missing.",
    )
    check(
        result.out.split()[-1:] == ["lo"] and "\nlo\n" in result.out,
        f"We ran `{result.typed}`.",
        f"In /sys/class/net it sees: {result.out.splitlines()[len(paths):]}.",
        "/sys shows the network namespace of the process that mounted it.",
        "/sys was mounted before the network namespace was entered, or CLONE_NEWNET is missing.",
    )


@task("3.1")
def test_processes_die_with_pid_1(box):
    """A daemon left behind in the background ends with the container: the kernel sees to it (and the census)."""
    code = random.randint(10, 120)
    expect(
        box.run("sh", "-c", f"sleep 1000 & sleep 1000 & exit {code}", timeout=5),
        code,
        rule="When PID 1 ends, the kernel kills all processes of its PID namespace.",
    )


def why_no_name(box, host, seen="", name=""):
    """What may have gone wrong when the name inside is not the one that was asked for."""

    def look():
        if seen and seen != name and name.startswith(seen):
            return (
                "the name was cut: sizeof a pointer is 8, whatever it points to; strlen() counts the bytes."
            )
        held = box.hold()
        own = held.own_namespaces()
        held.release()
        held.wait()
        if socket.gethostname() != host:
            return (
                "sethostname() is called in the parent, which is in the host's UTS namespace: it changed the"
                " host's own name. Where in the corridor is the child already in its own?"
            )
        if "uts" not in own:
            return "there is no UTS namespace: CLONE_NEWUTS is missing, or sethostname() changed the host's."
        return (
            "a UTS namespace was made, but its name was never set (it starts as a copy of the host's), or"
            " another name than c->hostname."
        )

    return look


@task("3.2")
def test_hostname_is_the_one_asked_for(box):
    host, name = socket.gethostname(), "box-" + secrets.token_hex(4)
    result = box.run(
        "sh", "-c", "hostname; cat /proc/sys/kernel/hostname; echo $HOSTNAME", opts=["--hostname", name]
    )
    seen = result.out.split()
    same = " That is the host's name." if host in seen else ""
    check(
        socket.gethostname() == host,
        f"We ran `{result.typed}`.",
        f"The host's own name is now {socket.gethostname()!r}; it was {host!r}.",
        "A container's name is its own: the host keeps its name.",
        "sethostname() is called in the host's UTS namespace: in the parent, or without CLONE_NEWUTS.",
    )
    check(
        seen == [name] * 3,
        f"We ran `{result.typed}`: the host name as three programs see it.",
        f"They say {seen}; asked for was {name!r}.{same} {result.err}",
        "A new UTS namespace starts as a copy: its name has to be set, in the child.",
        why_no_name(box, host, seen[0] if seen else "", name),
    )


@task("3.2")
def test_default_hostname_is_the_short_id(box):
    host = socket.gethostname()
    held = box.start("sh", "-c", "hostname; read line; exit 0")
    name = held.line()
    ids = os.listdir(box.skiff.run_dir + "/containers")
    check(
        len(ids) == 1 and re.fullmatch(r"[0-9a-f]{64}", ids[0]) and name == ids[0][:12],
        f"We ran `{held.typed}` without --hostname.",
        f"The name inside is {name!r}; the container's ID is {ids}.",
        "Without --hostname, the name is the first 12 digits of the ID, as `docker ps` shows it.",
        why_no_name(box, host, name, ids[0][:12]),
    )
    check(name != host, f"We ran `{held.typed}`.", f"The name inside is the host's: {name}.")
    held.finish()


@task("3.2")
def test_domainname(box):
    name = "d-" + secrets.token_hex(4)
    result = box.run("cat", "/proc/sys/kernel/domainname", opts=["--domainname", name])
    check(
        result.out.strip() == name,
        f"We ran `{result.typed}`.",
        f"The domain name is {result.out.strip()!r}, not {name!r}. {result.err}",
        "--domainname sets the UTS namespace's second name.",
        "setdomainname() was not called with c->domainname.",
    )
    before, host = kernel.read_proc("sys/kernel/domainname").strip(), "host-" + secrets.token_hex(4)
    kernel.set_domainname(host)  # of the tests' own UTS namespace: a host's may be empty
    try:
        result = box.run("cat", "/proc/sys/kernel/domainname")
    finally:
        kernel.set_domainname(before)
    check(
        result.out.strip() == host,
        f"We ran `{result.typed}` without --domainname.",
        f"It is {result.out!r}; it should stay as it was copied from the host: {host!r}.",
        "Nobody asked for another name.",
        "setdomainname() was called with an empty name: c->domainname is to be set unless it is empty.",
    )


@task("3.2")
def test_hostname_of_64_bytes(box):
    name = "h" * 63 + random.choice("abcdef")
    result = box.run("hostname", opts=["-h", name])
    check(
        result.out.strip() == name,
        f"We ran `{result.typed}` with a name of 64 bytes.",
        f"The name inside is {result.out.strip()!r}. {result.err}",
        "The kernel takes host names of up to 64 bytes.",
        lambda: (
            "the name was cut: its length is strlen(), and there is no zero byte to count."
            if result.code == 0
            else ""
        ),
    )


@task("3.2")
def test_names_do_not_leak_between_containers(box):
    first, second = box.hold(opts=["--hostname", "first"]), box.hold(opts=["--hostname", "second"])
    check(
        kernel.namespace("uts", first.child()) != kernel.namespace("uts", second.child()),
        "We ran two containers.",
        "They share their UTS namespace.",
        "Each container has namespaces of its own.",
    )
    first.finish()
    second.finish()


@task("3.3")
def test_loopback_is_up(box):
    for opts in ((), ("--network", "none"), ("--net=private",)):
        seen = box.look("@loopback", opts=opts)
        check(
            seen["links"] == ["lo"],
            f"We listed the network links in a container ({' '.join(opts) or 'no option'}).",
            f"There are {seen['links']}.",
            "A new network namespace has one link, the loopback.",
            "CLONE_NEWNET is missing." if len(seen["links"]) > 1 else "",
        )
        check(
            seen["up"] and seen["running"],
            "We looked at the flags of `lo` in a container.",
            f"up: {seen['up']}, running: {seen['running']}.",
            (
                "The loopback of a new network namespace is down: nobody can reach 127.0.0.1 until somebody"
                " sets it up."
            ),
            "the ioctl SIOCSIFFLAGS was never made, or on another link, or without IFF_UP.",
        )
        check(
            seen["ipv4"] == 0,
            "We connected to 127.0.0.1 in a container.",
            f"It failed: {os.strerror(seen['ipv4'])}.",
            "With lo up the kernel gives it 127.0.0.1 by itself.",
        )
        check(
            seen["ipv6"] in (0, 97, 99),
            "We connected to ::1 in a container.",
            f"It failed: {os.strerror(seen['ipv6'])}.",
        )


@task("3.3")
def test_the_hosts_links_are_left_alone(box):
    """The suite's own network namespace has a loopback that is down: a container must not touch it."""
    flags = (
        int(open("/sys/class/net/lo/flags", encoding="ascii").read(), 16)
        if os.path.exists("/sys/class/net/lo/flags")
        else None
    )
    before = kernel.link_flags("lo")
    expect(box.run("@die", "0"), 0)
    check(
        kernel.link_flags("lo") == before,
        "We looked at the host's `lo` before and after a container.",
        f"Its flags were {before:#x} and are {kernel.link_flags('lo'):#x} ({flags}).",
        "The loopback that is set up is the container's own.",
        "the ioctl was made in the parent, in the host's network namespace.",
    )
