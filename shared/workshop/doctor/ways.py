"""The ways out. Each is as narrow as the problem: for skiff, for this user;
a switch for the whole machine is named only where there is nothing smaller.
A line that begins with "$ " is a command."""

import getpass

APPARMOR = """\
# Lets skiff, and no other program, use user namespaces (Ubuntu 23.10 and
# later refuse them to programs without a profile).
abi <abi/4.0>,
include <tunables/global>

profile skiff {top}/build/{{,learner/,stage-*/}}skiff flags=(unconfined) {{
  userns,
}}
"""
PACKAGES = "$ sudo make packages"
LAB_VM = "make vm: a root shell in the lab VM, whose kernel has it"
WITH_SUDO = "work as root: put sudo before the command"


def apparmor_profile(top):
    """A profile for the skiffs that are built in this tree."""
    return APPARMOR.format(top=top)


def load_apparmor():
    """Commands that load it."""
    return ["a profile for skiff and for nothing else:",
            "$ make -s doctor ARGS=--apparmor |"
            " sudo tee /etc/apparmor.d/skiff >/dev/null",
            "$ sudo apparmor_parser -r /etc/apparmor.d/skiff"]


def module(*names):
    """Load kernel modules until the next boot."""
    return "$ sudo modprobe -a " + " ".join(names)


def user_name():
    """Who asks."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "$USER"


def id_range(subuid):
    """A free range behind those already given."""
    start = 100000
    for line in (subuid or "").splitlines():
        try:
            _, first, count = line.split(":")
            start = max(start, int(first) + int(count))
        except ValueError:
            continue
    span = f"{start}-{start + 65535}"
    return (f"$ sudo usermod --add-subuids {span} --add-subgids {span}"
            f" {user_name()}")


def delegate():
    """Give a user's own services the controllers, no more."""
    directory = "/etc/systemd/system/user@.service.d"
    return [f"$ sudo mkdir -p {directory}",
            "$ printf '%s\\n' [Service] Delegate=yes |"
            f" sudo tee {directory}/skiff.conf",
            "$ sudo systemctl daemon-reload",
            "then log out and in again"]
