"""Nodes for the derived facts, a mechanism for each (see the head of rules/facts.yaml)."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from advisor.decision.feature_outcomes import Configuration, FeatureOutcomes
from advisor.engine.network import FunctionNode, Node, NodeStep, Row
from advisor.engine.table import show
from advisor.errors import KnowledgeError
from advisor.knowledge.facts import Derived, Pick
from advisor.knowledge.space import FactSpace
from advisor.knowledge.types import NEEDS, Era

TOOL_NEEDS = "tools#needs"
"""The needs of each tool, as a tuple of tuples of feature ids: a fact that only `separable` reads."""

NEEDS_SETS = "needs#sets"
"""The needs as a pair of bit sets, required and preferred: what the nodes below read."""

CONTEXT = ("sdk", "era.legacy", "era.modern", "processes", "operations.shared_store", "environment.proxy.sse")
"""The facts, besides the needs, that decide what is lost in a flag pair."""


def derived_nodes(space: FactSpace, cells: FeatureOutcomes) -> list[Node]:
    """A node for every derived fact that depends on other facts (`compare` and `lacking` read raw values instead)."""
    lost = LostNode(space, cells)
    nodes: list[Node] = [NeedsNode(lost.features), lost]
    for derived in space.knowledge.derived:
        if derived.lookup is not None:
            nodes.append(_lookup(derived, derived.lookup, space))
        elif derived.strongest is not None:
            nodes.append(FunctionNode(derived.strongest, [derived.id], lambda row: (max(row, key=NEEDS.index),)))
        elif derived.pick is not None:
            nodes.append(_pick(derived, derived.pick, space))
        elif derived.separable is not None:
            nodes.append(SeparableNode(derived, lost))
    return nodes


def _lookup(derived: Derived, lookup: dict[str, str], space: FactSpace) -> FunctionNode:
    properties = {
        release.id: {"modern": release.line.modern, "package": release.package}[lookup["property"]]
        for release in space.releases.values()
    }
    return FunctionNode([lookup["of"]], [derived.id], lambda row: (properties[row[0]],))


def _pick(derived: Derived, pick: Pick, space: FactSpace) -> FunctionNode:
    _check_pick(derived, pick, space)
    facts = [case.fact for case in pick.cases if case.fact]
    position = {case.when: 1 + facts.index(case.fact) for case in pick.cases if case.fact}
    constant = {case.when: case.value for case in pick.cases if not case.fact}

    def take(row: Row) -> Row:
        return (row[position[row[0]]] if row[0] in position else constant[row[0]],)

    return FunctionNode([pick.by, *facts], [derived.id], take)


def _check_pick(derived: Derived, pick: Pick, space: FactSpace) -> None:
    """There is a case for every value, and what it gives is a value of the derived fact."""
    domains = space.domains
    where = f"derived fact {derived.id}"
    for name in (pick.by, *(case.fact for case in pick.cases if case.fact)):
        if name not in domains:
            raise KnowledgeError(f"{where}: {name!r} is not a known fact")
    cases = {case.when for case in pick.cases}
    for value in domains[pick.by]:
        if value not in cases:
            raise KnowledgeError(f"{where}: no case for {pick.by}: {show(value)}")
    for case in pick.cases:
        for value in domains[case.fact] if case.fact else (case.value,):
            if value not in domains[derived.id]:
                raise KnowledgeError(f"{where}: {show(value)} is not one of its values")


class NeedsNode:
    """The needs as two sets of features, bit i for feature i: the required ones and the preferred ones."""

    def __init__(self, features: tuple[str, ...]) -> None:
        """`features` in the order of the bits."""
        self.inputs = tuple(f"needs.{name}" for name in features)
        self.outputs = (NEEDS_SETS,)

    def values(self, row: Row) -> Row:
        """The pair of sets, as a single value."""
        required = preferred = 0
        for position, need in enumerate(row):
            if need == "required":
                required |= 1 << position
            elif need == "preferred":
                preferred |= 1 << position
        return ((required, preferred),)

    def steps(self) -> list[NodeStep]:
        """None: a fold reads the needs individually, in the steps of `LostNode`."""
        return []


class LostNode:
    """The strongest needs that flag pairs lose: all derived facts with the mechanism `lost` at once.

    A profile says, for a context, which features each of those facts counts; the needs then only have to be
    compared. There are few contexts, so profiles are remembered.
    """

    def __init__(self, space: FactSpace, cells: FeatureOutcomes) -> None:
        """Read the `lost` entries of the knowledge in `space`."""
        self._lost = [derived for derived in space.knowledge.derived if derived.lost is not None]
        self.features = tuple(feature.id for feature in space.knowledge.features.values() if feature.need)
        self.inputs = (*CONTEXT, NEEDS_SETS)
        self.outputs = tuple(derived.id for derived in self._lost)
        self._cells = cells
        self._profiles: dict[Row, tuple[int, ...]] = {}

    def profile(self, context: Row) -> tuple[int, ...]:
        """For each output the set of features that it counts in `context` (the values of `CONTEXT`)."""
        known = self._profiles.get(context)
        if known is None:
            known = self._profiles[context] = tuple(self._counted(derived, context) for derived in self._lost)
        return known

    def lost_features(self, context: Row, output: str) -> frozenset[str]:
        """The features that `output` counts in `context`."""
        counted = self.profile(context)[self.outputs.index(output)]
        return frozenset(name for position, name in enumerate(self.features) if counted >> position & 1)

    def _counted(self, derived: Derived, context: Row) -> int:
        return sum(1 << position for position, name in enumerate(self.features) if self._counts(name, derived, context))

    def _counts(self, feature: str, derived: Derived, context: Row) -> bool:
        spec = derived.lost or {}
        if feature in spec.get("without", []) or feature not in spec.get("only", [feature]):
            return False
        kept_with = spec.get("kept_with", [])
        return any(
            not any(self._kept(feature, era, pair, context) for pair in spec["with"])
            and (not kept_with or any(self._kept(feature, era, pair, context) for pair in kept_with))
            for era in _named(context)
        )

    def _kept(self, feature: str, era: Era, pair: str, context: Row) -> bool:
        return self._cells.works(feature, era, configuration(context, *_FLAGS[pair]))

    def values(self, row: Row) -> Row:
        """The strongest need that each output counts."""
        required, preferred = row[-1]
        return tuple(
            "required" if counted & required else "preferred" if counted & preferred else "none"
            for counted in self.profile(row[:-1])
        )

    def steps(self) -> list[NodeStep]:
        """One step that finds the profile, one per feature, so that a fold forgets each need at once."""
        profile, levels = "lost#profile", "lost#levels"
        steps = [NodeStep(CONTEXT, (profile, levels), lambda row: (self.profile(row), (0,) * len(self.outputs)))]
        for position, name in enumerate(self.features):
            steps.append(NodeStep((profile, levels, f"needs.{name}"), (levels,), _raising(position)))
        steps.append(NodeStep((levels,), self.outputs, lambda row: tuple(NEEDS[level] for level in row[0])))
        return steps


def _raising(position: int) -> Callable[[Row], Row]:
    """Raise the level of every output that counts the feature at `position` to the level of its need."""

    def step(row: Row) -> Row:
        profile, levels, need = row
        level = NEEDS.index(need)
        pairs = zip(levels, profile, strict=True)
        return (tuple(max(old, level) if counted >> position & 1 else old for old, counted in pairs),)

    return step


class SeparableNode:
    """Whether tools are listed and only some of them carry the needs that a session keeps."""

    def __init__(self, derived: Derived, lost: LostNode) -> None:
        """`derived` names the output whose features count (`by`)."""
        self._by = (derived.separable or {})["by"]
        self._lost = lost
        self.inputs = (TOOL_NEEDS, *lost.inputs)
        self.outputs = (derived.id,)

    def values(self, row: Row) -> Row:
        """`yes` if at least one tool needs a session, another does not, and no such need stands outside the tools."""
        tools, context, (required, preferred) = row[0], row[1:-1], row[-1]
        if not tools:
            return ("no",)
        features = self._lost.features
        needed = {name for position, name in enumerate(features) if (required | preferred) >> position & 1}
        needed &= self._lost.lost_features(context, self._by)
        carrying = [bool(needed.intersection(tool)) for tool in tools]
        attributed = {name for tool in tools for name in tool}
        return ("yes" if any(carrying) and not all(carrying) and needed <= attributed else "no",)

    def steps(self) -> list[NodeStep]:
        """None: for the proof the outcome is free, since any combination of tools may be listed."""
        return []


_FLAGS = {
    "stateful+sse": (False, False),
    "stateful+json": (False, True),
    "stateless+sse": (True, False),
    "stateless+json": (True, True),
}


def configuration(context: Row, stateless_http: bool, json_response: bool) -> Configuration:
    """The configuration of a flag pair in `context` when the owners of sessions can be reached."""
    sdk, _, _, processes, store, sse = context
    owner = "any" if stateless_http else ("single" if processes == "one" else "proxy")
    return Configuration(sdk, stateless_http, json_response, processes, owner, store, blocked(sse))


def blocked(sse: object) -> str:
    """Whether streams pass, as the delivery table reads it; what is not known is taken to pass (and warned of)."""
    return "blocked" if sse is False else "passes"


def _named(context: Row) -> Iterator[Era]:
    if context[1] == "named":
        yield "legacy"
    if context[2] == "named":
        yield "modern"
