"""Release numbers: dotted, numeric, compared as numbers."""

from __future__ import annotations

import re

from advisor.errors import KnowledgeError

_NUMBER = re.compile(r"[0-9]{1,6}(?:\.[0-9]{1,6}){0,3}")  # not \d: that takes digits of every script


def parse(text: str) -> tuple[int, ...] | None:
    """The numbers of a release such as `1.29.6`, or None; trailing zeros are left out, so that 1.30 equals 1.30.0."""
    if not _NUMBER.fullmatch(text):
        return None
    parts = [int(part) for part in text.split(".")]
    while len(parts) > 1 and parts[-1] == 0:
        parts.pop()
    return tuple(parts)


def key(text: str) -> tuple[int, ...]:
    """The sort key of a release that is known to be well-formed.

    Raises:
        KnowledgeError: it is not; a requirements file is validated before, so the number is from rules/.
    """
    parts = parse(text)
    if parts is None:
        raise KnowledgeError(f"not a release number: {text!r}")
    return parts
