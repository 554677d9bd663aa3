"""The advisor: requirements in, decision out. Pure; no console, no files, no clock."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any, TypeAlias

from advisor.decision.capacity import capacity, room_figures
from advisor.decision.changes import Changes
from advisor.decision.derived_facts import CONTEXT, LostNode, derived_nodes
from advisor.decision.facts import base_facts, contradicted_facts, limit, missing_features
from advisor.decision.feature_outcomes import FeatureOutcomes
from advisor.decision.losses import LossTable
from advisor.decision.model import (
    Alternative,
    Core,
    Counterfactual,
    Decision,
    FeatureRow,
    Flags,
    PathStep,
    Tier,
)
from advisor.decision.tiers import changed, part
from advisor.engine.network import Network, TableNode
from advisor.engine.rules import Rule
from advisor.engine.table import DecisionTable, RuleAttempt, show
from advisor.findings import SEVERITIES, Finding, Fix
from advisor.knowledge import Knowledge, load
from advisor.knowledge.space import FactSpace
from advisor.requirements.model import Requirements

_Tiered: TypeAlias = tuple[tuple[Tier, ...], tuple[FeatureRow, ...], tuple[PathStep, ...]]


class Advisor:
    """Decides by the tables of one knowledge.

    Attributes:
        space: the facts and their domains.
        tables: the compiled tables that decide, in the order of the walk.
        findings: the compiled table of warnings.
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
        self.tables = {s.table: DecisionTable(s, domains) for s in specs if s.role == "decision"}
        self.findings = DecisionTable(knowledge.table_of_role("finding"), domains)
        derived = derived_nodes(self.space, self.cells)
        self.lost = next(node for node in derived if isinstance(node, LostNode))
        self.network = Network([*(TableNode(table) for table in self.tables.values()), *derived])
        self._losses = LossTable(self.space, self.cells)
        self._changes = Changes(self.space, self.network, core_of)

    def facts(self, requirements: Requirements) -> dict[str, Any]:
        """Every fact, base and derived, for these requirements."""
        facts = base_facts(requirements, self.space)
        self.network.evaluate(facts)
        return facts

    def core(self, requirements: Requirements) -> Core:
        """Only what the tables decide."""
        return core_of(self.facts(requirements))

    def decide(self, requirements: Requirements) -> Decision:
        """The whole decision."""
        facts = self.facts(requirements)
        core = core_of(facts)
        tiers: tuple[Tier, ...] = ()
        features, path = self._losses.rows(facts, core), self._path(facts)
        if core.pattern == "tiered":
            tiers, features, path = self._tiered(requirements, facts, core)
        return Decision(
            requirements=requirements,
            facts=facts,
            core=self._settled(core, requirements),
            because=self._affinity_because(facts),
            tiers=tiers,
            instances=_instances(requirements, core),
            features=features,
            path=path,
            counterfactuals=self._counterfactuals(requirements, facts, core),
            alternatives=self._alternatives(requirements, facts, core),
            warnings=self._warnings(requirements, facts),
            capacity=capacity(requirements, facts, core, tiers, self.space),
        )

    def trace(self, decision: Decision) -> dict[str, list[RuleAttempt]]:
        """Every rule tried, by table, for `--explain`."""
        traces = {name: table.trace(decision.facts) for name, table in self.tables.items()}
        traces[self.findings.spec.table] = self.findings.trace(decision.facts)
        return traces

    def _path(self, facts: Mapping[str, Any]) -> tuple[PathStep, ...]:
        steps = []
        for table in self.tables.values():
            rule = table.evaluate(facts).rules[0]
            # A rule without conditions fired because all before it failed: then every input is a reason.
            seen = rule.when or table.inputs
            steps.append(PathStep(table.spec.table, table.spec.question, rule, {name: facts[name] for name in seen}))
        return tuple(steps)

    def _fired(self, table: str, facts: Mapping[str, Any]) -> Rule:
        return self.tables[table].evaluate(facts).rules[0]

    def _affinity_because(self, facts: Mapping[str, Any]) -> str:
        """The sentence for the mechanism: of the affinity table where the proxy does it, else of the session table."""
        return self._fired("affinity" if facts["owner"] == "proxy" else "session", facts).because

    def _tiered(self, requirements: Requirements, facts: Mapping[str, Any], core: Core) -> _Tiered:
        """Decide both tiers by the same tables, and put the features together from them."""
        stateless, stateful = self._parts(requirements, facts)
        outside, inside = self.facts(stateless), self.facts(stateful)
        tiers = (
            Tier("stateless", _names(stateless), core_of(outside), _first(requirements["scale.instances"])),
            Tier("stateful", _names(stateful), core_of(inside), 1),
        )
        # A feature that a tool of the stateful tier needs is met there, with the need of the whole deployment.
        there = {row.feature: row for row in self._losses.rows(inside, core_of(inside)) if row.need != "none"}
        here = self._losses.rows(outside, core_of(outside))
        whole = {row.feature: row.need for row in self._losses.rows(facts, core)}
        features = tuple(
            replace(there[row.feature] if row.need == "none" and row.feature in there else row, need=whole[row.feature])
            for row in here
        )
        return tiers, features, (*self._path(facts)[:-1], self._path(outside)[-1])

    def _parts(self, requirements: Requirements, facts: Mapping[str, Any]) -> tuple[Requirements, Requirements]:
        """The requirements of the stateless and of the stateful tier."""
        lost = self.lost.lost_features(tuple(facts[name] for name in CONTEXT), "need.session")
        carrying = frozenset(tool.name for tool in requirements.tools if lost.intersection(tool.needs))
        others = frozenset(tool.name for tool in requirements.tools) - carrying
        return part(requirements, others, one_process=False), part(requirements, carrying, one_process=True)

    def _settled(self, core: Core, requirements: Requirements, change: Mapping[str, Any] | None = None) -> Core:
        """`core`, decided after `change`; the flags of a tiered deployment are those of its larger, stateless part."""
        if core.pattern != "tiered":
            return core
        after = changed(requirements, change) if change else requirements
        stateless, _ = self._parts(after, self.facts(after))
        return core._replace(flags=core_of(self.facts(stateless)).flags)

    def _counterfactuals(
        self, requirements: Requirements, facts: Mapping[str, Any], core: Core
    ) -> tuple[Counterfactual, ...]:
        found = self._changes.counterfactuals(facts)
        if all(one.core.pattern != "tiered" for one in found):
            return found
        now = self._settled(core, requirements)
        settled = [replace(one, core=self._settled(one.core, requirements, one.change)) for one in found]
        return tuple(one for one in settled if one.core != now)

    def _alternatives(
        self, requirements: Requirements, facts: Mapping[str, Any], core: Core
    ) -> tuple[Alternative, ...]:
        """Ways out of a contradiction, or the patterns of other rules whose conditions hold as well."""
        if not core.feasible:
            ways = self._changes.ways_out(facts)
            return tuple(replace(one, core=self._settled(one.core, requirements, one.change)) for one in ways)
        found: dict[Core, Alternative] = {}
        for rule in self.tables["session"].evaluate(facts).matching[1:]:
            if rule.then["pattern"] not in ("contradiction", core.pattern):
                forced = dict(facts)
                self.network.revise(forced, rule.then)
                other = self._settled(core_of(forced), requirements)
                tiered = other.pattern == "tiered"  # every tool keeps its needs there
                lost = [] if tiered else [row.feature for row in self._losses.rows(forced, other) if row.lost]
                # The rule's own reason supposes that the rules before it did not fire, and one of them did.
                because = self.knowledge.phrases[f"pattern.{other.pattern}"]
                found.setdefault(other, Alternative(other, {}, tuple(lost), "", f"{because.capitalize()}."))
        return tuple(found.values())

    def _warnings(self, requirements: Requirements, facts: Mapping[str, Any]) -> tuple[Finding, ...]:
        if facts["pattern"] == "tiered":
            warnings = list(self._tier_warnings(requirements, facts))
        else:
            warnings = [self._warned(rule, requirements) for rule in self.findings.evaluate(facts).rules]
        warnings.sort(key=lambda finding: SEVERITIES.index(finding.severity))
        return tuple(warnings)

    def _tier_warnings(self, requirements: Requirements, facts: Mapping[str, Any]) -> Iterator[Finding]:
        """What is said of the whole deployment, and what of one tier; a tier has its own flags and its own needs."""
        stateless, stateful = self._parts(requirements, facts)
        inside = {"stateless": stateless, "stateful": stateful}
        fired = {name: self.findings.evaluate(self.facts(tier)).rules for name, tier in inside.items()}
        whole = self.findings.evaluate(facts).rules
        phrase = self.knowledge.phrases["tier.warning"]
        for rule in self.findings.spec.rules:
            tiers = [name for name, rules in fired.items() if rule in rules]
            if len(tiers) == len(inside) or (rule in whole and "pattern" in rule.when):
                yield self._warned(rule, requirements)
            elif tiers:
                finding = self._warned(rule, inside[tiers[0]])
                yield replace(finding, message=phrase.format(tier=tiers[0], message=finding.message))

    def _warned(self, rule: Rule, requirements: Requirements) -> Finding:
        return Finding(
            rule.id,
            self._fill(rule.because, requirements),
            rule.then["severity"],  # type: ignore[arg-type]  # the table's outputs allow only severities
            title=rule.title,
            fix=Fix(rule.fix),
            sources=tuple(rule.sources),
        )

    def _fill(self, message: str, requirements: Requirements) -> str:
        """Put raw values of the requirements into a message."""
        if "{" not in message:
            return message
        return _PLACEHOLDER.sub(lambda match: self._shown(match[1], requirements), message)

    def _shown(self, name: str, requirements: Requirements) -> str:
        if name == "clients.missing":
            return "; ".join(missing_features(requirements, self.space))
        if name == "clients.contradicted":
            return "; ".join(contradicted_facts(requirements, self.space))
        if name.startswith("sessions."):
            return room_figures(requirements, self.space)[name]
        for derived in self.knowledge.derived:
            if derived.compare is not None and derived.compare["limit"] == name:
                value = limit(requirements, self.space, derived.compare)
                return f"{value:g}" if value is not None else "?"
        return _in_words(requirements[name])


_PLACEHOLDER = re.compile(r"\{([a-z_.]+)\}")


def _in_words(value: Any) -> str:
    """A raw value as sentences have it."""
    if isinstance(value, Mapping):
        return f"{value['min']:,} to {value['max']:,}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else show(value)


def core_of(facts: Mapping[str, Any]) -> Core:
    """The core, out of evaluated facts."""
    flags = Flags(facts["stateless_http"], facts["json_response"])
    return Core(facts["pattern"], flags, facts["affinity.mechanism"], facts["substitute"])


def _names(requirements: Requirements) -> tuple[str, ...]:
    return tuple(tool.name for tool in requirements.tools)


def _instances(requirements: Requirements, core: Core) -> int:
    return 1 if core.pattern == "single-instance" else _first(requirements["scale.instances"])


def _first(instances: Any) -> int:
    """The lower end of a range of instances, or their number."""
    return int(instances["min"] if isinstance(instances, dict) else instances)


@lru_cache(maxsize=1)
def default_advisor() -> Advisor:
    """The advisor over the program's own knowledge, built once per process."""
    return Advisor(load())
