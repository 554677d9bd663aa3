"""Reports as lines of a few kinds, and how a terminal shows them."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from typing import Literal, NamedTuple

from advisor.console.output import wants_colour, width

_COLOURS = {"works": "green", "dropped": "yellow", "error": "red", "hang": "bold red", "unreachable": "red", "-": "dim"}
_STYLES = {"heading": "bold", "head": "bold", "dim head": "dim", "good": "green", "bad": "yellow"}


class ReportLine(NamedTuple):
    """One line of a report.

    Attributes:
        kind: plain text and headings are wrapped. Heads and rows of tables are not; `good` and `bad` rows are coloured.
        text: the line, or the first column of a row with cells.
        cells: outcomes, each in a column of its own.
    """

    kind: Literal["plain", "heading", "head", "dim head", "cells", "good", "bad"]
    text: str
    cells: tuple[str, ...] = ()


def drawn(lines: Iterable[ReportLine]) -> str:
    """The lines for the terminal that the program writes to, with a legend for outcomes that an era lacks."""
    from advisor.console.canvas import paint  # brings rich, which only drawing needs

    wide, colour = max(60, min(width(), 100)), wants_colour()
    out: list[str] = []
    marked = False
    for line in lines:
        style = _STYLES.get(line.kind, "")
        if line.cells:  # a table is 80 columns wide; a narrower screen wraps it, and nothing is lost
            cells = [(f"{cell:8}", _COLOURS.get(cell, "")) for cell in line.cells]
            out.append(paint([(line.text, ""), *cells], colour=colour).rstrip())
            marked = marked or "-" in line.cells
        elif line.kind in ("plain", "heading"):
            indent = " " * (len(line.text) - len(line.text.lstrip()))
            wrapped = textwrap.wrap(line.text, wide, subsequent_indent=indent, break_on_hyphens=False) or [""]
            out += [paint([(text, style)], colour=colour) for text in wrapped]
        else:
            out.append(paint([(line.text, style)], colour=colour))
    legend = ["", "- not in this era"] if marked else []
    return "\n".join([*out, *legend, ""])
