"""A lock, so that a single `generate` at a time writes to a folder."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

from advisor.errors import EnvironmentLacksError

WAIT_S = 5.0
"""Seconds that a second `generate` waits. Writing a kit takes much less time."""

_POLL_S = 0.05


@contextlib.contextmanager
def directory_lock(folder: Path, wait_s: float = WAIT_S) -> Iterator[None]:
    """Lock `folder` for this process. The system releases the lock when the process ends, also after a crash.

    The lock is on the folder, because a lock file would be another file in the user's kit. On systems without such
    locks (Windows), this function does nothing.

    Raises:
        EnvironmentLacksError: another process still has the lock after `wait_s` seconds.
    """
    try:
        import fcntl
    except ImportError:
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        deadline = time.monotonic() + wait_s
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise EnvironmentLacksError(
                        f"Another mcp-advisor is writing to {folder} and has not finished after {wait_s:.0f} s. "
                        "Nothing was written. Try again when the other process has ended."
                    ) from None
                time.sleep(_POLL_S)
        yield
    finally:
        os.close(handle)
