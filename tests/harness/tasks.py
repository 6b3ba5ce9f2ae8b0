"""The tasks of the workshop: number, name, and the manual pages to send a learner to."""

import pytest

TASKS = {
    "0.1": ("hello", "getpid(2), stdio(3)"),
    "1.1": ("clone", "clone3 in clone(2), pidfd_open(2)"),
    "1.2": ("exec", "execve(2), environ(7)"),
    "1.3": ("status", "waitid(2), wait(2)"),
    "1.4": ("surroundings", "environ(7), chdir(2), close_range(2)"),
    "1.5": ("signals", "signal(7), pidfd_send_signal(2), tcsetpgrp(3)"),
    "1.6": ("init", "PR_SET_CHILD_SUBREAPER in prctl(2), wait(2)"),
    "2.1": ("chroot", "chroot(2), chdir(2)"),
    "2.2": ("private", "mount_namespaces(7), mount(2)"),
    "2.3": ("resolve", "openat2(2), path_resolution(7)"),
    "2.4": ("mounts", "mount(2), proc(5), devpts in mount(8)"),
    "2.5": ("pivot", "pivot_root(2), umount2 in umount(2)"),
    "3.1": ("flags", "namespaces(7), clone(2)"),
    "3.2": ("hostname", "sethostname(2), uts_namespaces(7)"),
    "3.3": ("loopback", "netdevice(7), network_namespaces(7)"),
    "3.4": ("ids", "user_namespaces(7), newuidmap(1)"),
    "3.5": ("exec", "setns(2), pidfd_open(2)"),
    "3.6": ("sharing", "setns(2), time_namespaces(7)"),
}


def task(number):
    """Mark a test with its task: @task("3.2")."""
    if number not in TASKS:
        raise KeyError(f"no such task: {number} (known: {', '.join(TASKS)})")
    return pytest.mark.task(number)
