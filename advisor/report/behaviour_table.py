"""What SDK releases do besides the feature table, as measured: cancellation, broken connections, bare HTTP."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from advisor.console.lines import ReportLine
from advisor.documents import document
from advisor.knowledge.capabilities import Behaviour, Capabilities
from advisor.knowledge.releases import Release
from advisor.knowledge.types import FLAG_PAIRS, Era, flag_key
from advisor.report.capability_document import BehaviourRecord, place, range_of

_HALVES = ("stateful", "stateless", "sse", "json")


class BehaviourTable:
    """The behaviours of some releases."""

    def __init__(
        self, known: Sequence[Capabilities], releases: Sequence[Release], sdk: str, eras: Sequence[Era]
    ) -> None:
        """Narrow them down.

        Args:
            known: the capability data.
            releases: the ranges that were asked for.
            sdk: as they were asked for; an exact release holds nothing of its neighbours.
            eras: whose.
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
        """Whether there are any."""
        return bool(self._of)

    def records(self) -> Iterator[BehaviourRecord]:
        """As the public contract has them, a record for each range and flag pair."""
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
        """For a terminal; sentences are not wrapped yet."""
        if not self._of:
            yield ReportLine("plain", "Nothing is known of it here.")
        for number, (title, entries) in enumerate(self._by_title().items()):
            if number:
                yield ReportLine("plain", "")
            yield ReportLine("heading", title)
            for behaviour in entries:
                yield ReportLine(
                    "plain",
                    f"  {behaviour.start} to before {behaviour.before} (seen on {', '.join(behaviour.observed_on)})",
                )
                yield from said(behaviour.seen, "    ")

    def markdown(self) -> str:
        """For a repository."""
        parts = [] if self._of else ["Nothing is known of it here.\n"]
        for title, entries in self._by_title().items():
            parts.append(f"### {title}\n\n| releases | flags | seen |\n|---|---|---|")
            for behaviour in entries:
                rows = ((", ".join(pairs) or "all", text) for text, pairs in _grouped(behaviour.seen))
                parts += (
                    f"| {behaviour.start} to before {behaviour.before} | {pairs} | {_escaped(text)} |"
                    for pairs, text in rows
                )
            parts.append("")
        return "\n".join(parts)

    def _by_title(self) -> dict[str, list[Behaviour]]:
        found: dict[str, list[Behaviour]] = {}
        for package, behaviour in self._of:
            found.setdefault(f"{package}: {behaviour.name}, {behaviour.era} clients", []).append(behaviour)
        return found


def said(seen: Mapping[str, str], indent: str = "  ") -> Iterator[ReportLine]:
    """What was seen in each flag pair; pairs with the same words share a line."""
    for text, pairs in _grouped(seen):
        yield ReportLine("plain", f"{indent}{', '.join(pairs)}: {text}" if pairs else f"{indent}{text}")


def _grouped(seen: Mapping[str, str]) -> Iterator[tuple[str, list[str]]]:
    """Each message with its flag pairs, by one flag where it decides alone; no pairs where all say the same."""
    for text in dict.fromkeys(seen.values()):
        pairs = [pair for pair in seen if seen[pair] == text]
        half = next((flag for flag in _HALVES if pairs == [pair for pair in seen if flag in pair.split("+")]), "")
        yield text, [] if len(pairs) == len(seen) else [half] if half else pairs


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")
