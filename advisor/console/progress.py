"""Shows the steps of a lab run on standard error: with a spinner on a terminal, as plain lines elsewhere."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from advisor.console.output import say
from advisor.console.typed_keys import not_shown


class Lines:
    """Writes one line for each finished step."""

    def __init__(self) -> None:
        self._name = ""

    def begin(self, name: str, total: int) -> None:
        """Start a step and remember its name."""
        self._name = name

    def advance(self) -> None:
        """Write nothing, because a log needs no intermediate state."""

    def end(self, seconds: float, note: str) -> None:
        """Write the line of the finished step."""
        say(f"{seconds:6.1f} s  {self._name}{f': {note}' if note else ''}")


class SpinnerProgress:
    """Shows the current step with a spinner, and writes one line for each finished step."""

    def __init__(self, live: Any) -> None:
        """Args: live: the `rich.progress.Progress` that draws the step."""
        self._live = live
        self._name = ""
        self._total = self._done = 0
        self._task: Any = None

    def begin(self, name: str, total: int) -> None:
        """Start a step and show it."""
        self._name, self._total, self._done = name, total, 0
        self._task = self._live.add_task(name, total=None)

    def advance(self) -> None:
        """Count a finished part of the step, and show the count."""
        self._done += 1
        self._live.update(self._task, description=f"{self._name}: {self._done} of {self._total}")

    def end(self, seconds: float, note: str) -> None:
        """Replace the spinner by the line of the finished step."""
        self._live.remove_task(self._task)
        self._live.console.print(f"{seconds:6.1f} s  {self._name}{f': {note}' if note else ''}", markup=False)


@contextmanager
def busy(text: str) -> Iterator[None]:
    """Show `text` on a terminal during work that can take seconds, and remove it afterwards."""
    shows = sys.stderr is not None and sys.stderr.isatty() and os.environ.get("TERM", "") not in ("", "dumb")
    if shows:
        print(text, end="", file=sys.stderr, flush=True)
    try:
        with not_shown():
            yield
    finally:
        if shows:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def watcher() -> tuple[AbstractContextManager[Any], Lines | SpinnerProgress]:
    """Return the display of the steps, and the context manager that must surround its use."""
    if sys.stderr is None or not sys.stderr.isatty() or os.environ.get("TERM", "") in ("", "dumb"):
        return nullcontext(), Lines()
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (TimeElapsedColumn(), SpinnerColumn(), TextColumn("{task.description}", markup=False))
    console = Console(stderr=True, highlight=False, no_color=bool(os.environ.get("NO_COLOR")) or None)
    live = Progress(*columns, console=console, transient=True)
    return live, SpinnerProgress(live)
