"""A time limit for a part of a run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from advisor.errors import LabError


@contextmanager
def deadline(seconds: float, what: str) -> Iterator[Callable[[], None]]:
    """Cancel the current task after a time. Python 3.10 has no `asyncio.timeout`.

    Args:
        seconds: the time limit; 0 for no limit.
        what: the work with the limit, for the message.

    Yields:
        A function that ends the limit.

    Raises:
        LabError: the time limit passed before its end.
    """
    task = asyncio.current_task()
    if task is None or not seconds:
        yield lambda: None
        return
    passed = False

    def cancel() -> None:
        nonlocal passed
        passed = True
        task.cancel()

    handle = asyncio.get_running_loop().call_later(seconds, cancel)
    try:
        yield handle.cancel
    except asyncio.CancelledError:
        if passed:
            raise LabError(f"{what} did not end within {seconds:g} s") from None
        raise
    finally:
        handle.cancel()
