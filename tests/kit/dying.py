"""Generates the same change many times; each run is stopped one point later than the run before.

`python dying.py SCENARIO STOP WORK` leaves the folders WORK/0, WORK/1, … Each folder shows the state after the run that
was stopped at that point. The last folder is of a run that was not stopped. A point is each access to the disk (an
audit hook stops the run just before it) and each line that writes or flushes a file. STOP is

- killed: by SIGKILL. A killed process does nothing more, so a copy of the folder at that point has the same content.
  One run therefore leaves all folders. At every tenth point, a process is killed, and its folder must equal the copy;
- killed-twice: by SIGKILL, and the next run is killed at its own n-th point;
- interrupted: by SIGINT, as Ctrl-C does.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

from advisor import files
from advisor.kit.model import KitFile
from advisor.kit.sync import kit_folder
from advisor.kit.sync.generate import generate

TOUCHES = ("os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.chmod")
CODE = {(files.__file__, "create"), (kit_folder.__file__, "_flush"), (kit_folder.__file__, "_signals_wait")}
LONG = "".join(f"line {number}\n" for number in range(40))
BEFORE = [
    KitFile("plain.txt", "plain, before\n"),
    KitFile("edited.txt", LONG),
    KitFile("fought.txt", "before\n"),
    KitFile("sub/gone.txt", "gone soon\n"),
    KitFile("sub/deleted.txt", "deleted by the user\n"),
    KitFile("run.sh", "#!/bin/sh\n", executable=True),
]
AFTER = [
    KitFile("plain.txt", "plain, after\n"),
    KitFile("edited.txt", LONG.replace("line 30\n", "line thirty\n")),
    KitFile("fought.txt", "after\n"),
    KitFile("sub/deleted.txt", "deleted by the user, after\n"),
    KitFile("run.sh", "#!/bin/sh\nexit 0\n", executable=True),
    KitFile("new/deep/added.txt", "added\n"),
]
LATER = [
    KitFile("plain.txt", "plain, later\n"),
    KitFile("edited.txt", LONG.replace("line 20\n", "line twenty\n")),
    KitFile("run.sh", "#!/bin/sh\nexit 1\n", executable=True),
]
EDITS = {
    "edited.txt": LONG.replace("line 3\n", "line three, mine\n"),
    "fought.txt": "mine\n",
    "foreign.txt": "mine too\n",
}


def edit(root: Path) -> None:
    """Make the edits of a user between two runs."""
    for name, text in EDITS.items():
        (root / name).write_text(text)
    (root / "sub/deleted.txt").unlink()


def prepare(root: Path, scenario: str) -> None:
    """Generate the kit that exists before the run that is killed."""
    if scenario in ("fresh", "empty"):
        (root.parent if scenario == "fresh" else root).mkdir(parents=True, exist_ok=True)
        return
    generate(BEFORE, b"before", root)
    edit(root)


def run(root: Path, scenario: str) -> None:
    generate(AFTER, b"after", root, force=scenario == "force")


class Stopper:
    """Counts the points of this process and stops it at one of them."""

    def __init__(self, number: int, number_of_signal: int) -> None:
        self.left, self.signal = number, number_of_signal

    def install(self) -> None:
        sys.addaudithook(self._touched)
        sys.settrace(lambda frame, *_: self._line if self._watched(frame.f_code) else None)

    def _watched(self, code: CodeType) -> bool:
        return (code.co_filename, code.co_name) in CODE

    def _touched(self, event: str, arguments: tuple[Any, ...]) -> None:
        writes = event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)
        if event in TOUCHES or writes:
            self._point()

    def _line(self, _frame: FrameType | None, event: str, _argument: Any) -> Callable[..., Any]:
        if event == "line":
            self._point()
        return self._line

    def _point(self) -> None:
        self.left -= 1
        if self.left == -1:
            os.kill(os.getpid(), self.signal)


class Copier(Stopper):
    """Copies a folder at each point."""

    def __init__(self, source: Path, work: Path) -> None:
        super().__init__(0, signal.SIGKILL)
        self.source, self.work = source, work
        self.copies = 0
        self.copying = False

    def _point(self) -> None:
        if not self.copying:
            self.copying = True
            shutil.copytree(self.source, self.work / str(self.copies))
            self.copies += 1
            self.copying = False


def stopped(here: Path, scenario: str, number: int, number_of_signal: int) -> bool:
    """Run the scenario and stop it at one point; returns whether the run reached that point."""
    child = os.fork()
    if child == 0:
        stopper = Stopper(number, number_of_signal)
        stopper.install()
        code = 1
        try:
            run(here / "kit", scenario)
            code = 0
        except KeyboardInterrupt:
            code = 0
        finally:
            os._exit(code if stopper.left >= 0 or code else 2)
    _, status = os.waitpid(child, 0)
    reached = os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 2
    if not reached and status != 0:
        sys.exit(f"the process failed by itself at point {number}")
    return reached


def contents(folder: Path) -> dict[str, tuple[bytes | None, int]]:
    """Path → (content, mode) of every file and folder."""
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*")}
    return {name: (path.read_bytes() if path.is_file() else None, path.stat().st_mode) for name, path in found.items()}


def copy_each_point(work: Path, scenario: str) -> int:
    """Run the scenario once and copy the folder at each point; returns the number of points."""
    here = work / "run"
    shutil.copytree(work / "start", here)
    reading, writing = os.pipe()
    if os.fork() == 0:  # in another process, because an audit hook cannot be removed
        copier = Copier(here, work)
        copier.install()
        run(here / "kit", scenario)
        copier.copying = True
        os.write(writing, str(copier.copies).encode())
        os._exit(0)
    os.close(writing)
    points = int(os.read(reading, 100) or sys.exit("the process failed by itself"))
    os.wait()
    here.rename(work / str(points))
    return points


def kill(work: Path, scenario: str) -> None:
    """Leave the state at each point, and compare every tenth state with the state after a process was killed there."""
    points = copy_each_point(work, scenario)
    for number in (*range(0, points, 10), points - 1, points):
        here = work / "killed"
        shutil.copytree(work / "start", here)
        if stopped(here, scenario, number, signal.SIGKILL) is not (number < points):
            sys.exit(f"the run has not {points} points")
        if contents(here) != contents(work / str(number)):
            sys.exit(f"a process that is killed at point {number} leaves another state")
        shutil.rmtree(here)


def main() -> None:
    # A flush takes milliseconds, and a process that is killed loses nothing that it has written.
    os.fsync = lambda fd: None
    scenario, stop, work = sys.argv[1], sys.argv[2], Path(sys.argv[3])
    number_of_signal = signal.SIGINT if stop == "interrupted" else signal.SIGKILL
    prepare(work / "start" / "kit", scenario)
    if stop == "killed":
        kill(work, scenario)
        return
    number, reached = 0, True
    while reached:
        here = work / str(number)
        shutil.copytree(work / "start", here)
        reached = stopped(here, scenario, number, number_of_signal)
        if reached and stop == "killed-twice":
            stopped(here, scenario, number, number_of_signal)
        number += 1


if __name__ == "__main__":
    main()
