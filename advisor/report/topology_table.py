"""The topology truth table as a record, as lines for a terminal, and as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Literal, TypedDict

from advisor.console.lines import ReportLine
from advisor.documents import OPTIONAL, document
from advisor.engine.rules import Rule
from advisor.knowledge import Knowledge
from advisor.knowledge.topology import (
    KINDS,
    SOURCE,
    BalancingRun,
    Conditions,
    Figures,
    Keeps,
    Kind,
    MeasuredOn,
    Share,
    Way,
    Window,
    says,
    under,
    without_loss,
)
from advisor.knowledge.vocabulary import Mechanism

_UNDER = 25
_WIDTHS = (6, 8, 8, 9, 7, 9, 8)  # with the conditions 80 columns
_HEADS = ("whole", "calls", "wrong", "sampling", "on GET", "progress", "spread")
_COLUMNS: tuple[str, ...] = (
    *("under", "servers", "clients", "whole", "answered", "wrong instance"),
    *("sampling", "over GET", "progress", "by instance"),
)


RunRecord = TypedDict(
    "RunRecord",
    {
        "under": Conditions,
        "stateful+legacy": Annotated[Figures, OPTIONAL, {"dependentRequired": {"whole": ["over_get"]}}],
        "stateful+modern": Annotated[Figures, OPTIONAL, {"dependentRequired": {"whole": ["crossed"]}}],
        "stateless+legacy": Annotated[Figures, OPTIONAL],
        "stateless+modern": Annotated[Figures, OPTIONAL, {"dependentRequired": {"whole": ["crossed"]}}],
    },
)
"""A run: its conditions, and what clients of each era saw of servers of each kind."""


class WayRecord(TypedDict):
    """A way of balancing.

    Attributes:
        mechanism: As decisions name it; null: never chosen.
        keeps: Under which condition every session stays whole.
        source: The id by which rules cite it, if it was measured.
        rules: Rules that cite it.
        measured: On what, with what and when; null: not yet.
        window: Of two proxies that share a table; null: there is no table to share.
        evidence: How requests of legacy sessions failed, with how often; empty: none did.
    """

    id: str
    title: str
    mechanism: Mechanism | None
    keeps: Keeps
    because: str
    source: str
    rules: list[str]
    measured: MeasuredOn | None
    runs: list[RunRecord]
    window: Window | None
    evidence: str


class TopologyDocument(TypedDict):
    """What ways of balancing do to sessions, version 1."""

    schema: Literal["mcp-advisor/topology/1"]
    ways: list[WayRecord]


def record(ways: Iterable[Way], knowledge: Knowledge) -> TopologyDocument:
    """The table as `--format json` prints it; counts as the pair of how many and of how many."""
    return document(TopologyDocument, ways=[_way(way, knowledge) for way in ways])


def _way(way: Way, knowledge: Knowledge) -> WayRecord:
    return document(
        WayRecord,
        way,
        source=f"{SOURCE}{way.id}",
        rules=[rule.id for rule in _citing(way, knowledge)],
        runs=[document(RunRecord, run.figures, under=run.under) for run in way.runs],
    )


def _citing(way: Way, knowledge: Knowledge) -> list[Rule]:
    return [rule for _, rule in knowledge.rules.values() if f"{SOURCE}{way.id}" in rule.sources]


def lines(ways: Sequence[Way], phrases: Mapping[str, str]) -> Iterator[ReportLine]:
    """The table for a terminal; sentences are not wrapped yet."""
    yield ReportLine("plain", phrases["topology.table"])
    for way in ways:
        yield ReportLine("plain", "")
        on = f" ({way.measured.proxy})" if way.measured else ""
        yield ReportLine("heading", f"{way.title}{on}: {phrases[f'topology.keeps.{way.keeps}']}")
        yield ReportLine("plain", f"  {way.because}")
        if not way.complete:
            yield ReportLine("plain", f"  {phrases['topology.missing']}")
            continue
        yield ReportLine("dim head", _row("", _HEADS))
        for run in way.runs:
            taken = run.figures["stateful+legacy"]
            text = under(run, phrases)
            if len(text) > _UNDER - 2:
                yield ReportLine("good" if run.keeps else "bad", f"  {text}")
                text = ""
            yield ReportLine("good" if run.keeps else "bad", _row(f"  {text}", _cells(taken)))
        if way.window is not None:
            yield ReportLine("plain", f"  {says(way, phrases, runs=False)}")
    yield ReportLine("plain", "")
    yield from (ReportLine("plain", text) for text in others(ways, phrases))


def _row(first: str, cells: Sequence[str]) -> str:
    return f"{first:{_UNDER}}{''.join(f'{cell:{width}}' for cell, width in zip(cells, _WIDTHS, strict=True))}".rstrip()


def _cells(taken: Figures) -> tuple[str, ...]:
    shares = (taken.whole, taken.answered, taken.wrong, taken.sampling, taken.over_get, taken.progress)
    return (*(_short(share) for share in shares), "/".join(map(str, taken.spread)))


def _short(share: Share | None) -> str:
    return "" if share is None else f"{share.count}/{share.of}"


def others(ways: Iterable[Way], phrases: Mapping[str, str]) -> Iterator[str]:
    """What became of clients without a session: one sentence each for modern clients and stateless servers."""
    runs = [run for way in ways if way.complete for run in way.runs]
    for kind in KINDS[1:] if runs else ():
        lost = [run for run in runs if not without_loss(kind, run)]
        phrase = phrases[f"topology.{kind}"]
        yield f"{phrase} {phrases['topology.others.some' if lost else 'topology.others.all'].format(count=len(lost))}"


def markdown(ways: Sequence[Way], knowledge: Knowledge) -> Iterator[str]:
    """The table for a repository: everything that was measured."""
    phrases = knowledge.phrases
    for way in ways:
        yield f"## {way.id}\n"
        yield f"**{way.title}: {phrases[f'topology.keeps.{way.keeps}']}.** {way.because}\n"
        if not way.complete or way.measured is None:
            yield f"{phrases['topology.missing']}\n"
            continue
        yield f"| {' | '.join(_COLUMNS)} |"
        yield "|---" * len(_COLUMNS) + "|"
        for run in way.runs:
            yield from (_markdown_row(run, kind, phrases) for kind in KINDS)
        yield ""
        if way.window is not None:
            yield f"{says(way, phrases, runs=False)}\n"
        if way.evidence:
            yield f"How requests of legacy sessions failed: {way.evidence}.\n"
        cited = ", ".join(f"[{rule.id}](rules.md#{rule.id.lower()})" for rule in _citing(way, knowledge))
        measured = way.measured
        stamp = f"Measured {measured.date} on {measured.proxy} with {measured.sdk} by {measured.tool}."
        yield f"{stamp}{f' Cited by {cited}.' if cited else ''}\n"


def _markdown_row(run: BalancingRun, kind: Kind, phrases: Mapping[str, str]) -> str:
    taken = run.figures[kind]
    server, _, era = kind.partition("+")
    shares = (taken.whole, taken.answered, taken.wrong, taken.sampling, taken.over_get, taken.progress)
    cells = [under(run, phrases), server, era, *("" if share is None else str(share) for share in shares)]
    return f"| {' | '.join([*cells, '/'.join(map(str, taken.spread))])} |"
