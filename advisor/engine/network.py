"""A network of pure nodes over facts: tables and derived facts, in the order of their dependencies.

DMN calls such a network a decision requirements graph. `evaluate` sets all outputs. `revise` evaluates only the nodes
that depend on changed facts, so that counterfactuals are fast.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any, NamedTuple, Protocol, TypeAlias

from advisor.engine.rules import Rule
from advisor.engine.table import DecisionTable
from advisor.errors import KnowledgeError

Row: TypeAlias = tuple[Any, ...]

# Largest number of cached rows of a table. A full cache is emptied.
_MEMO_LIMIT = 50_000


class NodeStep(NamedTuple):
    """A part of a node for the proof. It reads some variables and writes other variables.

    Attributes:
        reads: the facts or accumulators that the step reads.
        writes: the facts or accumulators that the step writes.
        run: a function from the values of `reads` to the values of `writes`.
    """

    reads: tuple[str, ...]
    writes: tuple[str, ...]
    run: Callable[[Row], Row]


class Node(Protocol):
    """A pure function from some facts to other facts."""

    @property
    def inputs(self) -> tuple[str, ...]:
        """The ids of the facts that the node reads."""
        ...

    @property
    def outputs(self) -> tuple[str, ...]:
        """The ids of the facts that the node sets."""
        ...

    def values(self, row: Row) -> Row:
        """Return the outputs for a row of inputs."""
        ...

    def steps(self) -> list[NodeStep]:
        """Return the node as steps. Each step reads few variables, so that a fold can forget variables early."""
        ...


class FunctionNode:
    """A node that consists of a function. It has a single step."""

    def __init__(self, inputs: Sequence[str], outputs: Sequence[str], function: Callable[[Row], Row]) -> None:
        """Create a node; `function` maps the row of inputs to the row of outputs."""
        self.inputs = tuple(inputs)
        self.outputs = tuple(outputs)
        self._function = function

    def values(self, row: Row) -> Row:
        """Return the outputs for a row of inputs."""
        return self._function(row)

    def steps(self) -> list[NodeStep]:
        """Return the only step of the node."""
        return [NodeStep(self.inputs, self.outputs, self._function)]


class TableNode:
    """A decision table with hit policy `first` or `unique` as a node."""

    def __init__(self, table: DecisionTable) -> None:
        """Create a node for `table`."""
        self.table = table
        self.inputs = table.inputs
        self.outputs = table.outputs

    def values(self, row: Row) -> Row:
        """Return the outputs of the rule that decides.

        Raises:
            KnowledgeError: no rule applies, or several rules of a `unique` table apply. `rules check` proves that this
                never happens.
        """
        mask = self.table.match(row)
        return self.of_mask(mask, row)

    def of_mask(self, mask: int, row: object = "") -> Row:
        """Return the outputs for the mask of the rules that apply."""
        spec = self.table.spec
        if not mask or (spec.hit_policy == "unique" and mask & (mask - 1)):
            problem = "several rules apply" if mask else "no rule applies"
            raise KnowledgeError(f"table {spec.table}: {problem}{f' to {row}' if row else ''}")
        rule = spec.rules[(mask & -mask).bit_length() - 1]
        return tuple(rule.then[name] for name in self.outputs)

    def steps(self) -> list[NodeStep]:
        """Return a step for each input, which removes rules that cannot apply, and a step that sets the outputs."""
        steps = [self.start()]
        remaining = list(self.inputs)
        while remaining:
            steps.append(self.narrow(remaining.pop(0), remaining))
        return [*steps, self.finish()]

    @property
    def mask(self) -> str:
        """The name of the variable with the mask of the possible rules."""
        return f"{self.table.spec.table}#rules"

    def start(self) -> NodeStep:
        """Return the first step, after which all rules are possible."""
        return NodeStep((), (self.mask,), lambda row: (self.table.full,))

    def finish(self) -> NodeStep:
        """Return the last step, which sets the outputs of the rule that decides."""
        return NodeStep((self.mask,), self.outputs, lambda row: self.of_mask(row[0]))

    def narrow(self, name: str, remaining: Sequence[str], *, every_rule: bool = False) -> NodeStep:
        """Return the step that reads the input `name`.

        Args:
            name: the input. Inputs can have any order.
            remaining: the inputs that later steps read.
            every_rule: whether the mask keeps apart rules with the same outputs. A fold then has more classes.
        """
        masks = self.table.masks[self.inputs.index(name)]
        rules = self.table.spec.rules
        first = self.table.spec.hit_policy == "first"
        later = set(remaining)
        certain = sum(1 << i for i, rule in enumerate(rules) if not later & set(rule.when))
        alike = {} if every_rule else {i: _alike(rules, i, certain) for i in range(len(rules)) if certain >> i & 1}

        def narrow(row: Row) -> Row:
            mask = row[0] & masks[row[1]]
            settled = mask & certain
            if first and settled:
                # No later input can exclude this rule, so later rules cannot decide.
                lowest = settled & -settled
                before = mask & (lowest - 1)
                mask = before | lowest
                if alike:
                    last, same = alike[lowest.bit_length() - 1]
                    while before and same >> (before.bit_length() - 1) & 1:
                        before ^= 1 << (before.bit_length() - 1)
                    mask = before | last
            return (mask,)

        return NodeStep((self.mask, name), (self.mask,), narrow)


def _alike(rules: Sequence[Rule], index: int, certain: int) -> tuple[int, int]:
    """Return the rules with the same outputs as a rule that no later input can exclude.

    Returns:
        The bit of the last of these rules that no later input can exclude, and the mask of all of these rules. The last
        rule can stand for every other: the rules before it stay before it.
    """
    same = sum(1 << i for i, rule in enumerate(rules) if rule.then == rules[index].then)
    return 1 << ((same & certain).bit_length() - 1), same


# For each node: the node, the function that reads its row, its outputs, its inputs, and its cached rows.
Plan: TypeAlias = (
    "tuple[tuple[Node, Callable[[dict[str, Any]], Row], tuple[str, ...], frozenset[str], dict[Row, Row] | None], ...]"
)


class Network:
    """Nodes in dependency order.

    Attributes:
        nodes: the nodes. Each node comes after the nodes whose outputs it reads.
        base: the ids of the facts that no node sets.
    """

    def __init__(self, nodes: Iterable[Node]) -> None:
        """Create a network of `nodes`, which can be in any order.

        Raises:
            KnowledgeError: two nodes set the same fact, or the dependencies of some nodes form a circle.
        """
        self.nodes = _ordered(list(nodes))
        set_by_nodes = {name for node in self.nodes for name in node.outputs}
        self.base = tuple(dict.fromkeys(n for node in self.nodes for n in node.inputs if n not in set_by_nodes))
        self._plan: Plan = tuple(
            # Only tables have a cache: they have few rows and are slow.
            (n, selector(n.inputs), n.outputs, frozenset(n.inputs), {} if isinstance(n, TableNode) else None)
            for n in self.nodes
        )

    def evaluate(self, facts: dict[str, Any]) -> None:
        """Set the outputs of all nodes in `facts`, which must have a value for every base fact."""
        for node, row_of, outputs, _, memo in self._plan:
            facts.update(zip(outputs, row_values(node, row_of(facts), memo), strict=True))

    def revise(self, facts: dict[str, Any], changes: Mapping[str, Any], plan: Plan | None = None) -> dict[str, Any]:
        """Set some facts to new values, and update the outputs in `facts` in place.

        Args:
            facts: evaluated facts.
            changes: the new values. If `changes` has an output, its node is not evaluated.
            plan: the nodes that can depend on the changes (see `between`); all nodes by default.

        Returns:
            The old values of all changed facts. `facts.update(…)` with these values undoes the revision.
        """
        if plan is None:
            plan = tuple(entry for entry in self._plan if changes.keys().isdisjoint(entry[2]))
        old = {name: facts[name] for name in changes}
        facts.update(changes)
        for node, row_of, outputs, inputs, memo in plan:
            if inputs.isdisjoint(old):
                continue
            for name, value in zip(outputs, row_values(node, row_of(facts), memo), strict=True):
                before = facts[name]
                if before is not value and before != value:
                    facts[name] = value
                    old[name] = before
        return old

    def plan(self, targets: Iterable[str]) -> Plan:
        """Return the nodes on which `targets` depend, in order. This plan fits any change of base facts."""
        needed = self.dependencies_of(targets)
        return tuple(entry for entry in self._plan if not needed.isdisjoint(entry[2]))

    def between(self, source: str, targets: Iterable[str]) -> Plan:
        """Return the nodes that depend on the fact `source` and lead to `targets`, in order: a plan for its changes."""
        reached = {source}
        plan = []
        for entry in self.plan(targets):
            _, _, outputs, inputs, _ = entry
            if not inputs.isdisjoint(reached):
                plan.append(entry)
                reached.update(outputs)
        return tuple(plan)

    def steps(
        self, targets: Iterable[str], *, every_rule: bool = False, leaving: Collection[str] = ()
    ) -> list[NodeStep]:
        """Return the nodes on which `targets` depend as steps, in an order with which a fold can forget facts early.

        A fact on which many facts depend comes early, so that other facts come when few rules are still possible.
        With this order, the folds of the proof have at most 4,400 classes at a time. In the order of the tables, they
        had 120,000.
        A table reads each input as soon as the value of the input is known. After that, only the set of possible rules
        depends on this input.

        Args:
            targets: the facts to compute.
            every_rule: whether the steps keep apart rules with the same outputs, to find out which rules decide.
            leaving: facts that the steps do not compute. A table that depends on one of these facts ends with the mask
                of the rules that the other facts allow (`TableNode.mask`).
        """
        needed = self.dependencies_of(targets)
        nodes = [
            node for node in self.nodes if not needed.isdisjoint(node.outputs) and not set(node.outputs) & set(leaving)
        ]
        steps = [node.start() for node in nodes if isinstance(node, TableNode)]
        unread = {node: list(node.inputs) for node in nodes}
        unknown = {name for node in nodes for name in node.outputs} | set(leaving)
        base = dict.fromkeys(name for node in nodes for name in node.inputs if name not in unknown)
        known: set[str] = set()
        for fact in sorted(base, key=self._reach, reverse=True):
            known.add(fact)
            # The nodes are in the order of their dependencies, so a node can read what an earlier node sets.
            for node, rest in [*unread.items()]:
                for name in [name for name in rest if name in known]:
                    rest.remove(name)
                    if isinstance(node, TableNode):
                        steps.append(node.narrow(name, rest, every_rule=every_rule))
                if not rest:
                    steps += [node.finish()] if isinstance(node, TableNode) else node.steps()
                    known.update(node.outputs)
                    del unread[node]
        return steps

    def _reach(self, fact: str) -> int:
        """Return the number of facts that depend on `fact`."""
        return len(self.consequences_of([fact]))

    def consequences_of(self, facts: Iterable[str]) -> frozenset[str]:
        """`facts`, and every fact that depends on any of them, directly or through other nodes."""
        reached = set(facts)
        for node in self.nodes:
            if not reached.isdisjoint(node.inputs):
                reached.update(node.outputs)
        return frozenset(reached)

    def dependencies_of(self, targets: Iterable[str]) -> frozenset[str]:
        """Return all facts on which `targets` depend, directly or through other nodes."""
        reached = set(targets)
        for node in reversed(self.nodes):
            if not reached.isdisjoint(node.outputs):
                reached.update(node.inputs)
        return frozenset(reached)


def row_values(node: Node, row: Row, memo: dict[Row, Row] | None) -> Row:
    """Return the outputs of a node for a row of inputs, from the cached rows of the node if there are any."""
    if memo is None:
        return node.values(row)
    values = memo.get(row)
    if values is None:
        if len(memo) >= _MEMO_LIMIT:
            memo.clear()
        values = memo[row] = node.values(row)
    return values


def selector(keys: Sequence[Any]) -> Callable[[Any], Row]:
    """Return a function from a mapping or a sequence to its values at `keys`, always as a tuple."""
    if not keys:
        return lambda values: ()
    if len(keys) == 1:
        key = keys[0]
        return lambda values: (values[key],)
    return itemgetter(*keys)


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
    """Return the nodes of the circle, without nodes that only depend on the circle."""
    read = {name for node in nodes for name in node.inputs}
    left = [node for node in nodes if not read.isdisjoint(node.outputs)]
    return left if len(left) == len(nodes) else _circular(left)
