"""Finds out which results two revisions of facts cannot reach together, without an evaluation of the tables.

A table gives a wanted output only by a rule with this output. If a condition of each such rule is certainly false, the
result is out of reach. Each rule is a group of bits: a bit for each of its conditions, and a last bit for the rule.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, TypeAlias

from advisor.engine.network import Network, TableNode
from advisor.engine.rules import Value

Goal: TypeAlias = "tuple[int, ...]"
"""A wanted result: for each table that sets a part of it, the last bits of the rules with this part."""


class KnownConditions(NamedTuple):
    """What some facts say about the conditions of the rules.

    Attributes:
        read: the conditions on these facts, as bits.
        false: those of them that are false.
    """

    read: int
    false: int

    def then(self, other: KnownConditions) -> KnownConditions:
        """Return what these facts say after other facts replace some of them."""
        return KnownConditions(self.read | other.read, other.false | (self.false & ~other.read))


class Goals:
    """The rules of the tables that set any of some facts.

    Attributes:
        every_condition: the bits of all conditions.
        every_rule: the last bits of all rules.
    """

    def __init__(self, network: Network, targets: Iterable[str]) -> None:
        """Give each condition of each rule its bit. `targets` are the facts of a result."""
        names = tuple(targets)
        self._tables = [n for n in network.nodes if isinstance(n, TableNode) and not set(names).isdisjoint(n.outputs)]
        self._rules: list[list[int]] = []
        self._read: dict[str, int] = {}
        self._false: dict[tuple[str, Value], int] = {}
        self.every_condition = self.every_rule = 0
        place = 0
        for node in self._tables:
            last = []
            for number, rule in enumerate(node.table.spec.rules):
                for name in rule.when:
                    self._read[name] = self._read.get(name, 0) | 1 << place
                    self.every_condition |= 1 << place
                    for value, mask in node.table.masks[node.inputs.index(name)].items():
                        if not mask >> number & 1:
                            self._false[name, value] = self._false.get((name, value), 0) | 1 << place
                    place += 1
                last.append(1 << place)
                place += 1
            self._rules.append(last)
            self.every_rule |= sum(last)
        self._after = [self._conditions_on(network.consequences_of(node.outputs)) for node, *_ in network.plan(names)]
        self._unsettled: dict[int, int] = {}

    def _conditions_on(self, names: Iterable[str]) -> int:
        bits = 0
        for name in names:
            bits |= self._read.get(name, 0)
        return bits

    def _goal(self, result: Mapping[str, Value]) -> Goal:
        """Return the rules that can give a result: values of some targets."""
        parts = []
        for node, last in zip(self._tables, self._rules, strict=True):
            asked = {name: value for name, value in result.items() if name in node.outputs}
            rules = zip(node.table.spec.rules, last, strict=True)
            parts.append(sum(bit for rule, bit in rules if asked.items() <= rule.then.items()))
        return tuple(parts)

    def conditions(self, facts: Mapping[str, Any], names: Iterable[str] | None = None) -> KnownConditions:
        """Return what facts say about the conditions: those with the given names, or else all facts."""
        found = [name for name in (self._read if names is None else names) if name in self._read]
        false = 0
        for name in found:
            false |= self._false.get((name, facts[name]), 0)
        return KnownConditions(self._conditions_on(found), false)

    def search(self, results: Iterable[Mapping[str, Value]]) -> Search:
        """Return a search for some results."""
        return Search(self, [self._goal(result) for result in results])

    def unsettled(self, pending: int) -> int:
        """Return the conditions on facts that can change when some nodes of the plan are evaluated again, as bits."""
        bits = self._unsettled.get(pending)
        if bits is None:
            afters = (after for number, after in enumerate(self._after) if pending >> number & 1)
            bits = self._unsettled[pending] = functools.reduce(operator.or_, afters, 0)
        return bits


class Search:
    """The check whether two revisions together can give any of some results."""

    def __init__(self, goals: Goals, wanted: Iterable[Goal]) -> None:
        """Create the check for some goals."""
        self._goals = goals
        self._wanted = tuple(wanted)
        self._reachable: dict[int, bool] = {}

    def reachable(self, known: KnownConditions, more: KnownConditions, pending: int) -> bool:
        """Return whether two revisions together can reach a goal.

        Args:
            known: what the facts after the first revision say.
            more: what the facts that the second revision changes say. Its changes do not depend on the first.
            pending: the nodes of the plan that both revisions affect, as bits.
        """
        false = (more.false | (known.false & ~more.read)) & ~self._goals.unsettled(pending)
        # In each group with a false condition, the addition carries into the last bit.
        possible = ~(false + self._goals.every_condition) & self._goals.every_rule
        found = self._reachable.get(possible)
        if found is None:
            found = any(all(possible & part for part in goal) for goal in self._wanted)
            self._reachable[possible] = found
        return found
