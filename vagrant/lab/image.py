"""Where the lab VM's image lies, and whether the sources here are the ones that made it.

The directory's name holds a hash of everything that goes into the image.
A change of an input changes the name, so an old image is never taken for a new one,
and a directory that exists is complete: the builder renames it into place at the end.
"""
import ctypes
import hashlib
import os
import platform
import shutil
import sys

HERE = os.path.dirname(os.path.realpath(__file__))
TREE = os.path.dirname(os.path.dirname(HERE))
PR_SET_PDEATHSIG = 1
INPUTS = ("build", "debian.py", "kernel.py", "guest-packages", "guest-setup",
          "init.c", "init.h", "init-setup.c", "init-talk.c", "pack")
MACHINES = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "aarch64", "arm64": "aarch64"}


class Trouble(Exception):
    """A failure of the lab VM itself, told to the person in one line."""


def say(text):
    """One line for the person, never mixed into a command's output."""
    print("vm: " + text, file=sys.stderr, flush=True)


def machine():
    """The processor family of host and guest, by QEMU's name."""
    name = platform.machine().lower()
    if name not in MACHINES:
        raise Trouble("no lab VM for this processor: " + name)
    return MACHINES[name]


def digest():
    """A hash of all that the image is made from."""
    total = hashlib.sha256(machine().encode())
    for name in INPUTS:
        with open(os.path.join(HERE, name), "rb") as file:
            text = file.read()
        total.update(b"%s %d\n" % (name.encode(), len(text)))
        total.update(text)
    return total.hexdigest()[:16]


def directory(build):
    """The image's place below the build directory; it exists when the image is ready."""
    return os.path.join(build, "vm", "image-" + digest())


def need(programs):
    """Say in one line which programs are missing. Nothing is installed from here."""
    for place in ("/usr/sbin", "/sbin"):
        if place not in os.environ.get("PATH", "").split(":"):
            os.environ["PATH"] = os.environ.get("PATH", "/usr/bin:/bin") + ":" + place
    missing = [name for name in programs if not shutil.which(name)]
    if missing:
        raise Trouble("not found: %s; to install what is needed: sudo make packages GROUP=vm"
                      % ", ".join(missing))


def die_with_parent(parent, signal_number):
    """In a new child, before its program starts: it gets the signal when this program ends,
    however it ends. parent is our process id as this program knew it before the fork."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal_number)
    if os.getppid() != parent:      # it ended before the call
        os._exit(125)
