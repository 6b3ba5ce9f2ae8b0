"""What the lab VM promises. It must have been built: make vm-build.

BUILD in the environment names the build directory; without it, it is build/ in this tree.
Every test gives the program a temporary directory of its own and looks at the end whether
anything is left in it, and whether a process is left that has to do with it.
"""
import fcntl
import hashlib
import os
import pty
import random
import re
import select
import shutil
import signal
import struct
import subprocess
import sys
import termios
import time
import uuid

import pytest

sys.dont_write_bytecode = True

LAB = os.path.dirname(os.path.realpath(__file__))
TREE = os.path.dirname(os.path.dirname(LAB))
BUILD = os.path.abspath(os.environ.get("BUILD") or os.path.join(TREE, "build"))
SLOW = 120      # seconds after which something hangs; never a measure of speed


def processes_with(text):
    """Ids of the processes whose command line holds the text."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/cmdline" % pid, "rb") as file:
                if text.encode() in file.read():
                    found.append(int(pid))
        except (FileNotFoundError, ProcessLookupError):
            pass
    return found


def wait_until(what, condition):
    """Wait for something that must become true."""
    end = time.monotonic() + SLOW
    while not condition():
        assert time.monotonic() < end, "waited %d s in vain: %s" % (SLOW, what)
        time.sleep(0.02)


class Lab:
    """Starts vm with a temporary directory and an out directory of the test's own."""

    def __init__(self, top):
        self.temporary = str(top / "tmp")
        self.out = str(top / "out")
        self.build = BUILD
        os.mkdir(self.temporary)

    def command(self, *args):
        """The command line of vm."""
        return [os.path.join(LAB, "vm"), "--build", self.build, "--out", self.out, *args]

    def environment(self):
        """The environment of vm."""
        return dict(os.environ, TMPDIR=self.temporary)

    def run(self, *args):
        """Run vm to its end."""
        return subprocess.run(self.command(*args), env=self.environment(), timeout=SLOW,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)

    def start(self, *args):
        """Start vm, in a process group of its own as a shell does it."""
        return subprocess.Popen(self.command(*args), env=self.environment(), stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                start_new_session=True)

    def leftovers(self):
        """Files and processes that should not be there any more."""
        return os.listdir(self.temporary), processes_with(self.temporary)


@pytest.fixture(name="lab")
def fixture_lab(tmp_path):
    """A Lab; at the test's end nothing may be left."""
    lab = Lab(tmp_path)
    yield lab
    assert lab.leftovers() == ([], [])


def test_exit_status_passes_through(lab):
    """The command's exit status is ours, be it large or small."""
    code = random.randint(1, 123)
    assert lab.run("--", "exit %d" % code).returncode == code
    assert lab.run("--", "true").returncode == 0


def test_death_by_signal_is_128_plus_n(lab):
    """As a shell tells it."""
    assert lab.run("--", "kill -KILL $$").returncode == 128 + signal.SIGKILL


def test_output_and_errors_come_apart(lab):
    """Two streams, also when the command opens /dev/stderr by name; arguments stay whole."""
    word = uuid.uuid4().hex
    done = lab.run("--", "echo out %s; echo err %s >/dev/stderr" % (word, word))
    assert (done.stdout, done.stderr) == ("out %s\n" % word, "err %s\n" % word)
    assert lab.run("--", "printf", "<%s>", "two  words", "$x").stdout == "<two  words><$x>"


def test_a_lot_of_output_comes_whole(lab):
    """No byte is lost at the end, where the machine is switched off."""
    done = lab.run("--", "seq 300000")
    assert done.stdout == "".join("%d\n" % number for number in range(1, 300001))


def test_timeout_is_124(lab):
    """The command is stopped with its VM; what it had said is there."""
    for seconds in (6, 20, 60):  # on a busy machine the boot alone takes longer than six
        done = lab.run("--timeout", str(seconds), "--", "echo before; sleep 1000")
        assert done.returncode == 124
        assert done.stderr == "vm: timed out after %d s\n" % seconds
        if done.stdout:
            break
    assert done.stdout == "before\n"


def test_death_of_the_vm_is_125(lab):
    """A kernel that dies is not taken for success, and its last words are shown."""
    done = lab.run("--", "echo c >/proc/sysrq-trigger; sleep 1000")
    assert done.returncode == 125
    assert "Kernel panic - not syncing: sysrq triggered crash" in done.stderr


def test_out_comes_back(lab):
    """Files, directories and links below /out, also when the command failed."""
    word = uuid.uuid4().hex
    script = "mkdir -p /out/a/b; echo %s >/out/a/b/file; ln -s a/b/file /out/link; exit 3" % word
    assert lab.run("--", script).returncode == 3
    with open(os.path.join(lab.out, "link"), encoding="ascii") as file:
        assert file.read() == word + "\n"
    assert os.readlink(os.path.join(lab.out, "link")) == "a/b/file"


def test_empty_out_makes_no_directory(lab):
    """Who sends nothing gets nothing."""
    lab.run("--", "true")
    assert not os.path.exists(lab.out)


def test_tree_is_a_copy(lab):
    """The command starts in /tree, finds our files there, and can't change ours."""
    mine = os.path.join(LAB, "init.c")
    with open(mine, "rb") as file:
        before = hashlib.sha256(file.read()).hexdigest()
    done = lab.run("--", "pwd; sha256sum vagrant/lab/init.c; rm vagrant/lab/init.c")
    assert done.stdout == "/tree\n%s  vagrant/lab/init.c\n" % before
    assert os.path.exists(mine)


def test_ignored_files_stay_and_built_files_travel(lab, tmp_path):
    """Of the sources: what git would track. Of the build: programs, not objects, not the VM."""
    tree = tmp_path / "tree"
    build = tmp_path / "elsewhere"
    (build / "stage-03").mkdir(parents=True)
    (build / "vm").symlink_to(os.path.join(BUILD, "vm"))
    (build / "stage-03" / "skiff").write_text("#!/bin/sh\necho ran\n")
    (build / "stage-03" / "skiff").chmod(0o755)
    (build / "stage-03" / "main.o").write_text("object")
    subprocess.run(["git", "init", "-q", str(tree)], check=True)
    (tree / ".gitignore").write_text("*.log\n")
    (tree / "with space").write_text("")
    (tree / "noise.log").write_text("")
    lab.build = str(build)
    done = lab.run("--tree", str(tree), "--", "find . -type f | sort; build/stage-03/skiff")
    assert done.stdout.splitlines() == ["./.gitignore", "./build/stage-03/skiff", "./with space", "ran"]


def test_cgroup_v2_with_all_controllers(lab):
    """What many hosts lack and the chapters on limits need."""
    done = lab.run("--", "cat /sys/fs/cgroup/cgroup.controllers /sys/fs/cgroup/cgroup.subtree_control")
    for line in done.stdout.splitlines():
        assert {"cpu", "io", "memory", "pids"} <= set(line.split())
    assert len(done.stdout.splitlines()) == 2


def test_kernel_offers_what_containers_need(lab):
    """All namespaces, overlayfs, a bridge with veth, nftables, and user namespaces for a user."""
    script = """set -ex
        [ $(id -u) = 0 ]
        unshare -muinpfCT --mount-proc sh -c '[ $$ = 1 ]'
        mkdir -p /var/o/l /var/o/u /var/o/w /var/o/m
        mount -t overlay o -o lowerdir=/var/o/l,upperdir=/var/o/u,workdir=/var/o/w /var/o/m
        ip link add br0 type bridge
        ip link add v0 type veth peer name v1
        ip link set v0 master br0
        nft add table ip t
        nft 'add chain ip t c { type nat hook postrouting priority srcnat; }'
        su learner -c "unshare --map-root-user --map-auto cat /proc/self/uid_map" | grep 65535
        python3 -m pytest --version
        """
    done = lab.run("--", script)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_stopped_by_a_signal(lab, number):
    """Ctrl-C reaches the whole process group; nothing stays, and the status tells the signal."""
    vm = lab.start("--", "echo ready; sleep 1000")
    assert vm.stdout.readline() == "ready\n"
    os.killpg(vm.pid, number)
    vm.communicate(timeout=SLOW)
    assert vm.returncode == 128 + number
    assert lab.leftovers() == ([], [])


def test_killed(lab):
    """SIGKILL leaves no time to clean up: the VM dies all the same, the next run removes the rest."""
    vm = lab.start("--", "echo ready; sleep 1000")
    assert vm.stdout.readline() == "ready\n"
    vm.kill()
    vm.communicate(timeout=SLOW)
    wait_until("the VM is gone", lambda: not processes_with(self_path(lab)))
    assert lab.leftovers()[0]
    lab.run("--", "true")


def self_path(lab):
    """The part of QEMU's command line by which we know it."""
    return lab.temporary


def test_sweep_spares_a_live_run(lab):
    """A second run does not take the first one's files away."""
    first = lab.start("--", "echo ready; sleep 5; cat vagrant/lab/packages >/dev/null; echo end")
    assert first.stdout.readline() == "ready\n"
    assert lab.run("--", "exit 9").returncode == 9
    assert first.communicate(timeout=SLOW)[0] == "end\n"
    assert first.returncode == 0


def test_reader_that_goes_away(lab):
    """`make vm-run ... | head -1` ends, and with it the VM."""
    vm = lab.start("--", "yes")
    assert vm.stdout.readline() == "y\n"
    vm.stdout.close()
    assert vm.wait(SLOW) == 128 + signal.SIGPIPE
    vm.stderr.close()


def set_window(descriptor, rows, columns):
    """Resize a terminal."""
    fcntl.ioctl(descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


class Person:
    """Somebody at a terminal in which vm runs without a command."""

    def __init__(self, lab):
        self.master, slave = pty.openpty()
        set_window(self.master, 41, 97)
        self.settings = termios.tcgetattr(slave)
        self.slave = slave
        self.seen = ""
        self.process = subprocess.Popen(
            lab.command(), env=dict(lab.environment(), TERM="xterm"), stdin=slave, stdout=slave,
            stderr=slave, start_new_session=True, preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))

    def read_until(self, pattern):
        """Read the screen until something appears on it; returns the match."""
        end = time.monotonic() + SLOW
        while not re.search(pattern, self.seen):
            assert time.monotonic() < end, "%r not in %r" % (pattern, self.seen)
            if select.select([self.master], [], [], 0.1)[0]:
                self.seen += os.read(self.master, 4096).decode(errors="replace")
        match = re.search(pattern, self.seen)
        self.seen = self.seen[match.end():]
        return match

    def type(self, text):
        """Press keys."""
        os.write(self.master, text.encode())

    def leave(self):
        """Wait for the end; the terminal must be as it was. Returns the exit status."""
        wait_until("the end of vm", lambda: self.process.poll() is not None)
        assert termios.tcgetattr(self.slave) == self.settings
        os.close(self.master)
        os.close(self.slave)
        return self.process.returncode


@pytest.fixture(name="person")
def fixture_person(lab):
    """A person; if the test fails, the VM is ended."""
    person = Person(lab)
    yield person
    if person.process.poll() is None:
        person.process.terminate()
        person.process.wait(SLOW)


def test_shell_has_a_real_terminal(lab, person):
    """Prompt, window size, its change, Ctrl-C, /out and the exit status."""
    person.read_until("COPY")
    person.read_until("root@lab:/tree# ")
    person.type("stty size; tty\r")
    person.read_until(r"[\r\n]41 97\r\n/dev/hvc0")
    set_window(person.master, 30, 111)
    person.process.send_signal(signal.SIGWINCH)
    person.type("until stty size | grep -x '30 111'; do sleep 0.1; done\r")
    person.read_until(r"[\r\n]30 111\r")
    person.type("sleep 1000\r")
    time.sleep(1)
    person.type("\x03")
    person.type("echo $?; echo kept >/out/note; exit 5\r")
    person.read_until(r"[\r\n]130\r")
    assert person.leave() == 5
    with open(os.path.join(lab.out, "note"), encoding="ascii") as file:
        assert file.read() == "kept\n"


def test_shell_ends_with_three_escapes(person):
    """The way out of a guest that hangs."""
    person.read_until("root@lab:/tree# ")
    for _ in range(3):
        person.type("\x1d")
        time.sleep(0.1)
    assert person.leave() == 125


def test_shell_stopped_gives_the_terminal_back(person):
    """kill -TERM from elsewhere."""
    person.read_until("root@lab:/tree# ")
    person.process.terminate()
    assert person.leave() == 128 + signal.SIGTERM


def test_shell_without_terminal_is_refused(lab):
    """One line, no VM."""
    done = lab.run()
    assert done.returncode == 125
    assert done.stderr == "vm: cannot run: a shell needs a terminal; without one, give a command\n"


def test_missing_program_is_told_in_one_line(lab, tmp_path):
    """With the command that installs it."""
    done = subprocess.run([sys.executable, *lab.command("--", "true")], capture_output=True, text=True,
                          env=dict(lab.environment(), PATH=str(tmp_path)), timeout=SLOW, check=False)
    assert done.returncode == 125
    assert re.fullmatch(r"vm: cannot run: not found: qemu-system-\w+.*sudo make packages GROUP=vm\n", done.stderr)


@pytest.mark.parametrize("name", ["guest-packages", "init.c", "pack"])
def test_changed_input_makes_another_image(tmp_path, name):
    """An image of older sources is never used: its directory has another name."""
    copy = tmp_path / "lab"
    shutil.copytree(LAB, copy)
    ask = [sys.executable, "-c", "import image; print(image.directory('/b'))"]
    environment = dict(os.environ, PYTHONDONTWRITEBYTECODE="1")
    before = subprocess.check_output(ask, cwd=copy, env=environment, text=True)
    assert subprocess.check_output(ask, cwd=LAB, env=environment, text=True) == before
    with open(copy / name, "a", encoding="utf-8") as file:
        file.write("\n")
    assert subprocess.check_output(ask, cwd=copy, env=environment, text=True) != before
