"""Generates the same change again and again, killed at the first, second, … n-th touch of the disk.

`python dying.py SCENARIO WORK`: leaves WORK/0, WORK/1, … each as a process that was killed at that point left it; the
last one is of the process that came through. The kill is SIGKILL, out of an audit hook, just before the operation.
"""

import os
import shutil
import signal
import sys
from pathlib import Path

from advisor.kit.generate import generate
from advisor.kit.model import KitFile

TOUCHES = ("os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.chmod")
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


def die_at(number):
    left = number

    def touched(event, arguments):
        nonlocal left
        writes = event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)
        if event in TOUCHES or writes:
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            left -= 1

    sys.addaudithook(touched)


def main():
    scenario, work = sys.argv[1], Path(sys.argv[2])
    prepare(work / "start" / "kit", scenario)
    number = 0
    while True:
        here = work / str(number)
        shutil.copytree(work / "start", here)
        child = os.fork()
        if child == 0:
            die_at(number)
            run(here / "kit", scenario)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if status == 0:
            return
        if not os.WIFSIGNALED(status):
            sys.exit(f"the process failed by itself at point {number}")
        number += 1


if __name__ == "__main__":
    main()
