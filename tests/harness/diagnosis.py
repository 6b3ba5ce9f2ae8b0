"""What skiff's own words tell about a mistake: where a run failed, its one line on standard error is the best witness.

Each row: the tasks that are being tested, words to find in `what was typed, then standard error`, and the likely cause."""

import re

CAUSES = (
    (
        "1.1",
        r"waiting for the container: (Invalid argument|Bad file descriptor)",
        (
            "CLONE_PIDFD is missing in the flags, or .pidfd is: waitid(2) has no descriptor of the child to"
            " wait on."
        ),
    ),
    (
        "1.1",
        r"waiting for the container: No child processes",
        "clone_args.exit_signal was not set: wait(2) sees only children whose end is told by SIGCHLD.",
    ),
    (
        "1.4",
        r"its first process died (while it was being set up|before it was ready)",
        (
            "CLOSE_RANGE_CLOEXEC is missing: the descriptors were closed at once, among them the socket on"
            " which the child waits for skiff's word. They are to be closed by execve(2)."
        ),
    ),
    (
        "1.4",
        r"entering the working directory \S+: No such file",
        (
            "chdir(2) was called in place of enter_workdir(): where the root is the container's own,"
            " enter_workdir() makes it."
        ),
    ),
    (
        "2.1",
        r"changing the root to .*: No such file",
        "a relative path begins at the working directory, which was changed before chroot(2) saw the path.",
    ),
    (
        "2.1",
        r"entering the working directory \S+: No such file",
        (
            "c->rootfs_fd is still -1, so the later steps think that the root is the host's, in which they"
            " make nothing."
        ),
    ),
    (
        "2.2",
        r"making .* the root: Invalid argument",
        (
            'MS_PRIVATE is missing, or MS_REC: without MS_REC only the one mount at "/" is made private, and'
            " pivot_root(2) refuses a root whose mount is shared."
        ),
    ),
    (
        "2.3 2.4 2.5",
        r"making .* the root: Invalid argument",
        "pivot_root(2) refuses a root whose mounts are shared with the host's: is task 2.2 done?",
    ),
    (
        "2.3",
        r"opening it in the image: Invalid argument",
        (
            "the flags are not valid together (EINVAL): openat2(2) checks them all. RESOLVE_BENEATH and"
            " RESOLVE_IN_ROOT exclude each other, and mode is 0 where no file is made."
        ),
    ),
    (
        "2.3",
        r"opening it in the image: Invalid cross-device link",
        "RESOLVE_NO_XDEV stops at each mount, and /dev/pts is below one: the container's own /dev.",
    ),
    (
        "2.3",
        r"mounting /dev/\S+: opening it in the image: No such file",
        (
            "the path was looked up from the working directory and not from root_fd: what was found is the"
            " host's."
        ),
    ),
    (
        "2.4",
        r"mounting /\S+: (Invalid argument|Not a directory)",
        "sys_move_mount() takes the mount first, then the directory which it goes to.",
    ),
    (
        "2.4",
        r"making /dev/\S+: (Bad file descriptor|Not a directory)",
        (
            "what mount_row() returns is not the mount: it returns the mount's descriptor, open, so take_fd()"
            " keeps auto_fd from closing it."
        ),
    ),
    (
        "2.4",
        r"mounting /\S+: Operation not permitted",
        (
            "a user namespace may not mount what shows a namespace of the host: on -EPERM hosts_mount() binds"
            " the host's own."
        ),
    ),
    (
        "2.5",
        r"letting go of the old root: Device or resource busy",
        (
            "MNT_DETACH is missing: the old root has mounts below it and is busy; it can be taken away lazily"
            " only."
        ),
    ),
    (
        "2.5",
        r"making .* the root: Device or resource busy",
        'fchdir(c->rootfs_fd) comes first: pivot_root(".", ".") makes the working directory the root.',
    ),
    (
        "3.2",
        r"setting the (host|domain) name .*: Invalid argument",
        "the length that was given is too long: its length is strlen(), without the zero byte.",
    ),
    (
        "3.3",
        r"bringing up the loopback interface: No such device",
        'the request names no interface: ifr_name is "lo".',
    ),
    (
        "3.4",
        r"gid_map: Operation not permitted",
        "setgroups has to be denied before an ordinary user writes gid_map: idmap_deny_setgroups(c->pid).",
    ),
    (
        "3.4",
        r"--uidmap.*uid_map: Operation not permitted",
        (
            "the map of another process was written: the process is c->pid. A map can be written once only,"
            " and that of the host's user namespace is."
        ),
    ),
    (
        "3.4",
        r"uid_map: Operation not permitted",
        (
            "without privileges a process may map its own ID alone. For a range the helper was not used:"
            " idmap_run_helper()."
        ),
    ),
    (
        "3.4",
        r"newuidmap: uid range .* not allowed",
        (
            "newuidmap(1) allows what /etc/subuid allows. Who may write the map (idmap_may_write()) needs no"
            " helper."
        ),
    ),
    (
        "3.4",
        r"mapping the IDs of the files in .*: Invalid argument",
        "gid_map was not written: until both maps are there, no mount can be mapped by them.",
    ),
    (
        "3.4",
        r"becoming root in the user namespace: Invalid argument",
        "there is no user or group 0 inside: was uid_map written, and gid_map (newgidmap(1) is its helper)?",
    ),
    (
        "3.5",
        r"joining the user namespace of the container: Invalid argument",
        "setns(2) says EINVAL for the user namespace that the caller is in already: that is no failure.",
    ),
    (
        "3.5",
        r"joining the .* namespace of the container: Invalid argument",
        (
            "with a pidfd, setns(2) wants a CLONE_NEW flag that says which namespace; 0 is for a file of"
            " /proc/PID/ns."
        ),
    ),
    (
        "3.6",
        r"moving the clocks by .*: Permission denied",
        (
            "timens_offsets can be written only while the new time namespace has no process in it:"
            " unshare(CLONE_NEWTIME) comes first, then the offsets, then setns(2)."
        ),
    ),
    (
        "4.1",
        r"opening the container's cgroup: No such file",
        "mkdirat(parent, id, 0755) was not called: a cgroup is a directory that somebody has made.",
    ),
    (
        "4.1",
        r"making the container's first process: Bad file descriptor",
        (
            "what make_cgroup() returned is not a descriptor of a cgroup. It has to be made below `parent`, with"
            " mkdirat(2) and openat(2), and what openat() gave is returned (0 is standard input)."
        ),
    ),
    (
        "4.2",
        r"writing -1 to \S+: (Invalid argument|Numerical result)",
        "-1 is LIMIT_NONE: the file takes the word max.",
    ),
    (
        "4.2",
        r"the controller \S+ is not delegated",
        (
            "a controller is passed on from the top down: dir can pass on only what it has itself. Where writing"
            " says -ENOENT, enable the controller above first."
        ),
    ),
    (
        "4.2",
        r"this kernel has no (pids|cpuset|memory|cpu|io)\.",
        "the controller was passed on to dir, and not by dir to those below: then write again.",
    ),
    (
        "4.3",
        r"making the container's first process: Bad file descriptor",
        "the flag was given, but args->cgroup was not: it is 0, which is standard input and no cgroup.",
    ),
    (
        "4.3",
        r"waiting for the container: Invalid argument",
        "|= adds a flag, = throws away those before it: args->flags has CLONE_PIDFD and the namespaces in it.",
    ),
    (
        "5.1",
        r"stacking the layers on .*: Invalid argument",
        "some of the layers were not handed over: overlayfs wants at least one lowerdir+.",
    ),
    (
        "5.2",
        r"stacking the layers on .*: Invalid argument",
        (
            "overlayfs wants upperdir and workdir, both or none, and a flag is an option without a value: its"
            " value is NULL."
        ),
    ),
    (
        "5.3",
        r"stacking the layers on .*: Invalid argument",
        "create_overlay() makes a file system from the options: before that there is nothing to mount.",
    ),
    (
        "5.3",
        r"mounting the root file system .*: (Invalid argument|Bad file descriptor|Not a directory)",
        (
            "what was returned is no mount: a context is none, and auto_fd closes what take_fd() did not take."
            " sys_fsmount() makes a mount of what was created, and its result is returned as it is."
        ),
    ),
    (
        "5.4",
        r"--read-only .*(/dev/shm/x|/proc/self/oom_score_adj|can't create /dev).*Read-only file system",
        "AT_RECURSIVE makes the mounts below read-only, too.",
    ),
    (
        "6.2",
        r"skiff: .*: Operation not permitted",
        (
            "who is not root any more may not change groups: setgroups(2) and setresgid(2) come before"
            " setresuid(2). And where groups_are_fixed(), a setgroups() that fails is passed over."
        ),
    ),
)


def cause(number, results):
    """The likely cause that the last run's words tell, or ""."""
    if not results:
        return ""
    last = results[-1]
    told = f"{last.typed} {last.err}"
    for task, words, text in CAUSES:
        if number in task.split() and re.search(words, told, re.S):
            return text
    return ""
