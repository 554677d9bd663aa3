"""Checks of the decision for every situation and every level of needs.

A feasible decision keeps every required feature and plain calls. It is one of the entries of rules/configurations.yaml.
If a decision is a contradiction, no entry keeps every required feature. A stronger need never makes a contradiction
feasible, and neither a preferred need nor one more tool makes a feasible decision a contradiction.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from advisor.decision.checks.division import Step, longer, stronger, values
from advisor.decision.checks.fault import fault
from advisor.decision.checks.needs import Bits, levels, raised
from advisor.decision.checks.situations import Model, NeedLevel, Outputs
from advisor.decision.tiers import SEPARABLE
from advisor.engine.fold import Class, Folded
from advisor.engine.rules import Value
from advisor.findings import Finding
from advisor.knowledge.configurations import PossibleConfiguration

_BOTH = 3


class Group(NamedTuple):
    """Situations that differ only in the rules of the response mode.

    Attributes:
        context: the index of the context.
        session: the rules of the table `session` that are possible.
        possible: the possible configurations.
        response: for each set of possible rules of the table of the response mode, a class of the fold.
    """

    context: int
    session: int
    possible: int
    response: dict[int, Class]


class NeedChange(NamedTuple):
    """A change of needs or tools: from and to a level, with the values of `tools.separable` before and after."""

    before: int
    after: int
    separable: frozenset[tuple[str, str]]
    feature: Bits
    need: int


def decision_faults(model: Model, whole: Folded) -> Iterator[Finding]:
    """Yield faults of decisions, at most one of each kind for a place."""
    seen: set[tuple[str, str]] = set()
    grouped: dict[tuple[int, int, int], dict[int, Class]] = {}
    for (context, session, response, possible), found in whole.classes.items():
        grouped.setdefault((context, session, possible), {})[response] = found
    for (context, session, possible), response in grouped.items():
        group = Group(context, session, possible, response)
        changes = _changes(model.contexts[context].features, len(model.advisor.lost.features))
        yield from _Check(model, group, seen).faults(changes)


class _Check:
    """The checks of one group of situations."""

    def __init__(self, model: Model, group: Group, seen: set[tuple[str, str]]) -> None:
        """`seen` has the kind and the place of each fault that a check found."""
        self._seen = seen
        self._model = model
        self._group = group
        self._context = model.contexts[group.context]
        self._standings = model.standings(group.context)
        self._rules: list[dict[str, int]] = []
        self._entries: dict[str, list[PossibleConfiguration]] = {}
        # Many levels of needs ask for the same features, and the answer for these features is the same.
        self._decided: set[tuple[str, int, Bits, bool]] = set()
        self._contradicted: set[tuple[str, int, Bits]] = set()
        masks = {value: model.tiers_mask(value)[0] for value in ("no", "yes", "with-sampling", "without-sampling")}
        for standing in self._standings:
            mask = group.session & standing.session
            self._rules.append({value: _lowest(mask & masks[value]) for value in values(standing.file)})

    def faults(self, changes: Sequence[NeedChange]) -> Iterator[Finding]:
        for standing, rules in zip(self._standings, self._rules, strict=True):
            for value, rule in rules.items():
                if rule < 0:
                    yield from self._fault("gap", "session", "no rule applies to these facts", standing, value)
                elif self._model.feasible[rule]:
                    yield from self._decision(standing, value, rule)
                else:
                    yield from self._contradiction(standing, value, rule)
        yield from self._monotone(changes)

    def _decision(self, standing: NeedLevel, value: str, rule: int) -> Iterator[Finding]:
        model, outputs = self._model, self._model.outputs[rule]
        must = standing.needs.most | model.always
        if outputs.substitute != "none":
            must &= ~model.replaced
        possible = self._possible(value)
        then = model.session.spec.rules[rule].then
        for response, found in self._group.response.items():
            json = model.json(response, standing, outputs.stateless)
            if json is None:
                yield from self._fault("gap", "framing", "no rule applies to these facts", standing, value, found=found)
                continue
            if (value, rule, must, json) in self._decided:
                continue
            self._decided.add((value, rule, must, json))
            place = model.decisions[outputs.stateless, json, outputs.owner, outputs.pattern == "tiered"]
            for feature in model.names(must & ~self._context.kept[place]):
                message = "a feasible decision loses this required feature for the clients that the requirements name"
                yield from self._fault("lost", feature, message, standing, value, outputs, found, keep=feature)
            if not any(entry.fits(then, json_response=json) for entry in possible):
                message = "this rule decides for a configuration that is not possible with these facts"
                yield from self._fault(
                    "impossible", model.session.spec.rules[rule].id, message, standing, value, found=found
                )

    def _contradiction(self, standing: NeedLevel, value: str, rule: int) -> Iterator[Finding]:
        model = self._model
        for required in standing.needs.least:
            if (value, rule, required) in self._contradicted:
                continue
            self._contradicted.add((value, rule, required))
            for entry in self._possible(value):
                must = required | model.always
                if entry.substitute != "none":
                    must &= ~model.replaced
                if any(
                    not must
                    & ~self._context.kept[model.decisions[stateless, json, entry.owner, entry.pattern == "tiered"]]
                    for stateless in entry.stateless_http
                    for json in entry.json_response
                ):
                    message = f"this rule decides for a contradiction, but {entry.id} keeps every required feature"
                    yield from self._fault(
                        "untrue", model.session.spec.rules[rule].id, message, standing, value, exact=required
                    )
                    return

    def _monotone(self, changes: Sequence[NeedChange]) -> Iterator[Finding]:
        feasible = self._model.feasible
        # The bits of a verdict: 1 if a rule of the level decides for a configuration, 2 if a rule does not.
        verdicts = [sum({1 if feasible[rule] else 2 for rule in rules.values()}) for rules in self._rules]
        if len(set(verdicts)) == 1 and verdicts[0] != _BOTH:
            return
        for change in changes:
            if verdicts[change.before] | verdicts[change.after] != _BOTH:
                continue
            before, after = self._rules[change.before], self._rules[change.after]
            for first, other in change.separable:
                if first not in before or other not in after:
                    continue
                was, becomes = feasible[before[first]], feasible[after[other]]
                if was == becomes or (was and change.need == 2):
                    continue
                if not was and change.need == 0:
                    continue  # A tier without sessions needs a tool.
                rule = self._model.session.spec.rules[after[other]].id
                name = "".join(self._model.names(change.feature))
                what = {0: "one more tool without needs", 1: f"a preferred need for {name}"}.get(
                    change.need, f"a required need for {name}"
                )
                makes = "makes a feasible decision a contradiction" if was else "makes a contradiction feasible"
                standing = self._standings[change.before]
                yield from self._fault("monotone", rule, f"{what} {makes}", standing, first)

    def _possible(self, value: str) -> list[PossibleConfiguration]:
        if value not in self._entries:
            self._entries[value] = self._possible_entries(value)
        return self._entries[value]

    def _possible_entries(self, value: str) -> list[PossibleConfiguration]:
        model = self._model
        mask = self._group.possible & model.tiers_mask(value)[1]
        entries = model.advisor.knowledge.configurations.values()
        return [entry for index, entry in enumerate(entries) if mask >> index & 1]

    def _fault(
        self,
        kind: str,
        where: str,
        message: str,
        standing: NeedLevel,
        value: str,
        outputs: Outputs | None = None,
        found: Class | None = None,
        *,
        keep: str = "",
        exact: Bits | None = None,
    ) -> Iterator[Finding]:
        if (kind, where) in self._seen:
            return  # The example of a fault takes long to find.
        self._seen.add((kind, where))
        found = found or next(iter(self._group.response.values()))
        needs = (
            _needs(self._model, self._group.context, standing, keep)
            if exact is None
            else {f"needs.{name}": "required" for name in self._model.names(exact)}
        )
        example: dict[str, Value] = {**found.example(), **needs}
        if value != "no":
            example[SEPARABLE] = value
        if outputs is not None:
            example["pattern"] = outputs.pattern
        yield fault(kind, where, message, example)


def _needs(model: Model, context: int, standing: NeedLevel, keep: str) -> dict[str, str]:
    """Return a combination of needs of a level. It has few needs, and requires the feature `keep`."""
    of = model.contexts[context]
    counted = of.features
    needs = dict.fromkeys(range(len(model.advisor.lost.features)), 0)
    for index in needs:
        bit = 1 << index
        needs[index] = 2 if standing.needs.most & bit else 1 if standing.needs.wanted & bit else 0
    for index in needs:
        if model.features[index] == keep:
            continue
        for weaker in range(needs[index]):
            other = {**needs, index: weaker}
            level = (0,) * len(counted)
            for feature, need in other.items():
                level = raised(level, counted, 1 << feature, need)
            if level == standing.level:
                needs = other
                break
    words = ("none", "preferred", "required")
    return {f"needs.{model.features[index]}": words[need] for index, need in needs.items()}


@lru_cache(maxsize=1024)
def _changes(counted: tuple[Bits, ...], features: int) -> tuple[NeedChange, ...]:
    """Return the changes of needs and tools that matter in a context.

    Args:
        counted: the features that each value of a level counts; the last two values are the groups `firm` and `soft`.
        features: the number of features.
    """
    firm, soft = counted[-2:]
    index = {level: at for at, level in enumerate(levels(counted, features))}
    columns: dict[tuple[bool, ...], Bits] = {}
    for position in range(features):
        columns.setdefault(tuple(bool(bits >> position & 1) for bits in counted), 1 << position)
    steps, lists = stronger(), longer()
    found: list[NeedChange] = []
    for level, at in index.items():
        file = (level[-2], level[-1])
        for feature in columns.values():
            group = 0 if firm & feature else 1 if soft & feature else 2
            for need in (1, 2):
                after = index[raised(level, counted, feature, need)]
                pairs = steps[Step(file, group, need)]
                if after == at:
                    pairs = frozenset(pair for pair in pairs if pair[0] != pair[1])
                if pairs:
                    found.append(NeedChange(at, after, pairs, feature, need))
        found.append(NeedChange(at, at, lists[file], 0, 0))
    return tuple(found)


def _lowest(mask: int) -> int:
    """Return the index of the first rule of a mask; -1 without rules."""
    return (mask & -mask).bit_length() - 1
