"""The first screen of a contradiction: what cannot be kept, and the changes that resolve the contradiction."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import chain

from advisor.console.canvas import Canvas, Screen, Words
from advisor.decision.change_steps import fix_titles
from advisor.decision.model import Alternative, Decision
from advisor.report import change_wording, decision_wording
from advisor.report.line_fitting import change_lines, whole_sentences
from advisor.report.screen_parts import (
    LABEL,
    LINES,
    ScreenBlock,
    draw_heading,
    draw_headline,
    draw_rows,
    draw_warning,
    drawn,
    fitting,
    label,
    reason,
)
from advisor.report.screen_rows import STEPS, ScreenStep, assumption_rows, shown_rows

_URGENT = 2
"""So many warnings of high severity are shown before the changes."""


def contradiction_screen(decision: Decision, screen: Screen, menu: int) -> ScreenBlock:
    """Draw what cannot be kept, then the changes that resolve the contradiction, in the step that shows most changes.

    A step that hides features which cannot be kept is used only if no other step shows a change.
    """
    phrases, draw = decision.phrases, partial(drawn, screen)
    urgent = [finding for finding in decision.warnings if finding.severity == "high"][:_URGENT]
    warned: ScreenBlock = []
    if urgent:
        warned = draw(draw_heading, decision, "warnings", len(decision.warnings) - len(urgent))
        warned += chain.from_iterable(draw(draw_warning, warning) for warning in urgent)
    warned += draw(Canvas.line, (phrases["screen.remedies" if decision.alternatives else "screen.no-remedy"], "bold"))
    ways = decision.alternatives
    titled = zip(ways, fix_titles([way.titles for way in ways], phrases), strict=True)
    remedies = fitting((draw(_remedy, decision, *way, number) for number, way in enumerate(titled, 1)), LINES)
    best: ScreenBlock = []
    most = -1
    for step in STEPS:
        if step.most is not None and most > 0:
            break
        lines = [*draw(_unmet, decision, step), *([""] if step.gaps else []), *warned]
        room = LINES - menu - len(lines)
        complete = len(remedies) == len(ways) and sum(map(len, remedies)) <= room
        shown = fitting(remedies, room - (not complete))
        if hidden := len(ways) - len(shown):
            shown.append(draw(Canvas.line, (phrases["screen.hidden"].format(number=hidden, section="answer"), "dim")))
        count = len(ways) - hidden if room >= bool(hidden) else -1
        if count > most or not best:
            best, most = [*lines, *chain.from_iterable(shown)], count
    return best


def _unmet(canvas: Canvas, decision: Decision, step: ScreenStep) -> None:
    """Draw the verdict of a contradiction: the features that cannot be kept, what is assumed, and why."""
    phrases, width = decision.phrases, canvas.width - LABEL
    rule = decision.verdict.rule
    draw_headline(canvas, decision, (phrases["screen.contradiction"], "bold red"))
    never = phrases["screen.never"]
    unmet = [f"{row.title}: {decision_wording.lost_for(row, phrases) or never}" for row in decision.unmet]
    pairs: list[tuple[str, Words]] = [
        (label(phrases, "unmet"), (text, "bold red")) for text in shown_rows(unmet, width, step, "features", phrases)
    ]
    pairs += [(label(phrases, "assumed"), (text, "yellow")) for text in assumption_rows(decision, width, step)]
    pairs.append((label(phrases, "why"), [reason(rule, width, step), (f" ({rule.id})", "dim")]))
    draw_rows(canvas, pairs)


def _remedy(canvas: Canvas, decision: Decision, way: Alternative, title: str, number: int) -> None:
    """Draw a change in two or three lines: what to do, then all keys with their new values and the new decision."""
    width = canvas.width - 4
    change = change_wording.change_text(decision, way)
    phrases = decision.phrases
    kinds = zip(("screen.loses", "screen.replaces"), decision.unkept(way), strict=True)
    unkept = [phrases[kind].format(names=", ".join(names)) for kind, names in kinds if names]
    result = "; ".join([phrases[f"screen.pattern.{way.core.pattern}"], *(unkept or [phrases["screen.loses-nothing"]])])
    how = whole_sentences(way.how, width)
    # The first sentences of several changes can be about the first change only.
    how = f"{title}." if len(way.titles) > 1 or len(how) > width else how
    lines: list[Sequence[Words]] = [((f"{number}.", "bold"), how)]
    edited, arrow = change_lines(change, result, width)
    lines += [("", (line, "cyan")) for line in edited[:-1]]
    lines.append(("", [(edited[-1], "cyan"), arrow]))
    canvas.pairs(lines, indent=0)
