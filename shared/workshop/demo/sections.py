"""What the demo shows, in this order. A later chapter adds a Row, or a
function to SECTIONS; each takes the Skiff and prints one section."""

import os
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

from skiffshop.terminal import paint

from .container import Container, DemoFailed, descendants, status_of

COLUMNS = "{:19} {:22} {:22} {}"


@dataclass
class Row:
    """One thing, read on the host and in the container. own: the container
    must have one of its own, so the two must differ."""
    what: str
    host: Callable
    inside: Callable
    chapter: str
    own: bool = True

    def show(self, container):
        """Print it; the demo fails if the container has the host's."""
        host, inside = self.host(container), self.inside(container)
        note = self.chapter if host != inside else "as on the host"
        print(COLUMNS.format(self.what, host, inside, note).rstrip())
        if self.own and host == inside:
            raise DemoFailed(f"{self.what}: the container has the host's,"
                             f" {host}")


def heading(text):
    """A section begins."""
    print(paint(text, "bold"))


def of_file(path, tell, what, chapter, **options):
    """A row that reads the same file on both sides."""
    return Row(what, lambda _: tell(Path(path).read_text("utf-8")),
               lambda container: tell(container.read(path)), chapter,
               **options)


def id_map(text):
    """/proc/PID/uid_map: its first line, as "0 is 1000, 1 IDs"."""
    lines = [line.split() for line in text.splitlines()]
    inner, outer, _ = lines[0]
    count = sum(int(line[2]) for line in lines)
    return f"{inner} is {outer}, {count} IDs"


def interfaces(text):
    """The names in /proc/net/dev."""
    names = sorted(line.split(":")[0].strip()
                   for line in text.splitlines()[2:])
    text = " ".join(names)
    return text if len(text) <= 22 else f"{len(names)}: {names[0]} ..."


def root_inode(path):
    """Device and inode of a directory."""
    found = os.stat(path)
    return f"{found.st_dev}:{found.st_ino}"


def cgroup(text):
    """The cgroup of version 2 in /proc/PID/cgroup."""
    path = next((line[3:] for line in text.splitlines()
                 if line.startswith("0::")), "none")
    return path if len(path) <= 22 else f"{path[:19]}..."


def root_type(text):
    """What kind of file system the last mount on / is, by mountinfo."""
    types = [line.partition(" - ")[2].split()[0] for line in text.splitlines()
             if line.split()[4] == "/"]
    return types[-1] if types else "none"


def count_processes(names):
    """How many entries of /proc are processes."""
    return f"{sum(name.isdigit() for name in names)} processes"


VIEW = [
    Row("the same shell", lambda c: f"PID {c.pid}",
        lambda c: f"PID {c.ask('echo $$')}", "03 namespaces"),
    of_file("/proc/1/comm", str.strip, "PID 1 is", "03 namespaces", own=False),
    Row("/proc lists", lambda _: count_processes(os.listdir("/proc")),
        lambda c: count_processes(c.ask("ls /proc").split()), "03 namespaces"),
    of_file("/proc/sys/kernel/hostname", str.strip, "host name",
            "03 namespaces"),
    Row("device:inode of /", lambda _: root_inode("/"),
        lambda c: root_inode(f"/proc/{c.pid}/root/"), "02 chroot"),
    of_file("/proc/self/mountinfo", root_type, "/ is of type",
            "05 overlayfs", own=False),
    of_file("/proc/self/mountinfo",
            lambda text: f"{len(text.splitlines())} mounts", "mountinfo has",
            "02 chroot", own=False),
    of_file("/proc/net/dev", interfaces, "interfaces", "03 namespaces",
            own=False),
    Row("the shell's cgroup",
        lambda c: cgroup(Path(f"/proc/{c.pid}/cgroup").read_text("utf-8")),
        lambda c: cgroup(c.read("/proc/self/cgroup")), "04 cgroups",
        own=False),
    of_file("/proc/self/uid_map", id_map, "user IDs", "03 namespaces",
            own=os.getuid() != 0),
]


def beside_the_host(skiff):
    """One container, seen from inside and beside its host."""
    heading("A container beside its host. Each value is read from the kernel.")
    print(paint(COLUMNS.format("", "host", "container", "chapter"), "dim"))
    with Container(skiff) as container:
        for row in VIEW:
            row.show(container)
        print()
        namespaces(container)
        print()
        powers(container)
    if container.status != 0:
        raise DemoFailed(f"the container's exit status: {container.status}")


def namespaces(container):
    """The number of each namespace, the kernel's own name for it."""
    heading("Its namespaces, as readlink /proc/PID/ns/* numbers them")
    for kind in ("mnt", "pid", "uts", "ipc", "cgroup", "net", "user", "time"):
        own = kind != "time" and (kind != "user" or os.getuid() != 0)
        made_by = "02 chroot" if kind == "mnt" else "03 namespaces"
        Row(kind, lambda _, k=kind: os.readlink(f"/proc/self/ns/{k}"),
            lambda c, k=kind: os.readlink(f"/proc/{c.pid}/ns/{k}"),
            made_by, own=own).show(container)


def layers(skiff):
    """Two containers of one image write to the same file. An ordinary user
    may write to "/" alone, if the image is somebody else's."""
    own = os.access(skiff.rootfs / "etc", os.W_OK)
    path = "/etc/motd" if own else "/motd"
    heading(f"Two containers of one image: each wrote to {path}, then read")
    image = skiff.rootfs / path[1:]
    before = read_or_empty(image)
    with Container(skiff) as first, Container(skiff) as second:
        wrote = [f"written by PID {each.pid}" for each in (first, second)]
        first.ask(f"echo {wrote[0]} >{path}")
        second.ask(f"echo {wrote[1]} >{path}")
        found = [each.read(path) for each in (first, second)]
    for name, text in zip(("one", "the other"), found):
        print(COLUMNS.format(name, "", text, "05 overlayfs"))
    after = read_or_empty(image)
    print(COLUMNS.format("the image", after.strip() or "has none", "",
                         "05 overlayfs"))
    if found != wrote or after != before:
        raise DemoFailed("the containers wrote to the image, or to each"
                         " other's files")


def powers(container):
    """What the kernel lets each of the two do."""
    heading("Its powers, as /proc/PID/status tells them")
    unfiltered = status_of("self").get("Seccomp") == "0"
    for what, key, own in (("capabilities", "CapEff", False),
                           ("limit of execve", "CapBnd", False),
                           ("system call filter", "Seccomp", unfiltered),
                           ("no new privileges", "NoNewPrivs", False)):
        Row(what, lambda _, k=key: status_of("self").get(k, "none"),
            lambda c, k=key: status_of(c.pid).get(k, "none"),
            "06 security", own=own).show(container)


def ends(skiff):
    """What comes out of a container, and what stays of it."""
    heading("Its end")
    status = skiff.finish("sh", "-c", "exit 7")[0]
    show_end("exit 7 inside", status, 7)

    process = skiff.start("sleep", "60", stdin=subprocess.DEVNULL)
    inside = wait_for_child(process)
    process.send_signal(signal.SIGTERM)
    try:
        status = process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise DemoFailed("kill -TERM did not end skiff") from None
    show_end("kill -TERM of skiff", status, 128 + signal.SIGTERM)

    alive = [pid for pid in inside if os.path.exists(f"/proc/{pid}")]
    mounts = Path("/proc/self/mountinfo").read_text("utf-8")
    left = (len(alive), mounts.count(str(skiff.rootfs.resolve())),
            len(skiff.containers_left()))
    print("{:19} {} processes, {} mounts, {} state files".format(
        "left behind", *left))
    if any(left):
        raise DemoFailed("a container left something behind")


def show_end(what, status, expected):
    """An exit status, which must be the expected one."""
    print(COLUMNS.format(what, f"exit status {status}", "", "01 process"))
    if status != expected:
        raise DemoFailed(f"{what}: exit status {status}, not {expected}")


def wait_for_child(process):
    """The processes below skiff, once `sleep` runs among them."""
    for _ in range(500):
        found = descendants(process.pid)
        names = [Path(f"/proc/{pid}/comm") for pid in found]
        if any(read_or_empty(name) == "sleep\n" for name in names):
            return found
        if process.poll() is not None:
            break
        time.sleep(0.01)
    process.kill()
    process.wait()
    raise DemoFailed("`skiff run sleep 60` did not start")


def read_or_empty(path):
    """A file of a process that may be gone."""
    try:
        return path.read_text("utf-8")
    except OSError:
        return ""


def explained(skiff):
    """Every step of both processes."""
    heading("What skiff did: skiff --explain run ... true")
    status, _, table = skiff.finish("true", explain=True)
    if status != 0 or not table.strip():
        raise DemoFailed(f"--explain: exit status {status}\n{table}")
    print(table.rstrip())


def next_commands(skiff):
    """Commands to copy."""
    sudo = "sudo " if os.getuid() == 0 else ""
    run = f"{sudo}{skiff.program} run --rootfs {skiff.rootfs}"
    heading("Your turn")
    print(f"  {run} sh\n  {run} ps\n"
          f"  {sudo}{skiff.program} help\n"
          "  make status          the workshop: what is next\n"
          "  make check CH=0      the first test\n"
          "  less README.md")


SECTIONS = [beside_the_host, layers, ends, explained, next_commands]
