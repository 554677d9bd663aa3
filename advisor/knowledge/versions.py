"""Release numbers: dotted, numeric, compared as numbers; and the only type for ranges of releases.

These are releases of SDKs and proxies, whose numbers are plain. `packaging.version` could compare them too, but every
command would pay for its import.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from advisor.errors import KnowledgeError

_NUMBER = re.compile(r"[0-9]{1,6}(?:\.[0-9]{1,6}){0,3}")  # not \d: that takes digits of every script


@lru_cache(maxsize=1024)
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


def at_least(version: str, since: str) -> bool:
    """Whether a release is `since` or newer; False for text that is no release number."""
    numbers = parse(version)
    return numbers is not None and numbers >= key(since)


@dataclass(frozen=True, slots=True)
class Interval:
    """A range of releases, and the base of every entry that is valid for a range.

    Attributes:
        start: first release of the range.
        before: first release after it.
    """

    start: str
    before: str

    def holds(self, version: str) -> bool:
        """Whether a release lies in the range; False for text that is no release number."""
        return at_least(version, self.start) and key(version) < key(self.before)

    def covers(self, other: Interval) -> bool:
        """Whether every release of `other` lies in the range."""
        return key(self.start) <= key(other.start) and key(other.before) <= key(self.before)

    def first_shared(self, other: Interval) -> str:
        """The first release that lies in both ranges, or ""."""
        later = max(self.start, other.start, key=key)
        return later if self.holds(later) and other.holds(later) else ""
