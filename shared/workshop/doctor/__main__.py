"""doctor [--json | --apparmor]: what this machine can and cannot do for each
chapter, found out by trying it, and the way out where it cannot.

Exit status 0: chapters 00-03 can be done here (if need be with sudo or in the
lab VM; the report says which). 1: they cannot. Nothing is left behind.
"""

import argparse
import sys
from pathlib import Path

sys.dont_write_bytecode = True  # under sudo the cache would belong to root
WORKSHOP = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(WORKSHOP))

from doctor import report  # noqa: E402  (these need the path set above)
from doctor.chapters import examine  # noqa: E402
from doctor.machine import Machine  # noqa: E402
from doctor.ways import apparmor_profile  # noqa: E402


def main(words):
    parser = argparse.ArgumentParser(prog="make doctor", description=__doc__)
    parser.add_argument("--json", action="store_true",
                        help="one JSON object for programs")
    parser.add_argument("--apparmor", action="store_true",
                        help="print an AppArmor profile for skiff and stop")
    options = parser.parse_args(words)

    machine = Machine(WORKSHOP.parents[1])
    if options.apparmor:
        print(apparmor_profile(machine.top), end="")
        return 0
    diagnosis = examine(machine)
    show = report.as_json if options.json else report.as_text
    print(show(machine, diagnosis))
    return 0 if diagnosis.can_start else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
