"""Enumerate a whole fact space without visiting each combination.

Facts are brought in individually; two partial assignments that agree on everything still to be read are the same from
then on, so they are merged and their numbers added (variable elimination, as in a binary decision diagram). Nothing is
sampled and nothing is left out: the counts of the merged classes add up to the product of the domain sizes, and each
class remembers one assignment, which is the counter-example when a property fails.

With several lanes, the same enumeration runs side by side for several values of a fact: it answers whether that fact
can still change anything, whatever the others are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from operator import itemgetter
from typing import Any, TypeAlias

from advisor.engine.network import NodeStep, Row
from advisor.engine.rules import Value

# One assignment per class, as a linked list (names, values, rest): cheap to extend, unrolled only for a report.
Witness: TypeAlias = "tuple[tuple[str, ...], Row, Witness] | None"


@dataclass(slots=True)
class Class:
    """Assignments that nothing still to be read can tell apart.

    Attributes:
        count: how many assignments of the space it stands for.
        witness: an example of these assignments.
    """

    count: int
    witness: Witness

    def example(self) -> dict[str, Value]:
        """One assignment: the value of each fact that was brought in."""
        found: dict[str, Value] = {}
        rest = self.witness
        while rest is not None:
            names, values, rest = rest
            found.update(zip(names, values, strict=True))
        return found


@dataclass(slots=True)
class Folded:
    """The result of a fold.

    Attributes:
        names: the facts that were kept.
        classes: for each combination of their values (per lane), the class.
        peak: the largest number of classes at any time.
        failures: what a step raised, with an example: (error, assignment).
    """

    names: tuple[str, ...]
    classes: dict[Row, Class]
    peak: int = 0
    failures: list[tuple[Exception, dict[str, Value]]] = field(default_factory=list)


def fold(
    steps: Sequence[NodeStep],
    domains: Mapping[str, Sequence[Value]],
    keep: Sequence[str],
    *,
    lanes: tuple[str, Sequence[Value]] | None = None,
    stop_on: type[Exception] | tuple[type[Exception], ...] = (),
) -> Folded:
    """Enumerate the space of all facts that `steps` read and do not write.

    Args:
        steps: what to compute, in order.
        domains: the values of each fact that is brought in; a fact that is already known has one value.
        keep: the facts to tell classes apart by in the end.
        lanes: a fact and several values of it: every class then carries one row per value, and classes whose rows are
            all equal are dropped, because that fact makes no difference there any more.
        stop_on: exceptions of a step that are collected as failures instead of raised.

    Returns:
        The classes; with `lanes`, only those in which the lanes still differ.
    """
    lane_fact, lane_values = lanes or ("", ("",))
    names: tuple[str, ...] = (lane_fact,) if lanes else ()
    classes: dict[Row, Class] = {tuple((value,) if lanes else () for value in lane_values): Class(1, None)}
    result = Folded((), classes)
    needed_after = _needed_after(steps, keep)
    for step, needed in zip(steps, needed_after, strict=True):
        new = tuple(name for name in step.reads if name not in names)
        classes, names = _apply(step, new, classes, names, needed, domains, result, stop_on)
        if lanes:
            classes = {row: found for row, found in classes.items() if any(lane != row[0] for lane in row)}
        result.peak = max(result.peak, len(classes))
    order = _pick([names.index(name) for name in keep if name in names])
    result.names = tuple(name for name in keep if name in names)
    merged: dict[Row, Class] = {}
    for row, found in classes.items():
        kept = tuple(order(lane) for lane in row)
        if kept in merged:
            merged[kept].count += found.count
        else:
            merged[kept] = found
    result.classes = merged if lanes else {row[0]: found for row, found in merged.items()}
    return result


def _needed_after(steps: Sequence[NodeStep], keep: Sequence[str]) -> list[frozenset[str]]:
    """For each step, the facts that a later step reads or that are kept."""
    needed = set(keep)
    after = []
    for step in reversed(steps):
        after.append(frozenset(needed))
        needed |= set(step.reads)
    return after[::-1]


def _apply(
    step: NodeStep,
    new: tuple[str, ...],
    classes: dict[Row, Class],
    names: tuple[str, ...],
    needed: frozenset[str],
    domains: Mapping[str, Sequence[Value]],
    result: Folded,
    stop_on: Any,
) -> tuple[dict[Row, Class], tuple[str, ...]]:
    before = names + new
    read = _pick([before.index(name) for name in step.reads])
    stays = [i for i, name in enumerate(before) if name in needed and name not in step.writes]
    stay = _pick(stays)
    writes = _pick([i for i, name in enumerate(step.writes) if name in needed])
    after = tuple(before[i] for i in stays) + tuple(name for name in step.writes if name in needed)
    memo: dict[Row, Row | None] = {}
    merged: dict[Row, Class] = {}
    for values in product(*(domains[name] for name in new)):
        for row, found in classes.items():
            lanes: Row = ()
            for lane in row:
                full = lane + values
                key = read(full)
                if key in memo:
                    written = memo[key]
                else:
                    written = memo[key] = _run(step, key, found, (new, values), writes, result, stop_on)
                if written is None:
                    break
                lanes += (stay(full) + written,)
            else:
                known = merged.get(lanes)
                if known is None:
                    merged[lanes] = Class(found.count, (new, values, found.witness) if new else found.witness)
                else:
                    known.count += found.count
    return merged, after


def _run(
    step: NodeStep,
    key: Row,
    found: Class,
    brought: tuple[tuple[str, ...], Row],
    writes: Callable[[Row], Row],
    result: Folded,
    stop_on: Any,
) -> Row | None:
    try:
        return writes(step.run(key))
    except stop_on as error:
        result.failures.append((error, Class(found.count, (*brought, found.witness)).example()))
        return None


def _pick(positions: Sequence[int]) -> Callable[[Row], Row]:
    if not positions:
        return lambda row: ()
    if len(positions) == 1:
        position = positions[0]
        return lambda row: (row[position],)
    return itemgetter(*positions)
