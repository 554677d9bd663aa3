"""Lays out text for a terminal: paragraphs, tables, trees and headings."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple, TypeAlias

from rich.box import Box
from rich.color import ColorSystem
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.style import Style
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from advisor.console import output

Part: TypeAlias = "str | tuple[str, str]"
"""A text, or a pair of a text and its style."""
Words: TypeAlias = "Part | Sequence[Part]"
"""The content of a cell or a paragraph. Square brackets are text, never markup."""

WIDEST = 120
"""The longest line, because people do not read longer lines."""
NARROWEST = 60
_GAP = 2
# Tables have a line under the head and no other lines.
_HEAD = Box("    \n    \n -- \n    \n    \n    \n    \n    \n", ascii=True)
_HEAD_UNICODE = Box("    \n    \n ── \n    \n    \n    \n    \n    \n")
_BLANKS = re.compile(r" +(\x1b\[0m)?$")


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


class _Code(Text):
    """A line that is neither wrapped nor cut."""


class _Ascii(io.StringIO):
    """A text buffer whose encoding makes rich draw with ASCII only."""

    encoding = "ascii"


class Canvas:
    """Collects shapes and draws them with `text()`. Square brackets are text, never markup."""

    def __init__(self, screen: Screen) -> None:
        """Create an empty canvas for `screen`."""
        self.width = max(NARROWEST, min(WIDEST, screen.width))
        self._screen = screen
        self._shapes: list[RenderableType] = []

    @property
    def size(self) -> int:
        """The number of shapes, to find out whether something was added."""
        return len(self._shapes)

    def line(self, *parts: Part, indent: int = 0) -> None:
        """Add a paragraph, wrapped to the width."""
        self._shapes.append(_indented(_text(list(parts)), indent))

    def gap(self) -> None:
        """Add an empty line."""
        self._shapes.append("")

    def code(self, code: str, style: str = "cyan") -> None:
        """Add lines that users copy. They start at the left edge and are never wrapped."""
        self._shapes += [_Code(line, style) for line in code.splitlines()]

    def heading(self, title: str) -> None:
        """Add the heading of a section, with a line across the screen."""
        self._shapes += ["", Rule(Text(title, "bold"), align="left", style="dim", characters=self._dash)]

    def rule(self) -> None:
        """Add a line across the screen."""
        self._shapes += ["", Rule(style="dim", characters=self._dash), ""]

    def pairs(self, rows: Iterable[Sequence[Words]], *, indent: int = 2, styles: Sequence[str] = ()) -> None:
        """Add rows without lines. A column except the last is as wide as its content, at most half of the screen."""
        cells = [[_text(words, styles[i] if i < len(styles) else "") for i, words in enumerate(row)] for row in rows]
        if cells:
            grid = Table.grid(padding=(0, _GAP, 0, 0))
            for _ in cells[0][:-1]:
                grid.add_column(max_width=self.width // 2, overflow="fold")
            grid.add_column(overflow="fold")
            for row in cells:
                grid.add_row(*row)
            self._shapes.append(_indented(grid, indent))

    def table(self, columns: Sequence[Column], rows: Iterable[tuple[Sequence[Words], str]]) -> None:
        """Add a table. `rows` are pairs: the cells of a row, and the style of the row."""
        box = _HEAD_UNICODE if self._screen.unicode else _HEAD
        table = Table(box=box, header_style="bold", border_style="dim", show_edge=False)
        for column in columns:
            table.add_column(
                column.head, min_width=column.least, max_width=column.most, no_wrap=column.fixed, overflow="fold"
            )
        for row, style in rows:
            table.add_row(*map(_text, row), style=style)
        self._shapes += ["", table, ""]

    def tree(self, title: str, entries: Iterable[Sequence[Words]]) -> None:
        """Add a tree with one level. Each entry is a list of lines."""
        tree = Tree(Text(title), guide_style="dim")
        for entry in entries:
            tree.add(Group(*map(_text, entry)))
        self._shapes.append(tree)

    def text(self) -> str:
        """Draw the shapes. The text ends with a newline, and no line ends with spaces."""
        file = io.StringIO() if self._screen.unicode else _Ascii()
        console = Console(
            file=file,
            width=self.width,
            height=1,  # has no effect on the text; without a height, rich queries the terminal for every shape
            color_system="standard" if self._screen.colour else None,
            force_terminal=self._screen.colour,
            no_color=not self._screen.colour,
            legacy_windows=False,
            markup=False,
            highlight=False,
            emoji=False,
        )
        for shape in self._shapes:
            console.print(shape, soft_wrap=isinstance(shape, _Code))
        lines = (_BLANKS.sub(r"\1", line.rstrip(" ")) for line in file.getvalue().split("\n"))
        return "\n".join(lines).strip("\n") + "\n"

    @property
    def _dash(self) -> str:
        return "─" if self._screen.unicode else "-"


def paint(line: Iterable[Part], *, colour: bool) -> str:
    """Return the parts of a line as one text, with escape sequences if `colour` is set. The line is not wrapped."""
    parts = [(part, "") if isinstance(part, str) else part for part in line]
    if not colour:
        return "".join(text for text, _ in parts)
    return "".join(Style.parse(style).render(text, color_system=ColorSystem.STANDARD) for text, style in parts)


def _indented(shape: RenderableType, indent: int) -> RenderableType:
    return Padding(shape, (0, 0, 0, indent)) if indent else shape


def _text(words: Words, style: str = "") -> Text:
    """Join parts to one text with the style `style`. A tuple of two strings is a text with its own style."""
    if isinstance(words, str):
        return Text(words, style, overflow="fold")
    if isinstance(words, tuple) and len(words) == 2 and all(isinstance(part, str) for part in words):
        return Text(str(words[0]), str(words[1]) or style, overflow="fold")
    text = Text(style=style, overflow="fold")
    for part in words:
        text.append_text(_text(part))
    return text
