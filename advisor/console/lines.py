"""Lines of a report, and their layout for a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from typing import Literal, NamedTuple

from advisor.console.layout import paint
from advisor.console.output import wants_colour, width

_LONGEST_HEAD = 30
_STYLES = {"heading": "bold", "head": "bold", "dim head": "dim", "good": "green", "bad": "yellow"}


class ReportLine(NamedTuple):
    """One line of a report.

    Attributes:
        kind: the kind of the line. Plain text and headings are wrapped; heads and rows of tables are not. `good` and
            `bad` rows have a colour.
        text: the line, or the first column of a row with cells. A wrapped line keeps its indentation. After a tab,
            continuation lines start in the column of the text behind the tab.
        cells: the other columns of a row.
        styles: the style of each of the cells; empty for plain text.
        note: a sentence below all lines that explains a word of this line, or "".
    """

    kind: Literal["plain", "heading", "head", "dim head", "cells", "good", "bad"]
    text: str
    cells: tuple[str, ...] = ()
    styles: tuple[str, ...] = ()
    note: str = ""


def drawn(lines: Iterable[ReportLine]) -> str:
    """Lay out lines for the terminal, with the notes of the lines below."""
    wide, colour = max(60, min(width(), 100)), wants_colour()
    out: list[str] = []
    notes: dict[str, None] = {}
    for line in lines:
        style = _STYLES.get(line.kind, "")
        notes |= {line.note: None} if line.note else {}
        if line.cells:  # a table has 80 columns; a narrower terminal wraps its rows
            styles = line.styles or ("",) * len(line.cells)
            cells = [(f"{cell:8}", style) for cell, style in zip(line.cells, styles, strict=True)]
            out.append(paint([(line.text, ""), *cells], colour=colour).rstrip())
        elif line.kind in ("plain", "heading"):
            out += [paint([(text, style)], colour=colour) for text in _wrapped(line, wide)]
        else:
            out.append(paint([(line.text, style)], colour=colour))
    return "\n".join([*out, *([""] if notes else []), *notes, ""])


def _wrapped(line: ReportLine, columns: int) -> list[str]:
    """Wrap a line. A long word, such as a URL, is not broken."""
    head, tab, tail = line.text.partition("\t")
    indent = len(head) - len(head.lstrip())
    if tab:
        more = len(head) + 2 if len(head) - indent <= _LONGEST_HEAD else indent + 4
    else:
        more = indent + 2 if line.kind == "heading" else indent
    text = f"{head}  {tail}" if tab else head
    wrapped = textwrap.wrap(
        text.lstrip(" "),
        columns,
        initial_indent=" " * indent,
        subsequent_indent=" " * more,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return wrapped or [""]
