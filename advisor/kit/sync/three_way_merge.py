"""A three-way merge of text, line by line. The result contains the changes of the user and of the generator."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import SequenceMatcher
from typing import NamedTuple

from advisor.kit.sync.conflicts import marked

_MAX_LINES = 20_000  # matching can take quadratic time; no file of a kit is this long

_Region = tuple[int, int, int, int]  # start in base, in theirs and in ours, and the number of shared lines


class Merged(NamedTuple):
    """The result of a merge.

    Attributes:
        text: both sets of changes. Where they change the same lines, the text has the lines of the user.
        conflicts: the number of such places.
        wanted: the common ancestor with the new lines in these places.
    """

    text: str
    conflicts: int
    wanted: str


def merge(base: str, theirs: str, ours: str) -> str | None:
    """Return the text with both sets of changes, or None if they change the same lines.

    Args:
        base: the text that the last run generated.
        theirs: the user's version of that text.
        ours: the newly generated text.
    """
    merged = merge_places(base, theirs, ours)
    return None if merged is None or merged.conflicts else merged.text


def merge_places(base: str, theirs: str, ours: str, *, marks: bool = False) -> Merged | None:
    """Merge like `merge`, place by place; return None if a text is too long.

    With `marks`, the text has both versions of a place that both sides change, between marks.
    """
    if base == theirs or theirs == ours:
        return Merged(ours, 0, base)
    if base == ours:
        return Merged(theirs, 0, base)
    old, left, right = (text.splitlines(keepends=True) for text in (base, theirs, ours))
    if max(len(old), len(left), len(right)) > _MAX_LINES:
        return None
    merged: list[str] = []
    wanted: list[str] = []
    conflicts = at_old = at_left = at_right = 0
    for start, left_start, right_start, length in _shared(old, left, right):
        before, mine, new = old[at_old:start], left[at_left:left_start], right[at_right:right_start]
        chunk = _choose(before, mine, new)
        conflicts += chunk is None
        kept = marked(mine, new) if marks else mine
        shared = old[start : start + length]
        merged += [*(kept if chunk is None else chunk), *shared]
        wanted += [*(new if chunk is None else before), *shared]
        at_old, at_left, at_right = start + length, left_start + length, right_start + length
    return Merged("".join(merged), conflicts, "".join(wanted))


def merge_bytes(base: str, theirs: bytes, ours: str, *, marks: bool = False) -> tuple[bytes, Merged] | None:
    """Merge like `merge_places`, with a file on disk. A file with Windows line ends keeps them.

    Returns:
        The bytes for the disk and the merged text, or None if the file is not UTF-8 text or is too long.
    """
    try:
        text = theirs.decode()
    except UnicodeDecodeError:
        return None
    windows = "\r\n" in text and "\n" not in text.replace("\r\n", "") and "\r" not in base
    merged = merge_places(base, text.replace("\r\n", "\n") if windows else text, ours, marks=marks)
    if merged is None:
        return None
    return (merged.text.replace("\n", "\r\n") if windows else merged.text).encode(), merged


def _choose(old: list[str], left: list[str], right: list[str]) -> list[str] | None:
    """Return the lines between two shared regions from the side that changed them; None if both sides changed them."""
    if left in (old, right):
        return right
    return left if right == old else None


def _shared(old: list[str], left: list[str], right: list[str]) -> Iterator[_Region]:
    """Yield the regions of lines that all three texts share, in order, and finally an empty region at the end."""
    to_left = SequenceMatcher(None, old, left, autojunk=False).get_matching_blocks()
    to_right = SequenceMatcher(None, old, right, autojunk=False).get_matching_blocks()
    i = j = 0
    while i < len(to_left) and j < len(to_right):
        left_block, right_block = to_left[i], to_right[j]
        start = max(left_block.a, right_block.a)
        end = min(left_block.a + left_block.size, right_block.a + right_block.size)
        if start < end:
            yield start, left_block.b + start - left_block.a, right_block.b + start - right_block.a, end - start
        if left_block.a + left_block.size < right_block.a + right_block.size:
            i += 1
        else:
            j += 1
    yield len(old), len(left), len(right), 0
