"""Proves statements about the outcome for all values of the open facts, by folding over these values."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from advisor.decision.advisor import Advisor
from advisor.decision.checks.proof import base_domains
from advisor.decision.core import CORE_FACTS
from advisor.decision.derived_facts import FREE, TOOL_NEEDS, NeedsNode, SeparableNode
from advisor.decision.facts import COMPUTED
from advisor.decision.tiers import SEPARABLE
from advisor.engine.fold import fold
from advisor.engine.network import Network, NodeStep, Row, TableNode
from advisor.engine.rules import Rule, Value
from advisor.requirements.model import Requirements

OUTCOME = "core#"

Fired: TypeAlias = Mapping[str, tuple[Rule, ...]]


class State(NamedTuple):
    """The known facts.

    Attributes:
        facts: all facts, computed with defaults for open facts.
        domains: from the id of a base fact to its possible values. A known fact has one value.
        tools: whether the tools are known.
    """

    facts: dict[str, Any]
    domains: Mapping[str, Sequence[Value]]
    tools: bool


class Reachability:
    """Folds over the values of the open facts.

    Attributes:
        domains: the values of each base fact that can change the outcome, by id.
        network: the nodes of the decision, without those that compute the facts of FREE from other facts.
    """

    def __init__(self, advisor: Advisor) -> None:
        """Args: advisor: makes the decisions."""
        self._advisor = advisor
        self.network = network = Network([node for node in advisor.network.nodes if FREE.isdisjoint(node.outputs)])
        self._nodes = network.nodes
        end = NodeStep(CORE_FACTS, (OUTCOME,), outcome)
        self._steps = [*network.steps(CORE_FACTS), end]
        self._rule_steps = [*network.steps(CORE_FACTS, every_rule=True), end]
        written = {name for step in self._steps for name in step.writes}
        read = {name for step in self._steps for name in step.reads} - written
        self.domains = {
            n: self._distinct(n, values) for n, values in sorted(base_domains(advisor).items()) if n in read
        }
        self._separable = next(node for node in self._nodes if isinstance(node, SeparableNode))
        self._needs = next(node for node in self._nodes if isinstance(node, NeedsNode))
        self._facts: tuple[Requirements | None, dict[str, Any]] = (None, {})
        self._fired: dict[Any, Fired] = {}

    def facts(self, requirements: Requirements) -> dict[str, Any]:
        """Return all facts for requirements. The result is cached, because many calls have the same requirements."""
        if self._facts[0] is not requirements:
            self._facts = (requirements, self._advisor.facts(requirements))
        return self._facts[1]

    def state(self, requirements: Requirements, known: Collection[str]) -> State:
        """Return the state. Known facts, and facts that are never asked, have one value. All other facts are open."""
        facts = self.facts(requirements)
        domains: dict[str, Sequence[Value]] = dict(self.domains)
        for name in self._advisor.space.facts:
            if name in domains and self._settled(name, known):
                domains[name] = (facts[name],)
        for name, computation, spec in self._advisor.space.computed:
            if name in domains and computation in COMPUTED:
                read = [fact for fact in spec.values() if fact in self._advisor.space.facts]
                if all(self._settled(fact, known) for fact in read):
                    domains[name] = (facts[name],)
        domains |= {name: (facts[name],) for name in FREE if name in domains}
        if "tools" in known:
            domains.pop(SEPARABLE)
        return State(facts, domains, "tools" in known)

    def _settled(self, fact: str, known: Collection[str]) -> bool:
        """Return whether no further answer can change `fact`."""
        return fact in known or self._advisor.space.facts[fact].ask in ("never", "offered")

    def parted(self, fact: str, state: State) -> dict[str, Value] | None:
        """Return values of the open facts for which the outcome depends on `fact`; None if no such values exist."""
        folded = fold(self._of(state, self._steps), state.domains, (OUTCOME,), lanes=(fact, state.domains[fact]))
        return next((found.example() for found in folded.classes.values()), None)

    def gate(self, fact: str) -> TableNode | None:
        """Return the only node that reads `fact`, if this node is a table with one output; otherwise None."""
        readers = [node for node in self._nodes if fact in node.inputs]
        only = readers[0] if len(readers) == 1 else None
        return only if isinstance(only, TableNode) and len(only.outputs) == 1 else None

    def gate_is_closed(self, gate: TableNode, state: State) -> bool:
        """Return whether the output of the table `gate` cannot change the outcome."""
        own, name = {gate.mask, *gate.outputs}, gate.outputs[0]
        steps = [step for step in self._of(state, self._steps) if own.isdisjoint(step.writes)]
        values = self._advisor.space.domains[name]
        return not fold(steps, {**state.domains, name: values}, (OUTCOME,), lanes=(name, values)).classes

    def patterns(self, state: State) -> set[Value]:
        """Return the deployment patterns that are still possible."""
        return {row[0] for row in fold(self._of(state, self._steps), state.domains, ("pattern",)).classes}

    def fired(self, state: State, *, every_rule: bool = True) -> Fired:
        """Return the rules that can still apply, by the id of their table.

        Args:
            state: the known facts and the values of the open facts.
            every_rule: whether each rule counts. Otherwise, one rule stands for all rules with the same outputs, which
                takes less time.
        """
        values = tuple((name, tuple(values)) for name, values in state.domains.items())
        asked = (values, state.facts[TOOL_NEEDS], every_rule)
        if asked not in self._fired:
            self._fired[asked] = self._fold_rules(state, every_rule)
        return self._fired[asked]

    def closed(self, fact: str, state: State) -> bool:
        """Return whether rules keep `fact` from the outcome."""
        return bool(self.barrier(fact, state, every_rule=False))

    def barrier(self, fact: str, state: State, *, every_rule: bool = True) -> tuple[Rule, ...]:
        """Return the rules that keep `fact` from the outcome; empty if `fact` can reach the outcome.

        If all rules that can still apply in a table have the same result, no fact has an effect through this table.
        The returned rules belong to such tables on all paths from `fact` to the outcome.
        """
        fired = self.fired(state, every_rule=every_rule)
        settled = {name: rules for name, rules in fired.items() if len({tuple(r.then.items()) for r in rules}) == 1}
        for rules in settled.values():
            if rules[0].then.get("pattern") == "contradiction":
                return rules  # a contradiction makes all other facts irrelevant
        found: dict[str, Rule] = {}
        reached = {fact}
        for node in self._nodes:
            if reached.isdisjoint(node.inputs):
                continue
            rules = settled.get(node.table.spec.table, ()) if isinstance(node, TableNode) else ()
            found.update((rule.id, rule) for rule in rules)
            if not rules:
                reached.update(node.outputs)
        return () if reached.intersection(CORE_FACTS) else tuple(found.values())

    def _fold_rules(self, state: State, every_rule: bool) -> Fired:
        tables = {node.mask: node.table for node in self._nodes if isinstance(node, TableNode)}
        masks: dict[str, set[int]] = {name: set() for name in tables}

        def watched(step: NodeStep) -> NodeStep:
            if len(step.reads) != 1 or step.reads[0] not in tables:
                return step
            seen, run = masks[step.reads[0]], step.run

            def watching(row: Row) -> Row:
                seen.add(row[0] & -row[0])
                return run(row)

            return NodeStep(step.reads, step.writes, watching)

        steps = self._of(state, self._rule_steps if every_rule else self._steps)
        fold([watched(step) for step in steps], state.domains, (OUTCOME,))
        return {
            table.spec.table: tuple(rule for i, rule in enumerate(table.spec.rules) if 1 << i in masks[mask])
            for mask, table in tables.items()
        }

    def _of(self, state: State, steps: list[NodeStep]) -> list[NodeStep]:
        """Return the steps. If the tools are known, a step computes `tools.separable`; otherwise this fact is open."""
        if not state.tools:
            return steps
        tools = state.facts[TOOL_NEEDS]
        compute = [NodeStep((), (SEPARABLE,), lambda row: ("no",))]
        if tools:
            needs, separable = self._needs, self._separable
            reads = tuple(name for name in separable.inputs if name != TOOL_NEEDS)
            compute = [
                NodeStep(needs.inputs, needs.outputs, needs.values),
                NodeStep(reads, (SEPARABLE,), lambda row: separable.values((tools, *row))),
            ]
        first = next(i for i, step in enumerate(steps) if SEPARABLE in step.reads)
        return [*steps[:first], *compute, *steps[first:]]

    def _distinct(self, fact: str, values: Sequence[Value]) -> Sequence[Value]:
        """Return one value from each group of values that all tables treat alike, if only tables read the fact."""
        readers = [node for node in self._nodes if fact in node.inputs]
        tables = [node.table for node in readers if isinstance(node, TableNode)]
        if len(tables) < len(readers):
            return values
        seen = {tuple(table.masks[table.inputs.index(fact)][value] for table in tables): value for value in values}
        return tuple(seen.values())


def outcome(row: Row) -> Row:
    """Return the facts of the core as one value. A contradiction has no flags."""
    return (row[0],) if row[0] == "contradiction" else (row,)
