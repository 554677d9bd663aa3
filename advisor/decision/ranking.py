"""The order of options: a number for each criterion of rules/options.yaml, and why an option loses."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from advisor.decision.comparison import DeploymentOption, WinningChange
from advisor.decision.model import EraCell, FeatureRow
from advisor.knowledge.options import RankingCriterion
from advisor.knowledge.types import Era
from advisor.sentences import inside, listed


class Situation(NamedTuple):
    """What the criteria read besides an option.

    Attributes:
        facts: every fact of the decision.
        patterns: all patterns, the simplest to operate first.
        alone: the features that work in a single process only.
        never: the cells of preferred features, as pairs of a feature and an era, that no option keeps.
        flags: for each kind of option, the values of the two flags that the tables choose.
    """

    facts: Mapping[str, Any]
    patterns: Sequence[str]
    alone: frozenset[str]
    never: frozenset[tuple[str, str]]
    flags: Mapping[str, tuple[bool, Mapping[bool, bool]]]


_Cell: TypeAlias = "tuple[FeatureRow, Era, EraCell]"

_Criterion: TypeAlias = Callable[[DeploymentOption, Situation], int]

CRITERIA: Mapping[str, _Criterion] = {
    "possible": lambda option, at: int(not option.possible),
    "required": lambda option, at: len(option.failing("required")),
    "replaces-required": lambda option, at: sum(row.need == "required" for row in option.replaced),
    "substitution": lambda option, at: int(option.core.substitute != "none" and not _substitutes(at.facts)),
    "preferred": lambda option, at: _preferred(option, at),
    "replaces-preferred": lambda option, at: len(option.replaced),
    "preference": lambda option, at: int(_prefers_sessions(at.facts) and option.core.pattern != _KEEPS_SESSIONS),
    "simplicity": lambda option, at: at.patterns.index(option.core.pattern),
    "sessions": lambda option, at: int(option.core.flags.stateless_http != at.flags[option.kind][0]),
    "response-mode": lambda option, at: int(
        option.core.flags.json_response != at.flags[option.kind][1][option.core.flags.stateless_http]
    ),
    "rule": lambda option, at: 0,
    "effort": lambda option, at: 0 if option.possible else _effort(option.wins),
}
"""How each criterion of rules/options.yaml is computed: the smaller number is better."""

_KEEPS_SESSIONS = "sticky-fleet"
"""The pattern of `preference: full-features` (rules/tables/40-session.yaml)."""

_DIVIDED = "tiered"

_UNMAKEABLE, _NEVER = 99, 100
"""The effort of a change that no team makes, and of an option that no change makes the decision."""


def _effort(wins: WinningChange | None) -> int:
    return _NEVER if wins is None else wins.effort or _UNMAKEABLE


def _substitutes(facts: Mapping[str, Any]) -> bool:
    return bool(facts["need.impossible"] == "required" or facts["need.session_replaceable"] != "none")


def _preferred(option: DeploymentOption, at: Situation) -> int:
    """Return how many preferred features an option loses that another option keeps, once for each era.

    A preferred feature never prevents a division of the tools. A feature of a single process counts only if sessions
    are needed, too.
    """
    if option.core.pattern == _DIVIDED:
        return 0
    counted = at.facts["need.session"] != "none"
    lost = {(row.feature, era) for row, era, _ in option.failing("preferred")} - at.never
    return sum(counted or feature not in at.alone for feature, _ in lost)


def _prefers_sessions(facts: Mapping[str, Any]) -> bool:
    stated = facts["preference"] == "full-features" and facts["era.legacy"] == "named"
    return bool(stated and facts["affinity.candidate"] != "none" and facts["processes"] == "many")


def standing(option: DeploymentOption, order: Sequence[RankingCriterion], at: Situation) -> tuple[int, ...]:
    """Return a number for each criterion. The smaller number is better."""
    return tuple(CRITERIA[criterion.id](option, at) for criterion in order)


def ranked(
    options: Sequence[DeploymentOption], order: Sequence[RankingCriterion], phrases: Mapping[str, str]
) -> tuple[DeploymentOption, ...]:
    """Return the options in their order, each with the criterion by which it loses. The decision is the first."""
    in_order = sorted(options, key=lambda option: (not option.chosen, option.standing))
    best = next((option for option in in_order if option.chosen), None)
    plain = {row.feature: phrases[f"product.feature.{row.feature}"] for option in options for row in option.features}
    return tuple(_lost(option, best, order, plain, phrases) for option in in_order)


def _lost(
    option: DeploymentOption,
    best: DeploymentOption | None,
    order: Sequence[RankingCriterion],
    plain: Mapping[str, str],
    phrases: Mapping[str, str],
) -> DeploymentOption:
    if option is best:
        return option
    there = best.standing if best else (0,) * len(order)
    places = zip(order, option.standing, there, strict=True)
    criterion = next((criterion for criterion, here, other in places if here > other), order[-1])
    technical, simple = (_what(option, criterion.id, best, names, phrases) for names in (None, plain))
    reasons = (criterion.loses.format(what=technical), criterion.plain.format(what=simple))
    return option._replace(loses_by=criterion, reason=reasons[0], plain=reasons[1])


def _what(
    option: DeploymentOption,
    criterion: str,
    best: DeploymentOption | None,
    plain: Mapping[str, str] | None,
    phrases: Mapping[str, str],
) -> str:
    """Return the facts or features for the sentence of a criterion by which an option loses against the best.

    Args:
        option: the option.
        criterion: the id of the criterion.
        best: the decision; None for a contradiction.
        plain: the names of features for a reader without technical knowledge, or None for their titles.
        phrases: the phrases of the rules, by id.
    """
    if criterion == "possible":
        if plain:
            return listed(barrier.plain for barrier in option.barriers)
        return "; ".join(inside(barrier.words) for barrier in option.barriers)
    if criterion == "simplicity" and best:
        kept = _names(best.failing("preferred"), option.failing("preferred"), plain)
        return phrases["option.keeps.more" if kept else "option.keeps.same"].format(features=listed(kept or [""]))
    if criterion not in ("required", "preferred"):
        return listed([plain[row.feature] if plain else inside(row.title) for row in option.replaced] or [""])
    failing = option.failing("required" if criterion == "required" else "preferred")
    others = best.failing("required" if criterion == "required" else "preferred") if best else []
    return listed(_names(failing, others, plain) or _names(failing, [], plain) or [""])


def _names(failing: Sequence[_Cell], others: Sequence[_Cell], plain: Mapping[str, str] | None) -> list[str]:
    """Return the names of the features of some cells, without the cells that are also in `others`."""
    known = {(row.feature, era) for row, era, _ in others}
    rows = [row for row, era, _ in failing if (row.feature, era) not in known]
    return [*dict.fromkeys(plain[row.feature] if plain else inside(row.title) for row in rows)]
