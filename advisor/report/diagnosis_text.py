"""The result of a diagnosis for a terminal: ranked causes with their check and fix, and the next question."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from advisor.console.canvas import Canvas, Screen
from advisor.diagnosis.causes import CauseRanking, RankedCause
from advisor.report.screen_parts import LINES, draw_ranked, draw_rows
from advisor.requirements.text import printable

_CLEAR = 0.6
"""From this probability on, the first cause is the verdict."""
_LEAST = 0.02
_MOST = 10
_LONGEST = 200


def diagnosis_text(diagnosis: CauseRanking, phrases: Mapping[str, str], screen: Screen, *, full: bool = False) -> str:
    """Return the result as text. Without `full`, it has at most 23 lines of 80 columns.

    Args:
        diagnosis: the result.
        phrases: the words.
        screen: the width and the colours.
        full: whether to show ten causes with all that is known.
    """
    canvas, tail = Canvas(screen), Canvas(screen)
    first = diagnosis.causes[0]
    if not diagnosis.is_known:
        canvas.line((phrases["diagnose.unknown"], "yellow"))
    elif first.probability >= _CLEAR:
        canvas.line((phrases["diagnose.likely"].format(title=first.cause.title), "bold"))
    else:
        canvas.line((phrases["diagnose.possible"], "bold"))
    if diagnosis.question is not None:
        question = diagnosis.question
        words = phrases["diagnose.question"].format(text=question.text, id=question.id)
        draw_rows(tail, [(phrases["diagnose.label.ask"], words)])
    shown = [cause for cause in diagnosis.causes if cause.probability >= _LEAST][:_MOST]
    if diagnosis.is_known or full:
        draws = [partial(_draw_cause, cause, phrases) for cause in shown or [first]]
        draw_ranked(canvas, draws, None if full else LINES - canvas.size - tail.size, phrases["diagnose.more"])
    return f"{canvas.text()}{tail.text()}"


def _draw_cause(ranked: RankedCause, phrases: Mapping[str, str], canvas: Canvas, is_long: bool) -> None:
    cause = ranked.cause
    canvas.line((f"{round(100 * ranked.probability):>3} %  ", "bold"), f"{cause.title} ({cause.id})")
    if not is_long:
        return
    canvas.line(cause.explains, indent=7)
    rows = [("for", ranked.support), ("against", ranked.against)]
    for label, entries in rows:
        if entries:
            words = "; ".join(printable(entry, _LONGEST) for entry in entries)
            canvas.line((f"{phrases[f'diagnose.label.{label}']}: ", "bold"), words, indent=7)
    canvas.line((f"{phrases['diagnose.label.fix']}: ", "bold"), cause.fix, indent=7)
    canvas.line((f"{phrases['diagnose.label.check']}: ", "bold"), cause.check, indent=7)
