"""Values that no table distinguishes, so that a fold visits one of them instead of all.

Two values of a fact are alike if they satisfy the same conditions of every table that reads the fact. If another node
reads the fact, its values are not alike.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from advisor.engine.network import Network, Node, TableNode
from advisor.engine.rules import Value
from advisor.engine.table import DecisionTable


class ValueClasses:
    """The classes of values.

    Attributes:
        domains: for each fact, one value of each class.
        first: for each fact and value, the value in `domains` of the same class.
        network: the nodes. Each table sets one value of a class instead of another.
    """

    def __init__(
        self, nodes: Sequence[Node], domains: Mapping[str, Sequence[Value]], distinct: Collection[str]
    ) -> None:
        """Find the classes of values of the facts in `domains`. The values of `distinct` facts are not alike."""
        self.first = first = {
            name: {value: value for value in values} if name in distinct else self._first(name, values, nodes)
            for name, values in domains.items()
        }
        self.domains = {name: tuple(dict.fromkeys(of.values())) for name, of in first.items()}
        self.network = Network([_reduced(node, first) if isinstance(node, TableNode) else node for node in nodes])

    @staticmethod
    def _first(name: str, values: Sequence[Value], nodes: Sequence[Node]) -> dict[Value, Value]:
        """Return for each value the first value of its class."""
        readers = [node for node in nodes if name in node.inputs]
        tables = [node.table for node in readers if isinstance(node, TableNode)]
        if len(tables) != len(readers):
            return {value: value for value in values}
        found: dict[tuple[int, ...], Value] = {}
        first = {}
        for value in values:
            seen = tuple(table.masks[table.inputs.index(name)][value] for table in tables)
            first[value] = found.setdefault(seen, value)
        return first


def _reduced(node: TableNode, first: Mapping[str, Mapping[Value, Value]]) -> TableNode:
    spec = node.table.spec
    rules = [
        rule._replace(then={name: first.get(name, {}).get(value, value) for name, value in rule.then.items()})
        for rule in spec.rules
    ]
    return TableNode(DecisionTable(spec._replace(rules=rules), node.table.domains))
