"""The shapes of rules/capabilities: measurements of releases."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from advisor.engine.rules import STRICT
from advisor.knowledge.types import ERAS, Era, Outcome
from advisor.knowledge.versions import Interval


@dataclass(frozen=True, slots=True)
class SdkLine(Interval):
    """A line of SDK releases (a major), how it treats modern clients, and the first release that kits are made for."""

    __pydantic_config__ = STRICT
    id: str
    newest: str
    modern: Literal["served", "falls-back"]
    kit_from: str = ""

    @property
    def serves_modern(self) -> bool:
        """Whether its servers answer modern clients, and not only by falling back to the handshake."""
        return self.modern == "served"

    @property
    def eras(self) -> tuple[Era, ...]:
        """The eras whose clients its servers answer."""
        return ERAS if self.serves_modern else ERAS[:1]


@dataclass(frozen=True, slots=True)
class CapabilityCell(Interval):
    """What a way of calling does, as measured, for a range of releases, per era and flag pair."""

    __pydantic_config__ = STRICT
    feature: str
    call: str
    legacy: dict[str, Outcome]
    modern: dict[str, Outcome]
    status: Literal["reported", "measured"]
    observed_on: list[str]
    date: str
    evidence: str
    sources: list[str]
    changed: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Behaviour(Interval):
    """What a server of a range of releases does, as measured, per flag pair.

    Attributes:
        name: what was tried, for example `GET without a session`.
        era: the era of the client that tried it.
        seen: what happened, in words, by flag pair.
        observed_on: the releases on which it was seen.
        date: when it was last seen.
    """

    __pydantic_config__ = STRICT
    name: str
    era: Era
    seen: dict[str, str]
    observed_on: list[str]
    date: str


class Capabilities(NamedTuple):
    """The capability data of a package; `measured_by` names the program that wrote it and its clients."""

    package: str
    lines: list[SdkLine]
    cells: list[CapabilityCell]
    behaviour: tuple[Behaviour, ...] = ()
    measured_by: str = ""
