"""Measured results that are not about a feature: cancellation, broken connections, plain HTTP requests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from advisor.console.lines import ReportLine
from advisor.documents import document
from advisor.knowledge.capabilities import Behaviour, Capabilities
from advisor.knowledge.releases import Release, versions_in_words
from advisor.knowledge.types import FLAG_PAIRS, Era, flag_key
from advisor.report.capability_document import BehaviourRecord, place, range_of

_HALVES = ("stateful", "stateless", "sse", "json")


class BehaviourTable:
    """The behaviours of some releases."""

    def __init__(
        self, known: Sequence[Capabilities], releases: Sequence[Release], sdk: str, eras: Sequence[Era]
    ) -> None:
        """Select the behaviours.

        Args:
            known: The capability data.
            releases: The selected release ranges.
            sdk: The SDK as the user wrote it. For an exact release, only entries that include it are selected.
            eras: The protocol eras to show.
        """
        exact = sdk.partition("==")[2]
        self._of: list[tuple[str, Behaviour]] = []
        for package in known:
            of = [release for release in releases if release.package == package.package]
            for behaviour in package.behaviour:
                inside = behaviour.holds(exact) if exact else any(map(behaviour.first_shared, of))
                if of and inside and behaviour.era in eras:
                    self._of.append((package.package, behaviour))

    def __bool__(self) -> bool:
        """Whether the selection has entries."""
        return bool(self._of)

    def records(self) -> Iterator[BehaviourRecord]:
        """A JSON record for each release range and flag pair."""
        for package, behaviour in self._of:
            for pair in FLAG_PAIRS:
                yield document(
                    BehaviourRecord,
                    behaviour,
                    **place(package, behaviour.observed_on[-1], pair, behaviour.era),
                    seen=behaviour.seen[flag_key(*pair)],
                    measured=behaviour.date,
                    releases=range_of(behaviour),
                )

    def lines(self) -> Iterator[ReportLine]:
        """The behaviours for a terminal; sentences are not wrapped yet."""
        if not self._of:
            yield ReportLine("plain", "There is no data for this selection.")
        for number, (title, entries) in enumerate(self._by_title().items()):
            if number:
                yield ReportLine("plain", "")
            yield ReportLine("heading", title)
            for behaviour in entries:
                yield ReportLine(
                    "plain",
                    f"  {behaviour.limits} (measured with {versions_in_words(behaviour.observed_on)})",
                )
                yield from said(behaviour.seen, "    ")

    def markdown(self) -> str:
        """The behaviours for a page."""
        parts = [] if self._of else ["There is no data for this selection.\n"]
        for title, entries in self._by_title().items():
            parts.append(f"### {title}\n\n| releases | flags | result |\n|---|---|---|")
            for behaviour in entries:
                rows = ((", ".join(pairs) or "all", text) for text, pairs in _grouped(behaviour.seen))
                parts += (f"| {behaviour.limits} | {pairs} | {_escaped(text)} |" for pairs, text in rows)
            parts.append("")
        return "\n".join(parts)

    def _by_title(self) -> dict[str, list[Behaviour]]:
        found: dict[str, list[Behaviour]] = {}
        for package, behaviour in self._of:
            found.setdefault(f"{package}: {behaviour.name}, {behaviour.era} clients", []).append(behaviour)
        return found


def said(seen: Mapping[str, str], indent: str = "  ") -> Iterator[ReportLine]:
    """The result of each flag pair; pairs with the same result share a line."""
    for text, pairs in _grouped(seen):
        yield ReportLine("plain", f"{indent}{', '.join(pairs)}: {text}" if pairs else f"{indent}{text}")


def _grouped(seen: Mapping[str, str]) -> Iterator[tuple[str, list[str]]]:
    """Each result with its flag pairs. One flag stands for two pairs; all four pairs give an empty list."""
    for text in dict.fromkeys(seen.values()):
        pairs = [pair for pair in seen if seen[pair] == text]
        half = next((flag for flag in _HALVES if pairs == [pair for pair in seen if flag in pair.split("+")]), "")
        yield text, [] if len(pairs) == len(seen) else [half] if half else pairs


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")
