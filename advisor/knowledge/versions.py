"""Release numbers of SDKs and proxies, and ranges of releases.

Release numbers contain only digits and dots. `packaging.version` can also compare them, but its import slows down every
command.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from advisor.errors import KnowledgeError

_NUMBER = re.compile(r"[0-9]{1,6}(?:\.[0-9]{1,6}){0,3}")  # \d also matches digits of other scripts


@lru_cache(maxsize=1024)
def parse(text: str) -> tuple[int, ...] | None:
    """Return the numbers of a release such as `1.29.6`, or None. It drops trailing zeros, so 1.30 equals 1.30.0."""
    if not _NUMBER.fullmatch(text):
        return None
    parts = [int(part) for part in text.split(".")]
    while len(parts) > 1 and parts[-1] == 0:
        parts.pop()
    return tuple(parts)


def key(text: str) -> tuple[int, ...]:
    """Return the sort key of a valid release number.

    Raises:
        KnowledgeError: the number is not valid. Requirements are already validated, so the number comes from rules/.
    """
    parts = parse(text)
    if parts is None:
        raise KnowledgeError(f"not a release number: {text!r}")
    return parts


def at_least(version: str, since: str) -> bool:
    """Return whether a release is `since` or newer; False for text that is not a release number."""
    numbers = parse(version)
    return numbers is not None and numbers >= key(since)


@dataclass(frozen=True, slots=True)
class Interval:
    """A range of releases, and the base class of entries that are valid for a range.

    Attributes:
        start: the first release of the range.
        before: the first release after the range.
    """

    start: str
    before: str

    @property
    def limits(self) -> str:
        """The range in words, such as `>=1.8.0, <3.0.0`."""
        return f">={self.start}, <{self.before}"

    def holds(self, version: str) -> bool:
        """Return whether a release is in the range; False for text that is not a release number."""
        return at_least(version, self.start) and key(version) < key(self.before)

    def covers(self, other: Interval) -> bool:
        """Return whether all releases of `other` are in the range."""
        return key(self.start) <= key(other.start) and key(other.before) <= key(self.before)

    def first_shared(self, other: Interval) -> str:
        """Return the first release that is in both ranges, or ""."""
        later = max(self.start, other.start, key=key)
        return later if self.holds(later) and other.holds(later) else ""
