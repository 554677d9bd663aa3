"""Reads the patches of findings, for formats that describe a change by its place and its text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

_HUNK = re.compile(r"@@ -(\d+)(?:,(\d+))? \+\d+(?:,(\d+))? @@")


class LineChange(NamedTuple):
    """A change of some lines of a file.

    Attributes:
        path: the file.
        line: the first line that is removed, or before which lines are inserted. The first line of a file is 1.
        removed: the number of lines that are removed.
        text: the inserted lines, with their line ends. The last line of a file can have none.
    """

    path: str
    line: int
    removed: int
    text: str


def line_changes(patch: str) -> Iterator[LineChange]:
    """Yield the changes of a unified diff. The changes of a file come from its top to its end."""
    path = ""
    found: list[str] = []
    for text in re.findall(r"[^\n]*\n|[^\n]+$", patch):
        if text.startswith("\\") and found:  # the note that the line before it has no line end in the file
            found[-1] = found[-1].removesuffix("\n")
        else:
            found.append(text)
    lines = iter(found)
    for text in lines:
        if text.startswith(("--- ", "+++ ")):
            path = _path(text) or path
        elif hunk := _HUNK.match(text):
            old, new = (1 if count is None else int(count) for count in hunk.group(2, 3))
            first = int(hunk[1]) + (old == 0)  # without old lines, the hunk names the line before it
            yield from _changes(lines, path, first, old, new)


def _changes(lines: Iterator[str], path: str, line: int, old: int, new: int) -> Iterator[LineChange]:
    """Yield the changes of a hunk that has so many old and new lines."""
    removed, added = 0, list[str]()
    while old > 0 or new > 0:
        text = next(lines, "")
        if text.startswith("-"):
            old, removed = old - 1, removed + 1
        elif text.startswith("+"):
            new -= 1
            added.append(text[1:])
        else:
            if removed or added:
                yield LineChange(path, line, removed, "".join(added))
            line, removed, added = line + removed + 1, 0, []
            old, new = old - 1, new - 1
        if not text:
            return
    if removed or added:
        yield LineChange(path, line, removed, "".join(added))


def _path(text: str) -> str:
    name = text[4:].rstrip("\n").partition("\t")[0]
    return "" if name == "/dev/null" else re.sub(r"^[ab]/", "", name)
