"""Ordinary users: a random ID without privileges, with or without a range in /etc/subuid.

The user exists in a private mount namespace only, in which /etc/passwd and its like are covered by files of the test."""

import os
import random
import shutil

from . import kernel

# The users of this test run, and of no other that runs beside it: the census tells by them whose state is left in /tmp.
IDS = range(1_000_000 + 16 * os.getpid(), 1_000_000 + 16 * os.getpid() + 16)


class Person:
    """Somebody without privileges who wants to run a container."""

    def __init__(self, home, ranges=False):
        self.uid, self.gid = random.choice(IDS), random.randint(30000, 39999)
        self.first = 65536 * random.randint(2000, 3000)
        self.home = os.path.join(home, f"user-{self.uid}")
        os.mkdir(self.home)
        self.runtime_dir = os.path.join(self.home, "run")
        os.mkdir(self.runtime_dir, 0o700)
        self.data_dir = os.path.join(self.home, ".local/share/skiff")
        for directory in (self.home, self.runtime_dir):
            os.chown(directory, self.uid, self.gid)
        name = f"someone{self.uid}"
        entry = f"{name}:{self.first}:65536\n" if ranges else ""
        self.files = {
            "/etc/passwd": (
                f"root:x:0:0::/root:/bin/sh\n{name}:x:{self.uid}:{self.gid}::{self.home}:/bin/sh\n"
            ),
            "/etc/group": f"root:x:0:\n{name}:x:{self.gid}:\n",
            "/etc/subuid": entry,
            "/etc/subgid": entry,
        }
        self.covers = {}
        for path, text in self.files.items():
            self.covers[path] = os.path.join(home, os.path.basename(path) + f"-{self.uid}")
            with open(self.covers[path], "w", encoding="ascii") as file:
                file.write(text)
        self.binary = None

    def owns(self, root):
        """Give a root file system to this user. Hard links to shared programs are left as they are."""
        for top, dirs, files in os.walk(root):
            for name in [".", *dirs, *files]:
                path = os.path.join(top, name)
                if os.lstat(path).st_nlink == 1 or os.path.isdir(path):
                    os.lchown(path, self.uid, self.gid)

    def _prepare(self):
        kernel.mount(None, "/", None, kernel.MS_REC | kernel.MS_PRIVATE)
        for path, cover in self.covers.items():
            if not os.path.exists(path):
                continue
            kernel.mount(cover, path, None, kernel.MS_BIND)

    def how(self, skiff):
        """Arguments for Skiff.start(): who, where, and with which environment."""
        if not self.binary:
            # The tree may be where nobody else may look, such as /root.
            self.binary = os.path.join(self.home, "skiff")
            shutil.copy(skiff.binary, self.binary)
            os.chmod(self.binary, 0o755)
        return {
            "before": self._prepare,
            "user": (self.uid, self.gid),
            "binary": self.binary,
            "env": {
                "HOME": self.home,
                "XDG_RUNTIME_DIR": self.runtime_dir,
                "SKIFF_RUN": None,
                "SKIFF_ROOT": None,
                "TMPDIR": None,
                "USER": f"someone{self.uid}",
            },
        }

    def run(self, box, *command, opts=(), **how):
        return box.run(*command, opts=opts, **self.how(box.skiff), **how)

    def hold(self, box, opts=(), **how):
        return box.hold(opts=opts, **self.how(box.skiff), **how)

    def state(self):
        """What skiff keeps of this user's containers."""
        return [
            name
            for top, dirs, files in os.walk(self.runtime_dir)
            for name in dirs + files
            if name not in ("skiff", "containers", "names")
        ]

    def why(self, result):
        if "Operation not permitted" in result.err and "uid_map" in result.err:
            return "the map is not the user's own ID alone, or the writer is not the user."
        if "gid_map" in result.err:
            return "setgroups has to be denied before an ordinary user writes gid_map."
        if "newuidmap" in result.err:
            return (
                "newuidmap(1) refuses an ID that is not in /etc/subuid: for the user's own ID alone, write"
                " the map without it."
            )
        return ""
