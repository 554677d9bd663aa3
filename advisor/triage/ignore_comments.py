"""Ignore comments in examined files, such as `# mcp-advisor: ignore[finding-id] reason`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

# The start of a comment: `#` of Python, YAML, nginx, HAProxy and Dockerfiles, `//` of Terraform and TypeScript, and
# `<!--` of XML and Markdown.
_COMMENT = re.compile(r"(?:(?<=\s)|^)(?P<start>#+|//+|<!--)\s*mcp-advisor:\s*ignore\b(?P<rest>.*)")
_IDS = re.compile(r"\s*\[(?P<ids>[^\]]*)\](?P<reason>.*)", re.DOTALL)
_MARK = "mcp-advisor:"
# Comments and strings of Python, each with its end or the end of the file, so that each character is read once.
_PYTHON = re.compile(
    r"""'''(?:[^\\']|\\.|'(?!''))*(?:'''|\\?\Z)"""
    r'''|"""(?:[^\\"]|\\.|"(?!""))*(?:"""|\\?\Z)'''
    r"""|'(?:[^\\'\n]|\\.)*(?:'|\\?\Z|(?=\n))"""
    r"""|"(?:[^\\"\n]|\\.)*(?:"|\\?\Z|(?=\n))"""
    r"""|#[^\n]*""",
    re.DOTALL,
)


class IgnoreComment(NamedTuple):
    """An ignore comment.

    Attributes:
        path: the file.
        line: the line of the comment.
        target: the line whose findings the comment is about: its own, or the next if it stands alone on its line.
        ids: the ids of the findings; empty if the comment has none in square brackets.
        reason: the reason; "" if the comment has none.
    """

    path: str
    line: int
    target: int
    ids: tuple[str, ...]
    reason: str


def ignore_comments(text: str, path: str) -> Iterator[IgnoreComment]:
    """Yield the ignore comments of a file.

    Args:
        text: the content of the file. Only comments count in Python, and every other file is read by lines.
        path: the file.
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if path.endswith(".py"):
        comments = _python_comments("\n".join(lines))
    else:
        comments = {number: line for number, line in enumerate(lines, 1) if _MARK in line}
    alone: dict[int, bool] = {}
    found = []
    for number, comment in comments.items():
        match = _COMMENT.search(comment)
        if match is not None:
            before = lines[number - 1][: len(lines[number - 1]) - len(comment) + match.start()]
            # Another comment can stand before it.
            alone[number] = before.strip()[:2] in ("", "//") or before.strip().startswith("#")
            found.append((number, match))
    targets: dict[int, int] = {}
    for number, _ in reversed(found):  # several comments can stand above a line
        targets[number] = targets.get(number + 1, number + 1) if alone[number] else number
    for number, match in found:
        ids, reason = _parts(match["rest"], match["start"])
        yield IgnoreComment(path, number, targets[number], ids, reason)


def without_comment(line: str) -> str:
    """Return a line without its ignore comment."""
    match = _COMMENT.search(line) if _MARK in line else None
    return line if match is None else line[: match.start()]


def _parts(rest: str, start: str) -> tuple[tuple[str, ...], str]:
    """Return the ids and the reason of a comment."""
    if start == "<!--":
        rest = rest.partition("-->")[0]
    match = _IDS.fullmatch(rest)
    if match is None:
        return (), ""
    ids = tuple(dict.fromkeys(name.strip() for name in match["ids"].split(",") if name.strip()))
    reason = " ".join(match["reason"].lstrip(" \t:-,.").split())
    return ids, reason if any(char.isalnum() for char in reason) else ""


def _python_comments(text: str) -> dict[int, str]:
    """Return the comments of Python code that can be ignore comments, by their lines. A string is no comment."""
    found = {}
    line, counted = 1, 0
    for match in _PYTHON.finditer(text):
        comment = match[0]
        if comment.startswith("#") and _MARK in comment:
            line += text.count("\n", counted, match.start())
            counted = match.start()
            found[line] = comment
    return found
