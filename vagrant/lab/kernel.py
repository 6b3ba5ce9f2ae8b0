"""What the boot needs from Debian's kernel package: the bare kernel, and some of its modules."""
import lzma
import os
import shutil
import struct
import subprocess

from image import Trouble

LZ4_LEGACY = b"\x02\x21\x4c\x18"
XZ = b"\xfd7zXZ\x00"
ELF = b"\x7fELF"
# What init needs before it has the root disk: disk, ports, random numbers, file system.
WANTED = ("virtio_pci", "virtio_blk", "virtio_console", "virtio_rng", "crc32c_generic", "ext4")


def payload(bzimage):
    """The compressed kernel inside a bzImage (Linux: Documentation/arch/x86/boot.rst)."""
    setup_sectors = bzimage[0x1F1] or 4
    offset, length = struct.unpack_from("<II", bzimage, 0x248)
    start = (setup_sectors + 1) * 512 + offset
    return bzimage[start:start + length]


def unpack(data):
    """The payload, unpacked; empty when its compression is not one that we know."""
    if data.startswith(XZ):
        return lzma.LZMADecompressor().decompress(data)
    if data.startswith(LZ4_LEGACY):
        # The last four bytes are the kernel's own length field, not part of the stream.
        return subprocess.run(["lz4", "-d", "-q", "-", "-"], input=data[:-4],
                              stdout=subprocess.PIPE, check=True).stdout
    return b""


def extract(packed, plain, machine):
    """Write the kernel that QEMU is to start.

    On x86_64 that is the ELF file inside the bzImage: its start by PVH saves the unpacking in
    the guest, which is slow under emulation. Any other kernel is taken as it is.
    """
    with open(packed, "rb") as file:
        data = file.read()
    if machine == "x86_64":
        inner = unpack(payload(data))
        if inner.startswith(ELF):
            with open(plain, "wb") as file:
                file.write(inner)
            return
    shutil.copyfile(packed, plain)


def name_of(path):
    """A module's name: modprobe takes - and _ for the same."""
    return os.path.basename(path).split(".")[0].replace("-", "_")


def load_order(directory):
    """The wanted modules' files, each after those that it depends on."""
    depends = {}
    with open(os.path.join(directory, "modules.dep"), encoding="ascii") as file:
        for line in file:
            path, _, before = line.partition(":")
            depends[name_of(path)] = [*reversed(before.split()), path]
    with open(os.path.join(directory, "modules.builtin"), encoding="ascii") as file:
        built_in = {name_of(line.strip()) for line in file}
    order = []
    for module in WANTED:
        if module not in depends and module not in built_in:
            raise Trouble("the guest's kernel has no module " + module)
        order += [path for path in depends.get(module, []) if path not in order]
    return [os.path.join(directory, path) for path in order]
