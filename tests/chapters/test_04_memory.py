"""Chapter 04: task 4.6: the memory limit, and who is told. In the lab VM where the controller is not to be had."""

import secrets

from harness import check, expect, kernel, task
from harness.elsewhere import needs


@needs("memory")
@task("4.6")
def test_a_hog_is_killed_and_skiff_says_so(box):
    result = box.run("@hog", "128", opts=["-m", "64m"], timeout=60)
    check(
        result.code == 137,
        f"We ran `{result.typed}`, which fills 128 MiB.",
        f"{result.ended}; it printed {result.out!r}.",
        "At the limit the kernel kills: 128 + 9.",
    )
    check(
        result.complaints == ["skiff: killed: used its 64 MiB"],
        f"We ran `{result.typed}`, which fills 128 MiB.",
        f"On standard error: {result.err!r}; it should be `skiff: killed: used its 64 MiB`.",
        "An exit code of 137 may mean anything; skiff looks into memory.events and says what it was.",
        lambda: (
            "the line oom_kill of memory.events counts processes that were killed; oom counts how often the limit was hit."
            if not result.err.strip()
            else "oom tells whether it was this cgroup's own limit, memory.max which one."
        ),
    )


@needs("memory")
@task("4.6")
def test_the_whole_container_ends(box):
    result = box.run("sh", "-c", "/probe/hog 128; echo still here; sleep 100", opts=["-m", "64m"], timeout=60)
    check(
        result.code == 137 and "still here" not in result.out,
        f"We ran `{result.typed}`: the shell's child is the hog.",
        f"{result.ended}; it printed {result.out!r}.",
        "memory.oom.group: no container is left half dead.",
    )


@needs("memory")
@task("4.6")
def test_who_was_not_killed_for_memory_is_not_told_so(box):
    for opts in ((), ("-m", "64m")):
        name, held = box.named(*opts)
        expect(box.skiff.run(["kill", name]), 0)
        result = held.wait()
        check(
            result.code == 137 and not result.complaints,
            f"We killed `{held.typed}` with skiff kill.",
            f"{result.ended}; standard error: {result.err!r}",
            "It was not its memory, so nobody says so.",
            "where oom_kill is 0 return 0.",
        )


@needs("memory")
@task("4.6")
def test_exec_is_told_too(box):
    name, held = box.named("-m", "64m")
    result = box.exec(name, "/probe/hog", "128", timeout=60)
    check(
        result.code == 137 and "used its 64 MiB" in result.err,
        f"We ran `{result.typed}` in a container with 64 MiB.",
        f"{result.ended}; standard error: {result.err!r}",
        "What exec starts counts against the same limit.",
    )
    expect(held.wait(), 137)


@needs("memory")
@task("4.6")
def test_the_limit_is_met_within_pages(box):
    """The kernel counts pages: what was in use at most is the limit, give or take the pages that it takes at once."""
    held = box.start("@hog", "40", opts=["-m", "64m"])
    held.line(30)
    cgroup = kernel.cgroup_of(held.command())
    used = int(kernel.cgroup_read(cgroup, "memory.current"))
    check(40 << 20 <= used <= 64 << 20, f"We ran `{held.typed}`.", f"memory.current is {used}.",
          "What a process fills is counted against its cgroup.")
    held.release()
    expect(held.wait(), 0)


@needs("memory")
@task("4.6")
def test_oom_in_a_nested_name(box):
    """Bytes that are no whole MiB are told as they are."""
    limit = 20 * (1 << 20) + 8192
    result = box.run("@hog", "64", opts=["-m", str(limit)], timeout=60)
    check(
        f"used its {limit} bytes" in result.err,
        f"We ran `{result.typed}`.",
        f"Standard error: {result.err!r}",
        "The number told is memory.max.",
    )


@task("4.1")
def test_oom_score_adjustment(box):
    score = 100 + secrets.randbelow(800)
    with open("/proc/self/oom_score_adj", encoding="ascii") as file:
        mine = file.read().strip()
    result = box.run("cat", "/proc/self/oom_score_adj", opts=["--oom-score-adj", str(score)])
    check(result.out.strip() == str(score), f"We ran `{result.typed}`.", f"It is {result.out.strip()!r}. {result.err}",
          "Whom the kernel kills first when the whole machine runs out of memory.")
    result = box.run("cat", "/proc/self/oom_score_adj")
    check(result.out.strip() == mine, f"We ran `{result.typed}`.", f"It is {result.out.strip()!r}, skiff's own {mine}.")
    for wrong in ("-1001", "1001", "x", "", "1.5"):
        result = box.run("@die", "0", opts=["--oom-score-adj", wrong])
        check(result.code == 125 and "-1000 to 1000" in result.err, f"We ran `{result.typed}`.", f"{result.ended}; {result.err!r}")
