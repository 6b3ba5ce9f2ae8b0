"""One throw-away virtual machine: its parts, its start, its end.

QEMU gets the image's root disk with `snapshot=on`: what the guest writes goes to an unnamed
temporary file, so that every start is a first start.
"""
import dataclasses
import os
import selectors
import signal
import socket
import subprocess
import time
import typing

import image
from image import Trouble

BOOT_LIMIT = 120        # seconds; usual are 2 under emulation, less with KVM
KVM_LIMIT = 5           # seconds for a whole run of `true`

# What makes emulation bearable. Each was measured; without all of them a boot takes twice as long.
EMULATION_WORDS = ("norandmaps nokaslr mitigations=off cryptomgr.notests rcupdate.rcu_expedited=1 "
                   "nowatchdog")
KINDS = {
    "x86_64": {"machine": "q35", "emulated": "qemu64,+rdrand", "console": "ttyS0"},
    "aarch64": {"machine": "virt,gic-version=max", "emulated": "max", "console": "ttyAMA0"},
}


@dataclasses.dataclass
class Order:
    """What a run is to be."""
    image: str                              # directory of the image
    work: str                               # directory for this run's files
    accel: str                              # kvm or tcg
    job: typing.Optional[str]               # text for bash; None: a shell for a person
    tree_disk: typing.Optional[str] = None
    terminal: str = ""                      # ROWSxCOLUMNS
    term: str = "dumb"                      # name of the terminal's kind
    cpus: int = 1
    memory: int = 1024                      # MiB
    limit: typing.Optional[float] = None    # seconds


@dataclasses.dataclass
class End:
    """How a run ended."""
    status: typing.Optional[int]            # None: the VM did not tell one
    late: bool
    words: list                             # lines that init sent over the control port


def cpio_entry(number, name, data, mode=0o100755):
    """One file of a cpio archive as the kernel reads it (Documentation: initramfs buffer format)."""
    label = name.encode() + b"\0"
    fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(label), 0)
    head = b"070701" + b"".join(b"%08X" % field for field in fields) + label
    return head + b"\0" * (-len(head) % 4) + data + b"\0" * (-len(data) % 4)


def write_initrd(order):
    """The image's initrd, and behind it a second archive with the job's text."""
    with open(os.path.join(order.image, "initrd"), "rb") as file:
        data = file.read()
    data += b"\0" * (-len(data) % 4)
    if order.job is not None:
        data += cpio_entry(1, "job", os.fsencode(order.job) + b"\n")
        data += cpio_entry(2, "TRAILER!!!", b"", 0)
    path = os.path.join(order.work, "initrd")
    with open(path, "wb") as file:
        file.write(data)
    return path


def kernel_words(order):
    """The kernel's command line."""
    kind = KINDS[image.machine()]
    words = ["console=" + kind["console"], "quiet", "loglevel=3", "panic=-1"]
    if order.accel == "tcg":
        words.append(EMULATION_WORDS)
    if order.tree_disk:
        words.append("lab.tree=1")
    if order.job is None:
        words += ["lab.shell=" + order.terminal, "lab.term=" + order.term]
    return " ".join(words)


def disk(name, path, throw_away):
    """Options for a disk. No write of ours has to survive a power cut: cache=unsafe is right."""
    drive = "if=none,id=%s,file=%s,format=raw,cache=unsafe" % (name, path.replace(",", ",,"))
    return ["-drive", drive + (",snapshot=on" if throw_away else ""),
            "-device", "virtio-blk-pci,drive=" + name]


def port(name, backend, device="virtserialport"):
    """Options for a virtio-serial port of that name, and what it is joined to on the host."""
    label = ",name=lab." + name if device == "virtserialport" else ""
    return ["-chardev", "%s,id=%s" % (backend, name), "-device", "%s,chardev=%s%s" % (device, name, label)]


def qemu_command(order, sockets):
    """The whole command line of QEMU. sockets: name to descriptor of each port's socket."""
    kind = KINDS[image.machine()]
    plain = order.work.replace(",", ",,")
    command = ["qemu-system-" + image.machine(), "-nodefaults", "-no-user-config", "-no-reboot",
               "-display", "none", "-machine", kind["machine"], "-accel", order.accel,
               "-cpu", "host" if order.accel == "kvm" else kind["emulated"],
               "-smp", str(order.cpus), "-m", "%dM" % order.memory,
               "-kernel", os.path.join(order.image, "vmlinux"), "-initrd", write_initrd(order),
               "-append", kernel_words(order), "-serial", "file:%s/console" % plain]
    command += disk("root", os.path.join(order.image, "root.ext4"), True)
    if order.tree_disk:
        command += disk("tree", order.tree_disk, False)
    command += ["-device", "virtio-serial-pci"]
    # A socket that we hold, not QEMU's stdio: with its input at the end, that stops the guest.
    for name, sock in sockets.items():
        device = "virtconsole" if name == "terminal" else "virtserialport"
        command += port(name, "socket,fd=%d" % sock.fileno(), device)
    return command + port("result", "file,path=%s/result" % plain)


class Machine:
    """A started QEMU. Use it with `with`: nothing of it is left afterwards."""

    def __init__(self, order):
        self.order = order
        self.buffer = b""
        self.words = []
        names = ["terminal", "control"] if order.job is None else ["out", "err", "control"]
        pairs = {name: socket.socketpair() for name in names}
        self.ours = {name: pair[0] for name, pair in pairs.items()}
        theirs = {name: pair[1] for name, pair in pairs.items()}
        parent = os.getpid()
        environment = dict(os.environ, TMPDIR=order.work)
        with open(os.path.join(order.work, "qemu.err"), "wb") as errors:
            self.process = subprocess.Popen(    # its own session: Ctrl-C is for us alone
                qemu_command(order, theirs), stdin=subprocess.DEVNULL, stdout=errors, stderr=errors,
                env=environment, pass_fds=[sock.fileno() for sock in theirs.values()],
                start_new_session=True, preexec_fn=lambda: image.die_with_parent(parent, signal.SIGKILL))
        for sock in theirs.values():
            sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        for sock in self.ours.values():
            sock.close()

    def send(self, name, data):
        """Send bytes into the guest, by port."""
        try:
            self.ours[name].sendall(data)
        except OSError:
            pass        # the machine has just ended; its end is told elsewhere

    def hear(self, data):
        """Take in what init says on the control port, in whole lines."""
        lines = (self.buffer + data).split(b"\n")
        self.buffer = lines.pop()
        self.words += [line.decode(errors="replace") for line in lines]

    def time_left(self, began):
        """Seconds until the next limit; None if there is none."""
        limits = [self.order.limit] if self.order.limit is not None else []
        if not any(word.startswith("up ") for word in self.words):
            limits.append(BOOT_LIMIT)
        return began + min(limits) - time.monotonic() if limits else None

    def wait(self, sinks, keyboard=None):
        """Run to the end. sinks: functions that take the output of out, err or terminal.

        keyboard: a pair of a descriptor and a function; it is called when there is input, and
        returns False to end the machine at once.
        """
        began = time.monotonic()
        sinks = dict(sinks, control=self.hear)
        with selectors.DefaultSelector() as selector:
            for name, sock in self.ours.items():
                selector.register(sock, selectors.EVENT_READ, name)
            if keyboard:
                selector.register(keyboard[0], selectors.EVENT_READ, "keyboard")
            still_open = set(self.ours)
            while still_open:
                left = self.time_left(began)
                if left is not None and left <= 0:
                    booted = any(word.startswith("up ") for word in self.words)
                    return End(None, booted or self.order.limit is not None
                               and self.order.limit < BOOT_LIMIT, self.words)
                for key, _ in selector.select(left):
                    if key.data == "keyboard":
                        if not keyboard[1]():
                            return End(None, False, ["ended from the keyboard"])
                        continue
                    data = read_some(key.fileobj)
                    if data:
                        sinks[key.data](data)
                    else:
                        selector.unregister(key.fileobj)
                        still_open.discard(key.data)
        self.process.wait()
        return End(self.status(), False, self.words)

    def status(self):
        """The job's exit status, if init told one."""
        for word in self.words:
            if word.startswith("exit "):
                return int(word.split()[1])
        return None


def read_some(sock):
    """Bytes from a port; none when QEMU has gone."""
    try:
        return sock.recv(65536)
    except ConnectionResetError:
        return b""


def last_words(work, count=20):
    """What QEMU and the guest's kernel said at the end; from the panic on, if there was one."""
    found = []
    for name in ("qemu.err", "console"):
        try:
            with open(os.path.join(work, name), encoding="utf-8", errors="replace") as file:
                lines = [line.rstrip() for line in file.read().splitlines() if line.strip()]
        except FileNotFoundError:
            continue
        panics = [number for number, line in enumerate(lines) if "Kernel panic" in line]
        found += lines[panics[0]:][:count] if panics else lines[-count:]
    return found


def kvm_works(order):
    """Does a guest really run with KVM? There are machines whose /dev/kvm lets it hang."""
    trial = dataclasses.replace(order, accel="kvm", job="true", limit=KVM_LIMIT, tree_disk=None)
    with Machine(trial) as machine:
        ignore = lambda _: None
        return machine.wait({"out": ignore, "err": ignore}).status == 0


def choose_accel(wanted, order, note):
    """kvm or tcg. `auto` tries KVM once after each boot of the host; the file note remembers."""
    if wanted in ("kvm", "tcg"):
        return wanted
    if wanted != "auto":
        raise Trouble("LABVM_ACCEL is auto, kvm or tcg, not " + repr(wanted))
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return "tcg"
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
        boot = file.read().strip()
    try:
        with open(note, encoding="ascii") as file:
            noted_boot, accel = file.read().split()
        if noted_boot == boot and accel in ("kvm", "tcg"):
            return accel
    except (OSError, ValueError):
        pass
    accel = "kvm" if kvm_works(order) else "tcg"
    try:
        with open(note + ".new", "w", encoding="ascii") as file:
            file.write(boot + " " + accel + "\n")
        os.rename(note + ".new", note)
    except PermissionError:
        pass        # root's build directory, and we are not root: we shall try again next time
    return accel
