"""What `capabilities measure` and `capabilities bisect` found, as text and as records. Pure: no console, no files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from advisor.knowledge.types import ERAS, FLAG_PAIRS, Capabilities, Era, flag_key
from advisor.knowledge.versions import key
from advisor.render.matrix import Line, marks, row
from advisor.render.schemas import CAPABILITIES

if TYPE_CHECKING:
    from advisor.lab.bisection import Found
    from advisor.lab.matrix import Cells
    from advisor.lab.measure import Difference, Measurement

Record: TypeAlias = dict[str, Any]

BISECTION = "mcp-advisor/bisection/1"
SOURCE = "measured-capability-cells"


def record(measured: Sequence[tuple[Measurement, Sequence[Difference]]], known: Sequence[Capabilities]) -> Record:
    """The measurements as the public contract has capabilities, with what was seen beside the table."""
    cells = [cell for measurement, differing in measured for cell in _cells(measurement, differing, known)]
    behaviour = [
        {
            "sdk": measurement.specimen.package,
            "version": measurement.specimen.version,
            "stateless_http": pair[0],
            "json_response": pair[1],
            "era": era,
            "name": name,
            "seen": seen[pair],
        }
        for measurement, _ in measured
        for (name, era), seen in measurement.behaviours.items()
        for pair in FLAG_PAIRS
    ]
    seconds = {one.sdk: one.seconds for one, _ in measured}
    agrees = not any(differing for _, differing in measured)
    return {"schema": CAPABILITIES, "cells": cells, "behaviour": behaviour, "agrees": agrees, "seconds": seconds}


def _cells(
    measurement: Measurement, differing: Sequence[Difference], known: Sequence[Capabilities]
) -> Iterator[Record]:
    subject = measurement.specimen
    wrong = {one.where: one.expected for one in differing}
    for where, seen in measurement.cells.items():
        start, before = _range(known, measurement, where.feature, where.call)
        yield {
            "sdk": subject.package,
            "version": subject.version,
            "stateless_http": where.pair[0],
            "json_response": where.pair[1],
            "era": where.era,
            "feature": where.feature,
            "call": where.call,
            "outcome": seen.observation.outcome,
            "evidence": seen.observation.message,
            "measured": measurement.date,
            "status": "measured",
            "releases": {"from": start, "before": before},
            "observed_on": [subject.version],
            "sources": [SOURCE],
            "agrees": where not in wrong,
            "expected": wrong.get(where, seen.observation.outcome),
            "seconds": seen.observation.seconds,
            "at_first": seen.first,
        }


def _range(known: Sequence[Capabilities], measurement: Measurement, feature: str, call: str) -> tuple[str, str]:
    """The releases that the data has together with this one; the release alone where the data has nothing."""
    version = measurement.specimen.version
    for package in known:
        for cell in package.cells if package.package == measurement.specimen.package else []:
            if (cell.feature, cell.call) == (feature, call) and key(cell.start) <= key(version) < key(cell.before):
                return cell.start, cell.before
    return version, version


def table(measurement: Measurement, differing: Sequence[Difference]) -> Iterator[Line]:
    """One release for a terminal of 80 columns: what was observed, and what differs from the data."""
    subject = measurement.specimen
    count = len(measurement.cells)
    yield Line("heading", f"{measurement.sdk}: {count} cells measured, {count - len(differing)} as the data has them")
    dependencies = {"today": "of today", "this interpreter": "of this interpreter"}
    of = dependencies.get(subject.dependencies, f"as of {subject.dependencies}")
    yield Line("plain", f"{subject.line}, packages {of}, {measurement.date}, {measurement.seconds:.0f} s")
    for era in ERAS:
        yield Line("plain", "")
        yield from _era(measurement.cells, era)
    yield Line("plain", "")
    yield from differing_lines(measurement, differing)
    yield from _behaviours(measurement)


def _era(cells: Cells, era: Era) -> Iterator[Line]:
    asked = list(dict.fromkeys((where.feature, where.call) for where in cells))
    outcomes = {where: seen.observation.outcome for where, seen in cells.items() if where.era == era}
    if set(outcomes.values()) == {"unsupported"}:
        message = next(seen.observation.message for where, seen in cells.items() if where.era == era)
        yield Line("heading", f"{era} clients")
        yield Line("plain", f"  Refused: {message}")
        return
    yield Line("head", row(f"{era} clients", "stateful", "", "stateless", ""))
    yield Line("head", row("", "sse", "json", "sse", "json"))
    feature = ""
    for of, call in sorted(asked, key=lambda one: [first for first, _ in asked].index(one[0])):
        if of != feature:
            feature = of
            yield Line("plain", feature)
        by_pair = {where.pair: one for where, one in outcomes.items() if (where.feature, where.call) == (of, call)}
        yield from marks(call, [by_pair[pair] for pair in FLAG_PAIRS])


def differing_lines(measurement: Measurement, differing: Sequence[Difference]) -> Iterator[Line]:
    """What differs from the data, cell by cell, and what was not as expected only at first."""
    for one in differing:
        place = f"{one.where.feature}, {one.where.call}, {one.where.era}, {flag_key(*one.where.pair)}"
        says = f"the data says {one.expected}" if one.expected else "the data says nothing"
        first = measurement.cells[one.where].first
        twice = f", after {first} at first" if first and first != one.observed else ""
        yield Line("plain", f"Differs: {place}: {says}, observed {one.observed}{twice}: {one.message}")
    wrong = {one.where for one in differing}
    for where, seen in measurement.cells.items():
        if seen.first and seen.first != seen.observation.outcome and where not in wrong:
            place = f"{where.feature}, {where.call}, {where.era}, {flag_key(*where.pair)}"
            yield Line("plain", f"At first {seen.first}, {seen.observation.outcome} when repeated: {place}")
    if not differing:
        yield Line("plain", "Every cell is as the data has it; one that differed was measured twice.")


def _behaviours(measurement: Measurement) -> Iterator[Line]:
    for (name, era), seen in measurement.behaviours.items():
        said: dict[str, list[str]] = {}
        for pair in FLAG_PAIRS:
            said.setdefault(seen[pair], []).append(flag_key(*pair))
        yield Line("plain", "")
        yield Line("heading", f"{name}, {era} clients")
        for message, pairs in said.items():
            yield Line("plain", f"  {'all' if len(said) == 1 else ', '.join(pairs)}: {message}")


def bisection_record(found: Sequence[Found]) -> Record:
    """Where each cell changed."""
    changes = [
        {
            "sdk": one.change.package,
            "feature": one.change.feature,
            "call": one.change.call,
            "changed_in": one.release,
            "between": [one.change.upper, one.change.lower],
            "was": one.change.after.start,
            "measured": one.measured,
        }
        for one in found
    ]
    return {"schema": BISECTION, "changes": changes}


def bisection_lines(found: Sequence[Found]) -> Iterator[Line]:
    """The same for people."""
    for one in found:
        change = one.change
        yield Line("heading", f"{change.feature}, {change.call}: changed in {one.release}")
        tried = ", ".join(f"{release} {answer}" for release, answer in one.measured.items())
        yield Line("plain", f"  between {change.upper} and {change.lower}: {tried or 'no release in between'}")
        if one.release != change.after.start:
            yield Line("plain", f"  the data says {change.after.start}")
    if not found:
        yield Line("plain", "No cell differs between two measured releases.")
