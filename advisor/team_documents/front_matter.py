"""Writes, reads and edits the front matter of a document. Each line that is not edited stays as a person wrote it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import yaml

from advisor.report.markdown import one_line

_BLOCK = re.compile(r"\A---[^\S\r\n]*\r?\n(?P<lines>.*?)^---[^\S\r\n]*(?:\r?\n|\Z)", re.DOTALL | re.MULTILINE)


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


def read_front_matter(document: str) -> dict[str, Any]:
    """Return the values of the front matter; nothing if there is none, or if it is not valid YAML."""
    match = _BLOCK.match(document)
    try:
        found = yaml.safe_load(match["lines"]) if match else None
    except (yaml.YAMLError, ValueError, RecursionError):
        return {}
    return {str(name): value for name, value in found.items()} if isinstance(found, dict) else {}


def body_of(document: str) -> str:
    """Return a document without its front matter."""
    return _BLOCK.sub("", document, count=1)


def with_values(document: str, values: Mapping[str, str | Sequence[str]]) -> str:
    """Return a document in whose front matter these values replace the old values. Empty values change nothing."""
    for name, value in values.items():
        if value:
            document = _with_value(document, name, front_matter([(name, value)]).splitlines()[1])
    return document


def with_body(document: str, new: str) -> str:
    """Return the front matter of a document with the body of another document."""
    match = _BLOCK.match(document)
    return (match[0] if match else "") + body_of(new)


def _with_value(document: str, name: str, line: str) -> str:
    match = _BLOCK.match(document)
    if match is None:
        return f"---\n{line}\n---\n{document}"
    # The value of a key ends before the next line that is not indented and is no entry of a list.
    old = re.compile(rf"^{re.escape(name)}[^\S\n]*:[^\n]*\n(?:(?:[^\S\n]+[^\n]*|-[^\S\n][^\n]*)\n)*", re.MULTILINE)
    lines, count = old.subn(lambda _: f"{line}\n", match["lines"], count=1)
    edited = lines if count else f"{line}\n{match['lines']}"
    start, end = match.span("lines")
    return document[:start] + edited + document[end:]
