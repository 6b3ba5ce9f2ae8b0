"""demo --build DIR: a container beside its host, each value read from the
kernel. Nothing shown is written down here; a step that fails ends the demo
with exit status 1. What it shows is the list in sections.py.
"""

import argparse
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True  # under sudo the cache would belong to root
WORKSHOP = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(WORKSHOP))

from demo.container import DemoFailed, Skiff  # noqa: E402  (need the path)
from demo.sections import SECTIONS  # noqa: E402


def main(words):
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--build", default="build", type=Path,
                        help="where build/skiff and the image are")
    options = parser.parse_args(words)
    try:
        with tempfile.TemporaryDirectory(prefix="skiff-demo-") as directory:
            skiff = Skiff(options.build, Path(directory))
            for section in SECTIONS:
                section(skiff)
                print(flush=True)
    except DemoFailed as error:
        sys.stdout.flush()
        print(f"demo: {error}\nhint: make doctor tells what this machine"
              " lacks", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
