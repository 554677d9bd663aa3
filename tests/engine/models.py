"""Small random networks of decision tables, and a walk over every combination of their facts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from hypothesis import strategies as st

from advisor.engine.network import FunctionNode, Network, NodeStep, TableNode
from advisor.engine.rules import Rule, RuleTable, Value
from advisor.engine.table import DecisionTable


@dataclass
class Model:
    """A network and the domain of each of its facts, for base facts and outputs."""

    network: Network
    domains: dict[str, tuple[Value, ...]]

    def walk(self) -> Iterator[dict[str, Any]]:
        """Every combination of base facts, evaluated."""
        base = self.network.base
        for values in product(*(self.domains[name] for name in base)):
            facts = dict(zip(base, values, strict=True))
            self.network.evaluate(facts)
            yield facts


def rule(number: int, when: dict[str, Any], then: dict[str, Value]) -> Rule:
    return Rule(f"R{number}", f"rule-{number}", "", when, then, "", [], {})


@st.composite
def conditions(draw: st.DrawFn, domain: Sequence[Value]) -> Any:
    """A condition on a fact of this domain."""
    operator = draw(st.sampled_from(["is", "not", "in", "not_in", "at_least", "at_most"]))
    chosen = draw(st.sampled_from(domain))
    return {operator: [chosen] if operator.endswith("in") else chosen}


@st.composite
def tables(draw: st.DrawFn, name: str, inputs: list[str], domains: dict[str, tuple[Value, ...]]) -> DecisionTable:
    """A complete `first` table over `inputs` that sets the fact `name` (and `name`.extra)."""
    outputs: dict[str, list[Value]] = {name: ["x", "y", "z"], f"{name}.extra": [True, False]}
    then = st.fixed_dictionaries({output: st.sampled_from(values) for output, values in outputs.items()})
    rules = []
    for number in range(draw(st.integers(0, 4))):
        chosen = draw(st.lists(st.sampled_from(inputs), unique=True, max_size=3))
        rules.append(rule(number, {fact: draw(conditions(domains[fact])) for fact in chosen}, draw(then)))
    rules.append(rule(99, {}, draw(then)))
    return DecisionTable(RuleTable(name, "", "", "first", inputs, outputs, rules), domains)


@st.composite
def models(draw: st.DrawFn) -> Model:
    """Four to six base facts of two or three values, two to four nodes that read facts set before them."""
    domains: dict[str, tuple[Value, ...]] = {
        f"b{number}": draw(st.sampled_from([(True, False), ("l", "m", "h"), (True, False, "unknown")]))
        for number in range(draw(st.integers(3, 5)))
    }
    nodes: list[Any] = []
    for number in range(draw(st.integers(2, 4))):
        inputs = draw(st.lists(st.sampled_from(sorted(domains)), unique=True, min_size=1, max_size=4))
        name = f"n{number}"
        if draw(st.booleans()):
            compiled = draw(tables(name, inputs, dict(domains)))
            nodes.append(TableNode(compiled))
            domains.update({output: tuple(values) for output, values in compiled.spec.outputs.items()})
        else:
            nodes.append(FunctionNode(inputs, [name], _parity(inputs, domains)))
            domains[name] = ("even", "odd")
    return Model(Network(draw(st.permutations(nodes))), domains)


def _parity(inputs: list[str], domains: dict[str, tuple[Value, ...]]) -> Callable[[Any], Any]:
    known = [domains[name] for name in inputs]
    return lambda row: (("even", "odd")[sum(d.index(v) for d, v in zip(known, row, strict=True)) % 2],)


def run(steps: Sequence[NodeStep], facts: dict[str, Any]) -> dict[str, Any]:
    """Run the steps in order over base facts, as a fold does for each class."""
    known = dict(facts)
    for step in steps:
        known.update(zip(step.writes, step.run(tuple(known[name] for name in step.reads)), strict=True))
    return known
