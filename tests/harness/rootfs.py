"""Root file systems for tests: a fresh copy of the default image for each test, with the probes in /probe."""

import os
import shutil
import stat

BIG = 65536  # files from this size on are hard links: nobody writes into a program


def link_or_copy(source, target):
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def copy_tree(source, target):
    """A copy, as `cp -a` makes it, but with big files as hard links."""
    os.makedirs(target, exist_ok=True)
    with os.scandir(source) as entries:
        for entry in entries:
            to = os.path.join(target, entry.name)
            if entry.is_symlink():
                os.symlink(os.readlink(entry.path), to)
            elif entry.is_dir():
                copy_tree(entry.path, to)
            elif entry.is_file():
                if entry.stat().st_size >= BIG:
                    link_or_copy(entry.path, to)
                else:
                    shutil.copy2(entry.path, to)
    os.chmod(target, stat.S_IMODE(os.stat(source).st_mode))


def add_probes(probes, root):
    """Copy the built probe programs to ROOT/probe."""
    os.mkdir(os.path.join(root, "probe"))
    for name in os.listdir(probes):
        probe = os.path.join(probes, name)
        if os.access(probe, os.X_OK) and stat.S_ISREG(os.stat(probe).st_mode):
            shutil.copy2(probe, os.path.join(root, "probe", name))


def layer(home, name, files):
    """A directory with some files: {path: text}, a path that ends with / is a directory."""
    top = os.path.join(home, name)
    os.makedirs(top)
    for path, text in files.items():
        full = os.path.join(top, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        if not path.endswith("/"):
            with open(full, "w", encoding="ascii") as file:
                file.write(text)
    return top
