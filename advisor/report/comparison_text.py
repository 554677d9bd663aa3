"""A comparison as text for a terminal: a ranked table, and for each other option why it loses and what makes it win."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf
from textwrap import wrap
from typing import NamedTuple

from advisor.console.canvas import Canvas, Column, Screen
from advisor.decision.comparison import Comparison, DeploymentOption
from advisor.knowledge.options import EstimateSubject
from advisor.knowledge.types import ERAS
from advisor.report import comparison_wording as wording
from advisor.report.line_fitting import cut
from advisor.report.screen_parts import LINES

_SUBJECTS: tuple[EstimateSubject, ...] = ("operation", "users", "timeline", "cost", "reversibility")
_PLAIN_SUBJECTS: tuple[EstimateSubject, ...] = ("users", "operation", "timeline", "cost", "reversibility")
_GAP = 2
_INDENT = 3
_FIXED = 4  # lines of the title, of the heads, of the gap and of the legend


def comparison_text(comparison: Comparison, screen: Screen, *, full: bool = False) -> str:
    """Return the comparison for engineers on a screen; `full` adds features, estimates and every flag pair."""
    decision = comparison.decision
    rows = [
        [wording.name(option, decision), wording.modes(option, decision), *_levels(option, _SUBJECTS)]
        for option in comparison.leading
    ]
    losers = [(option.reason, wording.wins(option, decision)) for option in comparison.leading]
    page = _Page("compare", wording.title(comparison), rows, losers)
    if not full:
        return _first_screen(page, screen, decision.phrases)
    canvas = Canvas(screen)
    _draw(canvas, page, decision.phrases)
    _features(canvas, comparison)
    _estimates(canvas, comparison)
    _every_option(canvas, comparison)
    canvas.heading(decision.phrases["compare.order"])
    canvas.pairs([(criterion.id, criterion.because) for criterion in comparison.order])
    return canvas.text()


def product_text(comparison: Comparison, screen: Screen, *, full: bool = False) -> str:
    """Return the comparison for other readers on a screen; `full` adds what each option is, and estimates."""
    decision, options = comparison.decision, comparison.leading
    rows = [[wording.plain_name(option, decision), *_levels(option, _PLAIN_SUBJECTS)] for option in options]
    losers = [(wording.plain_reason(option, decision), wording.plain_wins(option, decision)) for option in options]
    page = _Page("product", wording.title(comparison, "product"), rows, losers)
    if not full:
        return _first_screen(page, screen, decision.phrases)
    canvas = Canvas(screen)
    _draw(canvas, page, decision.phrases)
    for number, option in enumerate(options, 1):
        canvas.heading(f"{number}  {wording.plain_name(option, decision)}")
        canvas.line(wording.means(option, decision))
        canvas.pairs(_estimate_rows(option, comparison, plain=True))
    return canvas.text()


class _Page(NamedTuple):
    """The first screen of a comparison.

    Attributes:
        words: the first part of the ids of its phrases.
        title: the first line.
        rows: the rows of the table.
        losers: for each row, two sentences: why the option loses, and what makes it win.
    """

    words: str
    title: str
    rows: Sequence[Sequence[str]]
    losers: Sequence[tuple[str, str]]


def _first_screen(page: _Page, screen: Screen, phrases: Mapping[str, str]) -> str:
    """Return the page in at most `LINES` lines, if the screen has 80 columns or more: long sentences are cut."""
    canvas = Canvas(screen)
    room = LINES - len(page.rows) - sum(1 for sentences in page.losers for text in sentences if text) - _FIXED
    _draw(canvas, page, phrases, room=room)
    return canvas.text()


def _draw(canvas: Canvas, page: _Page, phrases: Mapping[str, str], *, room: float = inf) -> None:
    """Add the page. `room` is the number of lines that long sentences can take in addition to their first lines."""
    canvas.line((page.title, "bold"))
    _table(canvas, phrases[f"{page.words}.heads"].split(", "), page.rows)
    canvas.gap()
    width = canvas.width - _INDENT
    for number, sentences in enumerate(page.losers, 1):
        mark = str(number).ljust(_INDENT)
        for text in filter(None, sentences):
            lines = wrap(text, width, break_on_hyphens=False)
            if len(lines) - 1 <= room:
                room -= len(lines) - 1
            else:
                lines = [cut(text, width)]
            for line in lines:
                canvas.code(f"{mark}{line}", "")
                mark = " " * _INDENT
    canvas.line((phrases[f"{page.words}.legend"], "dim"))


def _levels(option: DeploymentOption, subjects: Sequence[EstimateSubject]) -> list[str]:
    return [option.estimates[about].level for about in subjects]


def _table(canvas: Canvas, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Add a table with numbered rows. A narrow screen shows only the columns that fit."""
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    while len(widths) > 1 and _INDENT + sum(widths) + _GAP * (len(widths) - 1) > canvas.width:
        widths.pop()
    for number, row in enumerate([heads, *rows]):
        cells = (text.ljust(width) for text, width in zip(row, widths, strict=False))
        mark = str(number).ljust(_INDENT) if number else " " * _INDENT
        canvas.code(f"{mark}{(' ' * _GAP).join(cells)}".rstrip(), "" if number else "bold")


def _features(canvas: Canvas, comparison: Comparison) -> None:
    """Add a table for each era: features in rows, options in columns."""
    decision, options = comparison.decision, comparison.leading
    phrases = decision.phrases
    canvas.heading(phrases["compare.features"])
    canvas.line(phrases["compare.features.note"])
    for era in ERAS:
        head = phrases["compare.era"].format(era=era.capitalize(), protocol=phrases[f"screen.era.{era}"])
        columns = [
            Column(head, least=20),
            *(Column(str(number), fixed=True, least=5) for number in range(1, len(options) + 1)),
        ]
        rows = [
            (
                [
                    wording.feature_name(row),
                    *(wording.outcome_in(option, row, era, decision) for option in options),
                ],
                "",
            )
            for row in wording.feature_rows(comparison)
        ]
        canvas.table(columns, rows)


def _estimates(canvas: Canvas, comparison: Comparison) -> None:
    canvas.heading(comparison.decision.phrases["compare.estimates"])
    for number, option in enumerate(comparison.leading, 1):
        canvas.line((f"{number}  {wording.name(option, comparison.decision)}", "bold"))
        canvas.pairs(_estimate_rows(option, comparison, plain=False))


def _estimate_rows(option: DeploymentOption, comparison: Comparison, *, plain: bool) -> list[tuple[str, str]]:
    phrases, words = comparison.decision.phrases, "product" if plain else "compare"
    return [
        (
            f"{phrases[f'{words}.estimate.{about}']}: {estimate.level}",
            estimate.text if plain else f"{estimate.text} {estimate.because}",
        )
        for about, estimate in option.estimates.items()
    ]


def _every_option(canvas: Canvas, comparison: Comparison) -> None:
    decision = comparison.decision
    canvas.heading(decision.phrases["compare.all"])
    for option in comparison.options:
        head = f"{wording.name(option, decision)}, {wording.modes(option, decision)}"
        lines = [*wording.tier_lines(option, decision), option.reason, wording.wins(option, decision)]
        canvas.line((head, "bold" if option.chosen else ""))
        for line in filter(None, lines):
            canvas.line(line, indent=2)
