"""The named steps of a run, with the time of each, and what shows them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple, Protocol

from advisor.documents import Hundredths


class TimedStep(NamedTuple):
    """A part of the work and how long it took, in seconds."""

    name: str
    seconds: Hundredths


class Watcher(Protocol):
    """Shows the steps; all calls come from the same thread, step by step."""

    def begin(self, name: str, total: int) -> None:
        """A step begins; it has `total` parts, 0 if it cannot be counted."""

    def advance(self) -> None:
        """A part of the step is done."""

    def end(self, seconds: float, note: str) -> None:
        """The step is done; `note` says what came of it."""


class Current:
    """The step that is being done.

    Attributes:
        note: what came of it, for the watcher.
    """

    def __init__(self, watcher: Watcher | None) -> None:
        self._watcher = watcher
        self.note = ""

    def advance(self) -> None:
        """A part of it is done."""
        if self._watcher is not None:
            self._watcher.advance()


class Steps:
    """Takes the time of each step and tells the watcher.

    Attributes:
        done: the steps so far, in order.
        began: when the run began, by `time.monotonic`.
    """

    def __init__(self, watcher: Watcher | None = None) -> None:
        self._watcher = watcher
        self.done: list[TimedStep] = []
        self.began = time.monotonic()

    @contextmanager
    def step(self, name: str, total: int = 0) -> Iterator[Current]:
        """A step, as a context."""
        current = Current(self._watcher)
        began = time.monotonic()
        if self._watcher is not None:
            self._watcher.begin(name, total)
        yield current
        seconds = time.monotonic() - began
        self.done.append(TimedStep(name, seconds))
        if self._watcher is not None:
            self._watcher.end(seconds, current.note)

    @property
    def seconds(self) -> float:
        """How long the run has taken so far."""
        return time.monotonic() - self.began
