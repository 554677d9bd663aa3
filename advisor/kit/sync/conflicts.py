"""How a conflict is left in a kit: the marks in the file, and the file with the changes that were not made."""

from __future__ import annotations

from difflib import unified_diff
from enum import Enum


class ConflictStyle(str, Enum):
    """How a conflict is left in a kit.

    `new`: the new version is next to the file. `rej`: only the changes that were not made are next to the file.
    `markers`: each conflict has both versions in the file, between marks.
    """

    NEW = "new"
    REJ = "rej"
    MARKERS = "markers"


YOURS = "<<<<<<< your version\n"
BETWEEN = "=======\n"
NEW = ">>>>>>> new version of mcp-advisor\n"

_HEAD = (
    "# mcp-advisor did not make these changes, because you changed the same lines.\n"
    "# When you are done, delete this file.\n"
)


def marked(yours: list[str], new: list[str]) -> list[str]:
    """Return the lines of a conflict with both versions between marks."""
    return [YOURS, *map(_ended, yours), BETWEEN, *map(_ended, new), NEW]


def has_marks(text: str) -> bool:
    """Return whether a file still has marks of a conflict."""
    lines = text.splitlines(keepends=True)
    return YOURS in lines or NEW in lines


def without_marks(content: bytes) -> bytes | None:
    """Return a file with the lines of the user instead of each conflict between marks; None if a mark is missing."""
    kept: list[bytes] = []
    expected, is_theirs = [YOURS, BETWEEN, NEW], True
    at = 0
    for line in content.splitlines(keepends=True):
        text = line.replace(b"\r\n", b"\n").decode(errors="replace")
        if text == expected[at] and (at or text == YOURS):
            at = (at + 1) % len(expected)
            is_theirs = at != expected.index(NEW)
        elif text in (YOURS, NEW):
            return None
        elif is_theirs:
            kept.append(line)
    return b"".join(kept) if at == 0 else None


def rejected(path: str, base: str, wanted: str, before: bytes | None) -> bytes:
    """Return the content of the `.rej` file: a heading and a unified diff.

    Args:
        path: the file with the conflict.
        base: the text that the last run generated.
        wanted: `base` with the changes that were not made.
        before: the content of the `.rej` file of an earlier run, whose changes stay, or None.
    """
    lines = unified_diff(base.splitlines(keepends=True), wanted.splitlines(keepends=True), f"a/{path}", f"b/{path}")
    changes = "".join(map(_ended, lines)).encode()
    kept = before if before is not None and is_rejected(before) else _HEAD.encode()
    return kept if changes in kept else kept + changes


def is_rejected(content: bytes | None) -> bool:
    """Return whether a file is a `.rej` file of this program."""
    return content is not None and content.startswith(_HEAD.encode())


def _ended(line: str) -> str:
    return line if line.endswith("\n") else f"{line}\n"
