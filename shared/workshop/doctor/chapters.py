"""Which chapter needs what. A new probe is one more name in this table."""

from dataclasses import dataclass, field

from . import probes_outside as outside
from . import probes_resources as resources
from . import probes_start as start
from .finding import MISSING, OK

# number, name; needs: without them the chapter cannot be done;
# wants: without them it can, in part; also: chapters whose needs it shares.
TABLE = (
    (0, "start", (start.kernel_version, start.build_tools),
     (start.test_tools, start.lab_vm), ()),
    (1, "process", (start.process_calls,), (start.terminal,), (0,)),
    (2, "chroot", (start.privilege, start.roots, start.proc_mount,
                   start.mount_calls), (), (1,)),
    (3, "namespaces", (start.namespaces,),
     (start.user_namespaces, start.id_ranges), (2,)),
    (4, "cgroups", (resources.controllers,),
     (resources.delegation, resources.pressure), (3,)),
    (5, "overlayfs", (resources.overlayfs,),
     (resources.overlayfs_rootless, resources.idmapped_mounts), (3,)),
    (6, "security", (resources.seccomp,),
     (resources.capabilities, resources.device_rules, resources.labels,
      resources.landlock), (3,)),
    (7, "networking", (outside.links, outside.nftables), (), (3,)),
    (8, "images", (), (outside.disk_space,), (5,)),
    (9, "volumes", (outside.volumes,), (), (3,)),
    (10, "lifecycle", (outside.sessions,), (), (3,)),
    (11, "build", (), (), (8,)),
    (12, "oci", (), (outside.callers,), (3, 4, 6)),
    (13, "engine", (), (outside.docker_client,), (8, 10)),
    (14, "cluster", (outside.vxlan,), (), (7,)),
    (15, "vm-or-container", (outside.virtual_machine,), (), (4,)),
)
FIRST_ROOMS = range(4)


@dataclass
class Chapter:
    """A chapter's diagnosis. place: here, sudo, vm or nowhere."""
    number: int
    name: str
    needs: list = field(default_factory=list)
    wants: list = field(default_factory=list)
    also: list = field(default_factory=list)
    vm_works: bool = False

    @property
    def findings(self):
        """Its own, in the order in which they are shown."""
        return self.needs + self.wants

    @property
    def all_needs(self):
        """Its own and those of the chapters on which it stands."""
        below = [need for chapter in self.also for need in chapter.all_needs]
        return below + self.needs

    @property
    def place(self):
        """Where it can be done: the nearest place that cures all."""
        lacking = [need for need in self.all_needs if need.state == MISSING]
        if not lacking:
            return "here"
        if all("sudo" in need.cures for need in lacking):
            return "sudo"
        if self.vm_works and all("vm" in need.cures for need in lacking):
            return "vm"
        return "nowhere"

    @property
    def state(self):
        """ok, limited or missing."""
        if self.place == "nowhere":
            return "missing"
        if self.place != "here":
            return "limited"
        fine = all(finding.state == OK for finding in self.findings)
        return "ok" if fine else "limited"


@dataclass
class Diagnosis:
    """All chapters."""
    chapters: list

    @property
    def can_start(self):
        """Whether the first rooms can be furnished somewhere."""
        return all(self.chapters[number].place != "nowhere"
                   for number in FIRST_ROOMS)


def examine(machine, table=TABLE):
    """Try everything once."""
    chapters = []
    for number, name, needs, wants, also in table:
        chapters.append(Chapter(
            number, name, [probe(machine) for probe in needs],
            [probe(machine) for probe in wants],
            [chapters[other] for other in also]))
    vm = next((finding for finding in chapters[0].findings
               if finding.name == "lab VM"), None)
    for chapter in chapters:
        chapter.vm_works = vm is not None and vm.state == OK
    return Diagnosis(chapters)
