"""Tables of Markdown documents that people also read as plain text: their columns align."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

WIDTH = 100
"""Columns of a table, if its content allows this."""

_TABLE = re.compile(r"^\|.*\|\n\|(?:---\|)+\n(?:\|.*\|\n)+", re.MULTILINE)
_PIPE = re.compile(r"(?<!\\)\|")


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table whose columns align. If it is too wide, its last column is as wide as its head.

    Args:
        heads: the heads of the columns.
        rows: the rows; each cell is Markdown.
    """
    cells = [[_PIPE.sub(r"\\|", text) for text in row] for row in (heads, *rows)]
    widths = [max(3, *(len(row[column]) for row in cells)) for column in range(len(heads))]
    if sum(widths) + 3 * len(widths) + 1 > WIDTH:
        widths[-1] = max(3, len(cells[0][-1]))
    head, *body = (
        f"| {' | '.join(text.ljust(width) for text, width in zip(row, widths, strict=True))} |" for row in cells
    )
    return "\n".join((head, f"|{'|'.join('-' * (width + 2) for width in widths)}|", *body))


def tidy(markdown: str) -> str:
    """Return the text of a template as a document: at most a single blank line between blocks, and aligned tables."""
    return _TABLE.sub(lambda found: _aligned(found[0]) + "\n", without_gaps(markdown))


def without_gaps(markdown: str) -> str:
    """Return a text with at most a single blank line between blocks."""
    return re.sub(r"\n{3,}", "\n\n", markdown).strip("\n") + "\n"


def _aligned(block: str) -> str:
    heads, _, *rows = ([text.strip() for text in _PIPE.split(line)[1:-1]] for line in block.splitlines())
    return table(heads, rows)
