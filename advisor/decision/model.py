"""What a decision is: the finished answer that every rendering starts from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from advisor.engine.rules import Rule
from advisor.findings import Finding
from advisor.knowledge.types import Need, Outcome, Raw
from advisor.requirements.model import Requirements

SCHEMA = "mcp-advisor/decision/1"


class Flags(NamedTuple):
    """The flag pair."""

    stateless_http: bool
    json_response: bool


class Core(NamedTuple):
    """What the decision tables decide; two requirements with the same core get the same deployment.

    Attributes:
        pattern: its name, or `contradiction`.
        flags: the flag pair (without meaning for a contradiction).
        mechanism: how a request of a legacy session finds its owner.
        substitute: `direct-llm` where the server calls the model itself, else `none`.
    """

    pattern: str
    flags: Flags
    mechanism: str
    substitute: str

    @property
    def feasible(self) -> bool:
        """Whether every required feature is kept."""
        return self.pattern != "contradiction"


@dataclass(frozen=True, slots=True)
class EraCell:
    """What clients of one era observe of a feature.

    Attributes:
        outcome: the contract's vocabulary.
        call: the way of asking that fares best, as written in server code; "" where the SDK has none for the era.
        how: by which call and over what, or why not.
        evidence: what was observed, when and on what release.
        named: whether the requirements name the era.
        status: `measured`, `reported`, or `derived` when the topology decided.
    """

    outcome: Outcome
    call: str
    how: str
    evidence: str
    named: bool
    status: str


@dataclass(frozen=True, slots=True)
class FeatureRow:
    """One row of the feature-loss table.

    Attributes:
        feature: its id.
        title: its name for people.
        need: how much it is needed (`required` for plain calls).
        legacy: what clients of the legacy era observe.
        modern: what clients of the modern era observe.
        documented: what guides say, where that differs from what was measured, else None.
        instead: what to do without it, where a needed feature is lost, else None.
        substituted: whether the decision replaces the feature (`instead` says how).
    """

    feature: str
    title: str
    need: Need
    legacy: EraCell
    modern: EraCell
    documented: str | None
    instead: str | None
    substituted: bool

    @property
    def lost(self) -> bool:
        """Whether it is needed and does not work for an era that the requirements name."""
        return self.need != "none" and any(c.named and c.outcome != "works" for c in (self.legacy, self.modern))


@dataclass(frozen=True, slots=True)
class PathStep:
    """One table on the way to the decision and the rule that fired."""

    table: str
    question: str
    rule: Rule
    facts: Mapping[str, Raw]


@dataclass(frozen=True, slots=True)
class Counterfactual:
    """One fact changed, and what would be decided then."""

    change: Mapping[str, Raw]
    core: Core
    effort: int | None
    how: str


@dataclass(frozen=True, slots=True)
class Alternative:
    """Another way: for a contradiction a way out of it, else a pattern that the facts would allow as well.

    Attributes:
        core: what it comes to.
        change: facts that it changes (empty where the requirements stay as they are).
        gives_up: needed features that it loses or weakens.
        how: what has to be done.
        because: why one would.
    """

    core: Core
    change: Mapping[str, Raw]
    gives_up: tuple[str, ...]
    how: str
    because: str


@dataclass(frozen=True, slots=True)
class Tier:
    """A part of a tiered deployment: a decision of its own for some of the tools."""

    name: str
    tools: tuple[str, ...]
    core: Core
    instances: int


@dataclass(frozen=True, slots=True)
class CapacityAdvice:
    """What the instances carry.

    Attributes:
        sessions_per_instance: legacy sessions that one process holds when every client has one; 0 without sessions.
        session_bytes: memory of each, its GET stream open, bytes.
        process_bytes: memory of the process itself, before any session.
        memory_mb: memory of one process with all its sessions, millions of bytes; 0 without sessions.
        memory_budget_mib: what is planned for one instance at most, mebibytes.
        session_limit: how many sessions the SDK takes in one process, or None.
        calls_per_s: calls of a trivial tool that one process answers under these flags.
        enough: whether the instances that are planned take all sessions, by the limit and by the budget.
        advice_instances: how many it takes for that.
        because: how this was computed, with figures.
        sources: what it rests on.
    """

    sessions_per_instance: int
    session_bytes: int
    process_bytes: int
    memory_mb: float
    memory_budget_mib: int
    session_limit: int | None
    calls_per_s: int
    enough: bool
    advice_instances: int
    because: str
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer for one requirements file.

    Attributes:
        requirements: what was asked.
        facts: the binned facts, base and derived, that the tables saw.
        core: what is decided.
        because: why this affinity mechanism, or why none.
        tiers: the parts, where the pattern is `tiered`.
        instances: how many instances to run (the lower end of a range).
        features: the feature-loss table.
        path: the tables on the way, in order.
        counterfactuals: single changes that would change the answer.
        alternatives: other ways, best first.
        warnings: most severe first.
        capacity: what the instances carry; None for a contradiction.
    """

    requirements: Requirements
    facts: Mapping[str, Any]
    core: Core
    because: str
    tiers: tuple[Tier, ...]
    instances: int
    features: tuple[FeatureRow, ...]
    path: tuple[PathStep, ...]
    counterfactuals: tuple[Counterfactual, ...] = field(default=())
    alternatives: tuple[Alternative, ...] = field(default=())
    warnings: tuple[Finding, ...] = field(default=())
    capacity: CapacityAdvice | None = None

    @property
    def feasible(self) -> bool:
        """Whether every required feature is kept."""
        return self.core.feasible
