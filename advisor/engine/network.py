"""A network of pure nodes over facts: tables and derived facts, in the order in which they depend on each other.

DMN calls it a decision requirements graph. Evaluating it sets every output; revising it after some facts changed
evaluates only what depends on them, which is what makes counterfactuals cheap.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any, NamedTuple, Protocol, TypeAlias

from advisor.engine.table import DecisionTable
from advisor.errors import KnowledgeError

Row: TypeAlias = tuple[Any, ...]

# Rows of a table that are remembered; what was remembered is dropped when it has grown past this.
_MEMO_LIMIT = 50_000


class NodeStep(NamedTuple):
    """A node taken apart for the proof: reads some variables, writes others.

    Attributes:
        reads: facts or accumulators read.
        writes: facts or accumulators written.
        run: maps the values read to the values written.
    """

    reads: tuple[str, ...]
    writes: tuple[str, ...]
    run: Callable[[Row], Row]


class Node(Protocol):
    """A pure function from some facts to others."""

    @property
    def inputs(self) -> tuple[str, ...]:
        """Ids of the facts that it reads."""
        ...

    @property
    def outputs(self) -> tuple[str, ...]:
        """Ids of the facts that it sets."""
        ...

    def values(self, row: Row) -> Row:
        """The outputs for a row of inputs."""
        ...

    def steps(self) -> list[NodeStep]:
        """The node as steps that read few variables each, so that a fold can forget them early."""
        ...


class FunctionNode:
    """A node given by a function; a single step."""

    def __init__(self, inputs: Sequence[str], outputs: Sequence[str], function: Callable[[Row], Row]) -> None:
        """`function` maps the row of inputs to the row of outputs."""
        self.inputs = tuple(inputs)
        self.outputs = tuple(outputs)
        self._function = function

    def values(self, row: Row) -> Row:
        """The outputs for a row of inputs."""
        return self._function(row)

    def steps(self) -> list[NodeStep]:
        """One step."""
        return [NodeStep(self.inputs, self.outputs, self._function)]


class TableNode:
    """A decision table with hit policy `first` or `unique` as a node."""

    def __init__(self, table: DecisionTable) -> None:
        """Wrap `table`."""
        self.table = table
        self.inputs = table.inputs
        self.outputs = table.outputs

    def values(self, row: Row) -> Row:
        """The outputs of the rule that fires.

        Raises:
            KnowledgeError: no rule, or under `unique` several, fire; `rules check` proves that this cannot be.
        """
        mask = self.table.match(row)
        return self.of_mask(mask, row)

    def of_mask(self, mask: int, row: object = "") -> Row:
        """The outputs for the mask of matching rules."""
        spec = self.table.spec
        if not mask or (spec.hit_policy == "unique" and mask & (mask - 1)):
            raise KnowledgeError(f"table {spec.table}: {'several rules' if mask else 'no rule'} for {row}")
        rule = spec.rules[(mask & -mask).bit_length() - 1]
        return tuple(rule.then[name] for name in self.outputs)

    def steps(self) -> list[NodeStep]:
        """A step per input that narrows the set of rules still possible, and a step that takes the outputs."""
        steps = [self.start()]
        remaining = list(self.inputs)
        while remaining:
            steps.append(self.narrow(remaining.pop(0), remaining))
        return [*steps, self.finish()]

    @property
    def mask(self) -> str:
        """The variable of the rules still possible."""
        return f"{self.table.spec.table}#rules"

    def start(self) -> NodeStep:
        """Every rule is possible."""
        return NodeStep((), (self.mask,), lambda row: (self.table.full,))

    def finish(self) -> NodeStep:
        """Take the outputs of the rule that fires."""
        return NodeStep((self.mask,), self.outputs, lambda row: self.of_mask(row[0]))

    def narrow(self, name: str, remaining: Sequence[str]) -> NodeStep:
        """Read an input, in any order; `remaining` are those still to be read after it."""
        masks = self.table.masks[self.inputs.index(name)]
        first = self.table.spec.hit_policy == "first"
        later = set(remaining)
        certain = sum(1 << i for i, rule in enumerate(self.table.spec.rules) if not later & set(rule.when))

        def narrow(row: Row) -> Row:
            mask = row[0] & masks[row[1]]
            settled = mask & certain
            if first and settled:
                # Nothing that is still to be read can stop this rule, so the rules after it cannot fire.
                lowest = settled & -settled
                mask &= lowest | (lowest - 1)
            return (mask,)

        return NodeStep((self.mask, name), (self.mask,), narrow)


# What evaluating a node takes: the node, how to read its row, its outputs, its inputs, and the rows seen before.
Plan: TypeAlias = (
    "tuple[tuple[Node, Callable[[dict[str, Any]], Row], tuple[str, ...], frozenset[str], dict[Row, Row] | None], ...]"
)


class Network:
    """Nodes in dependency order.

    Attributes:
        nodes: the nodes, each after those whose outputs it reads.
        base: the facts that no node sets.
    """

    def __init__(self, nodes: Iterable[Node]) -> None:
        """Order `nodes`.

        Raises:
            KnowledgeError: two nodes set the same fact, or they depend on each other in a circle.
        """
        self.nodes = _ordered(list(nodes))
        set_by_nodes = {name for node in self.nodes for name in node.outputs}
        self.base = tuple(dict.fromkeys(n for node in self.nodes for n in node.inputs if n not in set_by_nodes))
        self._plan: Plan = tuple(
            # Only tables have so few rows, and take so long, that remembering pays.
            (n, _getter(n.inputs), n.outputs, frozenset(n.inputs), {} if isinstance(n, TableNode) else None)
            for n in self.nodes
        )

    def evaluate(self, facts: dict[str, Any]) -> None:
        """Set the outputs of every node in `facts`, which has a value for every base fact."""
        for node, row_of, outputs, _, memo in self._plan:
            facts.update(zip(outputs, _values(node, row_of(facts), memo), strict=True))

    def revise(self, facts: dict[str, Any], changes: Mapping[str, Any], plan: Plan | None = None) -> dict[str, Any]:
        """Give some facts new values and bring the outputs in `facts` up to date, in place.

        Args:
            facts: evaluated facts.
            changes: new values. An output named here is taken as given: the node that would set it is left alone.
            plan: the nodes that may have to be evaluated (see `between`); all of them by default.

        Returns:
            The old value of everything that changed; `facts.update(…)` with it undoes the revision.
        """
        if plan is None:
            plan = tuple(entry for entry in self._plan if changes.keys().isdisjoint(entry[2]))
        old = {name: facts[name] for name in changes}
        facts.update(changes)
        for node, row_of, outputs, inputs, memo in plan:
            if inputs.isdisjoint(old):
                continue
            for name, value in zip(outputs, _values(node, row_of(facts), memo), strict=True):
                before = facts[name]
                if before is not value and before != value:
                    facts[name] = value
                    old[name] = before
        return old

    def plan(self, targets: Iterable[str]) -> Plan:
        """The nodes that `targets` depend on, in order: a plan for `revise` after any change of base facts."""
        needed = self.dependencies_of(targets)
        return tuple(entry for entry in self._plan if not needed.isdisjoint(entry[2]))

    def between(self, source: str, targets: Iterable[str]) -> Plan:
        """The nodes on a way from the fact `source` to any of `targets`, in order: a plan for `revise`."""
        reached = {source}
        plan = []
        for entry in self.plan(targets):
            _, _, outputs, inputs, _ = entry
            if not inputs.isdisjoint(reached):
                plan.append(entry)
                reached.update(outputs)
        return tuple(plan)

    def steps(self, targets: Iterable[str]) -> list[NodeStep]:
        """Everything that `targets` depend on as steps, in an order that lets a fold forget facts early.

        A table reads each input as soon as the input is known, before the nodes that its other inputs wait for: what
        was read lives on only in the set of rules still possible.
        """
        needed = self.dependencies_of(targets)
        nodes = [node for node in self.nodes if not needed.isdisjoint(node.outputs)]
        pending = [(node, list(node.inputs)) for node in nodes if isinstance(node, TableNode)]
        steps = [node.start() for node, _ in pending]
        unknown = {name for node in nodes for name in node.outputs}
        waiting = [node for node in nodes if not isinstance(node, TableNode)]
        while pending or waiting:
            for table, unread in pending:
                while known := next((name for name in unread if name not in unknown), None):
                    unread.remove(known)
                    steps.append(table.narrow(known, unread))
            done: list[Node] = [table for table, unread in pending if not unread]
            steps += [table.finish() for table in done if isinstance(table, TableNode)]
            if not done:
                done = [node for node in waiting if unknown.isdisjoint(node.inputs)][:1]
                steps += [step for node in done for step in node.steps()]
            unknown.difference_update(name for node in done for name in node.outputs)
            if not done:
                raise KnowledgeError(f"nothing sets {sorted(unknown)}")
            pending = [(table, unread) for table, unread in pending if unread]
            waiting = [node for node in waiting if node not in done]
        return steps

    def dependencies_of(self, targets: Iterable[str]) -> frozenset[str]:
        """Every fact that any of `targets` depends on, directly or through other nodes."""
        reached = set(targets)
        for node in reversed(self.nodes):
            if not reached.isdisjoint(node.outputs):
                reached.update(node.inputs)
        return frozenset(reached)


def _values(node: Node, row: Row, memo: dict[Row, Row] | None) -> Row:
    if memo is None:
        return node.values(row)
    values = memo.get(row)
    if values is None:
        if len(memo) >= _MEMO_LIMIT:
            memo.clear()
        values = memo[row] = node.values(row)
    return values


def _getter(names: tuple[str, ...]) -> Callable[[dict[str, Any]], Row]:
    if len(names) == 1:
        name = names[0]
        return lambda facts: (facts[name],)
    return itemgetter(*names)


def _ordered(nodes: list[Node]) -> list[Node]:
    setter: dict[str, Node] = {}
    for node in nodes:
        for name in node.outputs:
            if name in setter:
                raise KnowledgeError(f"two nodes set {name!r}")
            setter[name] = node
    ordered: list[Node] = []
    pending = list(nodes)
    done: set[str] = set()
    while pending:
        ready = [node for node in pending if all(name in done or name not in setter for name in node.inputs)]
        if not ready:
            circle = sorted(name for node in _circular(pending) for name in node.outputs)
            raise KnowledgeError(f"these facts depend on each other: {', '.join(circle)}")
        for node in ready:
            ordered.append(node)
            done.update(node.outputs)
            pending.remove(node)
    return ordered


def _circular(nodes: list[Node]) -> list[Node]:
    """The nodes without those that only wait for the others."""
    read = {name for node in nodes for name in node.inputs}
    left = [node for node in nodes if not read.isdisjoint(node.outputs)]
    return left if len(left) == len(nodes) else _circular(left)
