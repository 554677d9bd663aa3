"""What a decision is: the finished answer. Renderers and kits read a decision and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, NamedTuple, TypeAlias

from advisor.documents import Count, Number
from advisor.engine.rules import Rule
from advisor.engine.table import RuleAttempt
from advisor.findings import Finding
from advisor.knowledge import Knowledge
from advisor.knowledge.capabilities import CapabilityCell
from advisor.knowledge.catalogue import Source
from advisor.knowledge.releases import Release
from advisor.knowledge.types import ERAS, Era, Need, Outcome, Raw
from advisor.requirements.model import Requirements

SCHEMA = "mcp-advisor/decision/1"

Trace: TypeAlias = Mapping[str, Sequence[RuleAttempt]]
"""Every rule that was tried, by the id of its table (`--explain`)."""


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


CORE_FACTS = ("pattern", "stateless_http", "json_response", "affinity.mechanism", "substitute")
"""The facts that make up a core."""


def core_of(facts: Mapping[str, Any]) -> Core:
    """The core, out of evaluated facts."""
    flags = Flags(facts["stateless_http"], facts["json_response"])
    return Core(facts["pattern"], flags, facts["affinity.mechanism"], facts["substitute"])


def difference(then: Core, now: Core) -> dict[str, Any]:
    """What of `then` is not as in `now`: pattern, flags, affinity, substitute, feasible."""
    differs: dict[str, Any] = {}
    if then.pattern != now.pattern:
        differs["pattern"] = then.pattern
    if then.feasible != now.feasible:
        differs["feasible"] = then.feasible
    if not then.feasible:
        return differs
    # A contradiction has neither flags nor affinity to be the same as. The flags of a tiered deployment are those of
    # its parts, so two of them cannot be compared by their whole.
    if not now.feasible or (then.flags != now.flags and not then.pattern == now.pattern == "tiered"):
        differs["flags"] = then.flags._asdict()
    if not now.feasible or then.mechanism != now.mechanism:
        differs["affinity"] = {"mechanism": then.mechanism}
    if then.substitute != now.substitute:
        differs["substitute"] = then.substitute
    return differs


class EraCell(NamedTuple):
    """What clients of an era observe of a feature.

    Attributes:
        outcome: the contract's vocabulary.
        words: the outcome in words.
        call: the way of asking that fares best, as written in server code; "" where the SDK has none for the era.
        how: by which call and over what, or why not.
        evidence: what was observed, when and on what release.
        named: whether the requirements name the era.
        status: `measured`, `reported`, or `derived` when the topology decided.
    """

    outcome: Outcome
    words: str
    call: str
    how: str
    evidence: str
    named: bool
    status: str


class FeatureRow(NamedTuple):
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
    def cells(self) -> tuple[tuple[Era, EraCell], ...]:
        """Both cells with their eras."""
        return (("legacy", self.legacy), ("modern", self.modern))

    @property
    def lost(self) -> bool:
        """Whether it is needed and does not work for an era that the requirements name."""
        return self.need != "none" and any(c.named and c.outcome != "works" for c in (self.legacy, self.modern))


class PathStep(NamedTuple):
    """One table on the way to the decision and the rule that fired.

    Attributes:
        table: its id.
        question: what it answers.
        rule: the rule that fired.
        facts: the facts that the rule read.
        stated: of these facts, the values of the requirements file that are binned, such as a number of clients.
    """

    table: str
    question: str
    rule: Rule
    facts: Mapping[str, Raw]
    stated: Mapping[str, Raw]


class Counterfactual(NamedTuple):
    """One fact changed, and what would be decided then."""

    change: Mapping[str, Raw]
    core: Core
    effort: int | None
    how: str


class Alternative(NamedTuple):
    """Another way: for a contradiction a way out of it, else a pattern that the facts would allow as well.

    Attributes:
        core: what it comes to.
        change: facts that it changes (empty where the requirements stay as they are).
        gives_up: needed features that it loses or weakens.
        how: what has to be done.
        because: why the change is worth making.
    """

    core: Core
    change: Mapping[str, Raw]
    gives_up: tuple[str, ...]
    how: str
    because: str


class Tier(NamedTuple):
    """A part of a tiered deployment: a decision of its own for some of the tools.

    Attributes:
        name: `stateless` or `stateful`.
        means: what the tier is for, in words.
        tools: names of its tools.
        core: what is decided for it.
        instances: how many to run.
        code: the Python that sets its flags, without a final newline.
    """

    name: str
    means: str
    tools: tuple[str, ...]
    core: Core
    instances: int
    code: str


class CapacityAdvice(NamedTuple):
    """What the instances carry.

    Attributes:
        sessions_per_instance: legacy sessions that a process holds when every client has a session; 0 without sessions.
        session_bytes: memory of each, its GET stream open, bytes.
        process_bytes: memory of the process itself, before any session.
        memory_mb: memory of a process with all its sessions, millions of bytes; 0 without sessions.
        memory_budget_mib: what is planned for an instance at most, mebibytes.
        session_limit: how many sessions the SDK takes in a process, or None.
        calls_per_s: calls of a trivial tool that a process answers under these flags.
        enough: whether the instances that are planned take all sessions, by the limit and by the budget.
        advice_instances: how many it takes for that.
        because: how this was computed, with figures.
        sources: what it rests on.
    """

    sessions_per_instance: Count
    session_bytes: Count
    process_bytes: Count
    memory_mb: Number
    memory_budget_mib: Count
    session_limit: int | None
    calls_per_s: Count
    enough: bool
    advice_instances: Annotated[int, {"minimum": 1}]
    because: str
    sources: tuple[str, ...]


class Decision(NamedTuple):
    """The answer for a requirements file.

    Attributes:
        requirements: what was asked.
        facts: the binned facts, base and derived, that the tables saw.
        core: what is decided.
        release: the SDK release that stands for the requested release, and its line.
        means: what the pattern is, in words.
        because: why this affinity mechanism, or why none.
        code: the Python that sets the flags, without a final newline; "" for a contradiction and where tiers have
            code of their own.
        tiers: the parts, where the pattern is `tiered`.
        instances: how many instances to run (the lower end of a range).
        features: the feature-loss table.
        unmet: for a contradiction, the required features that no configuration keeps.
        path: the tables on the way, in order.
        counterfactuals: single changes that would change the answer.
        alternatives: other ways, best first.
        warnings: most severe first.
        capacity: what the instances carry; None for a contradiction.
        knowledge: what the decision was made with; a kit looks up proxies, memory and failures there.
    """

    requirements: Requirements
    facts: Mapping[str, Any]
    core: Core
    release: Release
    means: str
    because: str
    code: str
    tiers: tuple[Tier, ...]
    instances: int
    features: tuple[FeatureRow, ...]
    unmet: tuple[FeatureRow, ...]
    path: tuple[PathStep, ...]
    counterfactuals: tuple[Counterfactual, ...]
    alternatives: tuple[Alternative, ...]
    warnings: tuple[Finding, ...]
    capacity: CapacityAdvice | None
    knowledge: Knowledge

    @property
    def feasible(self) -> bool:
        """Whether every required feature is kept."""
        return self.core.feasible

    @property
    def eras(self) -> tuple[Era, ...]:
        """The eras that the requirements name."""
        return tuple(era for era in ERAS if self.facts[f"era.{era}"] == "named")

    @property
    def needed(self) -> tuple[FeatureRow, ...]:
        """The rows of needed features, the strongest need first, then plain calls."""
        return needed(self.features)

    @property
    def unneeded(self) -> tuple[FeatureRow, ...]:
        """The rows of features that nothing needs."""
        return tuple(row for row in self.features if row.need == "none")

    @property
    def sources(self) -> tuple[Source, ...]:
        """What the path, the warnings and the guides that are contradicted cite, each once, in that order."""
        cited = [name for step in self.path for name in step.rule.sources]
        cited += [name for warning in self.warnings for name in warning.sources]
        for row in self.features:
            if row.documented and row.need != "none":
                cited += [name for claim in self.knowledge.features[row.feature].documented for name in claim.sources]
        return tuple(self.knowledge.sources[name] for name in dict.fromkeys(cited))

    @property
    def measured(self) -> tuple[CapabilityCell, ...]:
        """What was measured of the release, one cell for each call."""
        return tuple(
            cell
            for package in self.knowledge.capabilities
            if package.package == self.release.package
            for cell in package.cells
            if cell.covers(self.release)
        )

    @property
    def verdict(self) -> PathStep:
        """The step of the path that set the pattern."""
        return next(step for step in self.path if "pattern" in step.rule.then)


def needed(rows: Sequence[FeatureRow]) -> tuple[FeatureRow, ...]:
    """The rows of needed features, the strongest need first, then plain calls."""
    return tuple(sorted((row for row in rows if row.need != "none"), key=_need_order))


def _need_order(row: FeatureRow) -> int:
    return 2 if row.feature == "plain" else ("required", "preferred").index(row.need)
