"""The capability matrix: feature support by SDK release, flag pair and protocol era."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from advisor.console.lines import ReportLine
from advisor.decision.sdk_behaviour import is_measured
from advisor.documents import document
from advisor.errors import UsageError
from advisor.knowledge.capabilities import CapabilityCell
from advisor.knowledge.releases import Release, find_release, in_words, release_ranges, versions_in_words
from advisor.knowledge.space import FactSpace
from advisor.knowledge.types import ERAS, FLAG_PAIRS, Era, flag_key
from advisor.report.behaviour_table import BehaviourTable
from advisor.report.capability_document import CapabilitiesDocument, CellRecord, place, range_of
from advisor.report.rule_records import unknown

_CALL = 49  # columns for a call; with four outcomes of at most seven letters, the table is 80 columns wide
_OUTCOME = 8
_MARKS = {"unsupported": "-"}  # the only outcome that does not fit into its column
_COLOURS = {"works": "green", "dropped": "yellow", "error": "red", "hang": "bold red", "unreachable": "red", "-": "dim"}
_ABSENT = "- not available: the SDK or the protocol era does not have this call"
_NO_DATA = "There is no data for this selection."
_LEGEND = (
    "stateful: stateless_http=False. stateless: stateless_http=True.",
    "sse: json_response=False. json: json_response=True.",
    "dropped: lost without an error. hang: no answer within 5 s.",
)


@dataclass(frozen=True, slots=True)
class Block:
    """A range of releases with the same behaviour.

    Attributes:
        release: The range.
        cells: The capability cells of the range, in the order of the file.
    """

    release: Release
    cells: list[CapabilityCell]


class Matrix:
    """A selection of the capability data; `behaviours` has the results that are not about a feature."""

    def __init__(self, space: FactSpace, sdk: str = "", feature: str = "", eras: tuple[Era, ...] = ERAS) -> None:
        """Select the data.

        Args:
            space: The fact space with the capability data.
            sdk: A line, a release, a range or a package; "" for all.
            feature: The id of a feature; "" for all.
            eras: The protocol eras to show.

        Raises:
            UsageError: The SDK or the feature is unknown. The message names the nearest spelling.
        """
        self._knowledge = space.knowledge
        self._detailed = bool(feature)
        self._sdk = sdk
        self.eras = eras
        if feature and feature not in self._knowledge.features:
            known = list(self._knowledge.features)
            raise UsageError(unknown("feature", feature, known, f"Features: {', '.join(known)}."))
        cells = {package.package: package.cells for package in self._knowledge.capabilities}
        self.blocks = [
            Block(
                release,
                [cell for cell in cells[release.package] if cell.covers(release) and feature in ("", cell.feature)],
            )
            for release in releases(space, sdk)
        ]
        wanted = [] if feature else [block.release for block in self.blocks]  # a behaviour belongs to no feature
        self.behaviours = BehaviourTable(self._knowledge.capabilities, wanted, sdk, eras)

    def record(self) -> CapabilitiesDocument:
        """The matrix as a JSON document, with one cell per release range, protocol era, call and flag pair."""
        cells = [cell for block in self.blocks for cell in self._cells(block)]
        return document(CapabilitiesDocument, cells=cells, behaviours=list(self.behaviours.records()))

    def _cells(self, block: Block) -> Iterator[CellRecord]:
        for cell in block.cells:
            for era in self.eras:
                outcomes = getattr(cell, era)
                for pair in FLAG_PAIRS:
                    yield document(
                        CellRecord,
                        cell,
                        **place(block.release.package, block.release.newest, pair, era),
                        outcome=outcomes[flag_key(*pair)],
                        status="assumed" if self._unmeasured(block) else cell.status,
                        measured=cell.date,
                        releases=range_of(cell),
                    )

    def lines(self) -> Iterator[ReportLine]:
        """The matrix for a terminal of 80 columns, with a legend; sentences are not wrapped yet."""
        for number, block in enumerate(self.blocks):
            if number:
                yield ReportLine("plain", "")
            release = block.release
            line = f"line {release.line.id}, newest measured release {release.newest}"
            yield ReportLine("heading", f"{_range(release)} ({line})")
            yield from (ReportLine("plain", note) for note in self._unmeasured(block))
            if not block.cells:
                yield ReportLine("plain", _NO_DATA)
                continue
            for era in self.eras:
                yield ReportLine("plain", "")
                yield from self._era(block, era)
            yield ReportLine("plain", "")
            yield from (ReportLine("plain", note) for note in _notes(block))
            if self._detailed:
                yield from (ReportLine("plain", f"{cell.call}: {cell.evidence}") for cell in block.cells)
        yield ReportLine("plain", "")
        yield from (ReportLine("plain", text) for text in (self._knowledge.phrases["topology.eras"], *_LEGEND))
        if self.behaviours:
            text = "Use --behaviours for results about cancellation, broken connections and requests without an SDK."
            yield ReportLine("plain", text)

    def _unmeasured(self, block: Block) -> list[str]:
        """A note, if the user names one release and this release has not been measured."""
        package, exact, version = self._sdk.partition("==")
        if not exact or is_measured(package, version, self._knowledge):
            return []
        return [
            f"{version} has not been measured; the measurements of {block.release.newest} are used. "
            f"To measure the release: `mcp-advisor capabilities measure --sdk {self._sdk}`."
        ]

    def _era(self, block: Block, era: Era) -> Iterator[ReportLine]:
        if self._fallen(block, era):
            yield ReportLine("heading", "modern clients")
            yield ReportLine("plain", f"  {self._falls_back()}")
            return
        yield from era_lines(
            era,
            [
                (cell.feature, cell.call, [getattr(cell, era)[flag_key(*pair)] for pair in FLAG_PAIRS])
                for cell in block.cells
            ],
        )

    def _fallen(self, block: Block, era: Era) -> bool:
        """Whether every cell of the table is `unsupported`."""
        return era == "modern" and block.release.line.modern == "falls-back"

    def _falls_back(self) -> str:
        text = self._knowledge.phrases["falls-back"]
        return text[:1].upper() + text[1:] + "."

    def markdown(self) -> str:
        """The matrix for a page, with evidence and sources."""
        return "\n".join(part for block in self.blocks for part in self._markdown(block))

    def _markdown(self, block: Block) -> Iterator[str]:
        release = block.release
        yield f"## {_range(release)}\n"
        yield f"Line `{release.line.id}`. The newest measured release of this range is {release.newest}.\n"
        yield from (f"{note}\n" for note in self._unmeasured(block))
        for era in self.eras:
            yield f"### {era.capitalize()} clients\n" if block.cells else f"{_NO_DATA}\n"
            if self._fallen(block, era):
                yield f"{self._falls_back()}\n"
            elif block.cells:
                yield "| feature | call | stateful, SSE | stateful, JSON | stateless, SSE | stateless, JSON |"
                yield "|---|---|---|---|---|---|"
                for cell in block.cells:
                    outcomes = " | ".join(getattr(cell, era)[flag_key(*pair)] for pair in FLAG_PAIRS)
                    yield f"| {cell.feature} | `{cell.call}` | {outcomes} |"
                yield ""
        if block.cells:
            yield "### Evidence\n"
            yield from (f"- {self._grounds(cell)}" for cell in block.cells)
            yield ""

    def _grounds(self, cell: CapabilityCell) -> str:
        changed = f" Change in {cell.changed['in']}: {cell.changed['because']}." if cell.changed else ""
        sources = ", ".join(cell.sources)
        when = f"{cell.status.capitalize()} on {cell.date} with {versions_in_words(cell.observed_on)}."
        return f"**{cell.feature}**, `{cell.call}`: {cell.evidence}{changed} {when} Sources: {sources}."


def releases(space: FactSpace, sdk: str) -> list[Release]:
    """The release ranges of a line, a release, a range or a package; all ranges for "".

    Raises:
        UsageError: The SDK is unknown. The message names the nearest spelling, or the ranges of the package.
    """
    ranges = release_ranges(space.knowledge.capabilities, {})  # ranges in which no cell changes
    if named := [release for release in ranges if sdk in ("", release.id, release.line.id, release.package)]:
        return named
    if exact := find_release(sdk, ranges):
        return [exact]
    package = sdk.partition("==")[0]
    if of_package := [release for release in ranges if release.package == package]:
        raise UsageError(f"There is no data for the release {sdk!r:.80}. Ranges with data: {in_words(of_package)}.")
    known = list(dict.fromkeys([*(release.line.id for release in ranges), *(release.package for release in ranges)]))
    allowed = f"Known: {', '.join(known)}, or a release such as {ranges[-1].exact}."
    raise UsageError(unknown("SDK", sdk, known, allowed))


def _range(release: Release) -> str:
    return f"{release.package} {release.limits}"


def era_lines(era: Era, calls: Iterable[tuple[str, str, Sequence[str]]]) -> Iterator[ReportLine]:
    """The table of a protocol era: its head, and the calls of each feature.

    Args:
        era: the era.
        calls: (feature, call, outcomes in the order of `FLAG_PAIRS`), with the calls of a feature next to each other.
    """
    yield ReportLine("head", _row(f"{era} clients", "stateful", "", "stateless", ""))
    yield ReportLine("head", _row("", "sse", "json", "sse", "json"))
    shown = ""
    for feature, call, outcomes in calls:
        if feature != shown:
            shown = feature
            yield ReportLine("plain", feature)
        yield from _marks(call, outcomes)


def _marks(call: str, outcomes: Sequence[str]) -> Iterator[ReportLine]:
    """A call and its outcomes, as a row of the table; a long name has its own line."""
    name = f"  {call}"
    if len(name) >= _CALL:
        yield ReportLine("plain", name)
        name = ""
    cells = tuple(_MARKS.get(outcome, outcome) for outcome in outcomes)
    styles = tuple(_COLOURS.get(cell, "") for cell in cells)
    yield ReportLine("cells", f"{name:{_CALL}}", cells, styles, _ABSENT if "-" in cells else "")


def _row(first: str, *cells: str) -> str:
    """A line of the table head."""
    return f"{first:{_CALL}}{''.join(f'{cell:{_OUTCOME}}' for cell in cells)}".rstrip()


def _notes(block: Block) -> Iterator[str]:
    """The status and the date of the cells, and the releases in which they change."""
    for status in dict.fromkeys(cell.status for cell in block.cells):
        dates = sorted({cell.date for cell in block.cells if cell.status == status})
        when = dates[0] if len(dates) == 1 else f"{dates[0]} to {dates[-1]}"
        calls = [cell.call for cell in block.cells if cell.status == status]
        rows = "all rows" if len(calls) == len(block.cells) else ", ".join(calls)
        yield f"{status.capitalize()} on {when}: {rows}."
    for cell in block.cells:
        if cell.changed:
            yield f"{cell.feature}, {cell.call} changes in {cell.changed['in']}: {cell.changed['because']}."
