"""What `capabilities measure` and `capabilities bisect` found, as text and as records. Pure: no console, no files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from advisor.console.lines import ReportLine
from advisor.knowledge.capabilities import Capabilities
from advisor.knowledge.types import ERAS, FLAG_PAIRS, Era, flag_key
from advisor.knowledge.versions import key
from advisor.report.behaviour_table import place, said
from advisor.report.capability_matrix import marks, row
from advisor.report.schemas import CAPABILITIES

if TYPE_CHECKING:
    from advisor.lab.capabilities.behaviours import Trait
    from advisor.lab.capabilities.bisection import Bisected
    from advisor.lab.capabilities.comparison import Departure, Difference
    from advisor.lab.capabilities.matrix import Cells, Where
    from advisor.lab.capabilities.measure import Compared, Measurement

Record: TypeAlias = dict[str, Any]

BISECTION = "mcp-advisor/bisection/1"
SOURCE = "measured-capability-cells"

_UNKNOWN = "cannot be measured"


def record(compared: Sequence[Compared], known: Sequence[Capabilities]) -> Record:
    """The measurements as the public contract has capabilities, each beside what the data says."""
    return {
        "schema": CAPABILITIES,
        "cells": [cell for one in compared for cell in _cells(one.measurement, one.cells, known)],
        "behaviours": [entry for one in compared for entry in _behaviours(one, known)],
        "agrees": all(one.agrees for one in compared),
        "seconds": {one.measurement.sdk: one.measurement.seconds for one in compared},
    }


def _behaviours(compared: Compared, known: Sequence[Capabilities]) -> Iterator[Record]:
    """What was seen beside the table, and what the data has but was not tried."""
    measurement = compared.measurement
    subject = measurement.sdk_under_test
    wrong = {one.trait: one.expected for one in compared.behaviours}
    untried = [one.trait for one in compared.behaviours if one.observed is None]
    for trait in [*measurement.behaviours, *untried]:
        noted = measurement.behaviours.get(trait)
        yield {
            **place(subject.package, subject.version, trait.pair, trait.era),
            "name": trait.name,
            "seen": noted.message if noted else None,
            "measured": measurement.date,
            "releases": _range(known, measurement, "behaviour", trait.name, trait.era),
            "observed_on": [subject.version],
            "agrees": trait not in wrong,
            "expected": wrong.get(trait, noted and noted.message),
            "at_first": noted and noted.first,
        }


def _cells(
    measurement: Measurement, differing: Sequence[Difference], known: Sequence[Capabilities]
) -> Iterator[Record]:
    subject = measurement.sdk_under_test
    wrong = {one.where: one.expected for one in differing}
    for where, seen in measurement.cells.items():
        yield {
            **place(subject.package, subject.version, where.pair, where.era),
            "feature": where.feature,
            "call": where.call,
            "outcome": seen.observation.outcome,
            "evidence": seen.observation.message,
            "measured": measurement.date,
            "status": "measured",
            "releases": _range(known, measurement, "cells", where.feature, where.call),
            "observed_on": [subject.version],
            "sources": [SOURCE],
            "agrees": where not in wrong,
            "expected": wrong.get(where, seen.observation.outcome),
            "seconds": seen.observation.seconds,
            "at_first": seen.first,
        }


def _range(known: Sequence[Capabilities], measurement: Measurement, entries: str, *wanted: str) -> Record:
    """The releases that the data has together with this one; the release alone where the data has nothing.

    Args:
        known: the capability data.
        measurement: of the release.
        entries: `cells` or `behaviour`.
        wanted: the feature and the call, or the name and the era.
    """
    version = measurement.sdk_under_test.version
    for package in known:
        for one in getattr(package, entries) if package.package == measurement.sdk_under_test.package else []:
            names = (one.feature, one.call) if entries == "cells" else (one.name, one.era)
            if names == wanted and key(one.start) <= key(version) < key(one.before):
                return {"from": one.start, "before": one.before}
    return {"from": version, "before": version}


def table(compared: Compared) -> Iterator[ReportLine]:
    """One release for a terminal of 80 columns: what was observed, and what differs from the data."""
    measurement = compared.measurement
    subject = measurement.sdk_under_test
    count = len(measurement.cells)
    as_known = count - len(compared.cells)
    yield ReportLine("heading", f"{measurement.sdk}: {count} cells measured, {as_known} as the data has them")
    dependencies = {"today": "of today", "this interpreter": "of this interpreter"}
    of = dependencies.get(subject.dependencies, f"as of {subject.dependencies}")
    yield ReportLine("plain", f"{subject.line}, packages {of}, {measurement.date}, {measurement.seconds:.0f} s")
    for era in ERAS:
        yield ReportLine("plain", "")
        yield from _era(measurement.cells, era)
    yield ReportLine("plain", "")
    yield from differing_lines(compared)
    for name, era in dict.fromkeys((trait.name, trait.era) for trait in measurement.behaviours):
        yield ReportLine("plain", "")
        yield ReportLine("heading", f"{name}, {era} clients")
        alike = [(trait, one) for trait, one in measurement.behaviours.items() if trait[:2] == (name, era)]
        yield from said({flag_key(*trait.pair): noted.message for trait, noted in alike})


def _era(cells: Cells, era: Era) -> Iterator[ReportLine]:
    asked = list(dict.fromkeys((where.feature, where.call) for where in cells))
    outcomes = {where: seen.observation.outcome for where, seen in cells.items() if where.era == era}
    if set(outcomes.values()) == {"unsupported"}:
        message = next(seen.observation.message for where, seen in cells.items() if where.era == era)
        yield ReportLine("heading", f"{era} clients")
        yield ReportLine("plain", f"  Refused: {message}")
        return
    yield ReportLine("head", row(f"{era} clients", "stateful", "", "stateless", ""))
    yield ReportLine("head", row("", "sse", "json", "sse", "json"))
    feature = ""
    for of, call in sorted(asked, key=lambda one: [first for first, _ in asked].index(one[0])):
        if of != feature:
            feature = of
            yield ReportLine("plain", feature)
        by_pair = {where.pair: one for where, one in outcomes.items() if (where.feature, where.call) == (of, call)}
        yield from marks(call, [by_pair[pair] for pair in FLAG_PAIRS])


def differing_lines(compared: Compared) -> Iterator[ReportLine]:
    """What differs from the data, one by one, and what was not as expected only at first."""
    measurement = compared.measurement
    for one in compared.cells:
        says = f"the data says {one.expected}" if one.expected else "the data says nothing"
        first = measurement.cells[one.where].first
        twice = f", after {first} at first" if first and first != one.observed else ""
        yield ReportLine("plain", f"Differs: {_cell(one.where)}: {says}, observed {one.observed}{twice}: {one.message}")
    for other in compared.behaviours:
        yield ReportLine("plain", f"Differs: {_trait(other.trait)}: {_departure(other, measurement)}")
    wrong = {one.where for one in compared.cells}
    for where, seen in measurement.cells.items():
        if seen.first and seen.first != seen.observation.outcome and where not in wrong:
            yield ReportLine(
                "plain", f"At first {seen.first}, {seen.observation.outcome} when repeated: {_cell(where)}"
            )
    departed = {one.trait for one in compared.behaviours}
    for trait, noted in measurement.behaviours.items():
        if noted.first and trait not in departed:
            yield ReportLine("plain", f"At first {noted.first!r}, {noted.message!r} when repeated: {_trait(trait)}")
    if not compared.cells:
        yield ReportLine("plain", "Every cell is as the data has it; one that differed was measured twice.")
    if not compared.behaviours:
        yield ReportLine("plain", "Every behaviour is as the data has it; one that differed was measured twice.")


def _departure(one: Departure, measurement: Measurement) -> str:
    says = f"the data says {one.expected!r}" if one.expected is not None else "the data says nothing"
    if one.observed is None:
        return f"{says}, but it was not tried"
    first = measurement.behaviours[one.trait].first
    twice = f", after {first!r} at first" if first and first != one.observed else ""
    return f"{says}, observed {one.observed!r}{twice}"


def _cell(where: Where) -> str:
    return f"{where.feature}, {where.call}, {where.era}, {flag_key(*where.pair)}"


def _trait(trait: Trait) -> str:
    return f"{trait.name}, {trait.era}, {flag_key(*trait.pair)}"


def bisection_record(found: Sequence[Bisected]) -> Record:
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
            "ends": one.ends,
            "wrong_ends": [
                {
                    **place(one.change.package, release, differing.where.pair, differing.where.era),
                    "expected": differing.expected,
                    "observed": differing.observed,
                    "evidence": differing.message,
                }
                for release, cells in one.wrong.items()
                for differing in cells
            ],
            "agrees": one.agrees,
        }
        for one in found
    ]
    return {"schema": BISECTION, "changes": changes}


def bisection_lines(found: Sequence[Bisected]) -> Iterator[ReportLine]:
    """The same for people."""
    for one in found:
        change = one.change
        outcome = "not looked for" if one.wrong else f"changed in {one.release}"
        yield ReportLine("heading", f"{change.feature}, {change.call}: {outcome}")
        tried = ", ".join(f"{release} {answer}" for release, answer in one.measured.items())
        yield ReportLine(
            "plain", f"  between {change.upper} and {change.lower}: {tried or 'no release was tried in between'}"
        )
        for release, cells in one.wrong.items():
            yield ReportLine(
                "plain", f"  {release} is not as the data has it; capabilities measure --write mends that:"
            )
            for cell in cells:
                place_of = f"{cell.where.era}, {flag_key(*cell.where.pair)}"
                says = f"the data says {cell.expected}, observed {cell.observed}: {cell.message}"
                yield ReportLine("plain", f"    {place_of}: {says}")
        for release in (release for release, answer in one.ends.items() if answer == _UNKNOWN):
            yield ReportLine("plain", f"  {release} {_UNKNOWN} here: what the data says of it was not checked")
        if not one.wrong and one.release != change.after.start:
            yield ReportLine("plain", f"  the data says {change.after.start}")
    if found and all(one.agrees for one in found):
        checked = all(_UNKNOWN not in one.ends.values() for one in found)
        verdict = "Every end and every release is as the data has it" if checked else "Nothing contradicts the data"
        yield ReportLine("plain", f"{verdict} (changes: {len(found)}).")
    if not found:
        yield ReportLine("plain", "No cell differs between two measured releases.")
