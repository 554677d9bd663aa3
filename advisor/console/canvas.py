"""Lays out text for a terminal: paragraphs, tables, trees and headings."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import NamedTuple, TypeAlias

from advisor.console import output
from advisor.console.layout import (
    ColumnRoom,
    Line,
    columns,
    paint,
    row_lines,
    styled,
    trimmed,
    width_of,
    with_style,
    wrapped,
)

Part: TypeAlias = "str | tuple[str, str]"
"""A text, or a pair of a text and its style."""
Words: TypeAlias = "Part | Sequence[Part]"
"""The content of a cell or a paragraph. Square brackets are text, never markup."""

WIDEST = 120
"""The longest line, because people do not read longer lines."""
NARROWEST = 60
_GAP = 2
# The start of a command that GitHub's runner finds in a log: a name in a file of a stranger could contain it.
_COMMAND = re.compile(r"^[ ]*:(?=:[A-Za-z])|##(?=\[)", re.MULTILINE)


class Screen(NamedTuple):
    """The abilities of the output.

    Attributes:
        width: the width in columns.
        colour: whether to write escape sequences for colours.
        unicode: whether the output can show box-drawing characters.
    """

    width: int = 80
    colour: bool = False
    unicode: bool = True

    @classmethod
    def of_output(cls) -> Screen:
        """Return the abilities of standard output."""
        return cls(output.width(), output.wants_colour(), output.is_unicode())


class Column(NamedTuple):
    """A column of a table.

    Attributes:
        head: the title, in one or more lines.
        fixed: whether the column keeps the width of its longest line. On a narrow screen, other columns shrink.
        least: the smallest width.
        most: the largest width; None for no limit.
    """

    head: str = ""
    fixed: bool = False
    least: int = 8
    most: int | None = None


class Canvas:
    """Collects lines and draws them with `text()`. Square brackets are text, never markup."""

    def __init__(self, screen: Screen) -> None:
        """Create an empty canvas for `screen`."""
        self.width = max(NARROWEST, min(WIDEST, screen.width))
        self._screen = screen
        self._lines: list[Line] = []

    @property
    def size(self) -> int:
        """The number of lines, to find out whether something was added."""
        return len(self._lines)

    def line(self, *parts: Part, indent: int = 0) -> None:
        """Add a paragraph, wrapped to the width."""
        self._add(wrapped(_line(list(parts)), self.width - indent), indent)

    def gap(self) -> None:
        """Add an empty line."""
        self._lines.append([])

    def code(self, code: str, style: str = "cyan") -> None:
        """Add lines that users copy. They start at the left edge and are never wrapped."""
        self._lines += [styled(line, style) for line in code.splitlines()]

    def heading(self, title: str) -> None:
        """Add the heading of a section, with a line across the rest of the screen."""
        *lines, last = wrapped(styled(title, "bold"), self.width)
        dashes = self._dash * (self.width - 1 - sum(width_of(text) for text, _ in last))
        self._lines += [[], *lines, [*last, (f" {dashes}", "dim")]]

    def rule(self) -> None:
        """Add a line across the screen."""
        self._lines += [[], [(self._dash * self.width, "dim")], []]

    def pairs(self, rows: Iterable[Sequence[Words]], *, indent: int = 2, styles: Sequence[str] = ()) -> None:
        """Add rows without lines. A column except the last is as wide as its content, at most half of the screen."""
        cells = [[_line(words, styles[i] if i < len(styles) else "") for i, words in enumerate(row)] for row in rows]
        if cells:
            rooms = [*([ColumnRoom(after=_GAP, most=self.width // 2)] * (len(cells[0]) - 1)), ColumnRoom()]
            widths = columns(cells, rooms, 0, self.width - indent)
            self._add(chain.from_iterable(row_lines(row, rooms, widths, 0) for row in cells), indent)

    def table(self, heads: Sequence[Column], rows: Iterable[tuple[Sequence[Words], str]]) -> None:
        """Add a table, with a line under the head. `rows` are pairs: the cells of a row, and the style of the row."""
        cells = [[with_style(_line(words), style) for words in row] for row, style in rows]
        head = [styled(column.head, "bold") for column in heads]
        rooms = [ColumnRoom(1, 1, column.least, column.most, column.fixed) for column in heads]
        widths = columns([head, *cells], rooms, 1, self.width)
        under: Line = [(self._dash * (sum(widths) + len(widths) - 1), "dim")]
        self._lines += [[], *row_lines(head, rooms, widths, 1, bottom=True), under]
        self._lines += [*chain.from_iterable(row_lines(row, rooms, widths, 1) for row in cells), []]

    def tree(self, title: str, entries: Iterable[Sequence[Words]]) -> None:
        """Add a tree with one level. Each entry is a list of lines."""
        self._lines += wrapped(styled(title), self.width)
        fork, end, along = ("├── ", "└── ", "│   ") if self._screen.unicode else ("+-- ", "`-- ", "|   ")
        listed = list(entries)
        for number, entry in enumerate(listed, 1):
            first, more = (end, "    ") if number == len(listed) else (fork, along)
            lines = chain.from_iterable(wrapped(_line(words), self.width - len(first)) for words in entry)
            self._lines += [[(more if place else first, "dim"), *line] for place, line in enumerate(lines)]

    def text(self) -> str:
        """Draw the lines. The text ends with a newline, and no line ends with spaces."""
        lines = (paint(trimmed(line), colour=self._screen.colour) for line in self._lines)
        return _COMMAND.sub(r"\g<0> ", "\n".join(lines).strip("\n")) + "\n"

    def _add(self, lines: Iterable[Line], indent: int) -> None:
        self._lines += [[(" " * indent, ""), *line] for line in lines]

    @property
    def _dash(self) -> str:
        return "─" if self._screen.unicode else "-"


def _line(words: Words, style: str = "") -> Line:
    """Join parts to one text with the style `style`. A tuple of two strings is a text with its own style."""
    if isinstance(words, str):
        return styled(words, style)
    if isinstance(words, tuple) and len(words) == 2 and all(isinstance(part, str) for part in words):
        return styled(str(words[0]), str(words[1]) or style)
    return with_style(list(chain.from_iterable(map(_line, words))), style)
