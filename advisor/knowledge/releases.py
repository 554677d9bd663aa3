"""The SDK releases as a finite domain, with a value for each range of releases with the same behaviour.

A range ends where a capability cell changes, or where the SDK begins to close idle sessions.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from advisor.knowledge.capabilities import Capabilities, SdkLine
from advisor.knowledge.capacity import MeasuredCapacity
from advisor.knowledge.versions import Interval, key

_LISTED = 2  # more releases are a range


@dataclass(frozen=True, slots=True)
class Release(Interval):
    """A range of releases of a package with the same behaviour.

    Attributes:
        id: the range as a requirement specifier, for example `mcp>=1.29.0,<2.0.0`.
        package: the name of the package on PyPI.
        newest: the newest measured release of the range, which represents the range.
        line: the SDK line of the range.
        expiry: whether servers close idle sessions.
        kind: `python`, or the kind of a server whose features are assumed (see `servers`).
    """

    id: str
    package: str
    newest: str
    line: SdkLine
    expiry: Literal["idle-timeout", "never"] = "idle-timeout"
    kind: Literal["python", "other", "http+sse"] = "python"

    @property
    def exact(self) -> str:
        """The newest measured release as in the requirements file, for example `mcp==1.30.0`, or `other`."""
        return f"{self.package}=={self.newest}" if self.kind == "python" else self.kind

    @property
    def has_kit(self) -> bool:
        """Whether generated servers support the newest release of this range."""
        return self.kind == "python" and self.line.has_kit(self.newest)


def release_ranges(capabilities: list[Capabilities], capacity: Mapping[str, MeasuredCapacity]) -> list[Release]:
    """Return all ranges, with packages in the order of the files and releases in ascending order.

    Args:
        capabilities: the measured cells of each package.
        capacity: the capacity of each SDK line; a range then ends where idle timeouts begin. The release with the first
            limit of sessions also has the first idle timeout.
    """
    return [release for package in capabilities for release in _of_package(package, capacity)]


def _of_package(package: Capabilities, capacity: Mapping[str, MeasuredCapacity]) -> Iterator[Release]:
    limits = {line.id: capacity[line.id].limit for line in package.lines if line.id in capacity}
    bounds = {text for cell in package.cells for text in (cell.start, cell.before)}
    bounds |= {text for line in package.lines for text in (line.start, line.before)}
    bounds |= {text for limit in limits.values() for text in limit.bounds}
    observed = {text for cell in package.cells for text in cell.observed_on} | {line.newest for line in package.lines}
    for start, before in pairwise(sorted(bounds, key=key)):
        here = Interval(start, before)
        for line in package.lines:
            if line.covers(here):
                newest = max(filter(here.holds, observed), key=key, default=start)
                name = f"{package.package}>={start},<{before}"
                expires = line.id in limits and limits[line.id].applies(start)
                yield Release(
                    start, before, name, package.package, newest, line, "idle-timeout" if expires else "never"
                )


def in_words(ranges: Iterable[Release]) -> str:
    """Return ranges as `mcp >=1.8.0, <3.0.0; …`. Ranges of a package that follow each other are one range."""
    joined: list[tuple[str, Interval]] = []
    for release in ranges:
        package, start = release.package, release.start
        if joined and joined[-1][0] == package and joined[-1][1].before == start:
            start = joined.pop()[1].start
        joined.append((package, Interval(start, release.before)))
    return "; ".join(f"{package} {joint.limits}" for package, joint in joined)


def versions_in_words(versions: Sequence[str]) -> str:
    """Return the numbers of measured releases: each of them, or the first, the last and their number."""
    ordered = sorted(versions, key=key)
    if len(ordered) <= _LISTED:
        return ", ".join(ordered)
    return f"{len(ordered)} releases from {ordered[0]} to {ordered[-1]}"


def find_release(text: str, ranges: list[Release]) -> Release | None:
    """Return the range of an SDK line (`mcp-2`) or of a release (`mcp==1.28.1`), or None."""
    of_line = [release for release in ranges if release.line.id == text]
    if of_line:
        return next(release for release in of_line if release.holds(release.line.newest))
    package, _, version = text.partition("==")
    return next((release for release in ranges if release.package == package and release.holds(version)), None)
