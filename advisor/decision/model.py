"""The types of a decision. Reports and kits are made from a `Decision` alone."""

# Without the __future__ import: NamedTuple compiles each annotation that is a string, at every start of the program.

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from advisor.decision.capacity_advice import CapacityAdvice
from advisor.decision.core import Core, Flags
from advisor.decision.other_release import OtherRelease
from advisor.decision.sdk_behaviour import newest_mcp
from advisor.engine.rules import Rule
from advisor.findings import Finding
from advisor.knowledge import Knowledge
from advisor.knowledge.capabilities import CapabilityCell
from advisor.knowledge.catalogue import Source
from advisor.knowledge.releases import Release
from advisor.knowledge.servers import OTHER
from advisor.knowledge.space import UNKNOWN
from advisor.knowledge.types import ERAS, Era, Need, Outcome, Raw
from advisor.requirements.edits import edits
from advisor.requirements.hops import keeps_instances
from advisor.requirements.model import Requirements

SCHEMA = "mcp-advisor/decision/1"


class EraCell(NamedTuple):
    """The outcome of a feature for the clients of a protocol era.

    Attributes:
        outcome: the outcome, as in the public contract.
        words: the outcome in words.
        call: the call with the best outcome, as written in server code; "" if the SDK has no API call for the era.
        how: how the messages of the call are sent, or why the feature does not work.
        evidence: the result, with its date and the releases, or the rule that decides.
        named: whether the requirements name the era.
        status: `measured`, `reported`, `assumed` if another release was measured, or `derived` if the outcome follows
            from the topology.
    """

    outcome: Outcome
    words: str
    call: str
    how: str
    evidence: str
    named: bool
    status: str


class FeatureRow(NamedTuple):
    """A row of the feature table.

    Attributes:
        feature: the id of the feature.
        title: the name of the feature.
        need: the level of need; `required` for plain calls.
        legacy: the outcome for legacy clients.
        modern: the outcome for modern clients.
        documented: what published guides say, if it contradicts the observed result; else None.
        instead: what to do instead of the feature, if the feature is needed and lost; else None.
        substituted: whether the decision replaces the feature. `instead` says how.
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
        """The two cells with their eras."""
        return (("legacy", self.legacy), ("modern", self.modern))

    @property
    def failing(self) -> tuple[tuple[Era, EraCell], ...]:
        """The cells, with their eras, of the named eras for which the feature does not work."""
        return tuple((era, cell) for era, cell in self.cells if cell.named and cell.outcome != "works")

    @property
    def lost(self) -> bool:
        """Whether the feature is needed and does not work for an era that the requirements name."""
        return self.need != "none" and bool(self.failing)


class PathStep(NamedTuple):
    """A step of the decision: a decision table, and the rule of the table that decides.

    Attributes:
        table: the id of the table.
        title: the title of the table.
        question: the question that the table answers.
        rule: the rule that decides.
        facts: the facts that the rule uses.
        stated: the values of these facts in the requirements, for facts with bins, such as a number of clients.
    """

    table: str
    title: str
    question: str
    rule: Rule
    facts: Mapping[str, Raw]
    stated: Mapping[str, Raw]


class Counterfactual(NamedTuple):
    """A change of one fact, and the new core.

    Attributes:
        tier_flags: if the new pattern is `tiered`, the flags of the stateless tier and of the stateful tier.
        unreached: why no client can connect after the change, as the title of the rule; "" if a client can connect.
    """

    change: Mapping[str, Raw]
    core: Core
    effort: int | None
    how: str
    tier_flags: tuple[Flags, ...] = ()
    unreached: str = ""


class UnsureNeed(NamedTuple):
    """A need that the requirements state as `unknown`.

    Attributes:
        feature: the id of the feature.
        kept: whether the deployment keeps the feature without a change.
        price: the deployment that keeps the feature if a tool requires it; None if the feature is kept.
    """

    feature: str
    kept: bool
    price: Counterfactual | None


class Alternative(NamedTuple):
    """Another possible decision: a change that resolves a contradiction, or another pattern for the same facts.

    Attributes:
        core: the other decision.
        change: the facts to change; empty if the requirements stay as they are.
        gives_up: the needed features that this decision loses.
        how: how to make the change.
        because: what the other decision is, in words.
        tier_flags: if the pattern is `tiered`, the flags of the stateless tier and of the stateful tier.
        titles: what to do for each changed fact, in a few words.
    """

    core: Core
    change: Mapping[str, Raw]
    gives_up: tuple[str, ...]
    how: str
    because: str
    tier_flags: tuple[Flags, ...] = ()
    titles: tuple[str, ...] = ()


class Switch(NamedTuple):
    """How to set a mode in the SDK of a server that does not have the two Python flags.

    Attributes:
        mode: `sessions`, `response mode` or `transport`.
        how: what to set, as a sentence.
    """

    mode: str
    how: str


class Tier(NamedTuple):
    """A tier of a tiered deployment, with its own decision for some of the tools.

    Attributes:
        name: `stateless` or `stateful`.
        means: the purpose of the tier, in words.
        tools: the names of the tools in the tier.
        core: the decision for the tier.
        instances: the number of instances.
        code: the Python code that sets the flags of the tier, without a final newline; "" without Python flags.
        settings: how to set the modes of the tier without Python flags.
    """

    name: str
    means: str
    tools: tuple[str, ...]
    core: Core
    instances: int
    code: str
    settings: tuple[Switch, ...] = ()


class Decision(NamedTuple):
    """The decision for a requirements file.

    Attributes:
        requirements: the requirements.
        facts: the facts that the tables use, base and derived, as bins.
        core: the result of the decision tables.
        release: the release range of the SDK, with its line.
        means: the pattern in words.
        because: the reason for the affinity mechanism, or for no affinity.
        code: the Python code that sets the flags, without a final newline. It is "" for a contradiction, without Python
            flags, and for a tiered deployment, because each tier has its own code.
        tiers: the tiers, if the pattern is `tiered`.
        instances: the number of instances, which is the lower end of a range.
        features: the feature table.
        unmet: for a contradiction, the required features that no configuration keeps.
        path: the steps of the decision, in order.
        counterfactuals: the changes of one fact that lead to another decision.
        alternatives: other possible decisions, the best first.
        warnings: the warnings, the most severe first.
        capacity: the capacity of the instances; None for a contradiction, or without a measurement.
        knowledge: the knowledge that the decision uses. The context of a kit is made from it. Reports do not read it.
        settings: how to set the modes of a server without Python flags; also empty for a contradiction and for tiers.
        assumption: what is assumed about the features, for a server that the lab does not measure.
        unsure: the needs that the requirements state as `unknown`.
        releases: the SDK releases that change the decision, if the requirements leave the release open.
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
    settings: tuple[Switch, ...] = ()
    assumption: str = ""
    unsure: tuple[UnsureNeed, ...] = ()
    releases: tuple[OtherRelease, ...] = ()

    @property
    def feasible(self) -> bool:
        """Whether the decision keeps every required feature."""
        return self.core.feasible

    @property
    def kind(self) -> str:
        """The kind of server: `python`, `other` or `http+sse`. Only a Python server has the two flags."""
        return str(self.facts["server.kind"])

    def kind_after(self, change: Mapping[str, Raw]) -> str:
        """The kind of server after a change of the requirements."""
        if change.get("transport") != "streamable-http":
            return self.kind
        return OTHER if self.requirements["sdk"] == OTHER else "python"

    @property
    def eras(self) -> tuple[Era, ...]:
        """The eras that the requirements name."""
        return tuple(era for era in ERAS if self.facts[f"era.{era}"] == "named")

    @property
    def phrases(self) -> dict[str, str]:
        """The words for values that the program computes, by id (rules/wording.yaml)."""
        return self.knowledge.phrases

    def with_phrases(self, words: Mapping[str, str]) -> "Decision":
        """Return the decision with these words instead of the phrases with the same ids."""
        return self._replace(knowledge=replace(self.knowledge, phrases={**self.phrases, **words}))

    @property
    def language(self) -> str:
        """The name of the language of a server that is not written in Python."""
        return self.knowledge.languages[self.requirements["language"]].name

    @property
    def keeps_instances(self) -> bool:
        """Whether no more instances run than the requirements plan. Some platforms start more for more requests."""
        return keeps_instances(self.requirements, self.knowledge.proxies)

    @property
    def patterns(self) -> Sequence[str]:
        """All patterns, the simplest to operate first."""
        return [str(pattern) for pattern in self.knowledge.tables["session"].outputs["pattern"]]

    def owner_in(self, mechanism: str) -> str:
        """Return where a mechanism for session affinity stores the owner, in words; "" for no mechanism."""
        found = self.knowledge.mechanisms.get(mechanism)
        return self.phrases[f"owner-in.{found.owner_in}"] if found else ""

    def unkept(self, other: Alternative) -> tuple[list[str], list[str]]:
        """Return the needed features that another decision loses, and those that calls of a language model replace."""
        features = self.knowledge.features if other.core.substitute != "none" else {}
        replaced = [
            name
            for name in other.gives_up
            if name in features and features[name].substitute and f"needs.{name}" not in other.change
        ]
        return [name for name in other.gives_up if name not in replaced], replaced

    def edits(self, change: Mapping[str, Raw]) -> dict[str, Raw]:
        """Return the keys of the requirements file that a change edits, with their new values."""
        return edits(self.requirements, change, self.knowledge.facts)

    def rewrites(self, feature: str) -> dict[str, str]:
        """Return the calls of a feature for which tools must be changed, each with the phrase that says this."""
        return {known.call: known.rewrite for known in self.knowledge.features[feature].calls if known.rewrite}

    def short_call(self, feature: str, call: str) -> str:
        """Return the short name of a call of a feature; "" if the call has none."""
        return next((known.short for known in self.knowledge.features[feature].calls if known.call == call), "")

    @property
    def steps(self) -> tuple[PathStep, ...]:
        """The steps of the path that reports show: those whose table is about a deployment like this one."""
        tables = self.knowledge.tables
        return tuple(s for s in self.path if all(self.facts[k] == v for k, v in tables[s.table].about.items()))

    @property
    def doubted(self) -> list[str]:
        """The ids of the features that the decision keeps, although the requirements are not sure of the need."""
        return [need.feature for need in self.unsure if need.kept]

    @property
    def needed(self) -> tuple[FeatureRow, ...]:
        """The rows of needed features, the strongest need first, and the row of plain calls last."""
        return needed(self.features)

    def unable_clients(self, feature: str) -> list[str]:
        """Return the names of the stated client applications that do not support a feature."""
        clients = (self.knowledge.clients[name] for name in self.requirements["clients.apps"])
        return [client.name for client in clients if client.features.get(feature) is False]

    def says_nothing_of(self, row: FeatureRow) -> bool:
        """Return whether the requirements do not state whether the feature of `row` is needed."""
        return self.requirements.silent_about(f"needs.{row.feature}")

    @property
    def assumed_unused(self) -> tuple[FeatureRow, ...]:
        """The rows of features that do not work for a named era, and of which the requirements say nothing."""
        unsure = {need.feature for need in self.unsure}  # these have a text of their own
        silent = (row for row in self.unneeded if row.failing and row.feature not in unsure)
        return tuple(row for row in silent if self.says_nothing_of(row))

    @property
    def unneeded(self) -> tuple[FeatureRow, ...]:
        """The rows of features that are not needed."""
        return tuple(row for row in self.features if row.need == "none")

    @property
    def sources(self) -> tuple[Source, ...]:
        """The sources of the path, of the warnings and of contradicted guides, in this order and without duplicates."""
        cited = [name for step in self.path for name in step.rule.sources]
        cited += [name for warning in self.warnings for name in warning.sources]
        for row in self.features:
            if row.documented and row.need != "none":
                cited += [name for claim in self.knowledge.features[row.feature].documented for name in claim.sources]
        return tuple(self.knowledge.sources[name] for name in dict.fromkeys(cited))

    @property
    def measured(self) -> tuple[CapabilityCell, ...]:
        """The capability cells of the release, one cell for each call."""
        packages = (package for package in self.knowledge.capabilities if package.package == self.release.package)
        return tuple(cell for package in packages for cell in package.cells if cell.covers(self.release))

    @property
    def assumed_mcp(self) -> str:
        """The mcp release that is assumed under fastmcp; "" if the decision does not depend on it."""
        if self.facts["mcp.expiry"] != "assumed" or self.facts["era.legacy"] != "named":
            return ""
        if any("mcp.expiry" in step.rule.when for step in self.path):
            return UNKNOWN  # The decision is right for all allowed releases.
        kept = not all(core.flags.stateless_http for core in (self.core, *(tier.core for tier in self.tiers)))
        return newest_mcp(str(self.requirements["sdk"]), self.release, self.knowledge) if kept else ""

    @property
    def reason(self) -> Rule:
        """The rule with the reason for the pattern. The rule of the verdict can name another table for the reason."""
        rule = self.verdict.rule
        return next((step.rule for step in self.path if step.table == rule.reason), rule)

    @property
    def verdict(self) -> PathStep:
        """The step of the path that sets the pattern."""
        return next(step for step in self.path if "pattern" in step.rule.then)


def needed(rows: Sequence[FeatureRow]) -> tuple[FeatureRow, ...]:
    """The rows of needed features, the strongest need first, and the row of plain calls last."""
    return tuple(sorted((row for row in rows if row.need != "none"), key=_need_order))


def _need_order(row: FeatureRow) -> int:
    return 2 if row.feature == "plain" else ("required", "preferred").index(row.need)
