"""Chapter 06: task 6.3: a filter for system calls."""

import errno
import json
import os
import secrets

import pytest

from harness import check, expect, task
from harness.people import Person

EPERM, ENOSYS = errno.EPERM, errno.ENOSYS
ALLOWED = ("getpid", "clone_thread", "socket_inet", "ptrace", "personality_ask", "mkdir", "getpid_32")
REFUSED = {
    **dict.fromkeys(
        ("keyctl", "add_key", "io_uring", "bpf", "unshare_user", "clone_user", "socket_vsock", "socket_alg"), EPERM
    ),
    **dict.fromkeys(("personality_layout", "kexec", "keyctl_32", "mount"), EPERM),
    "clone3": ENOSYS,
    "unknown": ENOSYS,
}
RULE = "The filter's answers are Docker's: EPERM, and ENOSYS where a program is to try an older call."


def name_of(number):
    return "no error" if number == 0 else f"signal {-number}" if number < 0 else errno.errorcode.get(number, number)


def likely_loaded(seen):
    return "seccomp(2) was not called, or not with SECCOMP_SET_MODE_FILTER." if seen["keyctl"] != EPERM else ""


@task("6.3")
@pytest.mark.parametrize("opts", [[], ["--user", "1000"], ["--init"], ["--security-opt", "no-new-privileges"]], ids=" ".join)
def test_default_profile(box, opts):
    result = box.run("@calls", opts=opts)
    seen = result.json()
    wrong = {
        name: value
        for name, value in seen.items()
        if value != REFUSED.get(name, 0) and (name in REFUSED or name in ALLOWED)
    }
    check(
        not wrong and set(ALLOWED) | set(REFUSED) == set(seen),
        f"We ran `{result.typed}`, a probe that makes system calls.",
        "; ".join(
            f"{name}: {name_of(value)}, should be {name_of(REFUSED.get(name, 0))}" for name, value in wrong.items()
        ),
        RULE,
        likely_loaded(seen),
    )


def has_terminal():
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY))
        return True
    except OSError as error:
        return error.errno != errno.ENXIO


@task("6.3")
def test_status_says_so(box):
    bare = 2 if has_terminal() else 0  # the terminal is guarded without a profile, too
    for opts, mode in (((), 2), (("--security-opt", "seccomp=unconfined"), bare), (("--privileged",), 0)):
        result = box.run("grep", "^Seccomp:", "/proc/self/status", opts=opts)
        check(
            result.out.split()[1:] == [str(mode)],
            f"We ran `{result.typed}`.",
            f"It printed {result.out!r}; the mode should be {mode} (0 none, 2 a filter). {result.err}",
            "A filter is for life, and passed on to children.",
        )


@task("6.3")
def test_capabilities_open_calls(box):
    """The profile's rules ask for capabilities: who has CAP_SYS_ADMIN may call mount."""
    seen = box.look("@calls", "mount", "unshare_user", "clone_user", "keyctl", opts=["--cap-add", "SYS_ADMIN"])
    check(
        seen == {"mount": 0, "unshare_user": 0, "clone_user": 0, "keyctl": EPERM},
        "We ran a probe with --cap-add SYS_ADMIN.",
        f"It got { {name: name_of(value) for name, value in seen.items()} }.",
        "With the capability the calls are allowed that need it; keyctl needs none and stays forbidden.",
    )


@pytest.fixture
def profile(home):
    def write(content):
        path = os.path.join(home, "profile-" + secrets.token_hex(4))
        with open(path, "w", encoding="utf-8") as file:
            file.write(content if isinstance(content, str) else json.dumps(content))
        os.chmod(path, 0o644)
        return path

    return write


def with_rule(**rule):
    return {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"action": "SCMP_ACT_ERRNO", "names": ["mkdirat"], **rule}]}


@task("6.3")
def test_profile_of_ones_own(box, profile):
    code = secrets.randbelow(100) + 1
    for content, wanted in (
        (with_rule(errnoRet=code), code),
        (with_rule(), EPERM),
        (with_rule(action="SCMP_ACT_KILL_PROCESS"), -31),
        (with_rule(args=[{"index": 2, "value": 0o700, "op": "SCMP_CMP_EQ"}]), EPERM),
        (with_rule(args=[{"index": 2, "value": 0o755, "op": "SCMP_CMP_EQ"}]), 0),
        (with_rule(args=[{"index": 2, "value": 0o700, "valueTwo": 0o700, "op": "SCMP_CMP_MASKED_EQ"}]), EPERM),
        (with_rule(args=None, includes=None, excludes=None, errnoRet=None), EPERM),
        (with_rule(names=None, name="mkdirat"), EPERM),
        (with_rule(includes={"caps": ["CAP_SYS_ADMIN"]}), 0),
        (with_rule(includes={"minKernel": "4.8"}), EPERM),
        (with_rule(includes={"minKernel": "99.0"}), 0),
        (with_rule(excludes={"caps": ["CAP_CHOWN"]}), 0),
        (with_rule(includes={"arches": ["s390x"]}), 0),
        ({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"name": "mkdirat", "action": "SCMP_ACT_ERRNO"}]}, EPERM),
    ):
        result = box.run("@calls", "mkdir", opts=["--security-opt", "seccomp=" + profile(content)])
        seen = result.json()["mkdir"]
        check(
            seen == wanted,
            f"We ran a probe that calls mkdirat with the profile {json.dumps(content)}.",
            f"It got {name_of(seen)}; it should get {name_of(wanted)}.",
            "A profile is read as Docker reads it.",
            "the filter was not loaded: seccomp(2)." if seen == 0 else "",
        )
        if os.path.isdir(box.path("/tmp/made")):
            os.rmdir(box.path("/tmp/made"))


@task("6.3")
def test_relative_path_and_exec(box, profile):
    """exec has the same filter, from another directory."""
    path = profile(with_rule(errnoRet=77))
    name, held = box.named(
        "--security-opt", "seccomp=" + os.path.basename(path), cwd=os.path.dirname(path)
    )
    for opts in ((), ("--privileged",)):
        result = box.exec(name, "/probe/calls", "mkdir", opts=opts)
        seen = result.json()["mkdir"]
        check(
            seen == 77,
            f"We ran `{result.typed}` in a container with a profile of its own.",
            f"mkdirat got {name_of(seen)}; it should get 77, as in the container.",
            "What joins a container has its filter: else exec would be a way round.",
        )
    held.finish()


@task("6.3")
def test_bad_profiles(box, profile, home):
    for content, says in (
        ("not json", "line 1"),
        ('{\n"defaultAction":\n,}', "line 3"),
        ("", "line 1"),
        ({"syscalls": []}, "unknown action"),
        ({"defaultAction": "SCMP_ACT_WISH"}, "SCMP_ACT_WISH"),
        (with_rule(action="SCMP_ACT_PARDON"), "SCMP_ACT_PARDON"),
        (with_rule(args=[{"index": 0, "value": 1, "op": "SCMP_CMP_ODD"}]), "SCMP_CMP_ODD"),
        (with_rule(args=[{"index": 9, "value": 1, "op": "SCMP_CMP_EQ"}]), "6 arguments"),
        (with_rule(names="mkdirat"), "names: not a list of texts"),
        (with_rule(args={}), "args: not a list of objects"),
        (with_rule(args=[{"index": 2, "value": "16", "op": "SCMP_CMP_EQ"}]), "value: not a whole number from 0"),
        (with_rule(includes={"caps": "CAP_CHOWN"}), "caps: not a list of texts"),
        ({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": {}}, "syscalls: not a list of objects"),
        ('{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [], "syscalls": []}', "duplicate"),
    ):
        result = box.run("@die", "0", opts=["--security-opt", "seccomp=" + profile(content)])
        check(
            result.code == 125 and says in result.err and len(result.complaints) <= 2,
            f"We ran `{result.typed}` with a profile that holds {content!r}.",
            f"{result.ended}; standard error: {result.err!r}; it should name {says!r}.",
            "A profile that can't be understood is an error: half a filter is none.",
        )
    for path in (home, os.path.join(home, "not-there"), "/dev/zero"):
        result = box.run("@die", "0", opts=["--security-opt", "seccomp=" + path])
        check(result.code == 125, f"We ran `{result.typed}`.", f"{result.ended}; {result.err!r}")


@task("6.3")
def test_unknown_call_is_a_note(box, profile):
    name = "call_" + secrets.token_hex(4)
    path = profile(with_rule(names=[name, "mkdirat"], errnoRet=66))
    result = box.run("@calls", "mkdir", opts=["--security-opt", "seccomp=" + path])
    check(
        result.json()["mkdir"] == 66 and f"names {name}" in result.err and "skiff: note:" in result.err,
        f"We ran `{result.typed}` with a profile that names {name} and mkdirat.",
        f"{result.ended}; mkdirat: {result.out!r}; standard error: {result.err!r}",
        "A call that nobody knows is told and passed over: profiles are written for newer kernels, too.",
    )


def cache_of(box):
    directory = os.path.join(box.skiff.root_dir, "seccomp")
    return [os.path.join(directory, name) for name in os.listdir(directory)]


@task("6.3")
def test_damaged_cache_is_made_anew(box):
    """A file of the cache that is cut, changed or somebody else's never becomes a filter."""
    expect(box.run("@die", "0"), 0)
    (path,) = cache_of(box)
    with open(path, "rb") as file:
        good = file.read()
    check(
        os.stat(path).st_mode & 0o777 == 0o600 and os.stat(os.path.dirname(path)).st_mode & 0o777 == 0o700,
        "We ran a container and looked at $SKIFF_ROOT/seccomp.",
        f"Its modes are {oct(os.stat(path).st_mode)} and {oct(os.stat(os.path.dirname(path)).st_mode)}.",
        "Whoever can write there chooses what containers may do.",
    )
    allow = b"\x06\x00\x00\x00\x00\x00\xff\x7f"  # return ALLOW, as one instruction
    for what, content in (
        ("cut in half", good[: len(good) // 2]),
        ("cut by one instruction", good[:-8]),
        ("empty", b""),
        ("a program that allows all", good[:-8] + allow),
        ("with a changed byte of the profile", good.replace(b"SCMP_ACT_ERRNO", b"SCMP_ACT_ALLOW", 1)),
        ("longer", good + allow),
    ):
        with open(path, "wb") as file:
            file.write(content)
        seen = box.look("@calls", "keyctl", "getpid")
        with open(path, "rb") as file:
            now = file.read()
        check(
            seen == {"keyctl": EPERM, "getpid": 0} and now == good,
            f"We made the file of the cache {what}, and ran a probe.",
            f"keyctl got {name_of(seen['keyctl'])}; the file is {'as before' if now == good else 'still not whole'}.",
            "A file that is not just what was compiled is not used, and made anew.",
        )
    os.chown(path, 60321, 60321)
    check(
        box.look("@calls", "keyctl") == {"keyctl": EPERM},
        "We gave the file of the cache to another user, and ran a probe.",
        "The filter did not hold.",
    )


@task("6.3")
def test_one_file_a_profile(box, profile):
    """Another profile, or other capabilities, is another file."""
    path = profile(with_rule(errnoRet=5))
    for opts in ((), ("--cap-add", "SYS_ADMIN"), ("--security-opt", "seccomp=" + path), ()):
        expect(box.run("@die", "0", opts=list(opts)), 0)
    check(len(cache_of(box)) == 3, "We ran four containers with three different filters.", f"The cache: {cache_of(box)}")
    with open(path, "w", encoding="ascii") as file:
        json.dump(with_rule(errnoRet=6), file)
    seen = box.look("@calls", "mkdir", opts=["--security-opt", "seccomp=" + path])
    check(
        seen["mkdir"] == 6,
        "We changed a profile and ran a probe.",
        f"mkdirat got {name_of(seen['mkdir'])}; the changed profile says 6.",
        "The cache goes by what the profile holds, not by its name.",
    )


@task("6.3")
def test_ordinary_user(box, home):
    person = Person(home)
    person.owns(box.root)
    result = person.run(box, "@calls", "keyctl", "getpid")
    check(
        result.json() == {"keyctl": EPERM, "getpid": 0},
        f"As user {person.uid} we ran `{result.typed}`.",
        f"It printed {result.out!r}. {result.err}",
        "Rootless, the filter is the same: CAP_SYS_ADMIN of the user namespace is enough to load one.",
    )
