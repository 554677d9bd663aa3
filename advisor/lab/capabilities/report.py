"""The results of `capabilities measure` and `capabilities bisect` as text and as JSON documents. Pure functions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Literal, TypedDict

from advisor.console.lines import ReportLine
from advisor.documents import document
from advisor.knowledge.capabilities import Capabilities
from advisor.knowledge.types import ERAS, FLAG_PAIRS, Era, flag_key
from advisor.knowledge.vocabulary import FeatureId, FeatureOutcome, Package
from advisor.lab.capabilities.merge import SOURCE
from advisor.report.behaviour_table import said
from advisor.report.capability_document import (
    BehaviourRecord,
    CapabilitiesDocument,
    CellRecord,
    ReleasesRecord,
    place,
    range_of,
)
from advisor.report.capability_matrix import era_lines
from advisor.sentences import amount

if TYPE_CHECKING:
    from advisor.lab.capabilities.behaviours import Trait
    from advisor.lab.capabilities.bisection import Bisected
    from advisor.lab.capabilities.comparison import Difference, MeasuredKey
    from advisor.lab.capabilities.matrix import CellKey, Cells
    from advisor.lab.capabilities.measure import Compared, Measurement

_UNKNOWN = "cannot be measured"


def record(compared: Sequence[Compared], known: Sequence[Capabilities]) -> CapabilitiesDocument:
    """The measurements as the document of `capabilities measure --format json`, with their differences."""
    return document(
        CapabilitiesDocument,
        cells=[cell for release in compared for cell in _cells(release.measurement, release.cells, known)],
        behaviours=[entry for release in compared for entry in _behaviours(release, known)],
        agrees=all(release.agrees for release in compared),
        seconds={release.measurement.sdk_under_test.sdk: release.measurement.seconds for release in compared},
    )


def _behaviours(compared: Compared, known: Sequence[Capabilities]) -> Iterator[BehaviourRecord]:
    """The measured behaviours, and the behaviours of the stored data that were not measured."""
    measurement = compared.measurement
    release = measurement.sdk_under_test
    wrong = {departure.place: departure.expected for departure in compared.behaviours}
    untried = [departure.place for departure in compared.behaviours if departure.observed is None]
    for trait in [*measurement.behaviours, *untried]:
        noted = measurement.behaviours.get(trait)
        yield document(
            BehaviourRecord,
            **place(release.package, release.version, trait.pair, trait.era),
            name=trait.name,
            seen=noted and noted.observation.message,
            measured=measurement.date,
            releases=_range(known, measurement, "behaviour", trait.name, trait.era),
            observed_on=[release.version],
            agrees=trait not in wrong,
            expected=wrong.get(trait, noted and noted.observation.message),
            at_first=noted and noted.first,
        )


def _cells(
    measurement: Measurement, differing: Sequence[Difference[CellKey]], known: Sequence[Capabilities]
) -> Iterator[CellRecord]:
    release = measurement.sdk_under_test
    wrong = {difference.place: difference.expected for difference in differing}
    for where, seen in measurement.cells.items():
        yield document(
            CellRecord,
            seen.observation,
            **place(release.package, release.version, where.pair, where.era),
            feature=where.feature,
            call=where.call,
            evidence=seen.observation.message,
            measured=measurement.date,
            status="measured",
            releases=_range(known, measurement, "cells", where.feature, where.call),
            observed_on=[release.version],
            sources=[SOURCE],
            agrees=where not in wrong,
            expected=wrong.get(where, seen.observation.outcome),
            at_first=seen.first,
        )


def _range(known: Sequence[Capabilities], measurement: Measurement, entries: str, *wanted: str) -> ReleasesRecord:
    """The range of releases in the stored data that contains this release; else only this release.

    Args:
        known: the stored data.
        measurement: of the release.
        entries: `cells` or `behaviour`.
        wanted: feature and call of a cell, or name and protocol era of a behaviour.
    """
    version = measurement.sdk_under_test.version
    for package in known:
        for entry in getattr(package, entries) if package.package == measurement.sdk_under_test.package else []:
            names = (entry.feature, entry.call) if entries == "cells" else (entry.name, entry.era)
            if names == wanted and entry.holds(version):
                return range_of(entry)
    return {"from": version, "before": version}


def table(compared: Compared) -> Iterator[ReportLine]:
    """The lines about one release, for a terminal of 80 columns: the measurements, then the differences."""
    measurement = compared.measurement
    under_test = measurement.sdk_under_test
    count = len(measurement.cells)
    as_known = count - len(compared.cells)
    yield ReportLine(
        "heading", f"{under_test.sdk}: {amount(count, 'cell')} measured, {as_known} agree with the stored data"
    )
    dependencies = {"today": "of today", "this interpreter": "of this interpreter"}
    of = dependencies.get(under_test.dependencies, f"as of {under_test.dependencies}")
    yield ReportLine("plain", f"{under_test.line}, dependencies {of}, {measurement.date}, {measurement.seconds:.0f} s")
    for era in ERAS:
        yield ReportLine("plain", "")
        yield from _era(measurement.cells, era)
    yield ReportLine("plain", "")
    yield from differing_lines(compared)
    for name, era in dict.fromkeys((trait.name, trait.era) for trait in measurement.behaviours):
        yield ReportLine("plain", "")
        yield ReportLine("heading", f"{name}, {era} clients")
        alike = [(trait, noted) for trait, noted in measurement.behaviours.items() if trait[:2] == (name, era)]
        yield from said({flag_key(*trait.pair): noted.observation.message for trait, noted in alike})


def _era(cells: Cells, era: Era) -> Iterator[ReportLine]:
    features = list(dict.fromkeys(where.feature for where in cells))
    asked = sorted(
        dict.fromkeys((where.feature, where.call) for where in cells), key=lambda call: features.index(call[0])
    )
    seen_by = {(where.feature, where.call, where.pair): seen for where, seen in cells.items() if where.era == era}
    if {seen.observation.outcome for seen in seen_by.values()} == {"unsupported"}:
        yield ReportLine("heading", f"{era} clients")
        yield ReportLine("plain", f"  All calls were refused: {next(iter(seen_by.values())).observation.message}")
        return
    yield from era_lines(
        era,
        [
            (feature, call, [seen_by[feature, call, pair].observation.outcome for pair in FLAG_PAIRS])
            for feature, call in asked
        ],
    )


def differing_lines(compared: Compared) -> Iterator[ReportLine]:
    """A line for each difference, and for each unexpected result that did not occur in the second measurement."""
    measurement = compared.measurement
    for cell in compared.cells:
        yield _differs(cell, measurement.cells[cell.place].first, str)
    for behaviour in compared.behaviours:
        noted = measurement.behaviours.get(behaviour.place)
        yield _differs(behaviour, noted.first if noted else None, repr)
    wrong: set[CellKey | Trait] = {cell.place for cell in compared.cells}
    wrong |= {behaviour.place for behaviour in compared.behaviours}
    for where, seen in measurement.cells.items():
        if seen.first and seen.first != seen.observation.outcome and where not in wrong:
            yield ReportLine(
                "plain", f"First measurement {seen.first}, second {seen.observation.outcome}: {_named(where)}"
            )
    for trait, known in measurement.behaviours.items():
        if known.first and trait not in wrong:
            yield ReportLine(
                "plain", f"First measurement {known.first!r}, second {known.observation.message!r}: {_named(trait)}"
            )
    for name, differing in (("cell", compared.cells), ("behaviour", compared.behaviours)):
        if not differing:
            agrees = f"Every {name} agrees with the stored data."
            yield ReportLine("plain", f"{agrees} A {name} that differed was measured twice.")


def _differs(difference: Difference[MeasuredKey], before: str | None, written: Callable[[str], str]) -> ReportLine:
    """The line of a difference; `before` is the result of the first measurement, or None."""
    expected, observed = difference.expected, difference.observed
    line = f"Differs: {_named(difference.place)}: "
    line += "the stored data has " + (written(expected) if expected is not None else "no value")
    if observed is None:
        return ReportLine("plain", f"{line}, but it was not tested")
    twice = f" (in the first measurement {written(before)})" if before and before != observed else ""
    message = f": {difference.message}" if difference.message else ""
    return ReportLine("plain", f"{line}, the measurement has {written(observed)}{twice}{message}")


def _named(place: CellKey | Trait) -> str:
    return ", ".join([*place[:-1], flag_key(*place.pair)])


class WrongEnd(TypedDict):
    """A cell of a measured release that differs from the stored data."""

    sdk: Package
    version: str
    stateless_http: bool
    json_response: bool
    era: Era
    expected: FeatureOutcome | None
    observed: FeatureOutcome
    evidence: str


class ChangeRecord(TypedDict):
    """A cell that differs between two measured releases.

    Attributes:
        call: the API that server code uses for the feature.
        changed_in: the first release that behaves like the newer range.
        between: the newest measured release of the older range, and the oldest measured release of the newer range.
        was: the release of the change in the stored data.
        measured: the result for each release in between: older, newer, or cannot be measured.
        ends: the result for the two releases in `between`: older, newer, neither, or cannot be measured.
        wrong_ends: the cells of the two releases in `between` that differ from the stored data.
        agrees: whether the stored data has the correct outcomes for both ends and the correct release of the change.
    """

    sdk: Package
    feature: FeatureId
    call: str
    changed_in: str
    between: list[str]
    was: str
    measured: dict[str, str]
    ends: dict[str, str]
    wrong_ends: list[WrongEnd]
    agrees: bool


class BisectionDocument(TypedDict):
    """The releases in which cells changed, version 1."""

    schema: Literal["mcp-advisor/bisection/1"]
    changes: list[ChangeRecord]


def bisection_record(found: Sequence[Bisected]) -> BisectionDocument:
    """The document of `capabilities bisect --format json`."""
    changes = [
        document(
            ChangeRecord,
            bisected,
            sdk=bisected.change.package,
            feature=bisected.change.feature,
            call=bisected.change.call,
            changed_in=bisected.release,
            between=[bisected.change.upper, bisected.change.lower],
            was=bisected.change.after.start,
            wrong_ends=[
                document(
                    WrongEnd,
                    differing,
                    **place(bisected.change.package, release, differing.place.pair, differing.place.era),
                    evidence=differing.message,
                )
                for release, cells in bisected.wrong.items()
                for differing in cells
            ],
        )
        for bisected in found
    ]
    return document(BisectionDocument, changes=changes)


def bisection_lines(found: Sequence[Bisected]) -> Iterator[ReportLine]:
    """The text of `capabilities bisect`."""
    for bisected in found:
        change = bisected.change
        outcome = "the release of the change was not searched" if bisected.wrong else f"changed in {bisected.release}"
        yield ReportLine("heading", f"{change.feature}, {change.call}: {outcome}")
        tried = ", ".join(f"{release} {answer}" for release, answer in bisected.measured.items())
        yield ReportLine("plain", f"  between {change.upper} and {change.lower}: {tried or 'no release was measured'}")
        for release, cells in bisected.wrong.items():
            yield ReportLine(
                "plain", f"  {release} differs from the stored data. To fix this: capabilities measure --write"
            )
            for cell in cells:
                place_of = f"{cell.place.era}, {flag_key(*cell.place.pair)}"
                says = f"the stored data has {cell.expected}, the measurement has {cell.observed}: {cell.message}"
                yield ReportLine("plain", f"    {place_of}: {says}")
        for release in (release for release, answer in bisected.ends.items() if answer == _UNKNOWN):
            yield ReportLine("plain", f"  {release} {_UNKNOWN} here, so its stored data was not checked")
        if not bisected.wrong and bisected.release != change.after.start:
            yield ReportLine("plain", f"  the stored data has {change.after.start}")
    if found and all(bisected.agrees for bisected in found):
        checked = all(_UNKNOWN not in bisected.ends.values() for bisected in found)
        agree = "Every release of a change agrees with the stored data"
        verdict = agree if checked else "No measurement contradicts the stored data"
        yield ReportLine("plain", f"{verdict} (changes: {len(found)}).")
    if not found:
        yield ReportLine("plain", "No cell differs between two measured releases.")
