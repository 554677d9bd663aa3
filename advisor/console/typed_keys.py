"""The keys that a user types while the program works: they do not appear on the screen, and no prompt reads them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

try:
    import termios
except ImportError:  # Windows
    termios = None  # type: ignore[assignment]

_MODES = 3  # the place of the local modes in the attributes of a terminal


def discard_typed() -> None:
    """Discard the keys that no program read yet."""
    if _on_terminal():
        termios.tcflush(sys.stdin.fileno(), termios.TCIFLUSH)


@contextmanager
def not_shown() -> Iterator[None]:
    """Within this context, the terminal does not show typed keys. Ctrl-C has its effect."""
    if not _on_terminal():
        yield
        return
    number = sys.stdin.fileno()
    before = termios.tcgetattr(number)
    silent = [*before]
    silent[_MODES] &= ~termios.ECHO
    termios.tcsetattr(number, termios.TCSANOW, silent)
    try:
        yield
    finally:
        termios.tcsetattr(number, termios.TCSANOW, before)


def _on_terminal() -> bool:
    return termios is not None and sys.stdin is not None and sys.stdin.isatty()
