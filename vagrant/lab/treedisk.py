"""The working tree as a disk: an ext4 image that the guest mounts at /tree.

A copy, on purpose: whatever runs in the VM can't hurt the tree, and no server, no root and no
network are needed to share it.
"""
import os
import subprocess

from image import Trouble, say

SPARE = 2 << 30         # room for what is made in the guest; the file is sparse
# Not taken from the build directory: the VM itself, and what only the compiler reads.
NOT_COPIED = ("vm",)
NOT_COPIED_ENDS = (".o", ".d", ".a", ".gcda", ".gcno")


def git_files(tree):
    """Paths in tree that git tracks, or would track: what .gitignore names stays at home."""
    # A tree that belongs to somebody else (root works in a user's checkout) is read all the same,
    # but no program that its configuration names is run.
    command = ["git", "-c", "safe.directory=" + tree, "-c", "core.fsmonitor=false", "-C", tree,
               "ls-files", "-coz", "--exclude-standard"]
    listed = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    if listed.returncode:
        raise Trouble("git ls-files: " + listed.stderr.decode(errors="replace").strip())
    names = [os.fsdecode(name) for name in listed.stdout.split(b"\0") if name]
    return [name for name in names if os.path.lexists(os.path.join(tree, name))]


def all_files(top, unwanted):
    """Paths of all files and directories below top, but for those that unwanted() refuses."""
    found = []
    for base, below, files in os.walk(top):
        below[:] = [name for name in below if not unwanted(os.path.join(base, name))]
        for name in below + files:
            path = os.path.join(base, name)
            if not unwanted(path):
                found.append(os.path.relpath(path, top))
    return found


def tree_files(tree, build):
    """The source files. A tree without git's data (an unpacked archive) goes whole."""
    if os.path.exists(os.path.join(tree, ".git")):
        inside = os.path.relpath(build, tree) + os.sep
        return [name for name in git_files(tree) if not name.startswith(inside)]
    return all_files(tree, lambda path: path == build)


def built_files(build):
    """What was built, as far as it is of use in the guest."""
    skip = [os.path.join(build, name) for name in NOT_COPIED]
    return all_files(build, lambda path: path in skip or path.endswith(NOT_COPIED_ENDS))


def readable(path):
    """May we copy this? Root may copy everything; a user, say, not what root has built."""
    return os.path.islink(path) or not os.path.isfile(path) or os.access(path, os.R_OK)


def copy(names, source, target):
    """Copy files with their modes, links and owners."""
    os.makedirs(target, exist_ok=True)
    wanted, names = names, [name for name in names if readable(os.path.join(source, name))]
    if len(names) < len(wanted):
        say("%d files of %s are not copied: no permission to read them"
            % (len(wanted) - len(names), source))
    done = subprocess.run(["cpio", "--quiet", "-0pdm", target], cwd=source, stderr=subprocess.PIPE,
                          input=b"".join(os.fsencode(name) + b"\0" for name in names), check=False)
    if done.returncode:
        raise Trouble("can't copy the tree: " + done.stderr.decode(errors="replace").strip())


def size_of(top):
    """Bytes of all files below top."""
    return sum(os.lstat(os.path.join(top, name)).st_size for name in all_files(top, lambda _: False))


def make(tree, build, work):
    """Make the disk in the directory work; returns its path.

    What was built lies in /tree/build in the guest, wherever the build directory is here.
    """
    stage = os.path.join(work, "tree")
    disk = os.path.join(work, "tree.ext4")
    copy(tree_files(tree, build), tree, stage)
    if os.path.isdir(build):
        copy(built_files(build), build, os.path.join(stage, "build"))
    command = ["mke2fs", "-q", "-t", "ext4", "-O", "^has_journal", "-m", "0", "-E",
               "lazy_itable_init=1,root_owner=0:0", "-d", stage, disk,
               "%dk" % ((SPARE + 2 * size_of(stage)) // 1024)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if done.returncode:
        raise Trouble("mke2fs: " + done.stdout.decode(errors="replace").strip())
    return disk
