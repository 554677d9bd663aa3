"""The types of rules/capabilities: measurements of SDK releases."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from advisor.engine.rules import STRICT
from advisor.knowledge.types import ERAS, FLAG_PAIRS, Era, Outcome, flag_key
from advisor.knowledge.versions import Interval, at_least

PINGS = "pings on a silent stream"
"""The behaviour that has the ping interval of a release."""
_EVERY = re.compile(r"a ping every (\d+) s")

UNBUFFERED = "X-Accel-Buffering"
"""The trait that says whether streams have the header against the buffers of proxies. Its text starts with `sent`."""


@dataclass(frozen=True, slots=True)
class SdkLine(Interval):
    """A line of SDK releases, which is a major version.

    Attributes:
        id: the id of the line, for example `mcp-2`.
        newest: the newest measured release.
        modern: whether servers serve modern clients, or whether these clients fall back to the handshake.
        kit_from: the first release for which kits are generated; "" for all releases.
    """

    __pydantic_config__ = STRICT
    id: str
    newest: str
    modern: Literal["served", "falls-back"]
    kit_from: str = ""

    @property
    def serves_modern(self) -> bool:
        """Whether its servers serve modern clients without a fallback to the handshake."""
        return self.modern == "served"

    @property
    def eras(self) -> tuple[Era, ...]:
        """The protocol eras that its servers serve."""
        return ERAS if self.serves_modern else ERAS[:1]

    def has_kit(self, version: str) -> bool:
        """Whether generated servers support this release of the line."""
        return not self.kit_from or at_least(version, self.kit_from)


@dataclass(frozen=True, slots=True)
class CapabilityCell(Interval):
    """The outcome of a call for a range of releases, by protocol era and flag pair."""

    __pydantic_config__ = STRICT
    feature: str
    call: str
    legacy: dict[str, Outcome]
    modern: dict[str, Outcome]
    status: Literal["reported", "measured", "assumed"]
    observed_on: list[str]
    date: str
    evidence: str
    sources: list[str]
    changed: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Behaviour(Interval):
    """A measured result that is not about a feature, for a range of releases.

    Attributes:
        name: the test, for example `GET without a session`.
        era: the protocol era of the client.
        seen: the result in words, by flag pair.
        observed_on: the measured releases.
        date: the date of the last measurement.
    """

    __pydantic_config__ = STRICT
    name: str
    era: Era
    seen: dict[str, str]
    observed_on: list[str]
    date: str


@dataclass(frozen=True, slots=True)
class SdkTrait(Interval):
    """What releases of a package do, established by other means than the measurement of releases.

    Attributes:
        name: what it is about.
        package: the name on PyPI.
        seen: what the releases do, in words.
        sources: ids of sources.
    """

    __pydantic_config__ = STRICT
    name: str
    package: str
    seen: str
    sources: list[str]


class Capabilities(NamedTuple):
    """The capability data of a package. `measured_by` has the program that measured the data, and its clients."""

    package: str
    lines: list[SdkLine]
    cells: list[CapabilityCell]
    behaviour: tuple[Behaviour, ...] = ()
    measured_by: str = ""


def ping_interval_s(package: str, version: str, packages: Iterable[Capabilities]) -> float | None:
    """Return the longest ping interval of a release in seconds; None if the release sends no pings, or is not known."""
    found = [
        int(match[1])
        for data in packages
        if data.package == package
        for row in data.behaviour
        if row.name == PINGS and row.holds(version)
        for match in (_EVERY.match(row.seen[flag_key(*pair)]) for pair in FLAG_PAIRS)
        if match
    ]
    return max(found, default=None)
