"""Lays out styled text: wraps it, and divides a line of the screen into columns. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise, zip_longest
from typing import NamedTuple, TypeAlias

Line: TypeAlias = "list[tuple[str, str]]"
"""A line as pairs of a text and its style."""

_WORD = re.compile(r"\s*\S+\s*")
# Characters that would move the cursor, change colours, or show the text in another order. A line end ends a paragraph.
_CONTROL = dict.fromkeys(
    (
        *range(10),
        *range(11, 32),
        *range(127, 160),
        *range(0x200E, 0x2010),
        *range(0x202A, 0x202F),
        *range(0x2066, 0x206A),
    )
)
_CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}


class ColumnRoom(NamedTuple):
    """The room of a column.

    Attributes:
        before: spaces before each cell.
        after: spaces after each cell.
        least: the smallest width without these spaces.
        most: the largest width without these spaces; None for no limit.
        fixed: whether the other columns become smaller first.
    """

    before: int = 0
    after: int = 0
    least: int = 0
    most: int | None = None
    fixed: bool = False

    def of(self, text: int, room: int) -> int:
        """Return the width of the column, with its spaces, for a text of `text` columns in a room of `room` columns."""
        spaces = self.before + self.after
        width = max(min(text + spaces, room), self.least + spaces if self.least else 0)
        return width if self.most is None else min(width, self.most + spaces)


def styled(text: str, style: str = "") -> Line:
    """Return a text as a line. Characters that change more than their own place are removed."""
    return [(text.expandtabs().translate(_CONTROL), style)]


def width_of(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    return len(text) if text.isascii() else sum(map(_width, text))


def _width(char: str) -> int:
    if unicodedata.category(char) in ("Cc", "Cf", "Me", "Mn"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def wrapped(line: Line, width: int) -> list[Line]:
    """Wrap a text at words. A word that is longer than `width` is broken."""
    shown: list[Line] = []
    for paragraph in _paragraphs(line):
        text = "".join(part for part, _ in paragraph)
        breaks = list(_breaks(text, width)) if width_of(text) > width else []
        shown += [trimmed(_cut(paragraph, start, end)) for start, end in pairwise((0, *breaks, len(text)))]
    return shown


def _paragraphs(line: Line) -> list[Line]:
    found: list[Line] = [[]]
    for text, style in line:
        first, *others = text.split("\n")
        found[-1].append((first, style))
        found += [[(other, style)] for other in others]
    return found


def _breaks(text: str, width: int) -> Iterator[int]:
    """Yield where a new line starts."""
    taken = 0
    for match in _WORD.finditer(text):
        word, start = match[0], match.start()
        least = width_of(word.rstrip())
        if least <= width - taken:
            taken += width_of(word)
        elif least > width:
            for part in _broken(word, width):
                if start:
                    yield start
                start += len(part)
                taken = width_of(part)
        elif taken and start:
            yield start
            taken = width_of(word)


def _broken(word: str, width: int) -> list[str]:
    """Break a long word into parts that fit."""
    parts, taken = [""], 0
    for char in word:
        needed = _width(char)
        if taken + needed > width:
            parts.append("")
            taken = 0
        parts[-1] += char
        taken += needed
    return parts


def _cut(line: Line, start: int, end: int) -> Line:
    """Return the part of a line between two positions."""
    found, at = [], 0
    for text, style in line:
        if part := text[max(start - at, 0) : max(end - at, 0)]:
            found.append((part, style))
        at += len(text)
    return found


def trimmed(line: Line) -> Line:
    """Return a line without spaces at its end."""
    line = list(line)
    while line and not (last := line[-1][0].rstrip(" ")):
        line.pop()
    return [*line[:-1], (last, line[-1][1])] if line else []


def columns(rows: Sequence[Sequence[Line]], rooms: Sequence[ColumnRoom], between: int, width: int) -> list[int]:
    """Return the widths of the columns of a table, with the spaces of each column.

    The widest columns that are not fixed shrink first, to their least width. If the table is still wider than the
    screen, all columns shrink, because no text can be outside of the screen.

    Args:
        rows: the cells of each row.
        rooms: the room of each column.
        between: spaces between two columns.
        width: the columns of the screen.
    """
    room = width - between * (len(rooms) - 1)
    texts = [max(map(_longest, column)) for column in zip(*rows, strict=True)]
    widths = [limits.of(text, room) or 1 for limits, text in zip(rooms, texts, strict=True)]
    if sum(widths) <= room:
        return widths
    floors = [width if limits.fixed else limits.of(1, room) for limits, width in zip(rooms, widths, strict=True)]
    return _shrunk(_shrunk(widths, floors, room), [limits.before + limits.after + 1 for limits in rooms], room)


def _longest(cell: Line) -> int:
    return max(width_of("".join(text for text, _ in line)) for line in _paragraphs(cell))


def _shrunk(widths: Sequence[int], floors: Sequence[int], room: int) -> list[int]:
    """Make the widest columns as small as the next ones, until all columns fit or have the width of their floor."""
    widths = list(widths)
    while (excess := sum(widths) - room) > 0:
        able = [width if width > floor else 0 for width, floor in zip(widths, floors, strict=True)]
        widest = max(able)
        if not widest:
            break
        shrinking = [place for place, width in enumerate(able) if width == widest]
        least = max(*(floors[place] for place in shrinking), *(width for width in able if width < widest), 0)
        for number, place in enumerate(shrinking):
            part = min(widest - least, round(excess / (len(shrinking) - number)))
            widths[place] -= part
            excess -= part
    return widths


def row_lines(
    cells: Sequence[Line], rooms: Sequence[ColumnRoom], widths: Sequence[int], between: int, *, bottom: bool = False
) -> list[Line]:
    """Return the lines of a row of a table.

    Args:
        cells: the cells of the row.
        rooms: the room of each column.
        widths: the widths of the columns, from `columns`.
        between: spaces between two columns.
        bottom: whether a cell with fewer lines than the row stands at the bottom of the row.
    """
    drawn = [
        wrapped(cell, max(width - room.before - room.after, 1))
        for cell, room, width in zip(cells, rooms, widths, strict=True)
    ]
    height = max(map(len, drawn))
    if bottom:
        drawn = [[*([[]] * (height - len(cell))), *cell] for cell in drawn]
    lines: list[Line] = []
    for parts in zip_longest(*drawn, fillvalue=[]):
        line: Line = []
        for part, room, width in zip(parts, rooms, widths, strict=True):
            taken = room.before + sum(width_of(text) for text, _ in part)
            line += [(" " * room.before, ""), *part, (" " * (width - taken + between), "")]
        lines.append(line)
    return lines


def with_style(line: Line, style: str) -> Line:
    """Return a line in which each text has `style` and its own style."""
    return [(text, f"{style} {own}") for text, own in line] if style else line


def paint(line: Iterable[str | tuple[str, str]], *, colour: bool) -> str:
    """Return the parts of a line as a text, with escape sequences if `colour` is set. The line is not wrapped."""
    parts = [(part, "") if isinstance(part, str) else part for part in line]
    return "".join(_escaped(text, style) if colour else text for text, style in parts)


def _escaped(text: str, style: str) -> str:
    codes = sorted({_CODES[name] for name in style.split()})
    effects, colours = [code for code in codes if len(code) == 1], style.split()[::-1]
    last = next((_CODES[name] for name in colours if len(_CODES[name]) > 1), "")
    shown = ";".join(filter(None, (*effects, last)))
    return f"\x1b[{shown}m{text}\x1b[0m" if shown and text else text
