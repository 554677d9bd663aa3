"""Changes of a text that leave every other character as it is."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import unified_diff
from typing import NamedTuple


class Splice(NamedTuple):
    """A replacement of the characters from `start` to `end` (not included).

    Attributes:
        is_local: whether the change concerns only the place itself, not other places that inherit a value from it.
    """

    start: int
    end: int
    text: str
    is_local: bool = True


def spliced(text: str, splices: Iterable[Splice]) -> str:
    """Return a text with all changes. Their places in the text must not overlap."""
    for splice in sorted(splices, reverse=True):
        text = f"{text[: splice.start]}{splice.text}{text[splice.end :]}"
    return text


def diff(path: str, old: str, new: str) -> str:
    """Return the change of a file as a unified diff, or "" without a change."""
    made = unified_diff(_lines(old), _lines(new), f"a/{path}", f"b/{path}")
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in made)


def _lines(text: str) -> list[str]:
    """Return the lines with their ends. Only a line feed ends a line, as in programs that apply a diff."""
    lines = text.split("\n")
    return [f"{line}\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])
