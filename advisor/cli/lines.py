"""Lines of a matrix as the terminal can show them."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from advisor.render.behaviours import Line

_COLOURS = {"works": "green", "dropped": "yellow", "error": "red", "hang": "bold red", "unreachable": "red", "-": "dim"}


def drawn(lines: Iterable[Line]) -> str:
    """Lines of a matrix for the terminal that we have."""
    from advisor.cli.output import wants_colour, width
    from advisor.render.screen import paint

    wide, colour = max(60, min(width(), 100)), wants_colour()
    out: list[str] = []
    marked = False
    for line in lines:
        if line.cells:  # a table is 80 columns wide; a narrower screen wraps it, and nothing is lost
            cells = [(f"{cell:8}", _COLOURS.get(cell, "")) for cell in line.cells]
            out.append(paint([(line.text, ""), *cells], colour=colour).rstrip())
            marked = marked or "-" in line.cells
        elif line.kind == "plain":
            indent = " " * (len(line.text) - len(line.text.lstrip()))
            out += textwrap.wrap(line.text, wide, subsequent_indent=indent, break_on_hyphens=False) or [""]
        else:
            out.append(paint([(line.text, "bold")], colour=colour))
    legend = ["", "- not in this era"] if marked else []
    return "\n".join([*out, *legend, ""])
