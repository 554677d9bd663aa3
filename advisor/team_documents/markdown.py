"""Markdown and front matter for documents that people read as plain text, too.

Every text of a user is quoted: in Markdown as a code span or by `prose`, in front matter as a YAML string.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import yaml

from advisor.report.decision_markdown import code, prose

_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_BLOCK = re.compile(r"^(#{1,6}|[-+*=>~]+|\d+[.)](?= |$))")
_ADDRESS = re.compile(r"(?i)\b(https?|ftp|www)([:.])")  # GitHub makes a link of an address


def one_line(text: object) -> str:
    """Return any text on a single line without characters that no document can contain."""
    return " ".join(_UNPRINTABLE.sub(" ", str(text)).split())


def said(text: object) -> str:
    """Return any text of a user as Markdown that shows this text and nothing else."""
    flat = prose(one_line(text).replace("`", "'")).replace("&", "&amp;").replace("~", "\\~").replace("$", "\\$")
    flat = _ADDRESS.sub(lambda found: f"{found[1]}\\{found[2]}", flat)
    return _BLOCK.sub(lambda found: found[1][:-1] + "\\" + found[1][-1], flat)


def anchor(heading: str) -> str:
    """Return the name of a heading in an address, as GitHub and GitLab make it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


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


__all__ = ["anchor", "code", "front_matter", "one_line", "prose", "quoted", "said"]
