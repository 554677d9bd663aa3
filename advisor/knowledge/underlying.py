"""The mcp release under a release of another SDK: the releases that the metadata of the other SDK allow."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from advisor.engine.rules import STRICT
from advisor.knowledge.capabilities import Capabilities
from advisor.knowledge.capacity import Limit, MeasuredCapacity
from advisor.knowledge.versions import Interval, key


@dataclass(frozen=True, slots=True)
class Underlying(Interval):
    """The mcp releases that a range of releases of another SDK allows.

    Attributes:
        id: a name of the entry.
        package: the other SDK, by its name on PyPI.
        least: the oldest allowed mcp release.
        below: the first mcp release that is not allowed.
        newest: the newest allowed mcp release, which pip installs.
        without: the mcp releases in between that are not allowed.
    """

    __pydantic_config__ = STRICT
    id: str
    package: str
    least: str
    below: str
    newest: str
    without: tuple[str, ...] = ()

    def allows(self, version: str) -> bool:
        """Return whether an mcp release is allowed."""
        return Interval(self.least, self.below).holds(version) and key(version) not in map(key, self.without)

    @property
    def requirement(self) -> str:
        """The allowed releases as a requirement of pip."""
        return ",".join([f"mcp>={self.least}", f"<{self.below}", *(f"!={version}" for version in self.without)])


def limit_of(version: str, capacity: Mapping[str, MeasuredCapacity]) -> int | None:
    """Return the largest number of sessions in a process of an mcp release; None if the release has no limit."""
    return capacity[f"mcp-{version.partition('.')[0]}"].most_sessions(version)


def with_limits(
    capacity: Mapping[str, MeasuredCapacity], packages: Iterable[Capabilities], underlying: Iterable[Underlying]
) -> dict[str, MeasuredCapacity]:
    """Return the capacity of all SDK lines. A line without a limit of its own has the limit of the mcp under it.

    A range of releases has the limit if the newest mcp release that it allows has the limit.
    """
    entries = list(underlying)
    found = dict(capacity)
    for line in (line for package in packages for line in package.lines):
        of_line = [entry for entry in entries if line.id in found and line.holds(entry.start)]
        own = [entry for entry in of_line if line.id.startswith(f"{entry.package}-")]
        limits = {entry: limit_of(entry.newest, capacity) for entry in own}
        if own and any(limits.values()):
            gaps = tuple(Interval(entry.start, entry.before) for entry, limit in limits.items() if limit is None)
            most = next(limit for limit in limits.values() if limit)
            found[line.id] = found[line.id]._replace(limit=Limit(most, line.start, gaps))
    return found
