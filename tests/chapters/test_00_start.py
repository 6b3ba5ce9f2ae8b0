"""Chapter 00: the first task."""

import os
import re

from harness import check, expect, task


@task("0.1")
def test_hello_names_its_process(skiff):
    first, second = skiff.run(["hello"]), skiff.run(["hello"])
    for result in (first, second):
        expect(result, 0, likely="the function should return 0 when all went well.")

    def likely():
        if not first.out.strip():
            return "nothing was printed on standard output: printf(3) prints there, and main flushes it."
        number = first.out.split()[-1]
        if number == str(os.getpid()):
            return "that is the process which started skiff, its parent: getppid(2) is not getpid(2)."
        if number == str(os.getsid(0)) != "0":  # 0: it began outside of our PID namespace
            return "that is the ID of the session, which is another process: getpid(2)."
        if first.out == second.out:
            return "the number is a constant in the code. The kernel knows it: getpid(2)."
        return "the number is not the process ID: getpid(2) returns it, %d prints it."

    for result in (first, second):
        check(
            re.findall(r"\d+", result.out) == [str(result.pid)],
            f"We ran `skiff hello`; the kernel gave that process the ID {result.pid}.",
            f"It printed: {result.out.strip()!r}.",
            "A process asks the kernel who it is; each run is a new process with a new number.",
            likely,
        )


@task("0.1")
def test_hello_ends_its_line(skiff):
    result = skiff.run(["hello"])
    check(
        result.code == 0
        and result.out.endswith("\n")
        and result.out.count("\n") == 1
        and not result.err.strip(),
        "We ran `skiff hello`.",
        f"It printed {result.out!r} and, on standard error, {result.err!r}; {result.ended}.",
        "A program prints whole lines: one here, with a newline at its end.",
        "the format has no \\n at its end.",
    )


def test_version_and_help(skiff):
    for args in (["version"], ["--version"], ["help"], ["--help"]):
        result = expect(skiff.run(args), 0)
        check(
            result.out.strip(),
            f"We ran `{result.typed}`.",
            "It printed nothing on standard output.",
            "Help that was asked for is output, not an error.",
        )
