"""Under sudo, what we make in the tree belongs to the person, not to root."""

import os
import stat


def person():
    """The uid and gid of who typed sudo, or None."""
    if os.geteuid() != 0:
        return None
    try:
        return int(os.environ["SUDO_UID"]), int(os.environ["SUDO_GID"])
    except (KeyError, ValueError):
        return None


def give_back(path):
    """Hand one file or directory to the person."""
    owner = person()
    if owner:
        os.chown(path, *owner, follow_symlinks=False)


def give_back_tree(top, skip=()):
    """Hand over what root made below top, except the directories in skip."""
    owner = person()
    if not owner or not os.path.isdir(top):
        return
    give_back(top)
    for _, directories, files, here in os.fwalk(top, follow_symlinks=False):
        directories[:] = [name for name in directories if name not in skip]
        for name in directories + files:
            hand_over(name, here, owner)


def hand_over(name, here, owner):
    """Change the owner unless it is no longer root, or a hard link."""
    try:
        status = os.lstat(name, dir_fd=here)
        linked = not stat.S_ISDIR(status.st_mode) and status.st_nlink > 1
        if status.st_uid == 0 and not linked:
            os.chown(name, *owner, dir_fd=here, follow_symlinks=False)
    except FileNotFoundError:
        pass  # a compiler's temporary file
