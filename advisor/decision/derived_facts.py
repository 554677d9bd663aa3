"""Nodes for the derived facts, a mechanism for each (see the head of rules/facts.yaml)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import reduce
from operator import or_
from typing import TypeAlias

from advisor.decision.feature_outcomes import Configuration, FeatureOutcomes
from advisor.decision.tiers import stateful_tools
from advisor.engine.network import FunctionNode, Node, NodeStep, Row
from advisor.engine.rules import Value
from advisor.engine.table import show
from advisor.errors import KnowledgeError
from advisor.knowledge.facts import Derived, Pick
from advisor.knowledge.space import FactSpace
from advisor.knowledge.types import NEEDS, Era
from advisor.knowledge.unable import features_of

Lost: TypeAlias = "Mapping[str, list[str]]"
"""Which features a derived fact counts: keys `with`, `kept_with`, `only`, `without` (see rules/facts.yaml)."""

TOOL_NEEDS = "tools#needs"
"""The needs of each tool (see `ToolNeeds`): a fact that only `separable` reads."""

REPLACED = "implied#replaced"
"""The values that implied facts have without the implication: an entry that only changes of the requirements read."""

FREE = frozenset(["proxy.refuses", "path.refuses"])
"""Derived facts that the proof and the questionnaire treat as facts of their own.

They then do not have to combine the kinds of proxies with all other facts. The proof covers more combinations than can
occur. The questionnaire does not ask for the proxy only because an MCP gateway can refuse clients.
"""

NEEDS_SETS = "needs#sets"
"""The needs as a pair of bit sets, required and preferred: what the nodes below read."""

UNABLE = "clients.unable"
"""The features that none of the stated client applications supports (see `advisor/knowledge/unable.py`)."""

CONTEXT = (
    "server", "era.legacy", "era.modern", "processes", "operations.shared_store", "environment.proxy.sse", UNABLE
)  # fmt: skip
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
        elif derived.union is not None:
            nodes.append(FunctionNode(derived.union, [derived.id], lambda row: (union(row),)))
        elif derived.passing is not None:
            nodes.append(FunctionNode([*derived.passing.values()], [derived.id], _passing))
        elif derived.pick is not None:
            nodes.append(_pick(derived, derived.pick, space))
        elif derived.separable is not None:
            nodes.append(SeparableNode(derived, lost))
    return nodes


def union(refused: Iterable[Value]) -> str:
    """Return the protocol eras that several parts of a path refuse: `none`, one era, or `every` for both eras."""
    eras = {era for era in refused if era != "none"}
    return "none" if not eras else str(eras.pop()) if len(eras) == 1 else "every"


def _passing(row: Row) -> Row:
    """Return the eras that a path passes, from the eras that its hops refuse and whether the server serves `modern`."""
    refused, modern = row
    legacy = refused in ("none", "modern")
    if modern == "served" and refused in ("none", "legacy"):
        return ("both" if legacy else "modern",)
    return ("legacy" if legacy else "none",)


def _lookup(derived: Derived, lookup: dict[str, str], space: FactSpace) -> FunctionNode:
    name = lookup["property"]
    properties: dict[str, str] = {
        proxy.id: proxy.refuses or "none" for proxy in space.knowledge.proxies.values() if name == "refuses"
    } or {
        release.id: {
            "modern": release.line.modern,
            "expiry": release.expiry,
            "kind": release.kind,
            "alike": space.alike[release.id],
        }[name]
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
    """Check that every value has a case, and that each case gives a value of the derived fact."""
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
        """No steps: a fold reads each need in a step of `LostNode`."""
        return []


class LostNode:
    """The strongest needs that flag pairs lose: all derived facts with the mechanism `lost`.

    For a context, a profile holds the features of each derived fact. The value of a fact is the strongest need of its
    features. There are few contexts, so the profiles are stored.
    """

    def __init__(self, space: FactSpace, cells: FeatureOutcomes) -> None:
        """Read the `lost` entries of the knowledge in `space`."""
        self._lost = [derived for derived in space.knowledge.derived if derived.lost is not None]
        self.features = tuple(feature.id for feature in space.knowledge.features.values() if feature.need)
        self.inputs = (*CONTEXT, NEEDS_SETS)
        self.outputs = tuple(derived.id for derived in self._lost)
        self._cells = cells
        self._profiles: dict[Row, tuple[int, ...]] = {}
        self._served: dict[Row, list[dict[str, int]]] = {}

    def profile(self, context: Row) -> tuple[int, ...]:
        """For each output, the set of its features in `context` (the values of `CONTEXT`)."""
        known = self._profiles.get(context)
        if known is None:
            working = self._working(context)
            known = self._profiles[context] = tuple(self._counted(fact.lost or {}, working) for fact in self._lost)
        return known

    def lost_features(self, context: Row, output: str) -> frozenset[str]:
        """The features of `output` in `context`."""
        return self._names(self.profile(context)[self.outputs.index(output)])

    def features_lost(self, spec: Lost, context: Row) -> frozenset[str]:
        """The features that fulfil `spec` in `context`."""
        return self._names(self._counted(spec, self._working(context)))

    def _names(self, counted: int) -> frozenset[str]:
        return frozenset(name for position, name in enumerate(self.features) if counted >> position & 1)

    def _working(self, context: Row) -> list[dict[str, int]]:
        """For each named era, the sets of the features that work with each flag pair."""
        server = context[:-1]  # without the features that no client application supports
        if server not in self._served:
            self._served[server] = self._working_on(context)
        # No configuration helps these features.
        unable = unsupported(context)
        able = sum(1 << bit for bit, name in enumerate(self.features) if name not in unable)
        return [{pair: bits & able for pair, bits in works.items()} for works in self._served[server]]

    def _working_on(self, context: Row) -> list[dict[str, int]]:
        """The same if the client applications support every feature."""
        single = (*context[:3], "one", *context[4:])
        pairs = {pair: configuration(single if pair == SINGLE else context, *flags) for pair, flags in _FLAGS.items()}
        return [
            {
                pair: sum(1 << bit for bit, name in enumerate(self.features) if self._cells.works(name, era, at))
                for pair, at in pairs.items()
            }
            for era in _named(context)
        ]

    def _counted(self, spec: Lost, working: Iterable[Mapping[str, int]]) -> int:
        lost = 0
        for works in working:
            kept = -1  # every feature
            if "kept_with" in spec:
                kept = reduce(or_, map(works.__getitem__, spec["kept_with"]), 0)
            lost |= kept & ~reduce(or_, map(works.__getitem__, spec["with"]), 0)
        only, without = spec.get("only", self.features), spec.get("without", ())
        listed = sum(1 << bit for bit, name in enumerate(self.features) if name in only and name not in without)
        return lost & listed

    def values(self, row: Row) -> Row:
        """The strongest need of the features of each output."""
        required, preferred = row[-1]
        return tuple(
            "required" if counted & required else "preferred" if counted & preferred else "none"
            for counted in self.profile(row[:-1])
        )

    def steps(self) -> list[NodeStep]:
        """One step for the profile, then one for each feature, so that a fold can forget each need after its step."""
        profile, levels = "lost#profile", "lost#levels"
        steps = [NodeStep(CONTEXT, (profile, levels), lambda row: (self.profile(row), (0,) * len(self.outputs)))]
        for position, name in enumerate(self.features):
            steps.append(NodeStep((profile, levels, f"needs.{name}"), (levels,), _raising(position)))
        steps.append(NodeStep((levels,), self.outputs, lambda row: tuple(NEEDS[level] for level in row[0])))
        return steps


def _raising(position: int) -> Callable[[Row], Row]:
    """Raise the level of every output that has the feature at `position` to the level of the need."""

    def step(row: Row) -> Row:
        profile, levels, need = row
        level = NEEDS.index(need)
        pairs = zip(levels, profile, strict=True)
        return (tuple(max(old, level) if counted >> position & 1 else old for old, counted in pairs),)

    return step


_DIVISIONS = 10_000  # largest number of remembered divisions of tools


class SeparableNode:
    """Whether two tiers can divide the listed tools, with sampling and with its substitute."""

    def __init__(self, derived: Derived, lost: LostNode) -> None:
        """`derived` says which features need the stateful tier, and which of them have a substitute."""
        self._spec = derived.separable or {}
        self._lost = lost
        self._known: dict[Row, frozenset[str]] = {}
        self._contexts: dict[tuple[Row, bool], tuple[int, frozenset[str]]] = {}
        self._divisions: dict[Row, tuple[bool, ...] | None] = {}
        self.inputs = (TOOL_NEEDS, *lost.inputs)
        self.outputs = (derived.id,)

    def values(self, row: Row) -> Row:
        """Whether the tools can be divided: `yes`, `with-sampling`, `without-sampling` or `no`."""
        if not row[0]:
            return ("no",)
        division, substituted = (self.stateful(row, substitute=substitute) is not None for substitute in (False, True))
        if division:
            return ("yes" if substituted else "with-sampling",)
        return ("without-sampling" if substituted else "no",)

    def features(self, context: Row, *, substitute: bool) -> frozenset[str]:
        """The features that work in the stateful tier only.

        Args:
            context: the values of `CONTEXT`.
            substitute: whether the features that have a substitute are replaced.
        """
        lost = self._known.get(context)
        if lost is None:
            lost = self._known[context] = self._lost.features_lost(self._spec, context)
        return lost.difference(self._spec["substitute"]) if substitute else lost

    def stateful(self, row: Row, *, substitute: bool) -> tuple[bool, ...] | None:
        """Which tools need a session (see `stateful_tools`), for a row of inputs; None if they cannot be divided."""
        tools, (required, preferred) = row[0], row[-1]
        if not tools:
            return None
        lost, storeless = self._in_context(row[1:-1], substitute)
        key = (tools, required & lost, preferred & lost, storeless)
        if key not in self._divisions:
            if len(self._divisions) >= _DIVISIONS:
                self._divisions.clear()
            wanted, liked = (
                {name for position, name in enumerate(self._lost.features) if needs >> position & 1}
                for needs in (required & lost, preferred & lost)
            )
            self._divisions[key] = stateful_tools(tools, wanted, liked, storeless)
        return self._divisions[key]

    def _in_context(self, context: Row, substitute: bool) -> tuple[int, frozenset[str]]:
        """Return the features that work in the stateful tier only, as bits, and those without a shared store."""
        known = self._contexts.get((context, substitute))
        if known is None:
            features = self.features(context, substitute=substitute)
            bits = sum(1 << position for position, name in enumerate(self._lost.features) if name in features)
            storeless = self.features(without_store(context), substitute=substitute)
            known = self._contexts[context, substitute] = bits, storeless
        return known

    def steps(self) -> list[NodeStep]:
        """No steps: the proof tries every outcome, because a file can list any tools."""
        return []


SINGLE = "single+sse"
"""A single process with sessions and streams, whatever the number of processes: the stateful tier."""

_FLAGS = {
    SINGLE: (False, False),
    "stateful+sse": (False, False),
    "stateful+json": (False, True),
    "stateless+sse": (True, False),
    "stateless+json": (True, True),
}


def configuration(context: Row, stateless_http: bool, json_response: bool) -> Configuration:
    """The configuration of a flag pair in `context` when the owners of sessions can be reached."""
    sdk, _, _, processes, store, sse, _ = context
    owner = "any" if stateless_http else ("single" if processes == "one" else "proxy")
    return Configuration(sdk, stateless_http, json_response, processes, owner, store, blocked(sse))


def without_store(context: Row) -> Row:
    """The same context if no store is shared."""
    at = CONTEXT.index("operations.shared_store")
    return (*context[:at], "none", *context[at + 1 :])


def blocked(sse: object) -> str:
    """Whether streams pass, as the delivery table reads it; what is not known is taken to pass (and warned of)."""
    return "blocked" if sse is False else "passes"


def unsupported(context: Row) -> frozenset[str]:
    """The features that none of the stated client applications supports in `context` (the values of `CONTEXT`)."""
    return features_of(context[CONTEXT.index(UNABLE)])


def _named(context: Row) -> Iterator[Era]:
    if context[1] == "named":
        yield "legacy"
    if context[2] == "named":
        yield "modern"
