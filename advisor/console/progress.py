"""The steps of a run of the lab on standard error: moving on a terminal, plain lines elsewhere."""

from __future__ import annotations

import os
import sys
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from advisor.console.output import say


class Lines:
    """One line for each step, when it is done."""

    def __init__(self) -> None:
        self._name = ""

    def begin(self, name: str, total: int) -> None:
        """Remember the name."""
        self._name = name

    def advance(self) -> None:
        """Say nothing: a log is read afterwards."""

    def end(self, seconds: float, note: str) -> None:
        """Say what was done."""
        say(f"{seconds:6.1f} s  {self._name}{f': {note}' if note else ''}")


class Moving:
    """The current step with a spinner, and a line for each that is done."""

    def __init__(self, live: Any) -> None:
        """Args: live: a `rich.progress.Progress`."""
        self._live = live
        self._name = ""
        self._total = self._done = 0
        self._task: Any = None

    def begin(self, name: str, total: int) -> None:
        """Show it."""
        self._name, self._total, self._done = name, total, 0
        self._task = self._live.add_task(name, total=None)

    def advance(self) -> None:
        """Count."""
        self._done += 1
        self._live.update(self._task, description=f"{self._name}: {self._done} of {self._total}")

    def end(self, seconds: float, note: str) -> None:
        """Leave a line."""
        self._live.remove_task(self._task)
        self._live.console.print(f"{seconds:6.1f} s  {self._name}{f': {note}' if note else ''}", markup=False)


def watcher() -> tuple[AbstractContextManager[Any], Lines | Moving]:
    """What shows the steps, and the context in which it does."""
    if sys.stderr is None or not sys.stderr.isatty() or os.environ.get("TERM", "") in ("", "dumb"):
        return nullcontext(), Lines()
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (TimeElapsedColumn(), SpinnerColumn(), TextColumn("{task.description}", markup=False))
    console = Console(stderr=True, highlight=False, no_color=bool(os.environ.get("NO_COLOR")) or None)
    live = Progress(*columns, console=console, transient=True)
    return live, Moving(live)
