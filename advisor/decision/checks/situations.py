"""The facts apart from needs and tools, folded into situations.

The deciding tables see three things of a situation. The context says what is lost in each configuration. The other two
are the rules that are still possible before the needs are known, and the configurations that are possible.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from advisor.decision.advisor import Advisor
from advisor.decision.checks.needs import Bits, Level, Needs, levels
from advisor.decision.checks.value_classes import ValueClasses
from advisor.decision.derived_facts import CONTEXT, FREE, TOOL_NEEDS, blocked, unsupported
from advisor.decision.feature_outcomes import Configuration
from advisor.decision.tiers import SEPARABLE
from advisor.engine.fold import Folded, fold
from advisor.engine.network import FunctionNode, NodeStep, Row, TableNode
from advisor.engine.rules import Rule, RuleTable, Value
from advisor.engine.table import DecisionTable
from advisor.errors import KnowledgeError
from advisor.knowledge.types import ERAS, FLAG_PAIRS, NEEDS, Era

_CONTEXT = "situation#context"
_POSSIBLE = "configurations"

_FREE_PATH: dict[str, tuple[Value, ...]] = {"path.refuses": ("none",), "clients.fallback": ("no",)}
"""A comparison has no gateway that refuses clients. With such a gateway, no client connects in both decisions, or the
same eras are named as for other clients without the gateway."""


class Context(NamedTuple):
    """What is lost, for facts of `CONTEXT`. The rules treat facts with the same context alike.

    Attributes:
        counted: for each derived fact of `Model.counted`, the features whose strongest need the fact takes.
        firm: the features that need a session in a tier, without a substitute.
        soft: the features that need a session in a tier, with a substitute.
        kept: the features that work for all named eras, for each decision of `Model.decisions`.
    """

    counted: tuple[Bits, ...]
    firm: Bits
    soft: Bits
    kept: tuple[Bits, ...]

    @property
    def features(self) -> tuple[Bits, ...]:
        """The features that each value of a level of needs counts, in the order of the level."""
        return (*self.counted, self.firm, self.soft)


class Outputs(NamedTuple):
    """The outputs of a rule of the table `session`."""

    pattern: str
    stateless: bool
    owner: str
    substitute: str

    @property
    def feasible(self) -> bool:
        """Whether the rule decides for a configuration."""
        return self.pattern != "contradiction"


class Model:
    """The deciding tables, divided into facts apart from needs, and needs.

    Attributes:
        session: the table that decides the pattern.
        response: the table that decides the response mode.
        possible: rules/configurations.yaml as a table.
        features: the features that can be needed, in the order of their bits. Features that every client needs follow.
        counted: the derived facts of needs that the two tables read.
        contexts: all contexts.
        outputs: the outputs of each rule of `session`.
        feasible: whether each rule of `session` decides for a configuration.
    """

    def __init__(self, advisor: Advisor) -> None:
        """Divide the tables of `advisor`.

        Raises:
            KnowledgeError: another table than these two reads a fact that depends on the needs.
        """
        self.advisor = advisor
        self.session = _table_of(advisor, "pattern")
        self.response = _table_of(advisor, "json_response")
        self.possible = _possible_table(advisor)
        always = [name for name, feature in advisor.knowledge.features.items() if not feature.need]
        self.features = (*advisor.lost.features, *always)
        self.needed = (1 << len(advisor.lost.features)) - 1
        self.always = ((1 << len(self.features)) - 1) & ~self.needed
        self.replaced = self.bits(name for name, feature in advisor.knowledge.features.items() if feature.substitute)
        self.left = self._left()
        self._tier_masks = {value: self._tiers_mask(value) for value in advisor.space.domains[SEPARABLE]}
        owners = advisor.knowledge.tables[self.session.spec.table].outputs["owner"]
        self.decisions: dict[tuple[bool, bool, str, bool], int] = {}
        for (stateless, json), owner in ((pair, owner) for pair in FLAG_PAIRS for owner in owners):
            for tiered in (False, True):
                self.decisions[stateless, json, str(owner), tiered] = len(self.decisions)
        self.counted = self._counted()
        self.contexts: list[Context] = []
        self._numbers: dict[Context, int] = {}
        self._numbers_of: dict[Row, int] = {}  # the folds have the same rows
        self._working: dict[tuple[Era, Configuration], Bits] = {}
        self._kept_of: dict[Row, tuple[Bits, ...]] = {}
        self.outputs = [_outputs(rule) for rule in self.session.spec.rules]
        self.feasible = [outputs.feasible for outputs in self.outputs]
        context = FunctionNode(CONTEXT, (_CONTEXT,), self._context)
        self.domains = {name: values for name, values in advisor.space.domains.items() if name != TOOL_NEEDS}
        kept = {*self.session.outputs, *self.response.outputs}
        nodes = [
            node
            for node in advisor.network.nodes
            if (kept.intersection(node.outputs) or not self.left.intersection(node.outputs))
            and not FREE.intersection(node.outputs)
        ]
        self.alike = ValueClasses([*nodes, TableNode(self.possible), context], self.domains, kept)
        self.compared_needs: dict[tuple[int, int], Any] = {}
        self._levels: dict[tuple[Bits, ...], list[NeedLevel]] = {}
        self._modes: dict[tuple[int, Level, bool], bool | None] = {}

    def bits(self, names: Any) -> Bits:
        """Return a set of features as bits."""
        return sum(1 << self.features.index(name) for name in names)

    def names(self, bits: Bits) -> list[str]:
        """Return the features of a set."""
        return [name for index, name in enumerate(self.features) if bits >> index & 1]

    def steps(self) -> list[NodeStep]:
        """Return the steps that lead to a situation."""
        return self.alike.network.steps(("json_response", "pattern", _POSSIBLE, _CONTEXT), leaving=self.left)

    def situations(self) -> Folded:
        """Fold the facts apart from needs and tools; the rows of the result are situations."""
        keep = (_CONTEXT, *(f"{table.spec.table}#rules" for table in (self.session, self.response, self.possible)))
        return fold(self.steps(), self.alike.domains, keep, stop_on=KnowledgeError)

    def compared(self, steps: Sequence[NodeStep], lanes: tuple[str, Sequence[Value]]) -> Folded:
        """Fold the facts in lanes; a row has a context and the possible rules of `session`, for each lane."""
        keep = (_CONTEXT, f"{self.session.spec.table}#rules")
        return fold(steps, {**self.alike.domains, **_FREE_PATH}, keep, lanes=lanes, stop_on=KnowledgeError)

    def pattern_steps(self) -> list[NodeStep]:
        """Return the steps that lead to a context and to the possible rules of the table `session`."""
        return self.alike.network.steps(("pattern", _CONTEXT), leaving=self.left)

    def standings(self, context: int) -> list[NeedLevel]:
        """Return every level of needs in a context."""
        features = self.contexts[context].features
        known = self._levels.get(features)
        if known is None:
            every = levels(features, len(self.advisor.lost.features))
            known = self._levels[features] = [self._standing(level, needs) for level, needs in every.items()]
        return known

    def _standing(self, level: Level, needs: Needs) -> NeedLevel:
        mask = self.session.full
        for name, value in zip(self.counted, level, strict=False):
            if name in self.session.inputs:
                mask &= self.session.masks[self.session.inputs.index(name)][NEEDS[value]]
        return NeedLevel(level, needs, mask, (level[-2], level[-1]))

    def tiers_mask(self, value: str) -> tuple[int, int]:
        """Return the rules of `session`, and the configurations, that a value of `tools.separable` allows."""
        return self._tier_masks[value]

    def _tiers_mask(self, value: Value) -> tuple[int, int]:
        session, possible = (
            table.masks[table.inputs.index(SEPARABLE)][value] if SEPARABLE in table.inputs else table.full
            for table in (self.session, self.possible)
        )
        return session, possible

    def json(self, response: int, standing: NeedLevel, stateless: bool) -> bool | None:
        """Return the response mode for the possible rules of the table of the response mode; None in a gap."""
        asked = (response, standing.level, stateless)
        if asked not in self._modes:
            self._modes[asked] = self._json(response, standing, stateless)
        return self._modes[asked]

    def _json(self, mask: int, standing: NeedLevel, stateless: bool) -> bool | None:
        facts: dict[str, Any] = dict(zip(self.counted, (NEEDS[value] for value in standing.level), strict=False))
        facts["stateless_http"] = stateless
        for node in self._picks:
            facts.update(zip(node.outputs, node.values(tuple(facts[name] for name in node.inputs)), strict=True))
        for name, masks in zip(self.response.inputs, self.response.masks, strict=True):
            if name in facts:
                mask &= masks[facts[name]]
        return bool(self.response.spec.rules[(mask & -mask).bit_length() - 1].then["json_response"]) if mask else None

    def _left(self) -> frozenset[str]:
        """Return the facts that depend on the needs or on the tools, except the outputs of tables."""
        network = self.advisor.network
        needs = [f"needs.{name}" for name in self.advisor.lost.features]
        reached = network.consequences_of([*needs, TOOL_NEEDS])
        for table in self.advisor.tables.values():
            read = reached.intersection(table.inputs).difference(("stateless_http",))
            if read and table not in (self.session, self.response):
                raise KnowledgeError(f"table {table.spec.table}: {min(read)} depends on the needs")
        set_by_tables = {name for table in self.advisor.tables.values() for name in table.outputs}
        return reached - set_by_tables

    def _counted(self) -> dict[str, Any]:
        """Return the facts of needs that the tables read: for each fact its place in the profile, or its features."""
        lost = self.advisor.lost
        of: dict[str, Any] = {name: index for index, name in enumerate(lost.outputs)}
        of |= {f"needs.{name}": frozenset([name]) for name in lost.features}
        for derived in self.advisor.knowledge.derived:
            if derived.strongest is not None:
                of[derived.id] = frozenset(name.removeprefix("needs.") for name in derived.strongest)
        read = {*self.session.inputs, *self.response.inputs} & self.left
        self._picks = [
            node
            for node in self.advisor.network.nodes
            if read.intersection(node.outputs) and not of.keys() & set(node.outputs) and SEPARABLE not in node.outputs
        ]
        read.update(name for node in self._picks for name in node.inputs)
        return {name: place for name, place in of.items() if name in read}

    def _context(self, row: Row) -> Row:
        number = self._numbers_of.get(row)
        if number is None:
            number = self._numbers_of[row] = self._number(row)
        return (number,)

    def _number(self, row: Row) -> int:
        profile = self.advisor.lost.profile(row)
        counted = tuple(
            profile[place] if isinstance(place, int) else self.bits(place) for place in self.counted.values()
        )
        lost, firm = (
            self.bits(self.advisor.division.features(row, substitute=substitute)) for substitute in (False, True)
        )
        found = Context(counted, firm, lost & ~firm, self._kept(row))
        if found not in self._numbers:
            self._numbers[found] = len(self.contexts)
            self.contexts.append(found)
        return self._numbers[found]

    def _kept(self, context: Row) -> tuple[Bits, ...]:
        able = ~self.bits(unsupported(context).intersection(self.features))
        server = context[:-1]
        if server not in self._kept_of:
            self._kept_of[server] = self._kept_by_server(server)
        return tuple(bits & able for bits in self._kept_of[server])

    def _kept_by_server(self, server: Row) -> tuple[Bits, ...]:
        """Return the features that work for all named eras if the client applications support every feature."""
        sdk, legacy, modern, processes, store, sse = server
        named: list[Era] = [era for era, state in zip(ERAS, (legacy, modern), strict=True) if state == "named"]
        kept = []
        for stateless, json, owner, tiered in self.decisions:
            at = Configuration(sdk, stateless, json, processes, owner, store, blocked(sse))
            # In a tiered deployment, the stateful tier (one process, SSE streams) serves what the stateless tier loses.
            inside = at._replace(stateless_http=False, json_response=False, processes="one", owner="single")
            bits = (1 << len(self.features)) - 1
            for era in named:
                here, there = self._works(era, at), self._works(era, inside) if tiered else 0
                # Every client calls tools, so each tier must answer plain calls.
                bits &= (here | there) & (self.needed | (here & there if tiered else here))
            kept.append(bits)
        return tuple(kept)

    def _works(self, era: Era, at: Configuration) -> Bits:
        known = self._working.get((era, at))
        if known is None:
            works = self.advisor.cells.works
            known = self._working[era, at] = self.bits(name for name in self.features if works(name, era, at))
        return known


class NeedLevel(NamedTuple):
    """A level of needs in a context.

    Attributes:
        level: the values of the facts of `Model.counted`, then of the groups `firm` and `soft`.
        needs: the combinations of needs.
        session: the rules of the table `session` that the needs allow.
        file: the needs of the file for the groups `firm` and `soft`.
    """

    level: Level
    needs: Needs
    session: int
    file: tuple[int, int]


def _table_of(advisor: Advisor, output: str) -> DecisionTable:
    return next(table for table in advisor.tables.values() if output in table.outputs)


def _outputs(rule: Rule) -> Outputs:
    then = rule.then
    return Outputs(str(then["pattern"]), bool(then["stateless_http"]), str(then["owner"]), str(then["substitute"]))


def _possible_table(advisor: Advisor) -> DecisionTable:
    entries = advisor.knowledge.configurations.values()
    inputs = dict.fromkeys(name for entry in entries for name in entry.when)
    rules = [Rule(entry.id, entry.id, "", entry.when, {_POSSIBLE: "possible"}, "", [], {}) for entry in entries]
    spec = RuleTable(_POSSIBLE, "", "", "collect", [*inputs], {_POSSIBLE: ["possible"]}, rules)
    return DecisionTable(spec, advisor.space.domains)
