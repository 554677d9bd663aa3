"""Reads a log of any size in constant memory, and counts the lines that speak for a cause."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO

from advisor.knowledge.failure_causes import LogSign

_CHUNK = 1024 * 1024
_LONGEST = 64 * 1024  # bytes of a line. The rest of a longer line is read as another line.
_EXAMPLES = 3
_SHOWN = 300


@dataclass(slots=True)
class SeenSign:
    """A sign with its lines.

    Attributes:
        sign: the sign.
        count: number of lines.
        lines: the first lines, as text without control characters.
    """

    sign: LogSign
    count: int = 0
    lines: list[str] = field(default_factory=list)


def read_log(stream: BinaryIO, signs: Iterable[LogSign]) -> list[SeenSign]:
    """Return the signs that the log contains, the most frequent first.

    Args:
        stream: the log. It is read once, in parts.
        signs: what to look for.
    """
    wanted = [(SeenSign(sign), sign.literal.encode(), re.compile(sign.pattern.encode())) for sign in signs]
    rest = b""
    while part := stream.read(_CHUNK):
        text = rest + part
        end = text.rfind(b"\n") + 1
        if not end and len(text) < _LONGEST:
            rest = text
            continue
        end = end or len(text)
        _look(text[:end], wanted)
        rest = text[end:]
    _look(rest, wanted)
    return sorted((seen for seen, _, _ in wanted if seen.count), key=lambda seen: -seen.count)


def _look(text: bytes, wanted: Sequence[tuple[SeenSign, bytes, re.Pattern[bytes]]]) -> None:
    """Count the lines of a part of the log. `find` skips the lines without the words at the speed of memory."""
    for seen, literal, pattern in wanted:
        place = text.find(literal)
        while place >= 0:
            start = text.rfind(b"\n", 0, place) + 1
            end = text.find(b"\n", place)
            end = len(text) if end < 0 else end
            line = text[max(start, place - _SHOWN) : min(end, place + _SHOWN)]
            if pattern.search(line):
                seen.count += 1
                if len(seen.lines) < _EXAMPLES:
                    seen.lines.append(_printable(line))
            place = text.find(literal, end)


def _printable(line: bytes) -> str:
    text = line.decode("utf-8", "replace").strip()
    return "".join(character if character.isprintable() else " " for character in text)[:_SHOWN]
