"""The answer of a decision on one screen of a terminal. Details follow on request.

The verdict, what is lost or assumed, the settings, the needed features and the next commands come first. The other
lines show warnings, the worst first, and changes that lead to another decision. A long answer becomes shorter in steps
(`STEPS`), until it fits. Each shortened part says how many entries are hidden, and which option shows them.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from itertools import chain, groupby
from textwrap import fill

from advisor.console.canvas import Canvas, Screen, Words
from advisor.decision.kit_support import no_kit
from advisor.decision.model import Decision, EraCell, FeatureRow
from advisor.knowledge.types import ERAS, Era
from advisor.report import change_wording, decision_wording
from advisor.report.contradiction_screen import contradiction_screen
from advisor.report.line_fitting import (
    change_and_result,
    column_widths,
    first_names,
    whole_sentences,
)
from advisor.report.screen_parts import (
    LABEL,
    LINES,
    WIDTH,
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
from advisor.report.screen_rows import STEPS, TIGHT, WHOLE, ScreenStep, assumption_rows, shown_rows

RECORDS = "adr/"
"""The folder for the document, in the commands that come next."""
_CHANGES = 2  # so many changes have priority over all warnings except the worst
_WARNINGS = 3  # so many warnings have priority over complete texts
_TOOLS = 30  # columns that the table of tiers needs for the names of tools
_CALL = 30  # columns of the longest call that the feature table shows in full


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
    draw = _answer if decision.feasible else contradiction_screen
    lines = draw(decision, narrow, menu)
    return "\n".join(lines) + "\n"


def _above_menu(decision: Decision) -> Decision:
    """Return the decision with words that name an entry of the menu where the answer names an option of `recommend`."""
    phrases = decision.phrases
    return decision.with_phrases({name: phrases[f"{name}.menu"] for name in ("screen.hidden", "screen.more")})


def _answer(decision: Decision, screen: Screen, menu: int) -> ScreenBlock:
    """Draw the answer in the first step that leaves room for `_CHANGES` changes and for its warnings.

    A step with empty lines needs room for all warnings, a step with complete texts for `_WARNINGS` of them, and a brief
    step for the worst. If no step with all rows has this room, a step with room for a change decides, or else the
    first step with room for the worst warning.
    """
    draw, most = partial(drawn, screen), LINES - menu
    below = [] if menu else draw(_next, decision)
    shifts, further = change_wording.shifts(decision)
    changes = [draw(_change, decision, shift) for shift in shifts[:_CHANGES]]
    changes_lines, least = (len(changes) + 1, 2) if changes else (0, 0)
    warnings = fitting((draw(draw_warning, warning) for warning in decision.warnings), LINES)
    above: list[ScreenBlock] = []
    step, worst, room = WHOLE[0], 0, 0
    wishes = [*((step, changes_lines) for step in WHOLE), *((step, least) for step in (WHOLE[-1], TIGHT))]
    wishes += [(step, 1) for step in (WHOLE[-1], TIGHT)] if changes else []
    wishes += [(step, 0) for step in STEPS if step.brief]
    for step, wanted in wishes:
        # Warnings are worth more than empty lines, and the first ones more than complete texts.
        first = warnings[: LINES if step.gaps else 1 if step.brief else _WARNINGS]
        worst = sum(map(len, first)) + 1 if first else 0
        parts = (_verdict, _settings, *([_features] if _listed(decision) else []))
        above = [draw(part, decision, step) + ([""] if step.gaps else []) for part in parts]
        room = most - sum(map(len, (*above, below)))
        if room >= worst + wanted:
            break
    shown = fitting(changes, room - worst - 1)
    alone = draw(_only_change, decision, shifts[0]) if shifts and not shown and room > worst else []
    room -= (sum(map(len, shown)) + 1 if shown else len(alone)) + 1
    warned = fitting(warnings, room)
    lines = list(chain.from_iterable(above))
    if warnings:
        lines += draw(draw_heading, decision, "warnings", len(decision.warnings) - len(warned))
        lines += chain.from_iterable(warned)
    if shown:
        lines += draw(draw_heading, decision, "changes", len(shifts) - len(shown) + further)
        lines += chain.from_iterable(shown)
    return [*lines, *alone, *below]


def _verdict(canvas: Canvas, decision: Decision, step: ScreenStep) -> None:
    """Draw the pattern, and next to it what is lost, assumed or not known."""
    phrases, width = decision.phrases, canvas.width - LABEL
    draw_headline(canvas, decision, (decision.core.pattern, "bold green"))
    lost = shown_rows(decision_wording.losses(decision), width, step, "features", phrases)
    nothing, certain = decision_wording.nothing_lost(decision)
    style = "bold red" if lost else ("green" if certain else "yellow")
    rows: list[tuple[str, Words]] = [(label(phrases, "lost"), ("\n".join(lost) or nothing, style))]
    replaced = [f"{row.title}: {row.instead}" for row in decision.features if row.substituted]
    rows += [(label(phrases, "replaced"), text) for text in shown_rows(replaced, width, step, "features", phrases)]
    rows += [(label(phrases, "assumed"), (text, "yellow")) for text in assumption_rows(decision, width, step)]
    doubts = decision_wording.unsure(decision)
    if step.brief and decision.doubted:
        kept, more = phrases["screen.unsure.kept"], phrases["screen.and-more"]
        doubts[0] = first_names(decision_wording.kept_for_a_doubt(decision, brief=True), width, more, "", kept)
    doubts = shown_rows(doubts, width, step, "answer", phrases)
    rows += [(label(phrases, "unsure"), ("\n".join(doubts), "yellow"))] if doubts else []
    draw_rows(canvas, rows)


def _settings(canvas: Canvas, decision: Decision, step: ScreenStep) -> None:
    """Draw the flags or modes, the instances, the session affinity, and the rule that decides the pattern."""
    phrases = decision.phrases
    pairs: list[tuple[str, Words]] = [*_switches(decision, canvas.width, step)]
    if decision.tiers and decision.kind == "python":
        _tiers(canvas, decision)
    rule = decision.reason
    single = not decision.tiers or decision.kind != "python"
    instances, affinity = decision_wording.instances_text(decision), decision_wording.affinity_text(decision)
    rows = [("flags", change_wording.flags_text(decision.core, "python", phrases))] if decision.kind == "python" else []
    rows = [*(rows if single else []), *([("instances", instances)] if single else []), ("affinity", affinity)]
    if step.brief:
        rows = _together(rows, phrases, canvas.width - LABEL - 1)
    styles = {"flags": "bold cyan"}
    pairs += [(label(phrases, name), (text, styles.get(name, ""))) for name, text in rows]
    taken = max(LABEL, *(len(name) + 2 for name, _ in pairs))
    why, source = reason(rule, canvas.width - taken, step), f" ({rule.id})"
    shared = f"; {label(phrases, 'affinity').lower()}: {affinity}"
    if step.brief and not single and len(why) + len(source) + len(shared) <= canvas.width - taken:
        pairs[-1:] = [(label(phrases, "why"), [why, (source, "dim"), shared])]
    else:
        pairs.append((label(phrases, "why"), [why, (source, "dim")]))
    draw_rows(canvas, pairs)


def _switches(decision: Decision, width: int, step: ScreenStep) -> list[tuple[str, str]]:
    """Return the modes with their settings. In a brief step, the settings of a tier are single sentences."""
    if not (decision.tiers and step.brief):
        return decision_wording.switch_rows(decision)
    settings = [(tier.name, switch) for tier in decision.tiers for switch in tier.settings]
    return [
        (switch.mode.capitalize(), whole_sentences(f"{name} tier: {switch.how}", width - LABEL))
        for name, switch in settings
    ]


def _together(rows: list[tuple[str, str]], phrases: Mapping[str, str], room: int) -> list[tuple[str, str]]:
    """Put the instances on the line of the affinity, or else on the line of the flags, if both fit."""
    for first in ("instances", "flags"):
        at = next((index for index, (name, _) in enumerate(rows[:-1]) if name == first), -1)
        if at < 0:
            continue
        (name, text), (second, more) = rows[at : at + 2]
        line = f"{text}; {label(phrases, second).lower()}: {more}"
        if len(line) <= room:
            return [*rows[:at], (name, line), *rows[at + 2 :]]
    return rows


def _tiers(canvas: Canvas, decision: Decision) -> None:
    """Draw a table of the tiers, or two lines for each tier if the table leaves no room for the names of tools."""
    phrases = decision.phrases
    room, more = canvas.width - 50, phrases["screen.and-more"]
    if room < _TOOLS:
        rows: list[tuple[str, Words]] = []
        for tier in decision.tiers:
            count = f"{label(phrases, 'instances').lower()}: {tier.instances}; "
            named = first_names(tier.tools, canvas.width - LABEL - 1 - len(count), more, "") if tier.tools else ""
            rows.append((tier.name, (change_wording.flags_text(tier.core, "python", phrases), "bold cyan")))
            rows.append(("", f"{count}{named or phrases['screen.other-tools']}"))
        draw_rows(canvas, rows)
        return
    heads: list[Words] = [(head, "dim") for head in phrases["screen.tiers"].split(", ")]
    table: list[list[Words]] = []
    for tier in decision.tiers:
        flags = (str(flag) for flag in tier.core.flags)
        tools = first_names(tier.tools, room, more, "") if tier.tools else ""
        table.append([(tier.name, "bold"), str(tier.instances), *((flag, "bold cyan") for flag in flags)])
        table[-1].append(tools or phrases["screen.other-tools"])
    canvas.pairs([heads, *table], indent=0)


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
        [phrases["screen.preferred-mark"] if preferred else "", *(_era_words(decision, era, step) for era in ERAS)],
    ]
    table: list[list[tuple[str, str]]] = []
    for cells, group in groupby(rows, key=lambda row: [_outcome(cell, row, decision) for _, cell in row.cells]):
        titles = ", ".join(f"{row.title}{' *' if row.need == 'preferred' else ''}" for row in group)
        table.append([(titles, ""), *cells])
    hidden = len(table) - len(table[: step.most])
    table = [*([(head, "dim") for head in row] for row in heads), *table[: step.most]]
    widths = column_widths(tuple(tuple(text for text, _ in row) for row in table), canvas.width)
    canvas.pairs(
        [[(fill(text, width), style) for (text, style), width in zip(row, widths, strict=True)] for row in table],
        indent=0,
    )
    if hidden:
        canvas.line((phrases["screen.hidden"].format(number=hidden, section="features"), "dim"))


def _era_words(decision: Decision, era: Era, step: ScreenStep) -> str:
    """Return the protocol of an era, and a note if its clients are not expected or not served.

    In a tight step, this note is short. Clients that fall back have none, because each cell says so.
    """
    state, note = decision.facts[f"era.{era}"], decision_wording.era_note(decision, era)
    if step.tight and note and state in ("falls-back", "not-named"):
        note = decision.phrases["screen.era.none"] if state == "not-named" else ""
    return f"({'; '.join(filter(None, (decision.phrases[f'screen.era.{era}'], note)))})"


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
        if given or cell.call not in decision.rewrites(row.feature):  # a session works, too
            words = phrases["screen.works-with"].format(works=works, call=_call(cell.call, row, decision))
    if decision.facts["sdk.measured"] == "no" and cell.named and decision.kind == "python":
        words = phrases["screen.not-measured.cell"].format(words=words)
    if not cell.named:
        return (words, "dim")
    return (words, "green") if cell.outcome == "works" else (f"! {words}", "bold red")


def _call(name: str, row: FeatureRow, decision: Decision) -> str:
    """Return a call as server code contains it, or its short name if the call is long or a description."""
    short = decision.short_call(row.feature, name)
    return short if short and (" " in name or len(name) > _CALL) else name


def _change(canvas: Canvas, decision: Decision, shift: change_wording.Shift) -> None:
    change, then = change_and_result(shift.change, _result(decision, shift), canvas.width - 2)
    canvas.line(f"{change} -> ", (then, "" if shift.feasible else "bold red"), indent=2)


def _only_change(canvas: Canvas, decision: Decision, shift: change_wording.Shift) -> None:
    """Draw a change with its heading on a line."""
    phrase = decision.phrases["screen.changes.only"]
    change, then = change_and_result(
        shift.change, _result(decision, shift), canvas.width - len(phrase.format(change=""))
    )
    canvas.line((phrase.format(change=change), "bold"), (then, "" if shift.feasible else "bold red"))


def _result(decision: Decision, shift: change_wording.Shift) -> str:
    return decision.phrases[f"screen.pattern.{shift.phrase}"] if shift.phrase else shift.parts


def _next(canvas: Canvas, decision: Decision) -> None:
    """Draw the commands that come next."""
    file = decision_wording.file_argument(decision)
    canvas.line((decision.phrases["screen.next"], "bold"), (f" {decision.phrases['screen.further-commands']}", "dim"))
    if decision.kind == "python" and (reason := no_kit(decision)):
        canvas.line(reason, indent=2)
    elif decision.kind == "python":
        canvas.code(f"  mcp-advisor generate {file} -o kit\n  mcp-advisor verify kit")
    if decision.kind == "python" and decision.facts["sdk.measured"] == "no":
        command = decision.phrases["screen.not-measured.command"].format(sdk=decision.requirements["sdk"])
        canvas.code(f"  {command}")
    canvas.code(f"  mcp-advisor document {file} -o {RECORDS}")
