"""The named steps of a run, their durations, and the interface of a progress display."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple, Protocol

from advisor.documents import Hundredths


class TimedStep(NamedTuple):
    """A step of the run and its duration in seconds."""

    name: str
    seconds: Hundredths


class Watcher(Protocol):
    """Shows the steps. All calls come from one thread, one step after another."""

    def begin(self, name: str, total: int) -> None:
        """A step begins with `total` parts; 0 if the number of parts is unknown."""

    def advance(self) -> None:
        """A part of the step is done."""

    def end(self, seconds: float, note: str) -> None:
        """The step is done. `note` is its result in words, or ""."""


class Current:
    """The current step.

    Attributes:
        note: the result of the step in words, for the watcher.
    """

    def __init__(self, watcher: Watcher | None) -> None:
        self._watcher = watcher
        self.note = ""

    def advance(self) -> None:
        """A part of the step is done."""
        if self._watcher is not None:
            self._watcher.advance()


class Steps:
    """Measures the duration of each step, and notifies the watcher.

    Attributes:
        done: the completed steps in order.
        began: start time of the run by `time.monotonic`.
    """

    def __init__(self, watcher: Watcher | None = None) -> None:
        self._watcher = watcher
        self.done: list[TimedStep] = []
        self.began = time.monotonic()

    @contextmanager
    def step(self, name: str, total: int = 0) -> Iterator[Current]:
        """Run a step as a context. `total` is the number of its parts; 0 if unknown."""
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
        """The duration of the run so far, in seconds."""
        return time.monotonic() - self.began
