"""Bad input at the front door: one line, the right exit code, nothing left (the census looks)."""

import os
import re
import secrets

import pytest

from harness import check, expect, kernel, task
from harness.people import Person


def refused(result, code, *words, did=""):
    """One line `skiff: ...`, at most one more `hint: ...`; these words in it; this exit code."""
    lines = result.complaints
    did = did or f"We ran `{result.typed}`, which can't work."
    check(
        result.code == code,
        did,
        f"It should end with {code}; {result.ended}. Standard error: {result.err!r}",
        "125: skiff itself failed; 126: the command can't be executed; 127: there is no such command.",
    )
    check(
        lines
        and lines[0].startswith("skiff: ")
        and len(lines[0]) > 12
        and (len(lines) == 1 or len(lines) == 2 and lines[1].startswith("hint: ")),
        did,
        f"Standard error: {result.err!r}.",
        "Bad input gets one line, `skiff: what was being done: why`, and at most one more, `hint: ...`.",
    )
    for word in words:
        check(re.search(word, lines[0]), did, f"It said: {lines[0]}", f"The line should have {word!r} in it.")
    check(not result.out, did, f"It printed on standard output: {result.out!r}.")


@pytest.mark.parametrize(
    "args",
    [
        ["--no-such-option"],
        ["run", "--no-such-option"],
        ["run", "-Z"],
        ["run", "--hos", "x"],
        ["run", "-eA=1Z", "-Z"],
    ],
    ids=" ".join,
)
def test_unknown_option(box, args):
    result = box.skiff.run([*args, "--rootfs", box.root, "/bin/true"] if args[0] == "run" else args)
    refused(result, 125, "unknown option|no such option|not an option|unknown")


def test_unknown_command(skiff):
    refused(skiff.run(["frobnicate"]), 125, "frobnicate")


@pytest.mark.parametrize("option", ["--rootfs", "--name", "-e", "--env-file", "-w", "--preserve-fds"])
def test_option_without_its_value(box, option):
    refused(box.skiff.run(["run", option]), 125, option)


def test_option_of_a_later_chapter(box):
    for option, value in (("--mac-address", "1"), ("-v", "/a:/b"), ("--publish", "80:80"), ("-d", None)):
        result = box.run("@die", "0", opts=[option] + ([value] if value else []))
        refused(result, 125, "needs chapter", re.escape(option))
    if box.skiff.stage < 3:
        refused(
            box.run("@die", "0", opts=["--hostname", "x"]),
            125,
            r"--hostname needs chapter 03 \(namespaces\); this build has chapters? 0",
        )
        refused(box.skiff.run(["exec", "x", "true"]), 125, "needs chapter 03")


@pytest.mark.parametrize("option, hint", [("-it", "leave it out"), ("--tty", "leave it out"), ("-d", "&")])
def test_a_later_option_has_a_way_without_it(box, option, hint):
    result = box.run("@die", "0", opts=[option])
    refused(result, 125, "needs chapter 10")
    check(
        hint in result.complaints[-1],
        f"We ran `{result.typed}`.",
        f"The hint, what to do today, should have {hint!r} in it: {result.err!r}",
    )


@pytest.mark.parametrize("words", [[], ["busybox", "sh"], ["--rootfs", "/no/such/directory", "sh"]], ids=" ".join)
def test_no_root_gets_the_way_to_one(box, words):
    result = box.skiff.run(["run", *words])
    refused(result, 125)
    for word in ("--rootfs DIR", "make image", "build/images/busybox/rootfs"):
        check(
            word in result.complaints[-1],
            f"We ran `{result.typed}`.",
            f"The hint should say where to get a root from, with {word!r}: {result.err!r}",
        )


def test_nothing_to_run(box):
    refused(box.skiff.run(["run"]), 125)
    refused(box.skiff.run(["run", "--rootfs", box.root]), 125, "command")
    refused(box.skiff.run(["run", "/bin/true"]), 125)
    check(
        box.skiff.run([]).code == 125,
        "We ran `skiff` alone.",
        "It should end with 125.",
        "No command is an error, as in Docker's run; the help is shown.",
    )


@task("1.2")
def test_empty_command(box):
    result = box.run("")
    refused(result, result.code if result.code in (125, 127) else 127)


def test_missing_root(box, home):
    refused(
        box.skiff.run(["run", "--rootfs", home + "/nowhere", "/bin/true"]), 125, "nowhere", "No such file"
    )


def test_root_is_a_file(box):
    refused(
        box.skiff.run(["run", "--rootfs", box.path("/etc/passwd"), "/bin/true"]),
        125,
        "passwd",
        "Not a directory",
    )


def test_empty_root_name(box):
    refused(box.skiff.run(["run", "--rootfs", "", "/bin/true"]), 125)


@pytest.mark.parametrize("name", ["", "-x", "a b", "a/b", "../x", ".", "ü", "x" * 300, "a"])
def test_bad_name(box, name):
    refused(box.run("@die", "0", opts=["--name", name]), 125, "--name")


@pytest.mark.parametrize("value", ["x", "-1", "1x", "99999999999", ""])
def test_bad_preserve_fds(box, value):
    refused(box.run("@die", "0", opts=[f"--preserve-fds={value}"]), 125, "--preserve-fds")


def test_bad_environment(box, home):
    refused(box.run("@die", "0", opts=["-e", "=value"]), 125)
    refused(box.run("@die", "0", opts=["-e", ""]), 125)
    refused(box.run("@die", "0", opts=["--env-file", home + "/missing"]), 125, "missing")
    refused(box.run("@die", "0", opts=["--env-file", home]), 125)


def test_relative_working_directory(box):
    refused(box.run("@die", "0", opts=["-w", "etc"]), 125, "absolute")


def test_hostname_of_65_bytes(box):
    if box.skiff.stage >= 3:
        refused(box.run("@die", "0", opts=["--hostname", "h" * 65]), 125, "64|long")
        refused(box.run("@die", "0", opts=["--hostname", ""]), 125)
        refused(box.run("@die", "0", opts=["--domainname", "d" * 65]), 125, "64|long")


def test_bad_time_offset(box):
    if box.skiff.stage >= 3:
        for value in ("x", "1.5", "99999999999999999999", "-99999999999", ""):
            refused(box.run("@die", "0", opts=[f"--time-offset={value}"]), 125)


def test_control_characters_do_not_reach_the_terminal(box, home):
    for args in (
        ["run", "--rootfs", home + "/\x1b[31mred\nline", "true"],
        ["frob\x1b]0;title\x07"],
        ["run", "--rootfs", box.root, "no\rsuch\x1b[2J"],
    ):
        result = box.skiff.run(args)
        check(
            not re.search(rb"[\x00-\x09\x0b-\x1f\x7f]", result.err.encode(errors="surrogateescape"))
            and len(result.complaints) in (1, 2),
            "We gave skiff a name with control characters in it.",
            f"Standard error: {result.err!r}.",
            "A name in a message must not paint on the terminal.",
        )


@pytest.mark.parametrize("full", ["no block left", "no inode left"])
def test_full_disk(box, home, full):
    """The state can't be written: the container does not run, and what was made for it is gone."""
    directory = home + "/small"
    os.mkdir(directory)
    limit = "size=4k" if full == "no block left" else "nr_inodes=4"
    kernel.mount("none", directory, "tmpfs", 0, f"mode=700,{limit}")
    try:
        with open(directory + "/filler", "wb") as file:
            file.write(b"x" * 4096)
        result = box.run(
            "sh",
            "-c",
            "echo ran",
            env={"SKIFF_RUN": directory + "/run"} if full == "no block left" else {"SKIFF_RUN": directory},
        )
        left = [
            os.path.join(top, name)
            for top, dirs, files in os.walk(directory)
            for name in dirs + files
            if name not in ("filler", "run", "containers", "names")
        ]
    finally:
        kernel.umount(directory)
    refused(result, 125, "No space left")
    check(
        not left,
        f"We ran `{result.typed}` with its state directory on a full disk.",
        f"Left behind: {left}",
        "What was made before the failure is taken away again.",
    )


def test_state_directory_of_somebody_else(box, home):
    directory = home + "/theirs"
    os.mkdir(directory)
    os.chown(directory, 12345, 12345)
    refused(box.run("@die", "0", env={"SKIFF_RUN": directory}), 125, "others own it")
    refused(box.run("@die", "0", env={"SKIFF_RUN": "/tmp"}), 125, "others own it or may write")
    os.symlink(box.skiff.run_dir, home + "/link")
    result = box.run("@die", "0", env={"SKIFF_RUN": home + "/link"})
    if result.code != 0:
        refused(result, 125)


def test_no_permission(box, home):
    """Somebody without privileges, and a root that is nobody else's business."""
    person = Person(home)
    if box.skiff.stage >= 2:
        os.chmod(box.root, 0o700)
        refused(person.run(box, "@die", "0"), 125, "Permission denied|Operation not permitted")
        os.chmod(box.root, 0o755)
    if box.skiff.stage == 2:
        refused(person.run(box, "@die", "0"), 125, "Operation not permitted|Permission denied")
        refused(
            person.run(box, "@die", "0", opts=["--no-pivot"]),
            125,
            "Operation not permitted|Permission denied",
        )
    if box.skiff.stage >= 3:
        result = person.run(box, "@die", "0", opts=["--userns=host"])
        refused(result, 125, "Operation not permitted|Permission denied")
    check(
        not person.state(),
        "A user without privileges ran containers.",
        f"Left in $XDG_RUNTIME_DIR: {person.state()}",
    )


def test_closed_output(box):
    """Output that did not arrive is a failure: here the disk behind standard output is full."""
    with open("/dev/full", "wb") as full:
        result = box.skiff.run(["version"], stdout=full)
    check(
        result.code == 125 and result.complaints,
        "We ran `skiff version > /dev/full`.",
        f"{result.ended}; {result.err!r}",
        "What could not be written was not said.",
    )
    read, write = os.pipe()
    os.close(read)
    try:
        result = box.run("@die", "7", stdout=write)
    finally:
        os.close(write)
    check(
        result.code == 7,
        f"We ran `{result.typed}` with nobody reading its output.",
        f"{result.ended}.",
        "The exit code is the command's.",
    )


def test_thousands_of_arguments(box):
    args = ["x" * 1000] * 1000
    result = box.run("sh", "-c", "echo $#", *args)
    check(
        result.out.strip() == str(len(args) - 1),
        "We ran a command with 1000 arguments of 1000 bytes.",
        f"It saw {result.out!r}; {result.ended}. {result.err[:200]}",
    )


def test_double_dash_and_options_of_the_command(box):
    code = secrets.randbelow(100) + 1
    expect(box.skiff.run(["run", "--rootfs", box.root, "--", box.probe("die"), str(code)]), code)
    result = box.run("@argv", "--rootfs", "/x", "--help", "-e")
    expect(
        result, 0, rule="What follows the command is the command's, also if it looks like an option of skiff."
    )


def test_unknown_option_of_skiff_itself(box):
    result = box.skiff.run(["-D", "run"])
    check(
        result.code == 125 and result.err == "skiff: unknown option -D\nhint: skiff --help lists the options\n",
        f"We ran `{result.typed}`.",
        f"{result.ended}; {result.err!r}",
    )


def test_help_of_a_command(box):
    asked, told = box.skiff.run(["help", "run"]), box.skiff.run(["run", "--help"])
    check(asked.code == 0 and asked.out == told.out, f"We ran `{asked.typed}`.", f"It should print what `{told.typed}` does: {asked.out!r}")
