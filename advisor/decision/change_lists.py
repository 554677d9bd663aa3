"""Orders changes of the requirements, and removes or merges changes that say the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from operator import itemgetter
from typing import TypeAlias

from advisor.decision.core import Core
from advisor.decision.model import Alternative, Counterfactual
from advisor.engine.rules import Value
from advisor.engine.table import show

Move: TypeAlias = Mapping[str, Value]
"""The facts that a change of the requirements states, with their new values. The first fact is the main one."""

Ranked: TypeAlias = tuple[tuple[int, int], Alternative]
"""A possible fix, with the number of features that it loses and its effort."""

MERGED = "environment.platform"
"""A fact of which one possible fix can name several values with the same result."""

_MANY = 40  # largest number of possible fixes of a contradiction


def smallest(found: list[tuple[Move, Core]]) -> list[tuple[Move, Core]]:
    """Return the changes without those that contain another change of one fact."""
    alone = {part for move, _ in found if len(move) == 1 for part in move.items()}
    return [(move, then) for move, then in found if len(move) == 1 or alone.isdisjoint(move.items())]


def by_effort(counterfactual: Counterfactual) -> int:
    """Return the effort of a change, for sorting. Changes that the team cannot make come last."""
    return counterfactual.effort or 9


def repeats(other: Counterfactual, way: Alternative) -> bool:
    """Return whether a possible fix already names a change."""
    differing = {name for name, value in other.change.items() if way.change.get(name) != value}
    same = other.change.keys() == way.change.keys()
    return same and (not differing or (differing == {MERGED} and way.core == other.core))


def ranked(found: Iterable[Ranked], phrases: Mapping[str, str]) -> list[Alternative]:
    """Return possible fixes: first by the number of lost features, then by effort.

    Fixes that differ only in the value of `MERGED`, and have the same result, become one fix, which names all values.
    """
    in_order = [alternative for _, alternative in sorted(found, key=itemgetter(0))]
    return _merged(in_order, phrases)[:_MANY]


def _merged(alternatives: list[Alternative], phrases: Mapping[str, str]) -> list[Alternative]:
    groups: dict[object, list[Alternative]] = {}
    for alternative in alternatives:
        others = {name: show(value) for name, value in alternative.change.items() if name != MERGED}
        merges = MERGED in alternative.change
        key = (alternative.core, alternative.gives_up, tuple(others.items())) if merges else id(alternative)
        groups.setdefault(key, []).append(alternative)
    return [_one_fix(group, phrases) for group in groups.values()]


def _one_fix(group: list[Alternative], phrases: Mapping[str, str]) -> Alternative:
    first, *rest = group
    if not rest:
        return first
    values = " or ".join(show(other.change[MERGED]) for other in rest)
    also = phrases["change.same-result"].format(fact=MERGED, values=values)
    return first._replace(how=f"{first.how} {also}")
