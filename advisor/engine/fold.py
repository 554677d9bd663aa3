"""Enumerates all combinations of facts without a visit of each combination.

The fold adds one fact after another. Later steps treat two partial assignments alike if both have the same values for
all facts that these steps read. The fold merges such assignments into a class and adds their counts. This is variable
elimination, as in a binary decision diagram. The fold covers all combinations: the counts of the classes add up to the
product of the domain sizes. Each class has one assignment as an example, which is the counter-example if a property
fails.

With lanes, the fold runs for several values of one fact in parallel. The result shows whether this fact can still
change the outcome.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any, TypeAlias

from advisor.engine.network import NodeStep, Row, selector
from advisor.engine.rules import Value

# One assignment per class, as a linked list (names, values, rest), which is fast to extend.
Witness: TypeAlias = "tuple[tuple[str, ...], Row, Witness] | None"


@dataclass(slots=True)
class Class:
    """Assignments that all later steps treat alike.

    Attributes:
        count: the number of assignments in the class.
        witness: an example of these assignments.
    """

    count: int
    witness: Witness

    def example(self) -> dict[str, Value]:
        """Return one assignment: the value of each fact that the fold has added."""
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
        names: the kept facts.
        classes: the class for each combination of values of the kept facts, per lane.
        peak: the largest number of classes at any time.
        failures: pairs of an exception of a step and an assignment that leads to this exception.
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
    """Enumerate all combinations of the facts that `steps` read but do not write.

    Args:
        steps: the steps to run, in order.
        domains: the values of each fact that the fold adds. A known fact has one value.
        keep: the facts whose values separate the classes of the result.
        lanes: a fact and several of its values. Each class then has one row per value. The fold drops classes
            whose rows are all equal, because this fact has no effect on them.
        stop_on: the exceptions of a step that become failures of the result. Other exceptions are raised.

    Returns:
        The classes. With `lanes`, only classes whose lanes differ.
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
            classes = {row: found for row, found in classes.items() if row.count(row[0]) < len(row)}
        result.peak = max(result.peak, len(classes))
    order = selector([names.index(name) for name in keep if name in names])
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
    """Return for each step the facts that a later step reads, or that the result keeps."""
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
    read = selector([before.index(name) for name in step.reads])
    stays = [i for i, name in enumerate(before) if name in needed and name not in step.writes]
    stay = selector(stays)
    writes = selector([i for i, name in enumerate(step.writes) if name in needed])
    after = tuple(before[i] for i in stays) + tuple(name for name in step.writes if name in needed)
    memo: dict[Row, Row | None] = {}
    merged: dict[Row, Class] = {}
    for values in product(*(domains[name] for name in new)):
        for row, found in classes.items():
            lanes: Row = ()
            for lane in row:
                full = lane + values if values else lane
                key = read(full)
                written = memo.get(key)
                if written is None:
                    if key not in memo:
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
