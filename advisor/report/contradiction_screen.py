"""The first screen of a contradiction: what cannot be kept, and the changes that resolve the contradiction."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import chain

from advisor.console.canvas import Canvas, Screen, Words
from advisor.decision.change_steps import fix_titles
from advisor.decision.model import Alternative, Decision
from advisor.report import change_wording, decision_wording
from advisor.report.line_fitting import change_lines, first_names, whole_sentences
from advisor.report.screen_parts import LABEL, LINES, WIDTH, ScreenBlock, draw_headline, draw_rows, drawn, label
from advisor.report.screen_rows import assumption_line

_HEIGHT = 2
"""The lines of most remedies: what to do, then all keys with their new values and the new decision."""


def contradiction_screen(decision: Decision, screen: Screen, menu: int) -> ScreenBlock:
    """Draw what cannot be kept and what is assumed in a line each, then the changes that resolve the contradiction."""
    phrases, draw = decision.phrases, partial(drawn, screen)
    lines = draw(_unmet, decision)
    lines += [""] if not menu else []
    ways = decision.alternatives
    lines += draw(Canvas.line, (phrases["screen.remedies" if ways else "screen.no-remedy"], "bold"))
    titled = list(zip(ways, fix_titles([way.titles for way in ways], phrases), strict=True))
    heights = [len(draw(_remedy, decision, *way, 1)) for way in titled]
    chosen = _fitting_remedies(heights, LINES - menu - len(lines))
    for number, place in enumerate(chosen, 1):
        lines += draw(_remedy, decision, *titled[place], number)
    if hidden := len(ways) - len(chosen):
        lines += draw(Canvas.line, (phrases["screen.hidden"].format(number=hidden, section="answer"), "dim"))
    return lines


def _fitting_remedies(heights: Sequence[int], room: int) -> list[int]:
    """Return the places of the remedies to show, the best first. A remedy with more lines gets only the rest of `room`.

    Args:
        heights: the lines of each complete remedy, the best first.
        room: the lines for all remedies, and for the number of the hidden remedies if there are any.
    """
    room -= sum(heights) > room
    shown: list[int] = []
    for place in sorted(range(len(heights)), key=lambda place: heights[place] > _HEIGHT):
        room -= heights[place]
        if room < 0:
            break
        shown.append(place)
    return sorted(shown)


def _unmet(canvas: Canvas, decision: Decision) -> None:
    """Draw the verdict of a contradiction: the features that cannot be kept, what is assumed, and urgent warnings."""
    # On a narrow terminal, these lines are wrapped: they are too short for a cause and a number of hidden entries.
    phrases, width = decision.phrases, WIDTH - LABEL
    draw_headline(canvas, decision, (phrases["screen.contradiction"], "bold red"))
    name = "unmet" if decision.unmet else "why"
    rows: list[tuple[str, Words]] = [(label(phrases, name), [(_cause(decision, width), "bold red")])]
    if assumed := assumption_line(decision, width):
        rows.append((label(phrases, "assumed"), (assumed, "yellow")))
    if urgent := sum(warning.severity == "high" for warning in decision.warnings):
        text = phrases["screen.warned"].format(number=len(decision.warnings), urgent=urgent)
        rows.append((label(phrases, "warnings"), f"{text} {phrases['screen.more'].format(section='warnings')}"))
    draw_rows(canvas, rows)


def _cause(decision: Decision, width: int) -> str:
    """Return a line on the features that cannot be kept, or else on why no client can connect, with the rule."""
    phrases, rule = decision.phrases, decision.verdict.rule
    source, never = f" ({rule.id})", phrases["screen.never"]
    why = phrases[f"screen.reason.{rule.id}"]
    if not decision.unmet:
        return why.format(outcomes=never) + source
    groups: dict[str, list[str]] = {}
    for row in decision.unmet:
        groups.setdefault(decision_wording.lost_for(row, phrases) or never, []).append(row.title)
    titles = list(chain.from_iterable(groups.values()))
    told = ["; ".join(f"{', '.join(names)}: {outcome}" for outcome, names in groups.items())]
    told += [f"{', '.join(titles)}: {why}"] if why.format(outcomes="") == why else []
    room = width - len(source)
    fits = next((text for text in told if len(text) <= room), None)
    return (fits or first_names(titles, room, phrases["screen.hidden"], "features")) + source


def _remedy(canvas: Canvas, decision: Decision, way: Alternative, title: str, number: int) -> None:
    """Draw a change: what to do, then in few lines all keys with their new values and the new decision."""
    width = canvas.width - 4
    phrases = decision.phrases
    kinds = zip(("screen.loses", "screen.replaces"), decision.unkept(way), strict=True)
    unkept = [phrases[kind].format(names=", ".join(names)) for kind, names in kinds if names]
    result = "; ".join([phrases[f"screen.pattern.{way.core.pattern}"], *unkept])
    how = whole_sentences(way.how, width)
    # The first sentences of several changes can be about the first change only.
    how = f"{title}." if len(way.titles) > 1 or len(how) > width else how
    lines: list[Sequence[Words]] = [((f"{number}.", "bold"), how)]
    edited, arrow = change_lines(change_wording.edited_keys(decision, way), result, width)
    lines += [("", (line, "cyan")) for line in edited[:-1]]
    lines.append(("", [(edited[-1], "cyan"), arrow]))
    canvas.pairs(lines, indent=0)
