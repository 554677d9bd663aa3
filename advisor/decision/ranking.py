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
        flags: for each kind of option, the values of the two flags that the tables choose.
    """

    facts: Mapping[str, Any]
    patterns: Sequence[str]
    alone: frozenset[str]
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
    """Return how many preferred features an option loses, once for each era.

    A preferred feature never prevents a division of the tools. A feature of a single process counts only if sessions
    are needed, too.
    """
    if option.core.pattern == _DIVIDED:
        return 0
    counted = at.facts["need.session"] != "none"
    return sum(counted or row.feature not in at.alone for row, _, _ in option.failing("preferred"))


def _prefers_sessions(facts: Mapping[str, Any]) -> bool:
    stated = facts["preference"] == "full-features" and facts["era.legacy"] == "named"
    return bool(stated and facts["affinity.candidate"] != "none" and facts["processes"] == "many")


def standing(option: DeploymentOption, order: Sequence[RankingCriterion], at: Situation) -> tuple[int, ...]:
    """Return a number for each criterion. The smaller number is better."""
    return tuple(CRITERIA[criterion.id](option, at) for criterion in order)


def ranked(options: Sequence[DeploymentOption], order: Sequence[RankingCriterion]) -> tuple[DeploymentOption, ...]:
    """Return the options in their order, each with the criterion by which it loses. The decision is the first."""
    in_order = sorted(options, key=lambda option: (not option.chosen, option.standing))
    best = next((option for option in in_order if option.chosen), None)
    return tuple(_lost(option, best, order) for option in in_order)


def _lost(
    option: DeploymentOption, best: DeploymentOption | None, order: Sequence[RankingCriterion]
) -> DeploymentOption:
    if option is best:
        return option
    there = best.standing if best else (0,) * len(order)
    places = zip(order, option.standing, there, strict=True)
    criterion = next((criterion for criterion, here, other in places if here > other), order[-1])
    words = what(option, criterion.id, best)
    return option._replace(
        loses_by=criterion, reason=criterion.loses.format(what=words), plain=criterion.plain.format(what=words)
    )


def what(option: DeploymentOption, criterion: str, best: DeploymentOption | None) -> str:
    """Return the facts or features for the sentence of a criterion by which an option loses against the best."""
    if criterion == "possible":
        return "; ".join(inside(barrier.words) for barrier in option.barriers)
    if criterion == "simplicity" and best:
        kept = _titles(best.failing("preferred"), option.failing("preferred"))
        return f"although it keeps {listed(kept)}" if kept else "and keeps no more features"
    if criterion not in ("required", "preferred"):
        return listed([inside(row.title) for row in option.replaced] or [""])
    failing = option.failing("required" if criterion == "required" else "preferred")
    others = best.failing("required" if criterion == "required" else "preferred") if best else []
    return listed(_titles(failing, others) or _titles(failing, []) or [""])


def _titles(failing: Sequence[_Cell], others: Sequence[_Cell]) -> list[str]:
    """Return the titles of the features of some cells, without the cells that are also in `others`."""
    known = {(row.feature, era) for row, era, _ in others}
    return [*dict.fromkeys(inside(row.title) for row, era, _ in failing if (row.feature, era) not in known)]
