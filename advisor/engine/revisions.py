"""Combines two revisions of the facts of a network. It evaluates only the nodes that both revisions affect."""

# Without the __future__ import: NamedTuple compiles each annotation that is a string, at every start of the program.

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from advisor.engine.network import Network, Row, row_values, selector


class Revision(NamedTuple):
    """What some changes do to evaluated facts.

    Attributes:
        facts: the facts after the changes.
        values: the facts that are changed, and the outputs that differ, with their new values.
        reading: the nodes that read any of these facts, as bits.
        row: the targets after the changes.
    """

    facts: Mapping[str, Any]
    values: Mapping[str, Any]
    reading: int
    row: Row


class Combiner:
    """Combines revisions of the same facts.

    A node that reads the changed facts of a single revision has the outputs of this revision. So only these nodes are
    evaluated: nodes that read changed facts of both revisions, and nodes that depend on an output that differs then.
    """

    def __init__(self, network: Network, targets: Iterable[str], facts: Mapping[str, Any]) -> None:
        """Prepare the nodes on which `targets` depend. `facts` are evaluated, and stay as they are."""
        names = tuple(targets)
        self.row_of = selector(names)
        self._now = self.row_of(facts)
        self._plan = network.plan(names)
        self._readers: dict[str, int] = {}
        for number, (_, _, _, inputs, _) in enumerate(self._plan):
            for name in inputs:
                self._readers[name] = self._readers.get(name, 0) | 1 << number

    def revision(self, facts: Mapping[str, Any], changed: Iterable[str]) -> Revision:
        """Return a revision from the facts after it, and the names of the facts that it changes."""
        values, reading = {name: facts[name] for name in changed}, 0
        for name in values:
            reading |= self._readers.get(name, 0)
        return Revision(facts, values, reading, self.row_of(facts))

    def combined(self, first: Revision, second: Revision) -> Row:
        """Return the targets after both revisions. The changes of `second` must not depend on `first`."""
        pending = first.reading & second.reading
        if pending:
            return self._evaluated({**first.facts, **second.values}, pending)
        if second.row == self._now:
            return first.row
        if first.row == self._now:
            return second.row
        rows = zip(self._now, first.row, second.row, strict=True)
        return tuple(before if after == now else after for now, before, after in rows)

    def _evaluated(self, facts: dict[str, Any], pending: int) -> Row:
        while pending:
            lowest = pending & -pending
            pending ^= lowest
            node, row_of, outputs, _, memo = self._plan[lowest.bit_length() - 1]
            for name, value in zip(outputs, row_values(node, row_of(facts), memo), strict=True):
                before = facts[name]
                if before is not value and before != value:
                    facts[name] = value
                    pending |= self._readers.get(name, 0)
        return self.row_of(facts)
