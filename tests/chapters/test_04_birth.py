"""Chapter 04: tasks 4.1 and 4.3: every container has a cgroup of its own, and its processes are born in it."""

import os
import secrets

from harness import check, expect, kernel, task
from harness.elsewhere import needs
from harness.people import Person


def cgroup_of(held):
    """The cgroup of a container's command, after a look at whether it is its own."""
    mine, its = kernel.cgroup_of("self"), kernel.cgroup_of(held.command())
    check(
        its != mine,
        f"We ran `{held.typed}` and compared /proc/PID/cgroup of skiff and of the command.",
        f"Both are in the cgroup {its}.",
        "A container's first process is born in the container's cgroup: there is no moment at which it is outside.",
        "CLONE_INTO_CGROUP did not reach clone3(2): the flag belongs into args->flags (with |=), the descriptor into"
        " args->cgroup. In process_clone() (1.1), clone_process() makes the call.",
        "clone(2) on CLONE_INTO_CGROUP",
    )
    return its


@task("4.1")
def test_cgroup_is_named_after_the_container(box):
    held = box.hold()
    ident = box.container_id()
    seen = [os.path.relpath(path, kernel.cgroup_path(kernel.CGROUP)) for path in kernel.cgroups_of_tests()]
    check(
        seen == [ident],
        f"We ran `{held.typed}` and listed the cgroups below {kernel.CGROUP}, where the tests let skiff make them.",
        f"There are: {seen or 'none'}. The container's ID is {ident}.",
        "A cgroup is made by mkdir(2), and each container has one that is named after its ID.",
        "mkdirat(parent, id, 0755) was not called." if not seen else "it has another name than the id.",
    )
    held.finish()
    check(
        not kernel.cgroups_of_tests(),
        f"We ran `{held.typed}` to its end.",
        f"Its cgroup is still there: {kernel.cgroups_of_tests()}.",
        "What a run has made, its end takes away: a cgroup is removed with rmdir(2).",
    )


@task("4.1")
def test_the_descriptor_is_that_of_the_cgroup(box):
    first, second = box.hold(), box.hold()
    cgroups = [kernel.cgroup_of(one.command()) for one in (first, second)]
    names = sorted(os.path.basename(path) for path in cgroups)
    check(
        names == sorted(os.listdir(os.path.join(box.skiff.run_dir, "containers"))),
        f"We ran `{first.typed}` twice and read in which cgroups the two commands are.",
        f"They are in {cgroups}.",
        "Each is in the cgroup that is named after its own container.",
        "make_cgroup() returned a descriptor of the parent, or of nothing: open id in parent, and return that.",
    )
    first.finish()
    second.finish()


@task("4.3")
def test_first_process_is_born_in_its_cgroup(box):
    held = box.hold()
    cgroup = cgroup_of(held)
    procs = kernel.cgroup_read(cgroup, "cgroup.procs").split()
    check(
        procs == [str(held.command())],
        f"We ran `{held.typed}` and read cgroup.procs of its cgroup {cgroup}.",
        f"There are the processes {procs}; the command is {held.command()}, skiff itself {held.pid}.",
        "The container's processes are in it, and nothing else: skiff is not to be limited with them.",
    )
    held.finish()


@task("4.3")
def test_children_are_in_it_too(box):
    for opts in ((), ("--init",)):
        held = box.start("@forks", "3", opts=opts)
        held.line()
        cgroup = cgroup_of(held)
        procs = set(map(int, kernel.cgroup_read(cgroup, "cgroup.procs").split()))
        below = set(kernel.descendants(held.pid))
        check(
            procs == below,
            f"We ran `{held.typed}` and compared cgroup.procs with all processes below skiff.",
            f"In the cgroup: {sorted(procs)}; there are: {sorted(below)}.",
            "A child is born in the cgroup of its parent, so the first one takes all others along.",
        )
        held.release()
        held.wait()


@task("4.3")
def test_its_own_cgroup_is_the_root_that_it_sees(box):
    result = box.run("sh", "-c", "grep ^0: /proc/self/cgroup; cat /sys/fs/cgroup/cgroup.procs; ls -d /sys/fs/cgroup/*/")
    lines = result.out.split()
    check(
        lines[:1] == ["0::/"],
        f"We ran `{result.typed}`.",
        f"It printed {result.out!r}. {result.err}",
        "Its cgroup namespace was made in the same clone3(2), so its own cgroup is the top that it sees.",
    )
    check(
        "1" in lines[1:] and not any(line.startswith("/sys") for line in lines),
        f"We ran `{result.typed}`: what is in /sys/fs/cgroup.",
        f"It printed {result.out!r}. {result.err}",
        "In there is its own cgroup, with itself as process 1, and nothing of the host's.",
        "the process was not born in its cgroup: then the namespace shows that of skiff.",
    )


@task("4.3")
def test_it_can_not_write_to_its_cgroup(box):
    result = box.run("sh", "-c",
                     "echo 1 > /sys/fs/cgroup/cgroup.freeze; mkdir /sys/fs/cgroup/new; echo $?; grep -c . /sys/fs/cgroup/cgroup.procs")
    check(
        result.out.split()[:1] == ["1"] and "Read-only" in result.err and result.out.split()[1:2] != ["0"],
        f"We ran `{result.typed}`.",
        f"It printed {result.out!r}; standard error: {result.err!r}.",
        "/sys/fs/cgroup is mounted read-only: who may change limits needs none.",
    )


@needs("memory")
def test_the_hosts_view_leaves_the_hosts_mount_alone(box):
    def options():
        return [mount["options"] for mount in kernel.mountinfo() if mount["type"] == "cgroup2"]

    before = options()
    result = expect(box.run("ls", "/sys/fs/cgroup", opts=["--cgroupns=host"]), 0)
    check(
        "cgroup.procs" in result.out and options() == before,
        f"We ran `{result.typed}`, and looked at the options of cgroup2 on the host.",
        f"It printed {result.out!r}; the options were {before}, and are {options()}.",
        "Each mount of cgroup2 in the host's cgroup namespace sets them anew for all of the machine: so the host's mount is copied.",
    )


@task("4.3")
def test_exec_is_born_in_the_containers_cgroup(box):
    name, held = box.named()
    inside = box.exec_hold(name)
    check(
        kernel.cgroup_of(inside.command()) == cgroup_of(held),
        f"We ran `{held.typed}` and `{inside.typed}`.",
        f"The second command is in the cgroup {kernel.cgroup_of(inside.command())}.",
        "What is started by exec counts against the limits of the container.",
    )
    inside.release()
    expect(inside.wait(), 0)
    check(
        kernel.cgroups_of_tests(),
        f"We ran `{inside.typed}` to its end.",
        "The container's cgroup is gone, and the container is not.",
        "exec lets go of the cgroup; it belongs to whoever made it.",
    )
    held.finish()


@task("4.1")
def test_a_killed_skiffs_cgroup_is_swept(box):
    held = box.hold()
    held.process.kill()
    held.wait()
    left = kernel.cgroups_of_tests()
    check(len(left) == 1, "We killed a running skiff.", f"The cgroups: {left}.", "Nobody could remove its cgroup.")
    expect(box.run("@die", "0"), 0)
    check(
        not kernel.cgroups_of_tests(),
        "We killed a running skiff with SIGKILL, and ran another.",
        f"The cgroup of the first is still there: {kernel.cgroups_of_tests()}.",
        "Each run removes what killed ones have left: state directory and cgroup.",
    )


@task("4.1")
def test_another_parent(box):
    place = f"{kernel.CGROUP}/{secrets.token_hex(4)}"
    held = box.hold(opts=["--cgroup-parent", f"/{place}"])
    cgroup = cgroup_of(held)
    check(
        os.path.dirname(cgroup) == "/" + place,
        f"We ran `{held.typed}`.",
        f"It is in the cgroup {cgroup}.",
        "--cgroup-parent names the cgroup below which the container's is made; a path with / begins at the top.",
    )
    held.finish()
    kernel.remove_cgroup(kernel.cgroup_path(place))
    for wrong in ("../x", "/../x", "a/../../b"):
        result = box.run("@die", "0", opts=["--cgroup-parent", wrong])
        check(
            result.code == 125 and len(result.complaints) == 1 and "--cgroup-parent" in result.err,
            f"We ran `{result.typed}`.",
            f"{result.ended}; standard error: {result.err!r}",
            "A path that leads out of the tree is refused in one line.",
        )


def delegate(person, *controllers):
    """What systemd does for a user: a cgroup of their own, with a leaf in which their processes are."""
    top = kernel.cgroup_path(f"{kernel.CGROUP}-user")
    leaf = os.path.join(top, "session")
    os.makedirs(leaf)
    for path in (top, *(os.path.join(top, file) for file in ("cgroup.procs", "cgroup.subtree_control"))):
        os.chown(path, person.uid, person.gid)
    os.chown(leaf, person.uid, person.gid)
    os.chown(os.path.join(leaf, "cgroup.procs"), person.uid, person.gid)
    return top, leaf


def as_person(person, box, leaf):
    """How to start skiff as this person, in their cgroup."""
    how = person.how(box.skiff)
    prepare = how["before"]

    def before():
        prepare()
        with open(os.path.join(leaf, "cgroup.procs"), "w", encoding="ascii") as file:
            file.write("0")

    return {**how, "before": before}


@task("4.3")
def test_ordinary_user_below_what_was_delegated(box, home):
    person = Person(home)
    person.owns(box.root)
    top, leaf = delegate(person)
    try:
        held = box.hold(**as_person(person, box, leaf))
        cgroup = kernel.cgroup_of(held.command())
        check(
            cgroup.startswith(f"/{os.path.basename(top)}/{kernel.CGROUP}/"),
            f"We delegated a cgroup to user {person.uid}, as systemd does, and as that user ran `{held.typed}`.",
            f"The container is in the cgroup {cgroup}.",
            "The container's cgroup is made below the highest one that is delegated to the user.",
        )
        held.finish()
        result = box.run("sh", "-c", "grep ^0: /proc/self/cgroup; wc -l < /sys/fs/cgroup/cgroup.procs", **as_person(person, box, leaf))
        check(
            result.out.split()[:1] == ["0::/"] and result.code == 0,
            f"As user {person.uid} we ran `{result.typed}`.",
            f"It printed {result.out!r}. {result.err}",
            "Also without privileges the container sees its own cgroup as the top.",
        )
    finally:
        kernel.remove_cgroup(top)


def test_ordinary_user_without_a_cgroup(box, home):
    person = Person(home)
    person.owns(box.root)
    expect(person.run(box, "@die", "7"), 7, rule="Without a delegated cgroup a container runs all the same, in none of its own.")
    result = person.run(box, "@die", "0", opts=["--pids-limit", "20"])
    check(
        result.code == 125 and "delegated" in result.err and "hint: systemd-run" in result.err,
        f"As user {person.uid}, to whom nothing is delegated, we ran `{result.typed}`.",
        f"{result.ended}; standard error: {result.err!r}",
        "A limit that can't be had is a failure with the way out, not silence.",
    )


@needs("pids")
@task("4.2")
def test_ordinary_user_with_a_limit(box, home):
    person = Person(home)
    person.owns(box.root)
    top, leaf = delegate(person)
    try:
        held = box.hold(opts=["--pids-limit", "20"], **as_person(person, box, leaf))
        cgroup = kernel.cgroup_of(held.command())
        check(
            kernel.cgroup_read(cgroup, "pids.max") == "20",
            f"As user {person.uid}, below a delegated cgroup, we ran `{held.typed}`.",
            f"pids.max of {cgroup} is {kernel.cgroup_read(cgroup, 'pids.max')}.",
            "Below a delegated cgroup a user may pass controllers on.",
        )
        held.finish()
    finally:
        kernel.remove_cgroup(top)

