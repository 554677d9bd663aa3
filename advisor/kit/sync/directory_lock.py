"""One `generate` at a time in a folder."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

from advisor.errors import EnvironmentLacksError

WAIT_S = 5.0
"""How long the second `generate` waits; writing a kit takes a fraction of that."""

_POLL_S = 0.05


@contextlib.contextmanager
def directory_lock(folder: Path, wait_s: float = WAIT_S) -> Iterator[None]:
    """Hold `folder` for this process. The system lets go of it when the process dies, so nothing can be left behind.

    The folder itself is what is locked: a lock file would be one more file in the user's kit. Where the system has no
    such locks (Windows), this does nothing.

    Raises:
        EnvironmentLacksError: another process holds it and does not let go.
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
                        f"Another mcp-advisor is writing to {folder} and has not finished for {wait_s:.0f} s. "
                        "Nothing was written; try again when it is done."
                    ) from None
                time.sleep(_POLL_S)
        yield
    finally:
        os.close(handle)
