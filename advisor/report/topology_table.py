"""The measurements of load-balancing strategies as a record, as lines for a terminal, and as Markdown."""

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
    BalancingStrategy,
    Conditions,
    Figures,
    Keeps,
    MeasuredOn,
    SessionKind,
    Share,
    Window,
    says,
    under,
    without_loss,
)
from advisor.knowledge.vocabulary import MechanismId

_UNDER = 25  # columns for the conditions of a run
_WIDTHS = (6, 8, 8, 9, 7, 9, 8)  # the table is 80 columns wide, with the conditions
_HEADS = {
    "whole": "kept",
    "answered": "calls",
    "wrong": "wrong",
    "sampling": "sampling",
    "over_get": "on GET",
    "progress": "progress",
    "spread": "spread",
}
"""Head of each column, by the name of its figure. A phrase in rules/topology.yaml explains each column."""
_PAGE_HEADS = {"under": "conditions", "server": "servers", "era": "clients"}
"""Head of each column that only a page has. A phrase in rules/topology.yaml explains each column."""


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
"""A run: its conditions, and the figures for each kind of server and protocol era of the clients."""


class StrategyRecord(TypedDict):
    """A load-balancing strategy.

    Attributes:
        mechanism: The name of the strategy in decisions; null if decisions never choose it.
        keeps: The condition under which every session is kept.
        source: The id of the measurement that rules cite.
        rules: The rules that cite the measurement.
        measured: The versions of the programs and the date; null if not measured yet.
        window: The delay of two proxies that share a table; null for other strategies.
        evidence: How requests of legacy sessions failed, with the number of requests; empty if all succeeded.
    """

    id: str
    title: str
    mechanism: MechanismId | None
    keeps: Keeps
    because: str
    source: str
    rules: list[str]
    measured: MeasuredOn | None
    runs: list[RunRecord]
    window: Window | None
    evidence: str


class TopologyDocument(TypedDict):
    """Load-balancing strategies and their effect on sessions, version 1."""

    schema: Literal["mcp-advisor/topology/1"]
    ways: list[StrategyRecord]


def record(strategies: Iterable[BalancingStrategy], knowledge: Knowledge) -> TopologyDocument:
    """The strategies as `--format json` prints them; each share is a pair of a count and a total."""
    return document(TopologyDocument, ways=[_record(strategy, knowledge) for strategy in strategies])


def _record(strategy: BalancingStrategy, knowledge: Knowledge) -> StrategyRecord:
    return document(
        StrategyRecord,
        strategy,
        source=f"{SOURCE}{strategy.id}",
        rules=[rule.id for rule in _citing(strategy, knowledge)],
        runs=[document(RunRecord, run.figures, under=run.under) for run in strategy.runs],
    )


def _citing(strategy: BalancingStrategy, knowledge: Knowledge) -> list[Rule]:
    return [rule for _, rule in knowledge.rules.values() if f"{SOURCE}{strategy.id}" in rule.sources]


def lines(strategies: Sequence[BalancingStrategy], phrases: Mapping[str, str]) -> Iterator[ReportLine]:
    """The strategies for a terminal, with an explanation of the columns; sentences are not wrapped yet."""
    yield ReportLine("plain", f"{phrases['topology.table']} {phrases['topology.eras']}")
    yield ReportLine("plain", "")
    explained = [(_PAGE_HEADS["under"], phrases["topology.column.under"]), *columns(phrases)]
    yield from (ReportLine("plain", f"  {head:10}\t{meaning}") for head, meaning in explained)
    for strategy in strategies:
        yield ReportLine("plain", "")
        on = f" ({strategy.measured.proxy})" if strategy.measured else ""
        yield ReportLine("heading", f"{strategy.title}{on}")
        yield ReportLine("plain", f"  {_verdict(strategy, phrases)}")
        if not strategy.complete:
            yield ReportLine("plain", f"  {phrases['topology.missing']}")
            continue
        yield ReportLine("dim head", _row(f"  {_PAGE_HEADS['under']}", tuple(_HEADS.values())))
        for run in strategy.runs:
            taken = run.figures["stateful+legacy"]
            text = under(run, phrases)
            if len(text) > _UNDER - 3:
                yield ReportLine("good" if run.keeps else "bad", f"  {text}")
                text = ""
            yield ReportLine("good" if run.keeps else "bad", _row(f"  {text}", _cells(taken)))
        if strategy.window is not None:
            yield ReportLine("plain", f"  {says(strategy, phrases, runs=False)}")
    yield ReportLine("plain", "")
    yield from (ReportLine("plain", text) for text in others(strategies, phrases))


def _verdict(strategy: BalancingStrategy, phrases: Mapping[str, str]) -> str:
    return f"This strategy {phrases[f'topology.keeps.{strategy.keeps}']}. {strategy.because}"


def _row(first: str, cells: Sequence[str]) -> str:
    return f"{first:{_UNDER}}{''.join(f'{cell:{width}}' for cell, width in zip(cells, _WIDTHS, strict=True))}".rstrip()


def _cells(taken: Figures) -> tuple[str, ...]:
    shares = (taken.whole, taken.answered, taken.wrong, taken.sampling, taken.over_get, taken.progress)
    return (*(_short(share) for share in shares), "/".join(map(str, taken.spread)))


def _short(share: Share | None) -> str:
    return "" if share is None else f"{share.count}/{share.of}"


def others(strategies: Iterable[BalancingStrategy], phrases: Mapping[str, str]) -> Iterator[str]:
    """Losses of clients without a session: a sentence each for modern clients and for clients of stateless servers."""
    runs = [run for strategy in strategies if strategy.complete for run in strategy.runs]
    for kind in KINDS[1:] if runs else ():
        lost = [run for run in runs if not without_loss(kind, run)]
        phrase = phrases["topology.others.some" if lost else "topology.others.all"]
        yield phrase.format(clients=phrases[f"topology.{kind}"], count=len(lost))


def columns(phrases: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Head and meaning of each column with figures."""
    return ((head, phrases[f"topology.column.{figure}"]) for figure, head in _HEADS.items())


def page_columns(phrases: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Head and meaning of each column of a table on a page, in the order of the columns."""
    yield from ((head, phrases[f"topology.column.{what}"]) for what, head in _PAGE_HEADS.items())
    for figure, (head, meaning) in zip(_HEADS, columns(phrases), strict=True):
        only_here = phrases.get(f"topology.column.{figure}.page", "")
        yield head, f"{meaning} {only_here}".rstrip()


def markdown(strategies: Sequence[BalancingStrategy], knowledge: Knowledge) -> Iterator[str]:
    """The strategies for a page, with the figures of every kind of server and client."""
    phrases = knowledge.phrases
    heads = (*_PAGE_HEADS.values(), *_HEADS.values())
    for strategy in strategies:
        yield f"## {strategy.id}\n"
        yield f"**{strategy.title}.** {_verdict(strategy, phrases)}\n"
        if not strategy.complete or strategy.measured is None:
            yield f"{phrases['topology.missing']}\n"
            continue
        yield f"| {' | '.join(heads)} |"
        yield "|---" * len(heads) + "|"
        for run in strategy.runs:
            yield from (_markdown_row(run, strategy, kind, phrases) for kind in KINDS)
        yield ""
        if strategy.window is not None:
            yield f"{says(strategy, phrases, runs=False)}\n"
        if strategy.evidence:
            yield f"Failed requests of legacy clients on stateful servers, by error: {strategy.evidence}.\n"
        cited = ", ".join(f"[{rule.id}](rules.md#{rule.id.lower()})" for rule in _citing(strategy, knowledge))
        measured = strategy.measured
        stamp = f"Measured on {measured.date} with {measured.proxy} and {measured.sdk}, by {measured.tool}."
        yield f"{stamp}{f' Rules that cite this measurement: {cited}.' if cited else ''}\n"


def _markdown_row(run: BalancingRun, strategy: BalancingStrategy, kind: SessionKind, phrases: Mapping[str, str]) -> str:
    taken = run.figures[kind]
    server, _, era = kind.partition("+")
    shares = (taken.whole, taken.answered, taken.wrong, taken.sampling, taken.over_get, taken.progress)
    cells = [under(run, phrases), server, era, *("" if share is None else str(share) for share in shares)]
    return f"| {' | '.join([*cells, '/'.join(map(str, taken.spread))])} |"
