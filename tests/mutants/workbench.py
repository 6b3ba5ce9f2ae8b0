"""Builds a runtime with one mutated room, and runs stage tests on it."""

import json
import os
import shlex
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
TREE = HERE.parents[1]
sys.path.insert(0, str(TREE / "shared" / "workshop"))

from mutant import BadMutant, apply  # noqa: E402
from skiffshop.markers import read_regions  # noqa: E402
from skiffshop.model import Tree  # noqa: E402
from skiffshop.testrun import test_files  # noqa: E402

SECONDS = 180    # the tests that a mutant makes hang wait 5 or 10 each; the machine may be busy, or the lab VM is to start


class Hangs(Exception):
    """The tests did not end in time."""


class NoVerdict(Exception):
    """The tests could not run: nobody's mistake but ours."""


class Workbench:
    """A build directory with all stages in it."""

    def __init__(self, build):
        self.tree = Tree(TREE, build)
        self.build = self.tree.build
        # An object older than a header would be another program's.
        self._make("stages", "probes")
        if not (self.build / "images" / "busybox" / "rootfs").exists():
            self._make("image")
        rows = (line.partition(" ") for line in
                self._make("mutants-recipe").splitlines())
        self.recipe = {name: shlex.split(words) for name, _, words in rows}

    def _make(self, *targets):
        """What `make` prints; a failure is nobody's verdict."""
        done = subprocess.run(
            ["make", "-s", f"BUILD={self.build}", *targets], cwd=TREE,
            capture_output=True, text=True, check=False)
        if done.returncode:
            raise NoVerdict(f"make {' '.join(targets)} failed:\n"
                            f"{done.stderr.strip()}")
        return done.stdout

    def stage(self, number):
        """The unmutated runtime of a stage."""
        return self.build / f"stage-{number:02d}" / "skiff"

    def chapter(self, number):
        """That chapter, as the workshop knows it."""
        return self.tree.chapter(str(number))

    def solution(self, mutant):
        """The file that the mutant changes."""
        chapter = self.chapter(mutant.chapter)
        files = [mutant.file] if mutant.file else chapter.files
        if len(files) != 1:
            raise BadMutant("the chapter has several files; say which with"
                            " `file:`")
        return chapter.solution / files[0]

    def mutate(self, mutant):
        """The text of the solution with the mistake in it."""
        path = self.solution(mutant)
        regions = [(one.body, one.end) for one in read_regions(path)
                   if one.kind == "task" and one.name == mutant.task]
        if not regions:
            raise BadMutant(f"{self.tree.shown(path)} has no task"
                            f" {mutant.task}")
        return apply(mutant, path.read_text(encoding="utf-8"), regions)

    def make(self, mutant):
        """Build the mutant's runtime; returns its path."""
        place = self.build / "mutants" / mutant.name
        place.mkdir(parents=True, exist_ok=True)
        path = self.solution(mutant)
        source, room = place / path.name, place / (path.stem + ".o")
        source.write_text(self.mutate(mutant), encoding="utf-8")
        self._run([*self.recipe["compile"], "-c", "-o", room, source])
        own = str(self.tree.shown(path)).removesuffix(".c") + ".o"
        rooms = [room if word.endswith(own) else word
                 for word in self.recipe["solutions"]
                 if self._chapter_of(word) <= mutant.stage]
        self._run([*self.recipe["link"], "-o", place / "skiff",
                   *self.recipe["shared"], *rooms, *self.recipe["libraries"]])
        return place / "skiff"

    @staticmethod
    def _chapter_of(word):
        """The chapter number in .../solutions/03-namespaces/x.o."""
        return int(Path(word).parent.name[:2])

    @staticmethod
    def _run(words):
        done = subprocess.run([str(word) for word in words], cwd=TREE,
                              capture_output=True, text=True, check=False)
        if done.returncode:
            raise BadMutant(f"it does not compile:\n{done.stderr.strip()}")

    def test(self, skiff, chapter, stage, task="", says="", seconds=SECONDS):
        """Run a chapter's tests; returns what plugin.py found."""
        with tempfile.TemporaryDirectory(
                prefix="mutant-", ignore_cleanup_errors=True) as place:
            os.chmod(place, 0o755)  # some tests are an ordinary user
            out = os.path.join(place, "out.json")
            # TMPDIR: the tests count what is left there, and are not alone.
            environment = {
                **os.environ, "BUILD": str(self.build), "MUTANT_OUT": out,
                "TMPDIR": place,
                "MUTANT_TASK": task, "MUTANT_SAYS": says,
                "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": os.pathsep.join(
                    (str(HERE), str(TREE / "shared" / "workshop")))}
            words = [sys.executable, "-m", "pytest", "-q", "-p", "plugin",
                     f"--skiff={skiff}", f"--stage={stage}",
                     *test_files(self.tree, self.chapter(chapter))]
            log = run_bounded(words, environment, seconds)
            found = {"failures": [], "status": None}
            if os.path.exists(out):
                found = json.loads(Path(out).read_text(encoding="utf-8"))
            if not found["failures"] and found["status"] != 0:
                end = log.strip().splitlines()[-4:]
                raise NoVerdict("\n".join(["the tests did not run", *end]))
            return found


def run_bounded(words, environment, seconds):
    """Run the tests; what is still there after that time is killed."""
    tests = subprocess.Popen(words, cwd=TREE, env=environment, text=True,
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT)
    try:
        return tests.communicate(timeout=seconds)[0]
    except subprocess.TimeoutExpired:
        for pid in [*descendants(tests.pid), tests.pid]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        tests.communicate()
        raise Hangs(f"no end after {seconds} s") from None


def descendants(pid):
    """Children and their children. The tests adopt their orphans, so that
    nothing is missing here."""
    found = []
    for task in (Path(f"/proc/{pid}/task").glob("*/children")):
        try:
            below = [int(word) for word in task.read_text().split()]
        except (FileNotFoundError, ProcessLookupError):
            continue
        for child in below:
            found += [child, *descendants(child)]
    return found
