"""Generates the same change again and again, killed at the first, second, … n-th point.

`python dying.py SCENARIO VICTIM WORK`: leaves WORK/0, WORK/1, … each as it is when the processes that were killed at
that point, or go on without the others, have ended; the last one is of a run that nothing was done to. Points are all
touches of the disk (just before them, out of an audit hook), the fork of the process that writes, each line around it
in both processes, and, for a command killed by its id, each line that writes or flushes a file. The kill is SIGKILL, or
Ctrl-C where it says so. The victim is

- command: the process that was started;
- interrupted: the same, by SIGINT;
- group: its whole process group;
- writer: the process that writes for it;
- everything: both, as when the power goes.
"""

import fcntl
import mmap
import os
import shutil
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

from advisor.kit.model import KitFile
from advisor.kit.sync import detached_writer, write
from advisor.kit.sync.generate import generate

TOUCHES = ("os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.chmod", "os.fork")
DEADLINE_S = 60
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
EDITS = {
    "edited.txt": LONG.replace("line 3\n", "line three, mine\n"),
    "fought.txt": "mine\n",
    "foreign.txt": "mine too\n",
}


def edit(root):
    """What the user does to the kit between two runs."""
    for name, text in EDITS.items():
        (root / name).write_text(text)
    (root / "sub/deleted.txt").unlink()


def prepare(root, scenario):
    """The kit before the run that is killed."""
    if scenario in ("fresh", "empty"):
        (root.parent if scenario == "fresh" else root).mkdir(parents=True, exist_ok=True)
        return
    generate(BEFORE, b"before", root)
    edit(root)


def run(root, scenario):
    generate(AFTER, b"after", root, force=scenario == "force")


class Killer:
    """Counts the points of this process (a fork goes on counting from its parent's) and strikes at one of them."""

    def __init__(self, victim, number, place):
        self.victim, self.left, self.place = victim, number, place
        self.command = os.getpid()
        self.struck = mmap.mmap(-1, 2)  # shared with the fork: whether it struck, whether it found the place unlocked

    def install(self):
        sys.addaudithook(self._touched)
        sys.settrace(lambda frame, *_: self._line if self._watched(frame.f_code) else None)

    def _watched(self, code):
        writes = code.co_filename == write.__file__ and code.co_name in ("_create", "_flush")
        return code.co_filename == detached_writer.__file__ or (writes and self.victim == "command")

    def _touched(self, event, arguments):
        writes = event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)
        if event in TOUCHES or writes:
            self._point()

    def _line(self, _frame, event, _argument):
        if event == "line":
            self._point()
        return self._line

    def _point(self):
        writer = os.getpid() != self.command
        if self.victim == "writer" and not writer:
            return
        self.left -= 1
        if self.left == -1:
            self.struck[0] = 1
            with suppress(ProcessLookupError):
                if self.victim == "group":
                    os.killpg(self.command, signal.SIGKILL)
                elif self.victim != "writer":
                    os.kill(self.command, signal.SIGINT if self.victim == "interrupted" else signal.SIGKILL)
            if self.victim in ("writer", "everything"):
                os.kill(os.getpid(), signal.SIGKILL)
            if free(self.place):
                self.struck[1] = 1


def free(place):
    """Whether no process holds a folder."""
    handle = os.open(place, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(handle)
    return True


def one(here, scenario, victim, number):
    """Run it, struck at one point; whether that point was reached."""
    place = here if scenario == "fresh" else here / "kit"
    killer = Killer(victim, number, place)
    command = os.fork()
    if command == 0:
        os.setpgid(0, 0)
        killer.command = os.getpid()
        killer.install()
        try:
            run(here / "kit", scenario)
            sys.settrace(None)
            os._exit(0)
        except KeyboardInterrupt:  # it may also arrive when all is done
            os._exit(0)
    _, status = os.waitpid(command, 0)
    if status != 0 and not (os.WIFSIGNALED(status) and killer.struck[0]):
        sys.exit(f"the process failed by itself at point {number}")
    end = time.monotonic() + DEADLINE_S
    while not free(place):  # the writer goes on
        if time.monotonic() > end:
            sys.exit(f"the writer did not end at point {number}")
        time.sleep(0.001)
    if killer.struck[1]:
        sys.exit(f"the writer went on without the lock at point {number}")
    return killer.struck[0]


def main():
    scenario, victim, work = sys.argv[1], sys.argv[2], Path(sys.argv[3])
    prepare(work / "start" / "kit", scenario)
    number = 0
    while True:
        here = work / str(number)
        shutil.copytree(work / "start", here)
        if not one(here, scenario, victim, number):
            return
        number += 1


if __name__ == "__main__":
    main()
