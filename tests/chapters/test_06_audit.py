"""Chapter 06: what skiff audit tells of a container."""

import json

import pytest

from harness import check, expect, privileges


def audited(box, *opts):
    """The facts about a container with these options: {(kind, what): risk}."""
    name, held = box.named(*opts)
    result = expect(box.skiff.run(["audit", "--format", "json", name]), 0)
    facts = {(fact["kind"], fact["what"]): fact["risk"] for fact in result.json()["facts"]}
    table = expect(box.skiff.run(["audit", name]), 0)
    missing = [what for kind, what in facts if what not in table.out]
    check(not missing, f"We ran `{table.typed}`.", f"The table lacks {missing}, which the JSON has.")
    seen = privileges.seen(held.command())
    held.finish()
    return held, facts, seen


def of(facts, kind):
    return {what for one, what in facts if one == kind}


def test_capabilities_are_the_kernels(box):
    for opts in ((), ("--cap-drop", "ALL", "--cap-add", "NET_ADMIN"), ("--cap-drop", "ALL")):
        held, facts, seen = audited(box, *opts)
        count = bin(seen["CapBnd"]).count("1")
        check(
            len(of(facts, "capability")) == count,
            f"We ran `skiff audit` on `{held.typed}`, whose bounding set has {count} capabilities.",
            f"It tells {sorted(of(facts, 'capability'))}.",
        )
        check(all(facts["capability", what] for what in of(facts, "capability")), "We ran `skiff audit`.", "A risk is missing.")


def test_default_container(box):
    held, facts, _ = audited(box)
    did = f"We ran `skiff audit` on `{held.typed}`."
    check(("filter", "skiff's own profile") in facts, did, f"Filter: {of(facts, 'filter')}")
    calls = of(facts, "call")
    check("ptrace" in calls and not calls & {"mount", "keyctl", "io_uring_setup", "unshare", "bpf"}, did, f"Calls: {calls}")
    check(of(facts, "shared namespace") == {"user"}, did, f"Shared namespaces: {of(facts, 'shared namespace')}")
    paths = of(facts, "writable path")
    check(not paths, did, f"Writable paths: {paths}", "What it writes goes into a layer of its own.")
    check(not of(facts, "device"), did, f"Devices: {of(facts, 'device')}")


def test_open_container(box):
    held, facts, _ = audited(
        box,
        *("--pid=host", "--network=host", "--device", "/dev/full:/dev/given", "--cap-add", "SYS_ADMIN"),
        *("--security-opt", "systempaths=unconfined", "--security-opt", "no-new-privileges"),
    )
    did = f"We ran `skiff audit` on `{held.typed}`."
    check(of(facts, "shared namespace") == {"user", "pid", "net"}, did, f"Shared: {of(facts, 'shared namespace')}")
    check(of(facts, "device") == {"/dev/given (c 1:7)"}, did, f"Devices: {of(facts, 'device')}")
    check("/proc/sys" in of(facts, "writable path"), did, f"Writable paths: {of(facts, 'writable path')}")
    check({"mount", "unshare", "setns"} <= of(facts, "call"), did, f"Calls: {of(facts, 'call')}")
    check(facts[("no_new_privs", "set")] is None, did, "no_new_privs is a risk or not told.")


def test_privileged_container(box):
    held, facts, _ = audited(box, "--privileged")
    did = f"We ran `skiff audit` on `{held.typed}`."
    check(of(facts, "filter") == {"none"} and facts[("filter", "none")], did, f"Filter: {of(facts, 'filter')}")
    check(any(path.startswith("/sys ") for path in of(facts, "writable path")), did, f"{of(facts, 'writable path')}")
    untold = [what for (_, what), risk in facts.items() if risk and risk.startswith("see ")]
    check(not untold, did, f"No risk of {untold} is told.")


@pytest.mark.on_disk
def test_nodes_and_masks_of_a_user_namespace(box):
    """There skiff can make no nodes: it binds the host's, also over files of /proc."""
    held, facts, _ = audited(box, "--uidmap", "0:100000:65536")
    paths = of(facts, "writable path")
    check(not paths, f"We ran `skiff audit` on `{held.typed}`.", f"Writable paths: {paths}", "Every container has these nodes.")


@pytest.mark.on_disk
def test_device_that_is_covered(box):
    name, held = box.named("--uidmap", "0:100000:65536", "--device", "/dev/kmsg", "--cap-add", "SYS_ADMIN")
    expect(box.exec(name, "mount", "-o", "bind", "/dev/null", "/dev/kmsg"), 0)
    result = expect(box.skiff.run(["audit", name]), 0)
    check(
        "a device of the host" in result.out,
        f"We ran `{held.typed}`, and mounted /dev/null over /dev/kmsg in it; then `{result.typed}`.",
        f"It printed {result.out!r}.",
        "A container that may mount must not hide what it has been given.",
    )
    held.finish()


def test_user(box):
    held, facts, _ = audited(box, "--user", "1000")
    did = f"We ran `skiff audit` on `{held.typed}`."
    check(facts.get(("user", "1000 inside, 1000 on the host"), "missing") is None, did, f"{of(facts, 'user')}")


def test_profile_of_ones_own(box, home):
    path = home + "/profile"
    with open(path, "w", encoding="ascii") as file:
        json.dump({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["ptrace"], "action": "SCMP_ACT_ERRNO"}]}, file)
    held, facts, _ = audited(box, "--security-opt", "seccomp=" + path)
    calls = of(facts, "call")
    check(
        "ptrace" not in calls and "keyctl" in calls,
        f"We ran `skiff audit` on `{held.typed}`; the profile forbids ptrace alone.",
        f"It tells as allowed: {calls}",
    )


def test_bad_words(box):
    for words, code in ((["nobody-there"], 1), ([], 125), (["a", "b"], 125), (["--format", "xml", "a"], 125), (["--color"], 125)):
        result = box.skiff.run(["audit", *words])
        check(
            result.code == code and 1 <= len(result.complaints) <= 2,
            f"We ran `{result.typed}`.",
            f"{result.ended}; {result.err!r}",
        )
    expect(box.run("@die", "0"), 0)
