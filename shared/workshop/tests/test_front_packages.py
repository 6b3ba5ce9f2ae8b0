"""packages.sh: what is missing, and with which command it is installed.

The managers are fakes on a PATH of our own; nothing is installed here.
"""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

WORKSHOP = Path(__file__).resolve().parents[1]
SCRIPT = WORKSHOP / "packages.sh"
TABLE = WORKSHOP / "packages.table"
TOOLS = ("awk", "bash", "busybox", "cat", "cut", "dirname", "dpkg-query",
         "grep", "head", "ldd", "ln", "mktemp", "paste", "python3", "rm",
         "sed", "sh", "sort")
MANAGERS = ("apt-get", "dnf", "pacman", "zypper")


def rows():
    """The rows of the table, as lists of words."""
    return [line.split() for line in TABLE.read_text().splitlines()
            if line and not line.startswith("#")]


class Desk:
    """A PATH with the commands of the table and of the scripts, no package
    manager, and fakes."""

    def __init__(self, directory):
        self.bin = directory / "bin"
        self.bin.mkdir()
        self.record = directory / "record"
        for name in (*TOOLS, *(row[1].removeprefix("cmd:") for row in rows()
                               if row[1].startswith("cmd:"))):
            program = shutil.which(name)
            if program:
                (self.bin / name).symlink_to(program)
        self.fake("id", "echo 0")

    def hide(self, *names):
        """As if they were not installed."""
        for name in names:
            (self.bin / name).unlink(missing_ok=True)

    def fake(self, name, body):
        """A command that writes down how it was called, then does body."""
        self.hide(name)
        program = self.bin / name
        program.write_text("#!/bin/sh\n"
                           f'echo "{name} $*" >>"{self.record}"\n{body}\n')
        program.chmod(0o755)

    def calls(self, name):
        """How a fake was called."""
        if not self.record.exists():
            return []
        return [line for line in self.record.read_text().splitlines()
                if line.startswith(name + " ")]

    def run(self, *words):
        """(exit status, all that was printed)"""
        done = subprocess.run([SCRIPT, *words], text=True, check=False,
                              env={"PATH": str(self.bin), "HOME": "/"},
                              stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=60)
        return done.returncode, done.stdout


@pytest.fixture
def desk(tmp_path):
    return Desk(tmp_path)


def test_the_table_has_a_package_for_each_manager():
    for row in rows():
        assert len(row) == 2 + len(MANAGERS), row
        assert row[0] in ("build", "test", "peers"), row
        assert row[2] != "-", f"{row[1]}: no Debian package"


def test_debian_knows_every_package():
    if not shutil.which("apt-cache"):
        pytest.skip("apt's names can be asked only where apt is; CI has it")  # house: where CI runs, apt is there
    names = sorted({row[2] for row in rows() if row[0] != "peers"})
    told = subprocess.run(["apt-cache", "policy", *names], text=True,
                          check=True, capture_output=True).stdout
    known = re.findall(r"^(\S+):\n  Installed: .*\n  Candidate: (?!\(none)",
                       told, re.M)
    assert sorted(known) == names


def test_nothing_missing_runs_nothing(desk):
    desk.fake("apt-get", "exit 1")
    assert desk.run("build") == (0, "")
    assert desk.calls("apt-get") == []


def test_check_says_what_is_missing_and_installs_nothing(desk):
    desk.hide("gcc", "make")
    desk.fake("apt-get", "exit 1")
    status, text = desk.run("build", "--check")
    assert status == 1
    assert re.search(r"the command gcc +gcc$", text, re.M)
    assert re.search(r"the command make +make$", text, re.M)
    assert "jansson" not in text
    assert desk.calls("apt-get") == []


def test_unknown_manager_gets_a_list(desk):
    desk.hide("make", "pkg-config")
    status, text = desk.run("build")
    assert status == 1
    assert "none of apt, dnf, pacman, zypper" in text
    assert re.search(r"the command make +make$", text, re.M)
    assert re.search(r"library libseccomp \(pkg-config\) +libseccomp-dev",
                     text), "without pkg-config no library is seen"


def test_apt_updates_once_then_installs(desk):
    desk.hide("make", "pkg-config")
    desk.fake("apt-get", f"case $* in *install*)"
              f" ln -s /usr/bin/make /usr/bin/pkg-config {desk.bin}/;; esac")
    status, text = desk.run("build", "--check")
    assert status == 1, "the desk is as it should be"
    status, text = desk.run("build")
    assert status == 0, text
    update, install = desk.calls("apt-get")
    assert update == "apt-get -q update"
    assert "--no-install-recommends" in install
    assert {"make", "pkg-config"} < set(install.split())
    assert "gcc" not in install.split(), "gcc is there"


def test_a_failed_installation_shows_its_log(desk):
    desk.hide("make")
    desk.fake("apt-get", "echo 'E: the disk sings'; exit 100")
    status, text = desk.run("build")
    assert status == 1
    assert "E: the disk sings" in text
    assert "apt-get failed" in text


def test_an_installation_that_brings_nothing_is_a_failure(desk):
    desk.hide("make")
    desk.fake("apt-get", "exit 0")
    status, text = desk.run("build")
    assert status == 1
    assert "still missing" in text and "the command make" in text


@pytest.mark.parametrize("manager, start", [
    ("dnf", "dnf install -y "),
    ("pacman", "pacman -S --needed --noconfirm "),
    ("zypper", "zypper --non-interactive install ")])
def test_other_managers(desk, manager, start):
    desk.hide("make", "pkg-config")
    desk.fake(manager, f"ln -s /usr/bin/make /usr/bin/pkg-config {desk.bin}/")
    status, text = desk.run("build")
    install, = desk.calls(manager)
    assert status == 0, text
    assert install.startswith(start)
    assert {"make"} <= set(install.split())


def test_an_ordinary_user_gets_the_line_for_sudo(desk):
    desk.hide("make")
    desk.fake("id", "echo 1000")
    desk.fake("apt-get", "exit 0")
    status, text = desk.run("build")
    assert status == 1
    assert ("hint: sudo apt-get install -y --no-install-recommends make\n"
            in text)
    assert desk.calls("apt-get") == []


def test_peers_are_never_required(desk):
    desk.hide("bwrap", "runc", "crun")
    desk.fake("apt-get", "case $* in *install*bubblewrap*) exit 100;; esac")
    status, text = desk.run("build", "peers")
    assert status == 0, text
    assert "bubblewrap: could not be installed; it is not required" in text


def test_an_unknown_group_is_refused(desk):
    status, text = desk.run("bulid")
    assert status == 2
    assert "bulid: not a group of packages" in text


def test_find_python_passes_over_one_without_the_module(desk):
    done = subprocess.run([WORKSHOP / "find-python", "pytest"], text=True,
                          check=True, capture_output=True)
    found = done.stdout.strip()
    subprocess.run([found, "-c", "import pytest"], check=True)

    desk.fake("lonely-python", 'exec /usr/bin/python3 -IS "$@"')
    done = subprocess.run([WORKSHOP / "find-python", "pytest"], text=True,
                          env={"PATH": str(desk.bin),
                               "PYTHON": "lonely-python"},
                          check=False, capture_output=True)
    assert done.returncode == 1
    assert "module 'pytest'" in done.stderr
