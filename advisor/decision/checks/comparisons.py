"""Checks that compare two decisions: with and without a capability, and a tiered deployment with its tiers.

The fold decides both cases in lanes, so the proof covers every combination of facts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache, lru_cache
from itertools import product
from typing import NamedTuple, TypeAlias

from advisor.decision.checks.division import (
    VALUES,
    FileNeeds,
    ToolKind,
    Tools,
    division,
    divisions,
    separable,
    values,
)
from advisor.decision.checks.fault import fault
from advisor.decision.checks.needs import Bits, Level, Needs, levels
from advisor.decision.checks.preferences import Change, Deployment, ToolGroups, in_both, moves
from advisor.decision.checks.situations import Model, Outputs
from advisor.decision.tiers import SEPARABLE, STATEFUL, stateless_values
from advisor.engine.fold import Class
from advisor.engine.network import NodeStep, Row
from advisor.engine.rules import Value
from advisor.engine.table import show
from advisor.errors import KnowledgeError
from advisor.findings import Finding
from advisor.knowledge.types import NEEDS


class SituationRules(NamedTuple):
    """What a lane of a fold says of a situation: the index of its context, and the possible rules of `session`."""

    context: int
    session: int


_TIER = "situation#tier"
_WHOLE, _STATEFUL = "whole", "stateful"
_OUTSIDE = {False: "stateless", True: "stateless, with a substitute"}


def capability_faults(model: Model) -> Iterator[Finding]:
    """Yield faults: a capability makes a feasible decision a contradiction, or a tool loses a feature it prefers."""
    for name, fact in model.advisor.space.facts.items():
        if fact.capability is None:
            continue
        having = fact.capability.having
        folded = model.compared(model.pattern_steps(), (name, tuple(fact.capability)))
        # A contradiction is worse than a lost feature, so it is the fault of a capability that can cause both.
        worst: _Worse | None = None
        for row, found in folded.classes.items():
            rules = SituationRules(*row[0]), SituationRules(*row[1])
            worst = _worse(model, *rules, (name, having), found, losses=worst is None) or worst
            if worst and not worst.loses:
                break
        if worst:
            yield worst.finding


class _Worse(NamedTuple):
    """A fault of a capability, and whether a tool only loses a feature."""

    finding: Finding
    loses: bool


def _worse(
    model: Model,
    without: SituationRules,
    having: SituationRules,
    change: tuple[str, Value],
    found: Class,
    *,
    losses: bool,
) -> _Worse | None:
    worst: _Worse | None = None
    for base, other, pairs, moved, needs in _both(model, without.context, having.context):
        for value, value_after in pairs:
            rule = _first(without.session & base & model.tiers_mask(value)[0])
            after = _first(having.session & other & model.tiers_mask(value_after)[0])
            first, second = model.outputs[rule], model.outputs[after]
            if not first.feasible:
                continue
            moved_by = (value, value_after, _deployment(first), _deployment(second))
            lost = moved.get(moved_by, "") if second.feasible else ""
            if second.feasible and not (lost and losses and worst is None):
                continue
            worse = "makes a tool lose a preferred feature" if lost else "makes a feasible decision a contradiction"
            message = f"{change[0]}: {show(change[1])} {worse}"
            example = {
                **found.example(),
                **_stated(model, needs),
                SEPARABLE: value,
                **({"tools": lost} if lost else {}),
            }
            worst = _Worse(fault("monotone", model.session.spec.rules[after].id, message, example), bool(lost))
            if not lost:
                return worst
    return worst


@cache
def _deployment(outputs: Outputs) -> Deployment:
    sessions = "tiered" if outputs.pattern == "tiered" else "no" if outputs.stateless else "yes"
    return Deployment(sessions, outputs.substitute != "none")


_Both: TypeAlias = "tuple[int, int, frozenset[tuple[str, str]], Mapping[Change, str], Needs]"


def _both(model: Model, without: int, having: int) -> Sequence[_Both]:
    """Return the rules that needs allow in two contexts, with the values of `tools.separable` in both contexts.

    The fourth part of a tuple is the result of `moves`. It is empty if the second context has streams that the first
    context lacks. Every tool can then prefer a session. No tool is left for a stateless tier, so the decision drops
    these features.
    """
    known: Sequence[_Both] | None = model.compared_needs.get((without, having))
    if known is not None:
        return known
    base, other = model.contexts[without], model.contexts[having]
    size, features = len(base.counted), len(model.advisor.lost.features)
    groups = (base.firm & other.firm, base.firm & ~other.firm, other.firm & ~base.firm, base.soft | other.soft)
    if groups[1] and groups[2]:
        raise KnowledgeError(
            "the proof cannot compare lists of tools, because each of two contexts loses more features"
        )
    found: dict[Row, _Both] = {}
    for level, needs in levels((*base.counted, *other.counted, *groups), features).items():
        masks = _mask(model, level[:size]), _mask(model, level[size : 2 * size])
        soft, later = (bool(base.soft), bool(other.soft)), bool(groups[2])
        pairs = _pairs(level[2 * size :], soft, later=later)
        shared, single, _, replaced = level[2 * size :]
        files = None if later else ToolGroups((shared, single, replaced), soft)
        found.setdefault((*masks, pairs, files), (*masks, pairs, moves(files) if files else {}, needs))
    model.compared_needs[without, having] = tuple(found.values())
    return tuple(found.values())


# Whether a tool requires a session, whether the tool wants a session, whether it is `stored`; and substituted.
_Facet: TypeAlias = "tuple[bool, bool, bool, bool]"


def _pairs(file: Level, soft: tuple[bool, bool], *, later: bool) -> frozenset[tuple[str, str]]:
    """Return the values of `tools.separable` without and with a capability, for every list of tools.

    Args:
        file: the needs of the file for four groups of features. The first group needs a session in both cases. The
            second group needs a session in the first case only, and the third group in the second case only. The
            features of the fourth group have a substitute.
        soft: whether features with a substitute need a session in the two cases.
        later: whether the third group has features. Then the second group has none.
    """
    shared, single, third, substituted = file
    key = (shared, third if later else single, substituted, soft, later)
    if key not in _PAIRS:
        _PAIRS[key] = _all_pairs(*key)
    return _PAIRS[key]


_PAIRS: dict[tuple[int, int, int, tuple[bool, bool], bool], frozenset[tuple[str, str]]] = {}


def _all_pairs(
    shared: int, single: int, substituted: int, soft: tuple[bool, bool], later: bool
) -> frozenset[tuple[str, str]]:
    file = (shared, single, substituted)

    def kinds(tool: Sequence[int], stored: int) -> tuple[ToolKind, ToolKind]:
        first, second = in_both(tool, soft, stored)
        return (second, first) if later else (first, second)

    files = [kind[:2] for kind in kinds(file, 0)]
    # Lists of tools with the same divisions are alike. A list of each class stands for the others.
    lists: dict[tuple[frozenset[_Facet], ...], tuple[Tools, Tools]] = {}
    known: set[tuple[Tools, Tools]] = {(frozenset(), frozenset())}
    for *tool, stored in product(*(range(need + 1) for need in file), (0, 2)):
        first, second = kinds(tool, stored)
        known |= {(left | {first}, right | {second}) for left, right in known}
        lists = {tuple(map(_facets, pair)): pair for pair in sorted(known, key=lambda pair: sorted(map(sorted, pair)))}
        known = set(lists.values())
    return frozenset((separable(files[0], left), separable(files[1], right)) for left, right in known)


@cache
def _facets(tools: Tools) -> frozenset[_Facet]:
    """Return everything that the divisions of a list of tools depend on, besides the needs of the file."""
    return frozenset(
        (max(used) == 2, max(used) > 0, stored == 2 and max(used) == 1, substitute)
        for firm, soft, stored in tools
        for substitute, used in ((False, (firm, soft)), (True, (firm,)))
    )


def tier_faults(model: Model) -> Iterator[Finding]:
    """Yield faults: tiers whose own decision is not feasible, or is not of the kind of the tier."""
    folded = model.compared(_with_tiers(model), (_TIER, (_WHOLE, _STATEFUL, *_OUTSIDE.values())))
    tiered = sum(1 << index for index, outputs in enumerate(model.outputs) if outputs.pattern == "tiered")
    seen: set[str] = set()
    known: dict[tuple[int, int, bool], Sequence[_Parts]] = {}
    for row, found in folded.classes.items():
        whole, inside, *outside = (SituationRules(*lane) for lane in row)
        if not whole.session & tiered:
            continue
        for substitute, outer in zip(_OUTSIDE, outside, strict=True):
            key = (whole.context, inside.context, substitute)
            if key not in known:
                known[key] = _parts(model, *key)
            for parts in known[key]:
                for finding in _tiers(model, (whole, inside, outer), parts, found, substitute=substitute):
                    if finding.key not in seen:
                        seen.add(finding.key)
                        yield finding


def _with_tiers(model: Model) -> list[NodeStep]:
    """Return the steps to a situation, with the facts that a tier states instead of the file."""
    raw = {_STATEFUL: STATEFUL, **{name: stateless_values(substitute) for substitute, name in _OUTSIDE.items()}}
    stated = {
        tier: {name: model.advisor.space.bin(name, value) for name, value in values.items()}
        for tier, values in raw.items()
    }
    steps: list[NodeStep] = []
    pending = {name for values in stated.values() for name in values}
    for step in model.pattern_steps():
        for name in sorted(pending.intersection(step.reads)):
            values = {tier: model.alike.first[name][given[name]] for tier, given in stated.items() if name in given}
            steps.append(NodeStep((_TIER, name), (name,), _stating(values)))
            pending.discard(name)
        steps.append(step)
    return steps


def _stating(values: Mapping[str, Value]) -> Callable[[Row], Row]:
    return lambda row: (values.get(row[0], row[1]),)


class _Parts(NamedTuple):
    """The rules of `session` that needs allow: for the deployment, for the stateful tier and for the stateless tier."""

    whole: int
    inside: int
    outside: int
    file: FileNeeds
    needs: Needs


def _parts(model: Model, whole: int, inside: int, substitute: bool) -> Sequence[_Parts]:
    here, there = model.contexts[whole], model.contexts[inside]
    dropped = here.firm | (0 if substitute else here.soft)
    outside = tuple(bits & ~dropped for bits in here.counted)
    size = len(here.counted)
    found: dict[Row, _Parts] = {}
    every = levels((*here.counted, *there.counted, *outside, here.firm, here.soft), len(model.advisor.lost.features))
    for level, needs in every.items():
        here_, there_, outside_ = (_mask(model, level[start : start + size]) for start in (0, size, 2 * size))
        file = (level[-2], level[-1])
        found.setdefault((here_, there_, outside_, file), _Parts(here_, there_, outside_, file, needs))
    return tuple(found.values())


def _tiers(
    model: Model,
    lanes: tuple[SituationRules, SituationRules, SituationRules],
    parts: _Parts,
    found: Class,
    *,
    substitute: bool,
) -> Iterator[Finding]:
    whole, inside, outer = lanes
    for value in values(parts.file):
        rule = _first(whole.session & parts.whole & model.tiers_mask(value)[0])
        outputs = model.outputs[rule]
        if outputs.pattern != "tiered" or (outputs.substitute != "none") is not substitute:
            continue
        tiers = [
            ("stateful", VALUES, inside.session & parts.inside, "single-instance"),
            (
                "stateless",
                _left(parts.file, value, substitute=substitute),
                outer.session & parts.outside,
                "stateless-fleet",
            ),
        ]
        for tier, separables, mask, pattern in tiers:
            for own in {_first(mask & model.tiers_mask(separable_)[0]) for separable_ in separables}:
                then = model.outputs[own]
                if then.pattern != pattern or then.stateless is not (tier == "stateless"):
                    ids = [model.session.spec.rules[index].id for index in (rule, own)]
                    message = f"for the {tier} tier, the rule {ids[1]} decides for {then.pattern}"
                    yield fault(
                        "tier", ids[0], message, {**found.example(), **_stated(model, parts.needs), SEPARABLE: value}
                    )


@lru_cache(maxsize=256)
def _left(file: FileNeeds, value: str, *, substitute: bool) -> list[str]:
    """Return the values of `tools.separable` for the tools of the stateless tier."""
    found = set()
    for _, tools in divisions()[file, value]:
        parts = division(file, tools, substitute=substitute)
        if parts is not None:
            kinds = frozenset((0, soft if substitute else 0, stored) for _, soft, stored in parts[0])
            found.add(separable((0, file[1] if substitute else 0), kinds))
    return sorted(found)


def _mask(model: Model, level: Level) -> int:
    mask = model.session.full
    for name, value in zip(model.counted, level, strict=True):
        if name in model.session.inputs:
            mask &= model.session.masks[model.session.inputs.index(name)][NEEDS[value]]
    return mask


def _first(mask: int) -> int:
    return (mask & -mask).bit_length() - 1


def _stated(model: Model, needs: Needs) -> dict[str, Value]:
    """Return a combination of needs of a level."""
    required: Bits = needs.most
    preferred = needs.wanted & ~required
    return {
        f"needs.{name}": "required" if required >> index & 1 else "preferred" if preferred >> index & 1 else "none"
        for index, name in enumerate(model.advisor.lost.features)
    }
