"""The shapes of rules/capabilities: what releases were seen to do."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from advisor.engine.rules import STRICT
from advisor.knowledge.behaviour import Behaviour
from advisor.knowledge.types import Outcome


@dataclass(frozen=True, slots=True)
class Range:
    """A half-open range of releases, `start` included and `before` not."""

    start: str
    before: str


@dataclass(frozen=True, slots=True)
class SdkLine:
    """A line of SDK releases (a major), how it treats modern clients, and the first release that kits are made for."""

    __pydantic_config__ = STRICT
    id: str
    start: str
    before: str
    newest: str
    modern: Literal["served", "falls-back"]
    kit_from: str = ""


@dataclass(frozen=True, slots=True)
class CapabilityCell:
    """What one way of calling was seen to do, for a range of releases, per era and flag pair."""

    __pydantic_config__ = STRICT
    feature: str
    call: str
    start: str
    before: str
    legacy: dict[str, Outcome]
    modern: dict[str, Outcome]
    status: Literal["reported", "measured"]
    observed_on: list[str]
    date: str
    evidence: str
    sources: list[str]
    changed: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Capabilities:
    """The capability data of one package; `measured_by` names the program that wrote it and its clients."""

    __pydantic_config__ = STRICT
    package: str
    lines: list[SdkLine]
    cells: list[CapabilityCell]
    behaviour: list[Behaviour] = field(default_factory=list)
    measured_by: str = ""
