"""End a run of the lab in order after SIGINT, SIGTERM or SIGHUP."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

# Windows has no SIGHUP. The lab reports an error on Windows when a run is opened.
SIGNALS = (signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM))

_AGAIN_S = 3.0
"""Seconds until the run is cancelled again, because some libraries ignore the first cancellation."""
_STUCK_S = 30.0
"""Seconds after a signal until the program exits immediately. The reapers then end its processes."""


class Interruption:
    """The state of an interruption of a run.

    Attributes:
        number: the number of the first signal, or 0.
        closing: whether the run has started to clean up. No signal cancels the clean-up.
    """

    def __init__(self, task: asyncio.Task[Any]) -> None:
        self.number = 0
        self.closing = False
        self._task = task
        self._loop = asyncio.get_running_loop()

    def arrive(self, number: int) -> None:
        """Record the signal and cancel the run. Later signals have no effect."""
        if self.number:
            return
        self.number = number
        self._loop.call_soon_threadsafe(self._cancel)

    def _cancel(self) -> None:
        if self.closing or self._task.done():
            return
        self._task.cancel()
        self._loop.call_later(_AGAIN_S, self._cancel)


_open: list[Interruption] = []
_before: dict[int, Callable[[int, FrameType | None], Any] | int | None] = {}
_watchdogs: list[threading.Timer] = []


@contextmanager
def caught() -> Iterator[Interruption]:
    """Cancel the current task on a signal, as a context. Signal handlers are installed only in the main thread.

    Runs can be nested or parallel. A signal ends all of them.
    """
    task = asyncio.current_task()
    assert task is not None, "a run is opened by a task"
    interruption = Interruption(task)
    ours = threading.current_thread() is threading.main_thread()
    if ours and not _open:
        _install()
    _open.append(interruption)
    try:
        yield interruption
    finally:
        _open.remove(interruption)
        if ours and not _open:
            _restore()


def _install() -> None:
    for number in SIGNALS:
        before = signal.getsignal(number)
        # A signal that the parent process ignores (nohup, a background job) stays ignored.
        if before is not signal.SIG_IGN:
            _before[number] = before
            signal.signal(number, _arrived)


def _restore() -> None:
    for number, before in _before.items():
        signal.signal(number, signal.SIG_DFL if before is None else before)
    _before.clear()
    while _watchdogs:
        _watchdogs.pop().cancel()


def _arrived(number: int, frame: FrameType | None) -> None:
    """Handle a signal. A watchdog thread also ends the program, because the event loop itself can be stuck."""
    if not any(interruption.number for interruption in _open):
        watchdog = threading.Timer(_STUCK_S, os._exit, [128 + number])
        watchdog.daemon = True
        watchdog.start()
        _watchdogs.append(watchdog)
    for interruption in _open.copy():
        interruption.arrive(number)
