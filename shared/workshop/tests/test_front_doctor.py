"""doctor: it tries, it names the obstacle, it leaves nothing behind."""

import errno
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

WORKSHOP = Path(__file__).resolve().parents[1]
TOP = WORKSHOP.parents[1]
DOCTOR = WORKSHOP / "doctor"
sys.path.insert(0, str(WORKSHOP))

from doctor import finding, kernel  # noqa: E402  (need the path set above)
from doctor import probes_resources, probes_start  # noqa: E402
from doctor.chapters import Chapter, examine  # noqa: E402
from doctor.machine import Machine, Outcome  # noqa: E402

CHAPTERS = list(range(16))


def doctor(*words, before=(), **variables):
    """(exit status, output) of a run; before: a command to run it with."""
    done = subprocess.run([*before, sys.executable, str(DOCTOR), *words],
                          env=dict(os.environ, **variables), text=True,
                          stdout=subprocess.PIPE, check=False, timeout=30)
    return done.returncode, done.stdout


def chapter_finding(diagnosis, number, name):
    """One finding of the JSON report."""
    return next(each for each in diagnosis["chapters"][number]["findings"]
                if each["name"] == name)


class Fake(Machine):
    """A machine whose files and attempts are told, not found."""

    def __init__(self, files=(), uid=1000, user_namespace=0, powers=0):
        super().__init__(TOP)
        self.files = dict(files)
        self.uid = uid
        self.__dict__.update(is_privileged=uid == 0,
                             user_namespace=Outcome(user_namespace),
                             powers=Outcome(powers))

    def read(self, path):
        return self.files.get(path)


# --- the real machine ---

def test_json_tells_of_each_chapter():
    status, text = doctor("--json")
    diagnosis = json.loads(text)
    assert [each["number"] for each in diagnosis["chapters"]] == CHAPTERS
    for chapter in diagnosis["chapters"]:
        assert chapter["state"] in ("ok", "limited", "missing")
        assert chapter["place"] in ("here", "sudo", "vm", "nowhere")
        for each in chapter["findings"]:
            assert each["measured"], each
            if each["needed"] and each["state"] == "missing":
                assert each["ways"], f"no way out: {each}"
    assert status == (0 if diagnosis["canStart"] else 1)
    kernel = chapter_finding(diagnosis, 0, "kernel")
    assert os.uname().release in kernel["measured"]


def test_what_the_stage_tests_need_is_found():
    """Where the stage tests can run at all, the doctor says so too."""
    diagnosis = json.loads(doctor("--json")[1])
    for number in (1, 2, 3, 9, 10):
        chapter = diagnosis["chapters"][number]
        assert chapter["place"] == "here", chapter


def test_text_fits_a_terminal_and_has_each_chapter():
    status, text = doctor()
    lines = text.splitlines()
    assert [line for line in lines if len(line) > 80] == []
    for number in CHAPTERS:
        assert any(line.startswith(f"{number:02d} ") for line in lines)
    assert ("Next: " in text) == (status == 0)


def test_it_is_quick_and_leaves_nothing():
    def census():
        cgroups = [name for _, names, _ in os.walk("/sys/fs/cgroup")
                   for name in names if "skiff-doctor" in name]
        with open("/proc/self/mounts", encoding="utf-8") as mounts:
            return (mounts.read(), sorted(os.listdir("/sys/class/net")),
                    cgroups)

    before, start = census(), time.monotonic()
    doctor()
    assert time.monotonic() - start < 30, "a probe hangs"
    assert census() == before


def test_a_user_without_namespaces_gets_the_cause():
    """A real limit: a user namespace in which no further one can be made,
    entered by a process that has lost its powers there."""
    limit = ("echo 0 >/proc/sys/user/max_user_namespaces; exec setpriv"
             " --bounding-set -all --inh-caps -all -- \"$@\"")
    _, text = doctor("--json", before=["unshare", "-Ur", "sh", "-c", limit,
                                       "sh"])
    diagnosis = json.loads(text)
    found = chapter_finding(diagnosis, 3, "user namespaces")
    assert found["state"] == "missing"
    assert "user.max_user_namespaces=0" in found["measured"]
    assert "ENOSPC" in found["measured"], "it was tried"
    assert diagnosis["chapters"][2]["place"] != "here"


def test_without_a_compiler_nothing_can_start(tmp_path):
    programs = tmp_path / "bin"
    programs.mkdir()
    for program in Path("/usr/bin").iterdir():
        if not program.name.startswith(("gcc", "cc")):
            (programs / program.name).symlink_to(program)
    status, text = doctor("--json", PATH=str(programs))
    diagnosis = json.loads(text)
    assert status == 1 and not diagnosis["canStart"]
    tools = chapter_finding(diagnosis, 0, "build tools")
    assert "gcc" in tools["measured"]
    assert tools["ways"] == ["$ sudo make packages"]


def test_a_namespace_that_is_refused_is_seen():
    """Every kind, as for a user whose namespaces have no powers."""
    machine = Fake(user_namespace=errno.EPERM, powers=errno.EPERM)
    found = probes_start.namespaces(machine)
    assert found.state == "missing"
    assert found.cures == {"sudo", "vm"}


# --- faked obstacles ---

def test_ubuntus_rule_gets_a_profile_and_not_a_switch():
    rule = "/proc/sys/kernel/apparmor_restrict_unprivileged_userns"
    machine = Fake({rule: "1\n"}, powers=errno.EPERM)
    machine.top = Path("/nowhere")
    found = probes_start.user_namespaces(machine)
    assert found.state == "missing"
    assert "AppArmor" in found.measured
    assert any("apparmor_parser" in way for way in found.ways)
    assert not any("sysctl" in way for way in found.ways)


@pytest.mark.parametrize("path, name", [
    ("/proc/sys/kernel/unprivileged_userns_clone",
     "kernel.unprivileged_userns_clone=0"),
    ("/proc/sys/user/max_user_namespaces", "user.max_user_namespaces=0")])
def test_a_switch_is_named(path, name):
    machine = Fake({path: "0\n"}, user_namespace=errno.EPERM,
                   powers=errno.EPERM)
    found = probes_start.user_namespaces(machine)
    assert name in found.measured


def test_an_outer_container_is_named():
    machine = Fake({"/proc/self/status": "Seccomp:\t2\n"},
                   user_namespace=errno.EPERM, powers=errno.EPERM)
    assert "seccomp filter" in probes_start.user_namespaces(machine).measured


def test_root_is_only_limited_by_it():
    machine = Fake(uid=0, user_namespace=errno.EPERM, powers=errno.EPERM)
    assert probes_start.user_namespaces(machine).state == "limited"


@pytest.mark.parametrize("release, state", [
    ("5.15.0-91-generic", "missing"), ("6.1.0-18-amd64", "ok"),
    ("6.0.19", "missing"), ("10.0", "ok")])
def test_kernel_versions(release, state):
    machine = Fake()
    machine.release = release
    assert probes_start.kernel_version(machine).state == state


def test_controllers_that_v1_holds():
    machine = Fake({
        "/proc/self/mountinfo":
            "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n",
        "/sys/fs/cgroup/unified/cgroup.controllers": "pids hugetlb\n",
        "/proc/cgroups": "cpu\t1\t3\t1\nmemory\t4\t2\t1\nblkio\t7\t2\t1\n"})
    found = probes_resources.controllers(machine)
    assert found.state == "missing"
    assert "v1 holds cpu io memory" in found.measured
    assert any("make vm" in way for way in found.ways)


def test_controllers_that_are_there():
    machine = Fake({
        "/proc/self/mountinfo":
            "41 31 0:38 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n",
        "/sys/fs/cgroup/cgroup.controllers": "cpuset cpu io memory pids\n"})
    assert probes_resources.controllers(machine).state == "ok"


def test_a_free_range_of_ids_lies_behind_those_given():
    machine = Fake({"/etc/subuid": "anna:100000:65536\nben:300000:1000\n"})
    if machine.command("newuidmap") is None:
        pytest.fail("newuidmap is missing: sudo make packages")
    found = probes_start.id_ranges(machine)
    assert found.state == "limited"
    assert "--add-subuids 301000-366535" in found.ways[0]


# --- the chapters' verdicts ---

def verdict(needs, vm_works=True):
    """The place where a chapter with these needs can be done."""
    chapter = Chapter(2, "chroot", needs, vm_works=vm_works)
    return chapter.place, chapter.state


def test_places():
    fine = finding.ok("a", "x")
    bad = finding.missing("b", "x", cures=("sudo", "vm"))
    worse = finding.missing("c", "x", cures=("vm",))
    assert verdict([fine]) == ("here", "ok")
    assert verdict([fine, bad]) == ("sudo", "limited")
    assert verdict([bad, worse]) == ("vm", "limited")
    assert verdict([bad, worse], vm_works=False) == ("nowhere", "missing")
    assert verdict([finding.missing("d", "x", cures=())])[0] == "nowhere"


def test_a_chapter_needs_what_those_below_it_need():
    table = ((0, "start", (lambda _: finding.missing("k", "x"),), (), ()),
             (1, "process", (), (), (0,)), (2, "chroot", (), (), (1,)),
             (3, "namespaces", (), (), (2,)))
    diagnosis = examine(Fake(), table)
    assert diagnosis.chapters[3].place == "nowhere"
    assert not diagnosis.can_start


def test_an_attempt_that_hangs_is_ended():
    start = time.monotonic()
    outcome = Machine(TOP).attempt(lambda: time.sleep(60), seconds=0.2)
    assert outcome.error == errno.ETIMEDOUT
    assert time.monotonic() - start < 10


def test_what_an_attempt_started_ends_with_it():
    def start_another():
        child = os.fork()
        if child == 0:
            time.sleep(60)
            os._exit(0)
        return str(child)

    outcome = Machine(TOP).attempt(start_another)
    for _ in range(200):
        if not os.path.exists(f"/proc/{outcome.text}"):
            return
        with open(f"/proc/{outcome.text}/stat", encoding="ascii") as stat:
            if stat.read().split(") ")[1][0] == "Z":  # killed, not yet reaped
                return
        time.sleep(0.01)
    pytest.fail("the process is still there")


def test_a_held_process_that_fails_does_not_hang():
    def refuse():
        raise OSError(errno.EPERM, "no")

    def hold():
        with kernel.held_process(refuse):
            return "held"

    outcome = Machine(TOP).attempt(hold, seconds=10)
    assert outcome.error == errno.EPERM


def test_the_profile_names_this_tree():
    status, text = doctor("--apparmor")
    assert status == 0
    assert f"profile skiff {TOP}/build/" in text and "userns," in text


def test_device_rules_are_really_attached():
    """On a cgroup of the machine's, which is gone afterwards."""
    machine = Fake(uid=os.getuid())
    mounts = Path("/proc/self/mountinfo").read_text("utf-8")
    machine.files["/proc/self/mountinfo"] = mounts
    found = probes_resources.device_rules(machine)
    mounted = probes_resources.cgroup_mount(machine)
    assert found.state == "ok" or found.ways, found
    assert not mounted or not list(Path(mounted).glob("skiff-doctor-*"))


def test_without_cgroups_there_are_no_device_rules():
    found = probes_resources.device_rules(Fake(uid=0))
    assert found.state == "limited"
    assert "CAP_MKNOD" in found.measured


@pytest.mark.parametrize("path, text, name", [
    ("/sys/module/apparmor/parameters/enabled", "Y\n", "AppArmor:"),
    ("/sys/fs/selinux/enforce", "0", "SELinux:"),
    ("/sys/module/apparmor/parameters/enabled", "N\n", "neither")])
def test_the_labels_of_the_host_are_named(path, text, name):
    found = probes_resources.labels(Fake({path: text}))
    assert found.state == "ok" and found.measured.startswith(name)
