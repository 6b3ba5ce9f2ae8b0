"""pytest: options, fixtures, the census around every test, and failures as text that teaches."""

import json
import os
import re
import sys
import tempfile

import pytest

sys.dont_write_bytecode = True

from harness import census, elsewhere, rootfs as root_files  # noqa: E402
from harness.runner import Box, Skiff  # noqa: E402
from harness.teach import Current, TeachFailure, failure_text, waits_for  # noqa: E402
from harness.terminal import Terminal  # noqa: E402

TREE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.environ.get("BUILD") or os.path.join(TREE, "build")
FILE = re.compile(r"test_(\d\d)_\w+\.py$")


def pytest_addoption(parser):
    group = parser.getgroup("skiff")
    group.addoption(
        "--skiff", default=os.path.join(BUILD, "skiff"), help="the binary under test (build/skiff)"
    )
    group.addoption(
        "--stage",
        type=int,
        default=None,
        help="the last chapter that is built into it (from stage-NN in its path, else all)",
    )
    group.addoption(
        "--image",
        default=os.path.join(BUILD, "images/busybox/rootfs"),
        help="the root file system that each test gets a copy of",
    )
    group.addoption(
        "--probes", default=os.path.join(BUILD, "probes"), help="the directory of the built probe programs"
    )


    group.addoption("--results", default=None, help="write every test's verdict to this file, as JSON")


def pytest_configure(config):
    if config.option.stage is None:
        found = re.search(r"stage-(\d+)", config.option.skiff)
        chapters = [
            int(name[:2]) for name in os.listdir(os.path.join(TREE, "chapters")) if name[:2].isdigit()
        ]
        config.option.stage = int(found.group(1)) if found else max(chapters)
    if config.option.help or config.option.collectonly:
        return
    # Chapter 00 makes no container: its tests touch nothing that is root's.
    if os.geteuid() != 0 and config.option.stage > 0:
        raise pytest.UsageError(
            "the stage tests need root (they make namespaces and mounts): sudo make check, or make vm for a"
            " machine of your own"
        )
    for what, path in (
        ("--skiff", config.option.skiff),
        ("--probes", os.path.join(config.option.probes, "hold")),
    ):
        if not os.access(path, os.X_OK):
            raise pytest.UsageError(f"{what}: {path} is not there; build it first: make build")
    if config.option.stage > 0 and not os.path.isdir(config.option.image):
        raise pytest.UsageError(f"--image: {config.option.image} is not there; make it first: make image")
    if os.geteuid() == 0:
        census.stage_hand()
    config.skiff_homes = census.make_homes()


def pytest_unconfigure(config):
    if getattr(config, "skiff_homes", None):
        census.remove_homes(*config.skiff_homes)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config, items):
    """A chapter's tests run on its stage and on every later one."""

    def chapter(item):
        found = FILE.search(str(item.path))
        return int(found.group(1)) if found else 0

    late = [item for item in items if chapter(item) > config.option.stage]
    if late:
        config.hook.pytest_deselected(items=late)
        items[:] = [item for item in items if item not in late]
    config.skiff_elsewhere = elsewhere.LabVM(config, [item for item in items if elsewhere.missing(item)])


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    """What this machine lacks a controller for has been tried in the lab VM."""
    if not elsewhere.missing(pyfuncitem):
        return None
    pyfuncitem.config.skiff_elsewhere.verdict(pyfuncitem)
    return True


VERDICTS = {}


def pytest_runtest_logreport(report):
    """Remember each test's verdict: the first failure, with its text."""
    if report.failed:
        VERDICTS.setdefault(report.nodeid, ("failed", report.longreprtext))
    elif report.when == "teardown":
        VERDICTS.setdefault(report.nodeid, ("passed", ""))


def pytest_sessionfinish(session):
    """Hand the verdicts over, for a session that asked for them."""
    if session.config.option.results:
        with open(session.config.option.results, "w", encoding="utf-8") as file:
            json.dump(VERDICTS, file)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failure that teaches is shown as its text alone, and says which other task it waits for."""
    outcome = yield
    report = outcome.get_result()
    if call.when == "setup":
        marker = item.get_closest_marker("task")
        if marker:
            item.user_properties.append(("task", marker.args[0]))
    if report.failed and call.excinfo is not None:
        shown = call.excinfo.value.text if isinstance(call.excinfo.value, TeachFailure) else None
        # A test that looks at a process which is not there any more: say how skiff ended, not where Python stood.
        if (
            not shown
            and call.when == "call"
            and isinstance(call.excinfo.value, (OSError, IndexError, TypeError))
        ):
            shown = early_end(item)
        unwritten = waits_for()
        if unwritten:
            report.user_properties.append(("waits_for", unwritten[0]))
        if shown or unwritten:
            report.longrepr = shown or failure_text("The test could not go on.")


def early_end(item):
    """The text for a test that stumbled because skiff had ended while the test still looked at it; None if it had not."""
    skiff = item.funcargs.get("skiff")
    try:
        result = skiff and skiff.ended_early()
    except TeachFailure as failure:
        return failure.text
    if not result:
        return None
    return failure_text(
        f"We ran `{result.typed}` and looked at it while it ran.",
        f"It was gone too early: {result.ended}."
        + (f" On standard error: {result.err.strip()}" if result.err.strip() else ""),
    )


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    marker = item.get_closest_marker("task")
    Current.begin(marker.args[0] if marker else None)


@pytest.fixture
def home(request):
    """A directory for one test, which everybody may enter, with the census around everything that happens in it."""
    before = census.Census()
    memory, disk = request.config.skiff_homes
    directory = tempfile.mkdtemp(
        prefix="t", dir=disk if request.node.get_closest_marker("on_disk") else memory
    )
    os.chmod(directory, 0o755)
    yield directory
    # Before chapter 03 a container's own orphans outlive it: there is no PID namespace that would end them.
    left = census.collect_strays(Current.killed or request.config.option.stage < 3)
    entries = census.run_entries(os.path.join(directory, "run"))
    left += [f"state of a container: $SKIFF_RUN/{entry}" for entry in entries]
    left += [
        f"a temporary file: $TMPDIR/{entry}" for entry in census.run_entries(os.path.join(directory, "tmp"))
    ]
    left += census.Census().compare(before)
    if left:
        census.restore(before)
    if not any(directory in mount["point"] for mount in census.kernel.mountinfo()):
        census.remove_tree(directory)
    if left:
        typed = Current.results[-1].typed if Current.results else request.node.name
        raise TeachFailure(
            failure_text(
                f"After the test (last: `{typed}`) we counted what is on the host, as before it.",
                "Left behind:\n" + "\n".join("- " + line for line in left),
                (
                    "A container leaves nothing on the host: whatever a run made, its end takes away, also"
                    " when it failed half-way."
                ),
                census_likely(left),
            )
        )


def census_likely(left):
    text = "\n".join(left)
    if "a mount" in text:
        return (
            "a mount was made while the mount tree was still shared with the host, or in the host's own mount"
            " namespace."
        )
    if "own name" in text:
        return "sethostname() ran in a process that was still in the host's UTS namespace."
    if "a zombie" in text:
        return "skiff ended without waiting for its child: waitid(2) with WEXITED, and without WNOWAIT."
    if "a process" in text:
        return (
            "a process of the container outlived skiff: was it waited for, and does it die with its parent?"
        )
    if "state of a container" in text:
        return "the state directory was not removed at the end, or not on this way out."
    return ""


@pytest.fixture
def skiff(request, home):
    """The binary under test with its own SKIFF_RUN and SKIFF_ROOT."""
    made = Skiff(request.config.option.skiff, request.config.option.stage, home)
    made.short[home] = "T"
    yield made
    made.close()


@pytest.fixture
def image(request, home):
    """The image and the probes on the file system of the test, so that a test's copy can be made of hard links."""
    base = os.path.dirname(home)
    local = os.path.join(base, "image")
    if not os.path.isdir(local):
        root_files.copy_tree(request.config.option.image, local)
        root_files.add_probes(request.config.option.probes, local)
    return local


@pytest.fixture
def rootfs(home, image):
    """A fresh root file system for one test."""
    directory = os.path.join(home, "rootfs")
    root_files.copy_tree(image, directory)
    return directory


@pytest.fixture
def box(skiff, rootfs, request):
    """The usual front door of a test: skiff, and a root to run things in."""
    return Box(skiff, rootfs, request.config.option.probes)


@pytest.fixture
def terminal(skiff, request):
    """Runs skiff in a terminal of its own: terminal(args, background=False)."""
    opened = []

    def open_terminal(args, background=False):
        opened.append(
            Terminal(skiff, os.path.join(request.config.option.probes, "session"), args, background)
        )
        return opened[-1]

    yield open_terminal
    for one in opened:
        one.close()


@pytest.fixture
def stage(request):
    return request.config.option.stage
