"""The harness itself: the census sees every kind of leak, a failure has the form of the workshop, a dead skiff is noticed."""

import os
import socket
import subprocess
import threading
from types import SimpleNamespace

import pytest

from harness import Result, TeachFailure, census, elsewhere, kernel, people, teach, until
from harness.teach import Current, failure_text


@pytest.fixture
def before():
    count = census.Census()
    yield count
    census.restore(count)
    assert census.Census().compare(count) == []


def left(before):
    return "\n".join(census.Census().compare(before))


def test_nothing_is_nothing(before):
    assert left(before) == ""


def test_mount(before, tmp_path):
    kernel.mount("none", str(tmp_path), "tmpfs")
    assert "a mount: tmpfs on" in left(before)


def test_mount_that_is_gone(tmp_path):
    kernel.mount("none", str(tmp_path), "tmpfs")
    count = census.Census()
    kernel.umount(str(tmp_path))
    assert "is gone or changed" in left(count)


def test_hostname(before):
    socket.sethostname("another")
    assert "the host's own name is now 'another'" in left(before)


def test_link(before):
    # A tun device that persists: the one kind of link that a single ioctl makes.
    if not os.path.exists("/dev/net/tun"):
        subprocess.run(["ip", "link", "add", "leaked", "type", "dummy"], check=True)
    else:
        fd = os.open("/dev/net/tun", os.O_RDWR)
        kernel.fcntl.ioctl(fd, 0x400454CA, b"leaked".ljust(16, b"\0") + b"\x01\x10" + bytes(22))
        kernel.fcntl.ioctl(fd, 0x400454CB, 1)
        os.close(fd)
    text = left(before)
    subprocess.run(["ip", "link", "delete", "leaked"], check=True)
    assert "a network link: leaked" in text


def test_descriptor(before):
    fd = os.open("/etc", os.O_RDONLY)
    text = left(before)
    os.close(fd)
    assert f"a descriptor of the test process: {fd} -> /etc" in text


def test_cgroup(before):
    point = next((mount["point"] for mount in kernel.mountinfo() if mount["type"] == "cgroup2"), None)
    assert point, "no cgroup v2 on this machine: mount -t cgroup2 none /sys/fs/cgroup"
    theirs, ours = point + "/skiff-test-0", os.path.join(point, kernel.CGROUP, "selftest")
    os.makedirs(ours)
    os.mkdir(theirs)
    text = left(before)
    os.rmdir(theirs)
    kernel.remove_cgroup(os.path.dirname(ours))
    assert f"a cgroup: {ours}" in text and theirs not in text, "of cgroups only those of this test run count"


def test_file_of_an_ordinary_user(before):
    ours, another = f"/tmp/skiff-{people.IDS[-1]}", "/tmp/skiff-4000000001"
    os.mkdir(ours)
    os.mkdir(another)
    text = left(before)
    os.rmdir(ours)
    os.rmdir(another)
    assert f"a file: {ours}" in text and another not in text


def orphan(command):
    """Start a command whose parent ends at once: the test process adopts it."""
    subprocess.run(["sh", "-c", f"{command} & exit 0"], check=True)


def test_process():
    orphan("sleep 100")
    lines = census.collect_strays(False, seconds=0.05)
    assert len(lines) == 1 and "sleep 100" in lines[0]
    assert census.collect_strays(False, 0) == []


def test_zombie():
    orphan("true")
    until(lambda: any(state == "Z" for state, _ in census.strays().values()))
    assert any("a zombie" in line for line in census.collect_strays(False))
    orphan("true")
    assert census.collect_strays(True) == []


def test_state(tmp_path):
    os.makedirs(tmp_path / "containers" / "abc")
    os.makedirs(tmp_path / "names")
    assert census.run_entries(str(tmp_path)) == ["containers/abc"]


def test_tree_is_removed_but_not_what_is_mounted_in_it(tmp_path):
    inside = tmp_path / "tree" / "mounted"
    inside.mkdir(parents=True)
    kernel.mount("none", str(inside), "tmpfs")
    (inside / "keep").write_text("")
    census.remove_tree(str(tmp_path / "tree"))
    assert (inside / "keep").exists()
    kernel.umount(str(inside))


def test_a_lab_vm_that_is_not_built(monkeypatch, tmp_path):
    monkeypatch.setattr(elsewhere, "BUILD", str(tmp_path))
    monkeypatch.setattr(elsewhere, "missing", lambda item: {"memory"})
    with pytest.raises(pytest.UsageError, match="has not got memory"):
        elsewhere.LabVM(None, [SimpleNamespace(nodeid="one")])
    assert elsewhere.LabVM(None, []).nodes == []


def test_failure_text():
    Current.begin("3.2")
    with pytest.raises(TeachFailure) as failure:
        teach("We did this.", "We saw that.", "The rule.", "the cause.", "sethostname(2)")
    assert failure.value.text.splitlines() == [
        "3.2 hostname: wrong",
        "  We did this.",
        "  We saw that.",
        "  The rule.",
        "  Likely: the cause.",
        "  make hint TASK=3.2      sethostname(2)",
    ]


def test_failure_that_waits_for_another_task():
    Current.begin("3.5")
    Result("skiff run", 125, b"", b"skiff: task 3.1 (flags) is not written yet: a.c:1\n")
    text = failure_text("We ran it.")
    Current.begin(None)
    assert text.splitlines()[0] == "3.5 exec: waits for 3.1"


def test_census_is_cheap():
    """Compared with the start of one process, on the same machine at the same time."""
    import timeit

    census.Census()
    one = min(timeit.repeat(census.Census, number=1, repeat=20))
    process = min(timeit.repeat(lambda: subprocess.run(["true"], check=True), number=1, repeat=20))
    assert one < 3 * process, f"a census takes {one * 1000:.1f} ms, a process {process * 1000:.1f} ms"


def test_one_thread():
    """unshare(2) and preexec functions need that."""
    assert threading.active_count() == 1
