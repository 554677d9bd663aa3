"""Parts of the first screen of a decision that the answer and a contradiction share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeAlias

from advisor.console.canvas import Canvas, Screen, Words
from advisor.decision.model import Decision
from advisor.decision.pattern_words import is_unreached
from advisor.engine.rules import Rule
from advisor.findings import Finding
from advisor.report.decision_summary import SEVERITY_STYLES
from advisor.report.line_fitting import whole_sentences
from advisor.report.screen_rows import ScreenStep

LINES = 23
"""The most lines of the answer. A terminal with 24 lines shows a prompt below them."""
WIDTH = 80
"""The longest line in columns. Commands to copy are never wrapped and can be longer."""
LABEL = 10
"""The columns that a label and the space after it take."""

ScreenBlock: TypeAlias = list[str]
"""Drawn lines that are shown together or not at all."""


def drawn(screen: Screen, draw: Callable[..., None], *arguments: object) -> ScreenBlock:
    """Return the lines that `draw` draws. Drawing takes time, so no part is drawn that cannot be on the screen."""
    canvas = Canvas(screen)
    draw(canvas, *arguments)
    return canvas.text().splitlines()


def fitting(blocks: Iterable[ScreenBlock], room: int) -> list[ScreenBlock]:
    """Return the first blocks that fit into `room` lines. At most one more block is taken from `blocks`."""
    shown: list[ScreenBlock] = []
    for block in blocks:
        room -= len(block)
        if room < 0:
            break
        shown.append(block)
    return shown


def draw_rows(canvas: Canvas, rows: Iterable[tuple[str, Words]]) -> None:
    """Draw rows with labels of the same width."""
    canvas.pairs([(f"{label:<{LABEL - 2}}", words) for label, words in rows], indent=0, styles=["bold"])


def draw_ranked(canvas: Canvas, draws: Sequence[Callable[[Canvas, bool], None]], room: int | None, more: str) -> None:
    """Draw ranked entries. With `room`, only the first has its long form, and entries that do not fit are counted.

    Args:
        canvas: gets the lines.
        draws: draw an entry on a canvas, in its long form or only its title.
        room: the most lines; None draws all entries in their long form.
        more: the text with the {number} of entries that do not fit.
    """
    for index, draw in enumerate(draws):
        is_long = index == 0 or room is None
        if room is not None:
            size = _size(canvas, draw, is_long=is_long)
            if index == 0 and size > room:
                is_long, size = False, _size(canvas, draw, is_long=False)
            room -= size
            if room < (index + 1 < len(draws)):
                canvas.line((more.format(number=len(draws) - index), "dim"))
                return
        draw(canvas, is_long)


def _size(canvas: Canvas, draw: Callable[[Canvas, bool], None], *, is_long: bool) -> int:
    block = Canvas(Screen(canvas.width))
    draw(block, is_long)
    return block.size


def draw_headline(canvas: Canvas, decision: Decision, verdict: tuple[str, str]) -> None:
    """Draw the service and the verdict in a line. Next to a long name, the verdict has its short form.

    A name that takes more than a third of the line is cut.
    """
    name, width = str(decision.requirements["service"]), canvas.width
    name = name if len(name) <= width // 3 else f"{name[: width // 3 - 3]}..."
    means = decision.means
    if len(f"{name}: {verdict[0]}, {means}") > width:
        ending = ".unreached" if is_unreached(decision.core, decision.facts) else ""
        means = decision.phrases[f"screen.pattern.{decision.core.pattern}{ending}"]
    canvas.line((name, "bold"), ": ", verdict, f", {means}")


def label(phrases: Mapping[str, str], name: str) -> str:
    """Return the label of a row."""
    return phrases[f"screen.label.{name}"]


def reason(rule: Rule, width: int, step: ScreenStep) -> str:
    """Return the reason of a rule, with room for the id in the last line; in a brief step, only the first sentence."""
    return whole_sentences(rule.because, 0 if step.brief else step.why * width - len(rule.id) - 3)


def draw_heading(canvas: Canvas, decision: Decision, section: str, hidden: int) -> None:
    """Draw the heading of a list: it says how many entries are hidden, and which option shows them."""
    phrases = decision.phrases
    more = f" {phrases['screen.hidden'].format(number=hidden, section=section)}" if hidden else ""
    canvas.line((phrases[f"screen.{section}"], "bold"), (more, "dim"))


def draw_warning(canvas: Canvas, warning: Finding) -> None:
    """Draw a warning with its id. No title is cut: its end can be what matters."""
    severity = (f"{warning.severity:<6}", SEVERITY_STYLES[warning.severity])
    canvas.pairs([(severity, [warning.title, (f" ({warning.id})", "dim")])], indent=2)
