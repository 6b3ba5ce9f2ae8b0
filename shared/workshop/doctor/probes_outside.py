"""Chapters 07-15: networks, disks, and the programs to compare with."""

import os
import shutil
import struct
import subprocess

from . import kernel, ways
from .finding import limited, missing, ok
from .probes_start import elsewhere, inside

NAT = """table ip doctor {
chain out {
type nat hook postrouting priority 100
masquerade
}
}
"""


# --- 07 ---

def links(machine):
    """A bridge and a veth pair, in a network namespace of our own."""
    def calls():
        kernel.unshare("net")
        kernel.new_link("br0", "bridge")
        kernel.new_link("doctor0", "veth")
        return "a bridge and a veth pair were made"
    return inside(machine, "links", calls, ways.module("bridge", "veth"))


def nftables(machine):
    """The kernel's side, then NAT by the tool."""
    def ask():
        kernel.unshare("net")
        kernel.ask_nftables()
        return "nf_tables answers"
    finding = inside(machine, "nftables", ask,
                     ways.module("nf_tables", "nft_chain_nat"))
    nft = machine.command("nft")
    if finding.state != "ok":
        return finding
    if not nft:
        return limited("nftables", "the kernel has nf_tables; the command nft"
                       " is missing, so NAT was not tried", ways.PACKAGES)

    def masquerade():
        kernel.unshare("net")
        done = subprocess.run([nft, "-f", "-"], input=NAT, text=True,
                              stdout=subprocess.PIPE, check=False,
                              stderr=subprocess.STDOUT)
        if done.returncode:
            raise OSError(95, "nft: " + done.stdout.splitlines()[0])
        return "a NAT rule was loaded in a network namespace"
    return inside(machine, "nftables", masquerade,
                  ways.module("nft_chain_nat", "nft_masq"))


# --- 08 09 10 ---

def disk_space(machine):
    """Images need room where skiff keeps them."""
    place = state_directory(machine)
    free = shutil.disk_usage(place).free / 2**30
    if free >= 1:
        return ok("room for images", f"{free:.0f} GiB free in {place}")
    return limited("room for images", f"{free:.1f} GiB free in {place}; 1 GiB"
                   " is little", "set SKIFF_ROOT to a directory with room")


def state_directory(machine):
    """The first existing directory above skiff's root directory."""
    place = os.environ.get("SKIFF_ROOT") or (
        "/var/lib/skiff" if machine.is_root else os.path.expanduser("~"))
    while not os.path.isdir(place):
        place = os.path.dirname(place) or "/"
    return place


def volumes(machine):
    """A bind mount made read-only, a tmpfs with a limit."""
    def calls():
        kernel.private_mounts()
        os.mkdir("/tmp/a")
        os.mkdir("/tmp/b")
        kernel.mount("doctor", "/tmp/a", "tmpfs", 0, "size=64k")
        try:
            with open("/tmp/a/big", "wb") as stream:
                stream.write(b"x" * 100000)
            raise OSError(5, "the limit did not hold")
        except OSError as error:
            if error.errno != 28:  # ENOSPC
                raise
        kernel.mount("/tmp/a", "/tmp/b", None, kernel.MS_BIND)
        tree = kernel.syscall("open_tree", kernel.AT_FDCWD, b"/tmp/b", 0)
        kernel.syscall("mount_setattr", tree, b"", kernel.AT_EMPTY_PATH,
                       struct.pack("QQQQ", kernel.MOUNT_ATTR_RDONLY, 0, 0, 0),
                       32)
        return "bind mounts, read-only mounts, tmpfs with a limit: work"
    return inside(machine, "volumes", calls)


def sessions(machine):
    """A supervisor outlives its shell: setsid(2), subreaper."""
    def calls():
        kernel.check(kernel.LIBC.prctl(36, 1, 0, 0, 0))
        with kernel.held_process(os.setsid):
            return "a process can outlive its shell and adopt orphans"
    outcome = machine.attempt(calls)
    if outcome:
        return ok("background", outcome.text)
    return missing("background", outcome.why, ways.LAB_VM)


# --- 12 13 14 15 ---

def one_of(machine, name, commands, purpose):
    """Other people's programs: at least one of them."""
    found = [each for each in commands if machine.command(each)]
    if found:
        return ok(name, ", ".join(found) + ": installed")
    return limited(name, f"none of {', '.join(commands)}: {purpose}",
                   "install one with the system's package manager")


def callers(machine):
    """Programs that call an OCI runtime."""
    return one_of(machine, "OCI callers", ("podman", "containerd", "dockerd"),
                  "nothing here can call skiff as its runtime")


def docker_client(machine):
    """The client that the engine answers."""
    return one_of(machine, "client", ("docker",),
                  "skiff's engine is then asked with curl only")


def vxlan(machine):
    """An overlay network's own kind of link."""
    def calls():
        kernel.unshare("net")
        port = kernel.attribute(15, struct.pack("!H", 4789))
        kernel.new_link("vxlan0", "vxlan",
                        kernel.attribute(1, struct.pack("I", 42)) + port)
        return "a VXLAN link was made"
    return inside(machine, "vxlan", calls, ways.module("vxlan"))


def virtual_machine(machine):
    """Something to compare a container with."""
    name = "virtual machine"
    emulator = f"qemu-system-{os.uname().machine}"
    if not machine.command(emulator):
        return missing(name, f"{emulator} is missing",
                       "$ sudo make packages GROUP=vm", cures=())
    kvm = machine.attempt(lambda: str(kernel.kvm_version()))
    if kvm:
        return ok(name, f"{emulator}, and /dev/kvm answers")
    if kvm.error == 13 and "sudo" in elsewhere(machine):
        return limited(name, f"{emulator}; /dev/kvm: {kvm.why}",
                       f"$ sudo usermod -aG kvm {ways.user_name()}")
    return limited(name, f"{emulator} without KVM ({kvm.why}): it emulates,"
                   " and the numbers say so")
