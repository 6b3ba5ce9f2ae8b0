"""What the kernel says of a process's privileges, and what Docker's container has (Docker 20.10.24 on the same kernel)."""

import os

from .kernel import process_status

DEFAULT = 0xA80425FB
MKNOD = 1 << 27
FIELDS = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp")
DOCKER = {  # grep -E 'Cap|Seccomp:|NoNewPrivs' /proc/self/status
    "default": (0, DEFAULT, DEFAULT, DEFAULT, 0, 0, 2),
    "user": (0, 0, 0, DEFAULT, 0, 0, 2),  # --user 1000
}


def seen(pid):
    """The same lines of a process, as numbers."""
    status = process_status(pid)
    return {field: int(status[field], 16 if field.startswith("Cap") else 10) for field in FIELDS}


def has_device_rules(pid):
    """Whether the container has a cgroup of its own, so that device rules can be attached to it."""

    def own(of):
        with open(f"/proc/{of}/cgroup", encoding="utf-8") as file:
            return [line for line in file if line.startswith("0::")]

    return own(pid) != own(os.getpid())


def docker(which, pid):
    """Docker's figures. Without device rules to keep root from the disk, skiff does not let it make nodes."""
    figures = dict(zip(FIELDS, DOCKER[which]))
    if not has_device_rules(pid):
        figures = {field: value & ~MKNOD if field.startswith("Cap") else value for field, value in figures.items()}
    return figures


def shown(figures):
    return ", ".join(f"{field} {value:x}" for field, value in figures.items())
