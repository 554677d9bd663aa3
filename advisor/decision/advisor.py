"""The advisor: requirements in, finished decision out. Pure; no console, no files, no clock.

The way of a decision: requirements → base facts (`facts`) → derived facts and rules (`network`) → the core → everything
else that a `Decision` holds. Renderers and kits get the decision and need nothing more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from advisor.decision.capacity import capacity
from advisor.decision.changes import Changes
from advisor.decision.connections import with_added_proxy
from advisor.decision.core import Core, Flags, core_of
from advisor.decision.derived_facts import CONTEXT, LostNode, SeparableNode, derived_nodes
from advisor.decision.facts import base_facts, connection_facts
from advisor.decision.feature_outcomes import FeatureOutcomes
from advisor.decision.gateways import without_refusing
from advisor.decision.losses import LossTable, assumed, lost_unnamed
from advisor.decision.model import (
    Alternative,
    Counterfactual,
    Decision,
    FeatureRow,
    PathStep,
    Tier,
    UnsureNeed,
    needed,
)
from advisor.decision.open_releases import other_releases
from advisor.decision.pattern_words import pattern_in_words
from advisor.decision.sdk_behaviour import asked_release
from advisor.decision.server_code import server_code
from advisor.decision.switches import assumption, switches, without_flags
from advisor.decision.tier_wording import TierWording
from advisor.decision.tiers import TierRequirements, stateful_part, stateless_part
from advisor.decision.trace import Trace
from advisor.decision.tried_rules import tried_rules
from advisor.decision.unsure import Outline, Settled, of_doubts, settle, without_doubts
from advisor.decision.warnings import Warnings, decision_words
from advisor.engine.network import Network, TableNode
from advisor.engine.table import DecisionTable
from advisor.findings import Finding
from advisor.knowledge import Knowledge, load
from advisor.knowledge.releases import Release
from advisor.knowledge.space import FactSpace
from advisor.knowledge.types import NEEDS
from advisor.requirements.completion import changed
from advisor.requirements.hops import HOPS, least_instances
from advisor.requirements.model import Requirements

# The types of facts whose values in the requirements file say more than the value that rules see.
_BINNED = ("apps", "hosts", "instances", "integer", "release", "seconds", "version")


class Advisor:
    """Decides by the tables of a `Knowledge`.

    Attributes:
        knowledge: what is known.
        space: the facts and their domains.
        cells: what clients observe of a feature in a configuration.
        tables: the compiled tables that decide, in the order of the walk.
        findings: the compiled table of warnings.
        warnings: makes the warnings of decisions from this table.
        compiled: every compiled table by id: those that decide, the warnings, and the table of cells.
        lost: the derived facts that say which needs are lost.
        division: the derived fact that says whether tiers can divide the tools.
        network: tables and derived facts in dependency order.
    """

    def __init__(self, knowledge: Knowledge) -> None:
        """Compile the tables.

        Raises:
            KnowledgeError: a table is not valid.
        """
        self.knowledge = knowledge
        self.space = FactSpace(knowledge)
        self.cells = FeatureOutcomes(self.space)
        domains = self.space.domains
        specs = knowledge.tables.values()
        self.tables = {spec.table: DecisionTable(spec, domains) for spec in specs if spec.role == "decision"}
        self.findings = DecisionTable(knowledge.table_of_role("finding"), domains)
        derived = derived_nodes(self.space, self.cells)
        self.lost = next(node for node in derived if isinstance(node, LostNode))
        self.division = next(node for node in derived if isinstance(node, SeparableNode))
        self.network = Network([*(TableNode(table) for table in self.tables.values()), *derived])
        self._losses = LossTable(self.space, self.cells)
        self.changes = Changes(self.space, self.network, self.tables["session"])
        self.warnings = Warnings(self.findings, self.space, self.network)
        tables = (*self.tables.values(), self.findings, self.cells.delivery)
        self.compiled = {table.spec.table: table for table in tables}
        self._newest = {
            line.id: f"{package.package} {line.newest}" for package in knowledge.capabilities for line in package.lines
        }
        self._of_tier = TierWording(knowledge.phrases)
        self._binned = {name for name, fact in self.space.facts.items() if fact.type in _BINNED}

    def facts(self, requirements: Requirements) -> dict[str, Any]:
        """Every fact, base and derived, for these requirements."""
        facts = base_facts(requirements, self.space)
        self.network.evaluate(facts)
        return facts

    def core(self, requirements: Requirements) -> Core:
        """Only what the tables decide."""
        return core_of(self.facts(requirements))

    def verdict(self, requirements: Requirements) -> tuple[Core, str]:
        """The core, and its pattern in words."""
        facts = self.facts(requirements)
        core = core_of(facts)
        return core, pattern_in_words(core, requirements, facts, self.knowledge)

    def unmet(self, requirements: Requirements) -> tuple[FeatureRow, ...]:
        """For a contradiction, the required features that no configuration keeps."""
        settled = self._settle(requirements)
        return self._unmet(settled, self._reasons(self._certain(settled))[0])

    def decide(self, requirements: Requirements) -> Decision:
        """The complete decision."""
        settled = self._settle(requirements)
        certain = self._certain(settled)
        stated, (requirements, facts, core, parts, features, _, _) = requirements, settled
        release, stated_facts = self.space.releases[facts["sdk"]], self.facts(stated)
        tiers = tuple(map(self._tier, parts))
        path, because = self._reasons(certain)
        # The flags of a tiered deployment are those of its larger, stateless part.
        shown = core._replace(flags=tiers[0].core.flags) if tiers else core
        decision = Decision(
            requirements=requirements,
            facts=facts,
            core=shown,
            release=release,
            means=pattern_in_words(core, requirements, facts, self.knowledge),
            because=because,
            code=server_code(core.flags, facts, requirements, self.space) if core.feasible and not tiers else "",
            tiers=tiers,
            instances=1 if core.pattern == "single-instance" else least_instances(requirements),
            features=features,
            unmet=() if core.feasible else self._unmet(settled, path),
            path=path,
            counterfactuals=self._counterfactuals(stated, stated_facts, shown),
            alternatives=self._other_patterns(requirements, facts, core)
            if core.feasible
            else self._ways_out(stated, stated_facts),
            warnings=self._warned(settled, certain),
            capacity=capacity(requirements, facts, core, tiers, self.space),
            knowledge=self.knowledge,
            settings=switches(core, facts, requirements, self.knowledge) if core.feasible and not tiers else (),
            assumption=assumption(facts, self.knowledge, self._newest),
            unsure=tuple(self._unsure(need, requirements, stated) for need in sorted(requirements.unsure)),
        )
        if decision.kind != "python":
            return without_flags(decision)
        others = other_releases(stated, decision, self._settle, self._with_tier_flags, self._warned, self.space)
        return decision._replace(releases=others)

    def _certain(self, settled: Settled) -> Settled:
        """The same deployment without the unsure needs that it keeps."""
        certain = without_doubts(settled.requirements, self.space)
        return settled if certain is settled.requirements else self._concluded(certain)

    def _warned(self, settled: Settled, certain: Settled | None = None) -> tuple[Finding, ...]:
        found, certain = self._warnings_of(settled), certain or self._certain(settled)
        if certain is settled:
            return found
        return of_doubts(found, self._warnings_of(certain), settled.requirements, self.knowledge)

    def _warnings_of(self, settled: Settled) -> tuple[Finding, ...]:
        requirements, facts, _, parts, features, unnamed, path_with_proxy = settled
        words = decision_words(requirements, facts, features, unnamed, self.space)
        return self.warnings.of(requirements, facts, parts, words, path_with_proxy)

    def decided_facts(self, requirements: Requirements) -> dict[str, Any]:
        """Every fact of the complete decision, which is faster than the decision."""
        return self._settle(requirements).facts

    def _settle(self, requirements: Requirements) -> Settled:
        return self._concluded(settle(requirements, self._outline, self.space))

    def _concluded(self, requirements: Requirements) -> Settled:
        facts, core, parts = self._decided(requirements)
        features = self.feature_rows(facts, core, parts)
        if facts["server.kind"] == "python" and not asked_release(requirements, self.space).measured:
            features = assumed(features)
        unnamed = self._unnamed(features, self.space.releases[facts["sdk"]])
        facts |= {name: max((row.need for row in rows), key=NEEDS.index) for name, rows in unnamed.items() if rows}
        path_with_proxy, connections = self._added_proxy(requirements, core)
        return Settled(requirements, facts | connections, core, parts, features, unnamed, path_with_proxy)

    def trace(self, decision: Decision) -> Trace:
        """Every rule tried, by table, for `--explain`."""
        return tried_rules(decision, self)

    def _decided(self, requirements: Requirements) -> tuple[dict[str, Any], Core, tuple[TierRequirements, ...]]:
        """Every fact, what the tables decide, and the tiers; no tiers unless the pattern is `tiered`."""
        facts = self.facts(requirements)
        core = core_of(facts)
        return facts, core, self.tiers(requirements, facts) if core.pattern == "tiered" else ()

    def _outline(self, requirements: Requirements) -> Outline:
        facts, core, parts = self._decided(requirements)
        return core, tuple((part.core, part.tools) for part in parts), self.feature_rows(facts, core, parts)

    def _unsure(self, need: str, settled: Requirements, stated: Requirements) -> UnsureNeed:
        feature = need.removeprefix("needs.")
        if settled[need] != "none":
            return UnsureNeed(feature, True, None)
        change = {need: "required"}
        core, flags = self._with_tier_flags(self.core(changed(stated, change, self.space)), stated, change)
        return UnsureNeed(feature, False, Counterfactual(change, core, None, "", flags))

    def _reasons(self, certain: Settled) -> tuple[tuple[PathStep, ...], str]:
        """The steps of the walk, and the sentence for the mechanism. Tiers get the flags of the stateless tier."""
        requirements, facts, _, parts, *_ = certain
        tables = list(self.tables.values())
        steps = [self._step(table, requirements, facts) for table in tables]
        if parts:
            steps[-1] = self._step(tables[-1], requirements, parts[0].facts)
        # The proxy provides the mechanism by the affinity table, and the servers by the session table. The session
        # table also has the reason of a contradiction, of a directory, and of a mechanism that is not used.
        by_proxy = facts["affinity.mechanism"] == facts["affinity.candidate"] and core_of(facts).feasible
        return tuple(steps), self.tables["affinity" if by_proxy else "session"].evaluate(facts).rules[0].because

    def _step(self, table: DecisionTable, requirements: Requirements, facts: Mapping[str, Any]) -> PathStep:
        rule = table.evaluate(facts).rules[0]
        if rule.then.get("affinity.candidate", "none") not in ("none", facts["affinity.mechanism"]):
            rule = rule._replace(because=self.knowledge.phrases["step.unused"].format(because=rule.because))
        # A rule without conditions fired because all before it failed: then every input is a reason.
        read = {name: facts[name] for name in rule.when or table.inputs}
        stated = {name: requirements.values[name] for name in read if name in self._binned}
        # The facts of a tier can differ from those of the file.
        stated = {n: raw for n, raw in stated.items() if raw not in (None, []) and self.space.bin(n, raw) == read[n]}
        return PathStep(table.spec.table, table.spec.title, table.spec.question, rule, read, stated)

    def _split(
        self, requirements: Requirements, facts: Mapping[str, Any], substitute: str
    ) -> tuple[Requirements, Requirements]:
        """The requirements of the stateless and of the stateful tier, given what replaces sampling."""
        row = tuple(facts[name] for name in self.division.inputs)
        replaced = substitute == "direct-llm"
        lost = self.division.features(tuple(facts[name] for name in CONTEXT), substitute=replaced)
        bound = self.division.stateful(row, substitute=replaced) or ()
        carrying = {tool.name for tool, stateful in zip(requirements.tools, bound, strict=True) if stateful}
        others = {tool.name for tool in requirements.tools} - carrying
        outside = stateless_part(requirements, others, lost, substitute=replaced)
        return outside, stateful_part(requirements, carrying, lost)

    def tiers(self, requirements: Requirements, facts: Mapping[str, Any]) -> tuple[TierRequirements, ...]:
        """The stateless and the stateful tier, each with the facts that the same tables conclude for the tier.

        Args:
            requirements: of a deployment whose pattern is `tiered`.
            facts: every fact of these requirements.
        """
        tiers = zip(("stateless", "stateful"), self._split(requirements, facts, facts["substitute"]), strict=True)
        _, connections = self._added_proxy(requirements, core_of(facts))
        return tuple(TierRequirements(name, own, self.facts(own) | connections) for name, own in tiers)

    def _added_proxy(self, requirements: Requirements, core: Core) -> tuple[Requirements | None, dict[str, str]]:
        """The requirements with the proxy that the decision adds, or None, and the connection facts with it."""
        path = with_added_proxy(requirements, core.mechanism, self.knowledge, tiered=core.pattern == "tiered")
        return path, connection_facts(path, self.space) if path else {}

    def _tier(self, tier: TierRequirements) -> Tier:
        instances = least_instances(tier.requirements)
        code = server_code(tier.core.flags, tier.facts, tier.requirements, self.space)
        own = switches(tier.core, tier.facts, tier.requirements, self.knowledge)
        return Tier(tier.name, self.knowledge.phrases[f"tier.{tier.name}"], tier.tools, tier.core, instances, code, own)

    def feature_rows(
        self, facts: Mapping[str, Any], core: Core, parts: Sequence[TierRequirements]
    ) -> tuple[FeatureRow, ...]:
        """The feature-loss table; that of a tiered deployment is put together from its tiers."""
        rows = self._losses.rows(facts, core)
        if not parts:
            return rows
        outside, inside = (self._losses.rows(tier.facts, tier.core) for tier in parts)
        # A feature that only tools of the stateful tier need works there. Its need is the need of the deployment.
        needs = {row.feature: row.need for row in rows}
        outer = parts[0].requirements.tools
        elsewhere = {feature for tool in outer for feature, need in tool.needs.items() if need == needs[feature]}
        there = {
            row.feature: self._of_tier.row(row, parts[1].name)
            for row in inside
            if row.need != "none" and row.feature not in elsewhere
        }
        return tuple(
            (there.get(row.feature, row) if row.need == "none" else self._of_tier.row(row, parts[0].name))._replace(
                need=whole.need
            )
            for row, whole in zip(outside, rows, strict=True)
        )

    def _unnamed(self, features: Sequence[FeatureRow], release: Release) -> dict[str, tuple[FeatureRow, ...]]:
        """For each derived fact with the mechanism `unnamed`, the rows to which it applies."""
        asked = ((derived.id, derived.unnamed) for derived in self.knowledge.derived if derived.unnamed)
        return {name: lost_unnamed(features, spec["era"], release) for name, spec in asked}

    def _unmet(self, settled: Settled, path: Sequence[PathStep]) -> tuple[FeatureRow, ...]:
        """The required features that the derived facts of the conditions count; none if no client is served."""
        facts, features = settled.facts, settled.features
        context = tuple(facts[name] for name in CONTEXT)
        named = {
            feature
            for step in path
            if step.rule.then.get("pattern") == "contradiction"
            for output in set(self.lost.outputs).intersection(step.rule.when)
            for feature in self.lost.lost_features(context, output)
        }
        return tuple(row for row in needed(features) if row.feature in named and row.need == "required")

    def _with_tier_flags(
        self, core: Core, requirements: Requirements, change: Mapping[str, Any] | None = None
    ) -> tuple[Core, tuple[Flags, ...]]:
        """`core`, decided after `change`, and the flags of both tiers of a tiered deployment.

        The flags of the core of a tiered deployment are those of its larger, stateless part.
        """
        if core.pattern != "tiered":
            return core, ()
        after = changed(requirements, change, self.space) if change else requirements
        tiers = self._split(after, self.facts(after), core.substitute)
        flags = tuple(self.core(tier).flags for tier in tiers)
        return core._replace(flags=flags[0]), flags

    def _counterfactuals(self, stated: Requirements, facts: Mapping[str, Any], now: Core) -> tuple[Counterfactual, ...]:
        """Return the changes that lead to another decision than `now`.

        After a change, the needs of which the file is unsure are settled again, and such a need never changes the
        deployment. So the changes start from requirements without these needs.
        """
        settled = []
        for other in self.changes.counterfactuals(facts):
            core, flags = self._with_tier_flags(other.core, stated, other.change)
            settled.append(other._replace(core=core, tier_flags=flags))
        return tuple(counterfactual for counterfactual in settled if counterfactual.core != now)

    def _ways_out(self, stated: Requirements, facts: Mapping[str, Any]) -> tuple[Alternative, ...]:
        """Return the changes that resolve a contradiction. They start from the same requirements as counterfactuals."""
        ways = []
        left = without_refusing(stated, self.space)
        shorter = self._with_tier_flags(self.core(left), left) if left else None
        hops = (left[HOPS], shorter[0]) if left and shorter and shorter[0].feasible else None
        for way in self.changes.ways_out(facts, hops):
            if shorter and HOPS in way.change:
                ways.append(way._replace(tier_flags=shorter[1]))
                continue
            settled, flags = self._with_tier_flags(way.core, stated, way.change)
            ways.append(way._replace(core=settled, tier_flags=flags))
        if left and not ways:
            for way in self.changes.ways_out(self.facts(left)):
                settled, flags = self._with_tier_flags(way.core, left, way.change)
                title, how = (self.knowledge.phrases[f"change.hops{part}"] for part in (".title", ""))
                fix = way._replace(how=f"{how} {way.how}", titles=(title, *way.titles))
                ways.append(fix._replace(core=settled, tier_flags=flags, change={HOPS: left[HOPS], **way.change}))
        return tuple(ways)

    def _other_patterns(
        self, requirements: Requirements, facts: Mapping[str, Any], core: Core
    ) -> tuple[Alternative, ...]:
        """Return the patterns of other rules that also apply to a feasible decision."""
        found: dict[Core, Alternative] = {}
        if facts["server.kind"] == "http+sse":
            return ()  # This transport has one deployment only.
        for rule in self.tables["session"].evaluate(facts).matching[1:]:
            if rule.then["pattern"] not in ("contradiction", core.pattern):
                forced = dict(facts)
                self.network.revise(forced, rule.then)
                other, flags = self._with_tier_flags(core_of(forced), requirements)
                tiered = other.pattern == "tiered"  # every tool keeps its needs there
                lost = [] if tiered else [row.feature for row in self._losses.rows(forced, other) if row.lost]
                # The rule's own reason supposes that the rules before it did not fire, and one of them did.
                because = self.knowledge.phrases[other.phrase]
                means = f"{because[:1].upper()}{because[1:]}."
                found.setdefault(other, Alternative(other, {}, tuple(lost), "", means, flags))
        return tuple(found.values())


@lru_cache(maxsize=1)
def default_advisor() -> Advisor:
    """The advisor over the program's own knowledge, built once per process."""
    return Advisor(load())
