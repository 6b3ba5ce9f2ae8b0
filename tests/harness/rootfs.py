"""Root file systems for tests: a fresh copy of the default image for each test, with the probes in /probe."""

import os
import shutil
import stat
import subprocess

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


def make_image(directory):
    """An image for when the default one is not built: busybox and a few directories."""
    busybox = shutil.which("busybox")
    if not busybox:
        raise RuntimeError(
            "no default image and no busybox: build the image (make build) or install busybox-static"
        )
    for name in (
        "bin",
        "dev",
        "etc",
        "proc",
        "root",
        "sys",
        "tmp",
        "var",
        "usr/bin",
        "usr/sbin",
        "sbin",
        "home",
    ):
        os.makedirs(os.path.join(directory, name), exist_ok=True)
    os.chmod(os.path.join(directory, "tmp"), 0o1777)
    shutil.copy2(busybox, os.path.join(directory, "bin/busybox"))
    for applet in subprocess.run(
        [busybox, "--list"], capture_output=True, text=True, check=True
    ).stdout.split():
        if applet != "busybox":
            os.symlink("busybox", os.path.join(directory, "bin", applet))
    for name, text in (
        ("passwd", "root:x:0:0:root:/root:/bin/sh\n"),
        ("group", "root:x:0:\n"),
        ("hostname", "box\n"),
        ("hosts", "127.0.0.1 localhost\n"),
    ):
        with open(os.path.join(directory, "etc", name), "w", encoding="ascii") as file:
            file.write(text)


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
