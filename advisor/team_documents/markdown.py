"""Markdown and front matter for documents that people read as plain text, too.

Every text of a user is quoted: in Markdown as a code span or by `prose`, in front matter as a YAML string.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import yaml

from advisor.report.decision_markdown import code, prose

WIDTH = 100
"""Columns of a table, if its content allows this."""

_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_BLOCK = re.compile(r"^(#{1,6}|[-+*=>~]+|\d+[.)])")
_ADDRESS = re.compile(r"(?i)\b(https?|ftp|www)([:.])")  # GitHub makes a link of an address


def one_line(text: object) -> str:
    """Return any text on a single line without characters that no document can contain."""
    return " ".join(_UNPRINTABLE.sub(" ", str(text)).split())


def said(text: object) -> str:
    """Return any text of a user as Markdown that shows this text and nothing else."""
    flat = prose(one_line(text).replace("`", "'")).replace("&", "&amp;").replace("~", "\\~").replace("$", "\\$")
    flat = _ADDRESS.sub(lambda found: f"{found[1]}\\{found[2]}", flat)
    return _BLOCK.sub(lambda found: found[1][:-1] + "\\" + found[1][-1], flat)


def quoted(text: object) -> str:
    """Return any text as a YAML string in double quotes on a single line."""
    written: str = yaml.safe_dump(one_line(text), default_style='"', width=float("inf"), allow_unicode=True)
    return written.rstrip("\n")


def front_matter(values: Iterable[tuple[str, str | Sequence[str]]]) -> str:
    """Return front matter. A date is written without quotes, a list in brackets, and an empty value is left out."""
    lines = []
    for name, value in values:
        if not value:
            continue
        if isinstance(value, str):
            written = value if name == "date" else quoted(value)
        else:
            written = f"[{', '.join(map(quoted, value))}]"
        lines.append(f"{name}: {written}")
    return "\n".join(("---", *lines, "---"))


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table whose columns align. If it is too wide, its last column is not filled up.

    Args:
        heads: the heads of the columns.
        rows: the rows; each cell is Markdown.
    """
    cells = [[_cell(text) for text in row] for row in (heads, *rows)]
    widths = [max(3, *(len(row[column]) for row in cells)) for column in range(len(heads))]
    if sum(widths) + 3 * len(widths) + 1 > WIDTH:
        widths[-1] = 3
    head, *body = (
        f"| {' | '.join(text.ljust(width) for text, width in zip(row, widths, strict=True))} |" for row in cells
    )
    return "\n".join((head, f"|{'|'.join('-' * (width + 2) for width in widths)}|", *body))


def _cell(markdown: str) -> str:
    return re.sub(r"(?<!\\)\|", r"\\|", markdown)


__all__ = ["WIDTH", "code", "front_matter", "one_line", "prose", "quoted", "said", "table"]
