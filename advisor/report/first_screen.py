"""The answer of a decision on one screen of a terminal. Details follow on request.

The verdict, what is lost or assumed, the settings, the needed features and the next commands come first. The other
lines show warnings, the worst first, and changes that lead to another decision. A long answer becomes shorter in steps
(`_STEPS`), until it fits. Each shortened part says how many entries are hidden, and which option shows them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from itertools import chain, groupby
from textwrap import fill
from typing import TypeAlias

from advisor.console.canvas import Canvas, Screen, Words
from advisor.decision.change_steps import fix_titles
from advisor.decision.kit_support import no_kit
from advisor.decision.model import Alternative, Decision, EraCell, FeatureRow
from advisor.engine.rules import Rule
from advisor.findings import Finding
from advisor.knowledge.types import ERAS, Era
from advisor.report import change_wording, decision_wording
from advisor.report.decision_summary import SEVERITY_STYLES
from advisor.report.line_fitting import (
    change_and_result,
    change_lines,
    column_widths,
    first_names,
    whole_sentences,
)
from advisor.report.screen_rows import ScreenStep, assumption_rows, shown_rows

LINES = 23
"""The most lines of the answer. A terminal with 24 lines shows a prompt below them."""
WIDTH = 80
"""The longest line in columns. Commands to copy are never wrapped and can be longer."""

_CHANGES = 2  # so many changes have priority over all warnings except the worst
_WARNINGS = 3  # so many warnings have priority over complete texts
_URGENT = 2  # so many warnings of high severity are shown before the changes that resolve a contradiction
_LABEL = 10  # columns that a label and the space after it take
_CALL = 30  # columns of the longest call that the feature table shows in full


_WHOLE = (
    ScreenStep(gaps=True, why=2),
    ScreenStep(gaps=False, why=2),
    ScreenStep(gaps=False, why=1, brief=True),
)
_STEPS = (*_WHOLE, *(ScreenStep(gaps=False, why=1, brief=True, most=most) for most in range(5, 0, -1)))
"""The steps in which a long answer becomes shorter."""

_Block: TypeAlias = list[str]
"""Drawn lines that are shown together or not at all."""


def first_screen(decision: Decision, screen: Screen, menu: int = 0) -> str:
    """Return the answer of a decision, in at most `LINES` lines if the screen has `WIDTH` columns or more.

    Args:
        decision: the decision.
        screen: the abilities of the output.
        menu: lines of a menu that stands below the answer, instead of the next commands.
    """
    narrow = screen._replace(width=min(screen.width, WIDTH))
    if menu:
        decision = _above_menu(decision)
    draw = _answer if decision.feasible else _contradiction
    lines = draw(decision, narrow, menu)
    return "\n".join(lines) + "\n"


def _above_menu(decision: Decision) -> Decision:
    """Return the decision with words that name an entry of the menu where the answer names an option of `recommend`."""
    phrases = decision.phrases
    return decision.with_phrases({name: phrases[f"{name}.menu"] for name in ("screen.hidden", "screen.more")})


def _drawn(screen: Screen, draw: Callable[..., None], *arguments: object) -> _Block:
    """Return the lines that `draw` draws. Drawing takes time, so no part is drawn that cannot be on the screen."""
    canvas = Canvas(screen)
    draw(canvas, *arguments)
    return canvas.text().splitlines()


def _answer(decision: Decision, screen: Screen, menu: int) -> _Block:
    """Draw the answer in the first step that leaves room for `_CHANGES` changes and for its warnings.

    A step with empty lines needs room for all warnings, a step with complete texts for `_WARNINGS` of them, and a brief
    step for the worst. If no step with all rows has this room, the first step with room for the worst warning decides.
    """
    draw, most = partial(_drawn, screen), LINES - menu
    below = [] if menu else draw(_next, decision)
    shifts, further = change_wording.shifts(decision)
    changes = [draw(_change, decision, shift) for shift in shifts[:_CHANGES]]
    changes_lines = len(changes) + 1 if changes else 0
    warnings = _fitting((draw(_warning, warning) for warning in decision.warnings), LINES)
    above: list[_Block] = []
    step, worst, room = _WHOLE[0], 0, 0
    for step, wanted in [*((step, changes_lines) for step in _WHOLE), *((step, 0) for step in _STEPS if step.brief)]:
        # Warnings are worth more than empty lines, and the first ones more than complete texts.
        first = warnings[: LINES if step.gaps else 1 if step.brief else _WARNINGS]
        worst = sum(map(len, first)) + 1 if first else 0
        parts = (_verdict, _settings, *([_features] if _listed(decision) else []))
        above = [draw(part, decision, step) + ([""] if step.gaps else []) for part in parts]
        room = most - sum(map(len, (*above, below)))
        if room >= worst + wanted:
            break
    shown = _fitting(changes, room - worst - 1)
    room -= (sum(map(len, shown)) + 1 if shown else 0) + 1
    warned = _fitting(warnings, room)
    if len(warned) < len(decision.warnings):
        warned = _warned(warnings, [draw(_warning_id, warning) for warning in decision.warnings[: max(room, 0)]], room)
    lines = list(chain.from_iterable(above))
    if warnings:
        lines += draw(_heading, decision, "warnings", len(decision.warnings) - len(warned))
        lines += chain.from_iterable(warned)
    if shown:
        lines += draw(_heading, decision, "changes", len(shifts) - len(shown) + further)
        lines += chain.from_iterable(shown)
    return [*lines, *below]


def _fitting(blocks: Iterable[_Block], room: int) -> list[_Block]:
    """Return the first blocks that fit into `room` lines. At most one more block is taken from `blocks`."""
    shown: list[_Block] = []
    for block in blocks:
        room -= len(block)
        if room < 0:
            break
        shown.append(block)
    return shown


def _warned(complete: Sequence[_Block], ids: Sequence[_Block], room: int) -> list[_Block]:
    """Return as many warnings as possible in `room` lines.

    The worst warnings are complete. If some warnings find no room, a warning whose title and id take several lines
    shows only its id.

    Args:
        complete: the lines of each warning, the worst first.
        ids: a line for each warning with its id.
        room: lines for the warnings.
    """
    short = [full if len(full) == 1 else line for full, line in zip(complete, ids, strict=False)]
    fitting = (_fitting([*complete[:whole], *short[whole:]], room) for whole in range(len(complete), 0, -1))
    return max(fitting, key=len, default=[])  # of equally many warnings, the most complete ones


def _verdict(canvas: Canvas, decision: Decision, step: ScreenStep) -> None:
    """Draw the pattern, and next to it what is lost, assumed or not known."""
    phrases, width = decision.phrases, canvas.width - _LABEL
    _headline(canvas, decision, (decision.core.pattern, "bold green"))
    lost = shown_rows(decision_wording.losses(decision), width, step, "features", phrases)
    nothing, certain = decision_wording.nothing_lost(decision)
    style = "bold red" if lost else ("green" if certain else "yellow")
    rows: list[tuple[str, Words]] = [(_label(phrases, "lost"), ("\n".join(lost) or nothing, style))]
    replaced = [f"{row.title}: {row.instead}" for row in decision.features if row.substituted]
    rows += [(_label(phrases, "replaced"), text) for text in shown_rows(replaced, width, step, "features", phrases)]
    rows += [(_label(phrases, "assumed"), (text, "yellow")) for text in assumption_rows(decision, width, step)]
    doubts = decision_wording.unsure(decision)
    if step.brief and decision.doubted:
        kept, more = phrases["screen.unsure.kept"], phrases["screen.and-more"]
        doubts[0] = first_names(decision.doubted, width, more, "", kept)
    doubts = shown_rows(doubts, width, step, "answer", phrases)
    rows += [(_label(phrases, "unsure"), ("\n".join(doubts), "yellow"))] if doubts else []
    _labelled(canvas, rows)


def _labelled(canvas: Canvas, rows: Iterable[tuple[str, Words]]) -> None:
    canvas.pairs([(f"{label:<{_LABEL - 2}}", words) for label, words in rows], indent=0, styles=["bold"])


def _headline(canvas: Canvas, decision: Decision, verdict: tuple[str, str]) -> None:
    """Draw the service and the verdict. A name that takes more than a third of the line is cut."""
    name, width = str(decision.requirements["service"]), canvas.width
    name = name if len(name) <= width // 3 else f"{name[: width // 3 - 3]}..."
    canvas.line((name, "bold"), ": ", verdict, f", {decision.means}")


def _label(phrases: Mapping[str, str], name: str) -> str:
    """Return the label of a row."""
    return phrases[f"screen.label.{name}"]


def _settings(canvas: Canvas, decision: Decision, step: ScreenStep) -> None:
    """Draw the flags or modes, the instances, the session affinity, and the rule that decides the pattern."""
    phrases = decision.phrases
    pairs: list[tuple[str, Words]] = [*decision_wording.switch_rows(decision)]
    if decision.tiers and decision.kind == "python":
        _tiers(canvas, decision)
    rule = decision.reason
    single = not decision.tiers or decision.kind != "python"
    instances, affinity = decision_wording.instances_text(decision), decision_wording.affinity_text(decision)
    rows = [("flags", change_wording.flags_text(decision.core, "python", phrases))] if decision.kind == "python" else []
    rows = [*(rows if single else []), *([("instances", instances)] if single else []), ("affinity", affinity)]
    if step.brief:
        rows = _together(rows, phrases, canvas.width - _LABEL - 1)
    styles = {"flags": "bold cyan"}
    pairs += [(_label(phrases, name), (text, styles.get(name, ""))) for name, text in rows]
    label = max(_LABEL, *(len(name) + 2 for name, _ in pairs))
    why = _reason(rule, canvas.width - label, step)
    pairs.append((_label(phrases, "why"), [why, (f" ({rule.id})", "dim")]))
    _labelled(canvas, pairs)


def _together(rows: list[tuple[str, str]], phrases: Mapping[str, str], room: int) -> list[tuple[str, str]]:
    """Put the instances on the line of the affinity, or else on the line of the flags, if both fit."""
    for first in ("instances", "flags"):
        at = next((index for index, (name, _) in enumerate(rows[:-1]) if name == first), -1)
        if at < 0:
            continue
        (name, text), (second, more) = rows[at : at + 2]
        line = f"{text}; {_label(phrases, second).lower()}: {more}"
        if len(line) <= room:
            return [*rows[:at], (name, line), *rows[at + 2 :]]
    return rows


def _reason(rule: Rule, width: int, step: ScreenStep) -> str:
    """Return the reason of a rule, with room for the id in the last line; in a brief step, only the first sentence."""
    return whole_sentences(rule.because, 0 if step.brief else step.why * width - len(rule.id) - 3)


def _tiers(canvas: Canvas, decision: Decision) -> None:
    phrases = decision.phrases
    heads: list[Words] = [(head, "dim") for head in phrases["screen.tiers"].split(", ")]
    rows: list[list[Words]] = []
    for tier in decision.tiers:
        flags = (str(flag) for flag in tier.core.flags)
        tools = first_names(tier.tools, canvas.width - 50, phrases["screen.and-more"], "") if tier.tools else ""
        rows.append([(tier.name, "bold"), str(tier.instances), *((flag, "bold cyan") for flag in flags)])
        rows[-1].append(tools or phrases["screen.other-tools"])
    canvas.pairs([heads, *rows], indent=0)


def _listed(decision: Decision) -> list[FeatureRow]:
    """Return the needed features of the table. Plain calls are in it if they fail; features of a doubt are not."""
    rows = [row for row in decision.needed if row.feature not in decision.doubted]
    return [row for row in rows if row.feature != "plain" or row.lost]


def _features(canvas: Canvas, decision: Decision, step: ScreenStep) -> None:
    """Draw the needed features. Neighbours with equal outcomes share a row. Plain calls have a row if they fail."""
    phrases, rows = decision.phrases, _listed(decision)
    preferred = any(row.need == "preferred" for row in rows)
    heads = [
        [phrases["screen.features"], *(phrases["full.features.clients"].format(era=era.capitalize()) for era in ERAS)],
        [phrases["screen.preferred-mark"] if preferred else "", *(_era_words(decision, era) for era in ERAS)],
    ]
    table: list[list[tuple[str, str]]] = []
    for cells, group in groupby(rows, key=lambda row: [_outcome(cell, row, decision) for _, cell in row.cells]):
        titles = ", ".join(f"{row.title}{' *' if row.need == 'preferred' else ''}" for row in group)
        table.append([(titles, ""), *cells])
    hidden = len(table) - len(table[: step.most])
    table = [*([(head, "dim") for head in row] for row in heads), *table[: step.most]]
    widths = column_widths([[text for text, _ in row] for row in table], canvas.width)
    canvas.pairs(
        [[(fill(text, width), style) for (text, style), width in zip(row, widths, strict=True)] for row in table],
        indent=0,
    )
    if hidden:
        canvas.line((phrases["screen.hidden"].format(number=hidden, section="features"), "dim"))


def _era_words(decision: Decision, era: Era) -> str:
    """Return the protocol of an era, and a note if its clients are not expected or not served."""
    notes = [decision.phrases[f"screen.era.{era}"], decision_wording.era_note(decision, era)]
    return f"({'; '.join(filter(None, notes))})"


def _outcome(cell: EraCell, row: FeatureRow, decision: Decision) -> tuple[str, str]:
    """Return the words of a cell with their style. A feature that works has the call that the server uses."""
    phrases, words = decision.phrases, cell.words
    works = phrases["outcome.works"]
    conditional = phrases["outcome.works-if"].format(works=works, condition="")
    if decision.kind == "python" and row.feature != "plain" and cell.call and words.startswith((works, conditional)):
        call = phrases["outcome.call"].partition("{")[0]
        given = words.removeprefix(conditional) if words != works else ""
        conditions = [part for part in given.split(" and ") if part and not part.startswith(call)]
        if conditions:
            works = phrases["outcome.works-if"].format(works=works, condition=" and ".join(conditions))
        words = phrases["screen.works-with"].format(works=works, call=_call(cell.call, row, decision))
    if not cell.named:
        return (words, "dim")
    return (words, "green") if cell.outcome == "works" else (f"! {words}", "bold red")


def _call(name: str, row: FeatureRow, decision: Decision) -> str:
    """Return a call as server code contains it, or its short name if the call is long or a description."""
    short = decision.short_call(row.feature, name)
    return short if short and (" " in name or len(name) > _CALL) else name


def _heading(canvas: Canvas, decision: Decision, section: str, hidden: int) -> None:
    """Draw the heading of a list: it says how many entries are hidden, and which option shows them."""
    phrases = decision.phrases
    more = f" {phrases['screen.hidden'].format(number=hidden, section=section)}" if hidden else ""
    canvas.line((phrases[f"screen.{section}"], "bold"), (more, "dim"))


def _warning(canvas: Canvas, warning: Finding) -> None:
    """Draw a warning with its id. No title is cut: its end can be what matters."""
    severity = (f"{warning.severity:<6}", SEVERITY_STYLES[warning.severity])
    canvas.pairs([(severity, [warning.title, (f" ({warning.id})", "dim")])], indent=2)


def _warning_id(canvas: Canvas, warning: Finding) -> None:
    """Draw the id of a warning. `explain` shows the warning with this id."""
    canvas.line((f"{warning.severity:<6}", SEVERITY_STYLES[warning.severity]), f"  {warning.id}", indent=2)


def _change(canvas: Canvas, decision: Decision, shift: change_wording.Shift) -> None:
    result = decision.phrases[f"screen.pattern.{shift.phrase}"] if shift.phrase else shift.parts
    change, then = change_and_result(shift.change, result, canvas.width - 2)
    canvas.line(f"{change} -> ", (then, "" if shift.feasible else "bold red"), indent=2)


def _next(canvas: Canvas, decision: Decision) -> None:
    """Draw the commands that come next."""
    file = decision_wording.file_argument(decision)
    canvas.line((decision.phrases["screen.next"], "bold"))
    if decision.kind == "python" and (reason := no_kit(decision)):
        canvas.line(reason, indent=2)
    elif decision.kind == "python":
        canvas.code(f"  mcp-advisor generate {file} -o kit\n  mcp-advisor verify kit")
    canvas.code(f"  mcp-advisor recommend {file} --full")


def _contradiction(decision: Decision, screen: Screen, menu: int) -> _Block:
    """Draw what cannot be kept, then the changes that resolve the contradiction, in the step that shows most changes.

    A step that hides features which cannot be kept is used only if no other step shows a change.
    """
    phrases, draw = decision.phrases, partial(_drawn, screen)
    urgent = [finding for finding in decision.warnings if finding.severity == "high"][:_URGENT]
    warned: _Block = []
    if urgent:
        warned = draw(_heading, decision, "warnings", len(decision.warnings) - len(urgent))
        warned += chain.from_iterable(draw(_warning, warning) for warning in urgent)
    warned += draw(Canvas.line, (phrases["screen.remedies" if decision.alternatives else "screen.no-remedy"], "bold"))
    ways = decision.alternatives
    titled = zip(ways, fix_titles([way.titles for way in ways], phrases), strict=True)
    remedies = _fitting((draw(_remedy, decision, *way, number) for number, way in enumerate(titled, 1)), LINES)
    best: _Block = []
    most = -1
    for step in _STEPS:
        if step.most is not None and most > 0:
            break
        lines = [*draw(_unmet, decision, step), *([""] if step.gaps else []), *warned]
        room = LINES - menu - len(lines)
        complete = len(remedies) == len(ways) and sum(map(len, remedies)) <= room
        shown = _fitting(remedies, room - (not complete))
        if hidden := len(ways) - len(shown):
            shown.append(draw(Canvas.line, (phrases["screen.hidden"].format(number=hidden, section="answer"), "dim")))
        count = len(ways) - hidden if room >= bool(hidden) else -1
        if count > most or not best:
            best, most = [*lines, *chain.from_iterable(shown)], count
    return best


def _unmet(canvas: Canvas, decision: Decision, step: ScreenStep) -> None:
    """Draw the verdict of a contradiction: the features that cannot be kept, what is assumed, and why."""
    phrases, width = decision.phrases, canvas.width - _LABEL
    rule = decision.verdict.rule
    _headline(canvas, decision, (phrases["screen.contradiction"], "bold red"))
    never = phrases["screen.never"]
    unmet = [f"{row.title}: {decision_wording.lost_for(row, phrases) or never}" for row in decision.unmet]
    pairs: list[tuple[str, Words]] = [
        (_label(phrases, "unmet"), (text, "bold red")) for text in shown_rows(unmet, width, step, "features", phrases)
    ]
    pairs += [(_label(phrases, "assumed"), (text, "yellow")) for text in assumption_rows(decision, width, step)]
    pairs.append((_label(phrases, "why"), [_reason(rule, width, step), (f" ({rule.id})", "dim")]))
    _labelled(canvas, pairs)


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
