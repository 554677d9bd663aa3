"""SIGINT, SIGTERM and SIGHUP end a run of the lab in order, each in the same way."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

# Windows has no SIGHUP; the lab says so itself when it is opened there.
SIGNALS = (signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM))

_AGAIN_S = 3.0
"""A cancellation may be swallowed by the code that it meets (it happens in libraries): then it is sent again."""
_STUCK_S = 30.0
"""A program that has not ended so long after the signal is ended at once; the reapers do the rest."""


class Interruption:
    """What came in between, if anything.

    Attributes:
        number: the signal that came first, or 0.
        closing: set by the run when it has begun to clean up, which nothing cancels.
    """

    def __init__(self, task: asyncio.Task[Any]) -> None:
        self.number = 0
        self.closing = False
        self._task = task
        self._loop = asyncio.get_running_loop()

    def arrive(self, number: int) -> None:
        """Note the signal and cancel the run; the second and later ones change nothing."""
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
    """While inside, the signals cancel the current task (in the main thread; elsewhere they are not ours to take).

    Runs may be inside one another or side by side: a signal ends them all.
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
        # A signal that our parent ignores (nohup, a job in the background) stays ignored.
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
    """Not through the event loop alone: that may be the thing that is stuck."""
    if not any(interruption.number for interruption in _open):
        watchdog = threading.Timer(_STUCK_S, os._exit, [128 + number])
        watchdog.daemon = True
        watchdog.start()
        _watchdogs.append(watchdog)
    for interruption in _open.copy():
        interruption.arrive(number)
