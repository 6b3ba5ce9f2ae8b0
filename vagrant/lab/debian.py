"""Debian's package sources for the guest, taken from the host where it has them."""
import re
import shutil
import subprocess

SUITE = "bookworm"
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
PUBLIC = (
    ("http://deb.debian.org/debian", SUITE),
    ("http://deb.debian.org/debian", SUITE + "-updates"),
    ("http://deb.debian.org/debian-security", SUITE + "-security"),
)


def ask(*command):
    """A program's output, or nothing if this host does not have it."""
    if not shutil.which(command[0]):
        return ""
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          text=True, check=False).stdout


def host_archives():
    """(address, suite) of each source of the host that says it is Debian's own, of our release.

    `apt-cache policy` prints a line with the address and below it one that says whose it is:
         500 http://deb.debian.org/debian bookworm/main amd64 Packages
             release v=12.11,o=Debian,a=oldstable,n=bookworm,l=Debian,c=main,b=amd64
    """
    found = []
    address = None
    for line in ask("apt-cache", "policy").splitlines():
        words = line.split()
        source = re.match(r"\s*-?\d+ (\S+) (\S+)/main \S+ Packages", line)
        if source:
            address = source.group(1)
        elif words[:1] == ["release"] and address:
            said = dict(part.split("=", 1) for part in words[1].split(",") if "=" in part)
            suite = said.get("n", "")
            ours = suite in (SUITE, SUITE + "-updates", SUITE + "-security")
            if said.get("o") == "Debian" and ours and (address, suite) not in found:
                found.append((address, suite))
            address = None
    return found


def signed_by():
    """The key files that the host names for its sources, by address."""
    keys = {}
    for line in ask("apt-get", "indextargets", "--format", "$(REPO_URI) $(SIGNED_BY)").splitlines():
        address, _, key = line.partition(" ")
        if key.startswith("/"):
            keys[address.rstrip("/")] = key
    return keys


def sources():
    """Lines for sources.list. A host of another release, or not Debian, gets the public archive."""
    archives = host_archives()
    if SUITE not in [suite for _, suite in archives]:
        archives = PUBLIC
    keys = signed_by()
    return ["deb [signed-by=%s] %s %s main" % (keys.get(address.rstrip("/"), KEYRING), address, suite)
            for address, suite in archives]


def settings():
    """How the host reaches the network (a proxy, say), as apt options for the guest's build."""
    dump = ask("apt-config", "dump", "Acquire::http", "Acquire::https", "Acquire::Retries")
    lines = [line for line in dump.splitlines() if not line.endswith(' "";')]
    return ['Acquire::Retries "3";'] + lines + ['Acquire::Languages "none";']
