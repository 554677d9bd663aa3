"""Work that is done to its end even if the command is killed meanwhile.

It runs in a process with a session of its own, which neither Ctrl-C nor a signal to the command or to its process group
reaches, and the command waits for it. What the command holds (the lock on the folder) that process holds too, until it
ends. A loss of power, or a kill of both, still stops it: work has to be such that it can be done again from any point.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable


def write_detached(work: Callable[[], None]) -> None:
    """Do `work`.

    Where that process fails, for whatever reason, the command does the work again itself: it completes what is
    incomplete, or meets the same obstacle and says so. Systems without `fork` have this second way only.

    Args:
        work: what to do; it must not print, and doing it twice must be the same as doing it once.

    Raises:
        KeyboardInterrupt: somebody pressed Ctrl-C; the work is done all the same, but for a second Ctrl-C.
    """
    if not _can_fork():
        work()
        return
    child = _fork()
    if child == 0:
        _be_the_child(work)
    done, interrupted = _ended_well(child)
    if not done:
        work()
    if interrupted:
        raise KeyboardInterrupt


def _can_fork() -> bool:
    """Whether a copy of this process can go on: not if another thread may hold a lock at this moment."""
    threading = sys.modules.get("threading")
    return hasattr(os, "fork") and (threading is None or threading.active_count() == 1)


def _fork() -> int:
    with warnings.catch_warnings():
        # Threads of the system's libraries, which `_can_fork` does not count, do not touch what the work touches.
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()


def _be_the_child(work: Callable[[], None]) -> None:
    code = 1
    try:
        os.setsid()
        work()
        code = 0
    finally:
        os._exit(code)  # neither what is buffered nor what is to be done at exit is the child's


def _ended_well(child: int) -> tuple[bool, bool]:
    """Whether the child came to its end, and whether Ctrl-C was pressed while it worked."""
    interrupted = False
    while True:
        try:
            return os.waitpid(child, 0)[1] == 0, interrupted
        except ChildProcessError:  # it has ended, and SIGCHLD is ignored here, so nobody knows how
            return False, interrupted
        except KeyboardInterrupt:
            if interrupted:
                raise
            interrupted = True
