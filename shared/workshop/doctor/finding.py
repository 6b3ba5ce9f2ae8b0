"""What a probe found out."""

from dataclasses import dataclass, field

OK, LIMITED, MISSING = "ok", "limited", "missing"


@dataclass
class Finding:
    """state: ok, limited (works with a restriction) or missing.
    measured: what was tried and what came of it. ways: the ways out.
    cures: where it would work: "sudo", "vm"."""
    name: str
    state: str
    measured: str
    ways: list = field(default_factory=list)
    cures: frozenset = frozenset()


def ok(name, measured):
    """It works."""
    return Finding(name, OK, measured)


def limited(name, measured, *ways):
    """It works in part."""
    return Finding(name, LIMITED, measured, list(ways))


def missing(name, measured, *ways, cures=("vm",)):
    """It does not work here."""
    return Finding(name, MISSING, measured, list(ways), frozenset(cures))
