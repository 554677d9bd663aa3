"""The terminal as a canvas: width, colour and character set, and the few shapes that the text rendering is made of."""

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

Part: TypeAlias = "str | tuple[str, str]"
"""A text, or a text and its style."""
Words: TypeAlias = "Part | Sequence[Part]"
"""What a cell or a paragraph is made of; never taken for markup."""

WIDEST = 120
"""Lines longer than this are not read, however wide the window is."""
NARROWEST = 60
_GAP = 2
# A line under the head of a table and nothing else.
_HEAD = Box("    \n    \n -- \n    \n    \n    \n    \n    \n", ascii=True)
_HEAD_UNICODE = Box("    \n    \n ── \n    \n    \n    \n    \n    \n")
_BLANKS = re.compile(r" +(\x1b\[0m)?$")


class Screen(NamedTuple):
    """What the output can show.

    Attributes:
        width: columns.
        colour: whether escape sequences are wanted.
        unicode: whether box-drawing characters are safe.
    """

    width: int = 80
    colour: bool = False
    unicode: bool = True


class Column(NamedTuple):
    """A column of a table.

    Attributes:
        head: its title, possibly in several lines.
        fixed: whether it keeps the width of its longest line; other columns give way when room is short.
        least: columns below which it does not shrink.
        most: columns that it takes at most.
    """

    head: str = ""
    fixed: bool = False
    least: int = 8
    most: int | None = None


class _Ascii(io.StringIO):
    """Tells rich to draw with ASCII only."""

    encoding = "ascii"


class Canvas:
    """Collects shapes; `text()` is what they look like. Nothing that is drawn is ever taken for markup."""

    def __init__(self, screen: Screen) -> None:
        """An empty canvas for `screen`."""
        self.width = max(NARROWEST, min(WIDEST, screen.width))
        self._screen = screen
        self._shapes: list[RenderableType] = []

    def line(self, *parts: Part, indent: int = 0) -> None:
        """A paragraph, wrapped to the width."""
        self._shapes.append(_indented(_text(list(parts)), indent))

    def gap(self) -> None:
        """An empty line."""
        self._shapes.append("")

    def code(self, code: str, style: str = "cyan") -> None:
        """Lines to copy: at the left edge, never wrapped."""
        self._shapes += [Text(line, style, no_wrap=True, overflow="ignore") for line in code.splitlines()]

    def heading(self, title: str) -> None:
        """A line across the screen that starts a section."""
        self._shapes += ["", Rule(Text(title, "bold"), align="left", style="dim", characters=self._dash)]

    def rule(self) -> None:
        """A line across the screen."""
        self._shapes += ["", Rule(style="dim", characters=self._dash), ""]

    def pairs(self, rows: Iterable[Sequence[Words]], *, indent: int = 2, styles: Sequence[str] = ()) -> None:
        """Rows without lines between them, the columns as wide as they need, at most half of what there is."""
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
        """A table with a line under its head; each row with its style."""
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
        """A walk from top to bottom: in each entry a title and the lines under it."""
        tree = Tree(Text(title), guide_style="dim")
        for entry in entries:
            tree.add(Group(*map(_text, entry)))
        self._shapes.append(tree)

    def text(self) -> str:
        """What was drawn, with a final newline and without blanks at the ends of lines."""
        file = io.StringIO() if self._screen.unicode else _Ascii()
        console = Console(
            file=file,
            width=self.width,
            height=1,  # of no effect; without it rich asks the terminal for every shape
            color_system="standard" if self._screen.colour else None,
            force_terminal=self._screen.colour,
            no_color=not self._screen.colour,
            legacy_windows=False,
            markup=False,
            highlight=False,
            emoji=False,
        )
        console.print(*self._shapes, sep="\n")
        lines = (_BLANKS.sub(r"\1", line.rstrip(" ")) for line in file.getvalue().split("\n"))
        return "\n".join(lines).strip("\n") + "\n"

    @property
    def _dash(self) -> str:
        return "─" if self._screen.unicode else "-"


def paint(line: Iterable[Part], *, colour: bool) -> str:
    """A line for who lays out lines by itself: parts side by side, with escape sequences if `colour`."""
    parts = [(part, "") if isinstance(part, str) else part for part in line]
    if not colour:
        return "".join(text for text, _ in parts)
    return "".join(Style.parse(style).render(text, color_system=ColorSystem.STANDARD) for text, style in parts)


def _indented(shape: RenderableType, indent: int) -> RenderableType:
    return Padding(shape, (0, 0, 0, indent)) if indent else shape


def _text(words: Words, style: str = "") -> Text:
    """Parts as a single text; `style` is for the whole. A tuple of two strings is a text and its style."""
    if isinstance(words, str):
        return Text(words, style, overflow="fold")
    if isinstance(words, tuple) and len(words) == 2 and all(isinstance(part, str) for part in words):
        return Text(str(words[0]), str(words[1]) or style, overflow="fold")
    text = Text(style=style, overflow="fold")
    for part in words:
        text.append_text(_text(part))
    return text
