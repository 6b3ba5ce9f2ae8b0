"""Who takes part in the benchmark: the floor, skiff, and other runtimes where they are installed.

All run `true` of the same root with namespaces of their own (mount, PID, IPC, UTS, network, cgroup), as root. What else
they do, or leave undone, is said in each row."""

import itertools
import json
import os
import shutil
import subprocess


STAGES = {"03": "namespaces only", "04": "and a cgroup", "05": "and a layer of its own", "06": "and privileges taken away"}


class Contestant:
    def __init__(self, name, about, command, missing=None, environment=None):
        self.name, self.about, self.missing = name, about, missing
        self.environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", **(environment or {})}
        self.command = command if callable(command) else lambda: command


def of_the_tree(name, path, about, command, environment=None):
    return Contestant(name, about, [path, *command], None if os.access(path, os.X_OK) else f"{path} is not built", environment)


def peer(name, about, command):
    """A program of this machine; command follows its path."""
    path = shutil.which(name, path="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
    return Contestant(name, about, [path, *command], None if path else "not installed (make packages GROUP=peers)")


def bwrap(root):
    return peer("bwrap", "no /dev/shm of its own size, /sys is the host's; one process more, as a reaper",
                ["--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-net", "--unshare-cgroup", "--hostname", "bench",
                 "--bind", root, "/", "--proc", "/proc", "--ro-bind", "/sys", "/sys", "--dev", "/dev", "--mqueue", "/dev/mqueue", "true"])


def unshare(root):
    return peer("unshare", "less: chroot instead of pivot_root; no /dev, /sys, host name or loopback",
                ["--mount", "--pid", "--fork", "--ipc", "--uts", "--net", "--cgroup", f"--root={root}", "--mount-proc", "/bin/true"])


def oci_runtime(name, root, scratch):
    """runc or crun: a bundle with the specification that the runtime itself proposes, but for the root and the command."""
    made = peer(name, "an OCI bundle: capabilities, masked paths, a state file; no cgroup here", [])
    if made.missing:
        return made
    path, bundle = made.command()[0], os.path.join(scratch, name + "-bundle")
    os.mkdir(bundle)
    proposed = subprocess.run([path, "spec"], cwd=bundle, capture_output=True, text=True)
    if proposed.returncode != 0:
        made.missing = f"{name} spec: {proposed.stderr.strip()}"
        return made
    config = os.path.join(bundle, "config.json")
    with open(config, encoding="utf-8") as file:
        spec = json.load(file)
    spec["root"] = {"path": root, "readonly": False}
    spec["process"].update(args=["true"], terminal=False)
    spec["mounts"] = [mount for mount in spec["mounts"] if mount["type"] != "cgroup"]
    if not any(namespace["type"] == "cgroup" for namespace in spec["linux"]["namespaces"]):
        spec["linux"]["namespaces"].append({"type": "cgroup"})
    with open(config, "w", encoding="utf-8") as file:
        json.dump(spec, file)
    number = itertools.count()
    # Rootless: a cgroup that cannot be made is no failure then. As root they would insist.
    options = ["--rootless", "true"] if name == "runc" else ["--cgroup-manager", "disabled"]
    made.command = lambda: [path, "--root", os.path.join(scratch, name), *options, "run", "--bundle", bundle, f"bench-{next(number)}"]
    return made


LAYERS = 128


def environment_of_skiff(scratch):
    return {"SKIFF_RUN": os.path.join(scratch, "run"), "SKIFF_ROOT": os.path.join(scratch, "lib"),
            "SKIFF_CGROUP": "/" + os.environ["SKIFF_BENCH_CGROUP"]}


def layers(root, scratch, count):
    """Options for a root of so many layers: the image, and directories with a file each."""
    words = ["--rootfs", root]
    for number in range(1, count):
        path = os.path.join(scratch, "layers", str(number))
        os.makedirs(path)
        with open(os.path.join(path, f"file-{number}"), "w", encoding="ascii") as file:
            file.write(f"{number}\n")
        words += ["--rootfs", path]
    return words


def all_of_them(build, scratch):
    root = os.path.join(build, "images/busybox/rootfs")
    run = environment_of_skiff(scratch)
    return [
        of_the_tree("floor", os.path.join(build, "bench/floor"), "only what cannot be left out", [root, "/bin/true"]),
        of_the_tree("floor-dynamic", os.path.join(build, "bench/floor-dynamic"), "the same, but linked dynamically", [root, "/bin/true"]),
        of_the_tree("skiff", os.path.join(build, "skiff"), "looks `true` up in PATH, keeps state, forwards signals",
                    ["run", "--rootfs", root, "true"], run),
        *(of_the_tree(f"skiff-{number}", os.path.join(build, f"stage-{number}/skiff"), about, ["run", "--rootfs", root, "true"], run)
          for number, about in STAGES.items()),
        of_the_tree("skiff-128", os.path.join(build, "skiff"), "skiff, with a root of 128 layers",
                    ["run", *layers(root, scratch, LAYERS), "true"], run),
        unshare(root),
        bwrap(root),
        oci_runtime("crun", root, scratch),
        oci_runtime("runc", root, scratch),
    ]
