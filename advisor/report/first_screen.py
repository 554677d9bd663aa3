"""The answer of a decision on one screen of a terminal. Details follow on request.

The verdict, what is lost or assumed, the settings, the needed features and the next commands are always complete. The
other lines show warnings, the worst first, and changes that lead to another decision. The headings say how many are
hidden.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import accumulate, chain, groupby
from typing import TypeAlias

from advisor.console.canvas import Canvas, Screen, Words
from advisor.decision.model import Alternative, Decision, EraCell, FeatureRow
from advisor.findings import Finding
from advisor.knowledge.types import ERAS, Era
from advisor.report import decision_wording
from advisor.report.decision_summary import SEVERITY_STYLES
from advisor.sentences import first_sentences

LINES = 23
"""The most lines of the answer. A terminal with 24 lines shows a prompt below them."""
WIDTH = 80
"""The longest line in columns. Commands to copy are never wrapped and can be longer."""

_CHANGES = 2  # so many changes have priority over the last warnings
_WARNINGS = 3  # so many warnings have priority over all changes
_URGENT = 2  # so many warnings of high severity are shown before the changes that resolve a contradiction
_WHY_LINES = 2
_LABEL = 10  # columns that a label and the space after it take

_Block: TypeAlias = list[str]
"""Drawn lines that are shown together or not at all."""


def first_screen(decision: Decision, screen: Screen, menu: int = 0) -> str:
    """Return the answer of a decision, in at most `LINES` lines if the screen has `WIDTH` columns or more.

    With many needed or lost features, the answer can be longer, because these are always complete.

    Args:
        decision: the decision.
        screen: the abilities of the output.
        menu: lines of a menu that stands below the answer, instead of the next commands.
    """
    narrow = screen._replace(width=min(screen.width, WIDTH))
    draw = _answer if decision.feasible else _contradiction
    lines = draw(decision, narrow, menu)
    return "\n".join(lines) + "\n"


def _drawn(screen: Screen, draw: Callable[..., None], *arguments: object) -> _Block:
    """Return the lines that `draw` draws. Each part of the answer is drawn once, because drawing takes time."""
    canvas = Canvas(screen)
    draw(canvas, *arguments)
    return canvas.text().splitlines()


def _answer(decision: Decision, screen: Screen, menu: int) -> _Block:
    """Draw the answer: with empty lines between its parts, if that leaves room for the most important warnings."""
    draw = partial(_drawn, screen)
    above = [draw(part, decision) for part in (_verdict, _settings, *([_features] if _listed(decision) else []))]
    below = [] if menu else draw(_next, decision)
    most = LINES - menu
    room = most - sum(map(len, (*above, below)))
    warnings = [draw(_warning, warning) for warning in decision.warnings[: max(room, _WARNINGS)]]
    shifts, further = decision_wording.shifts(decision)
    changes = [draw(_change, shift) for shift in shifts[:_CHANGES]]

    def arranged(room: int, *, gaps: bool) -> _Block:
        urgent = warnings[:_WARNINGS]
        shown = _fitting(changes, room - sum(map(len, urgent)) - 2)
        warned = _fitting(warnings, room - sum(map(len, shown)) - bool(shown) - 1)
        if len(warned) < len(urgent) and gaps:
            warned = urgent
        elif not warned:  # the worst warning is never hidden
            warned = warnings[:1]
        lines = [line for part in above for line in [*part, *([""] if gaps else [])]]
        if warnings:
            lines += draw(_heading, decision, "warnings", len(decision.warnings) - len(warned))
            lines += chain.from_iterable(warned)
        if shown:
            lines += draw(_heading, decision, "changes", len(shifts) - len(shown) + further)
            lines += chain.from_iterable(shown)
        return [*lines, *below]

    airy = arranged(room - len(above), gaps=True)
    return airy if len(airy) <= most else arranged(room, gaps=False)


def _fitting(blocks: Sequence[_Block], room: int) -> list[_Block]:
    """Return the first blocks that fit into `room` lines."""
    ends = accumulate(map(len, blocks))
    return [block for block, end in zip(blocks, ends, strict=True) if end <= room]


def _verdict(canvas: Canvas, decision: Decision) -> None:
    """Draw the pattern, and next to it what is lost, assumed or not known."""
    service = (str(decision.requirements["service"]), "bold")
    canvas.line(service, "  ", (decision.core.pattern, "bold green"), f": {decision.means}")
    lost = decision_wording.losses(decision)
    nothing, certain = decision_wording.nothing_lost(decision)
    style = "bold red" if lost else ("green" if certain else "yellow")
    labels = _labels(decision)
    rows: list[tuple[str, Words]] = [(labels["lost"], ("\n".join(lost) or nothing, style))]
    rows += [(labels["replaced"], f"{row.title}: {row.instead}") for row in decision.features if row.substituted]
    rows += [(labels["assumed"], (text, "yellow")) for text in _assumptions(decision, canvas.width - _LABEL)]
    doubts = decision_wording.unsure(decision)
    rows += [(labels["unsure"], ("\n".join(doubts), "yellow"))] if doubts else []
    canvas.pairs([(f"{label:<{_LABEL - 2}}", words) for label, words in rows], indent=0, styles=["bold"])


def _labels(decision: Decision) -> Mapping[str, str]:
    """Return the labels of the rows."""
    start = "screen.label."
    return {key.removeprefix(start): text for key, text in decision.knowledge.phrases.items() if key.startswith(start)}


def _assumptions(decision: Decision, width: int) -> list[str]:
    """Return what the decision assumes: unused features, features of an unmeasured server or release, and defaults."""
    phrases = decision.knowledge.phrases
    unused = ", ".join(row.feature for row in decision.assumed_unused)
    texts = [phrases["screen.unused"].format(names=unused)] if unused else []
    if decision.assumption:
        said = _first_sentences(decision.assumption, width)
        more = f" {phrases['screen.more'].format(section='assumptions')}" if said != decision.assumption else ""
        texts.append(f"{said}{more}")
    elif decision.facts["sdk.measured"] == "no":
        texts.append(decision_wording.sdk_text(decision))
    defaults = [
        f"{name}: {value}" for name, value in decision_wording.assumed(decision) if not name.startswith("needs.")
    ]
    if defaults:
        texts.append(_cropped(defaults, width, phrases["screen.hidden"], section="assumptions"))
    return texts


def _cropped(names: Sequence[str], width: int, more: str, section: str) -> str:
    """Return the first names that fit into a line of `width` columns, and how many names are hidden."""
    for count in range(len(names), 0, -1):
        hidden = len(names) - count
        text = ", ".join(names[:count]) + (f" {more.format(number=hidden, section=section)}" if hidden else "")
        if len(text) <= width:
            return text
    return more.format(number=len(names), section=section)


def _settings(canvas: Canvas, decision: Decision) -> None:
    """Draw the flags or modes, the instances, the session affinity, and the rule that decides the pattern."""
    labels = _labels(decision)
    pairs: list[tuple[str, Words]] = [*decision_wording.switch_rows(decision)]
    if decision.tiers and decision.kind == "python":
        _tiers(canvas, decision)
    elif decision.kind == "python":
        pairs.append((labels["flags"], (decision_wording.flags_text(decision.core, decision.kind), "bold cyan")))
    if not decision.tiers or decision.kind != "python":
        pairs.append((labels["instances"], decision_wording.instances_text(decision)))
    rule = decision.verdict.rule
    pairs.append((labels["affinity"], decision_wording.affinity_text(decision)))
    label = max(_LABEL, *(len(name) + 2 for name, _ in pairs))
    why = _first_sentences(f"{rule.because}", _WHY_LINES * (canvas.width - label) - len(rule.id) - 3)
    pairs.append((labels["why"], [why, (f" ({rule.id})", "dim")]))
    canvas.pairs([(f"{name:<{_LABEL - 2}}", words) for name, words in pairs], indent=0, styles=["bold"])


def _tiers(canvas: Canvas, decision: Decision) -> None:
    phrases = decision.knowledge.phrases
    heads: list[Words] = [(head, "dim") for head in phrases["screen.tiers"].split(", ")]
    rows: list[list[Words]] = []
    for tier in decision.tiers:
        flags = (str(flag) for flag in tier.core.flags)
        tools = _cropped(tier.tools, canvas.width - 50, phrases["screen.hidden-tools"], "") if tier.tools else ""
        rows.append([(tier.name, "bold"), str(tier.instances), *((flag, "bold cyan") for flag in flags)])
        rows[-1].append(tools or phrases["screen.other-tools"])
    canvas.pairs([heads, *rows], indent=0)


def _first_sentences(text: str, length: int) -> str:
    """Return the first sentences of a text that have at most `length` characters together; at least one sentence."""
    return first_sentences(text, lambda shown: len(shown) <= length)


def _listed(decision: Decision) -> list[FeatureRow]:
    return [row for row in decision.needed if row.feature != "plain" or row.lost]


def _features(canvas: Canvas, decision: Decision) -> None:
    """Draw the needed features. Neighbours with equal outcomes share a row. Plain calls have a row if they fail."""
    phrases, rows = decision.knowledge.phrases, _listed(decision)
    preferred = any(row.need == "preferred" for row in rows)
    heads = [phrases["screen.features.preferred" if preferred else "screen.features"]]
    heads += [_head(decision, era) for era in ERAS]
    table: list[Sequence[Words]] = [[(head, "dim") for head in heads]]
    for _, group in groupby(rows, key=lambda row: (row.legacy.words, row.modern.words)):
        alike = list(group)
        titles = ", ".join(f"{row.title}{' *' if row.need == 'preferred' else ''}" for row in alike)
        table.append([titles, *(_outcome(cell, phrases) for _, cell in alike[0].cells)])
    canvas.pairs(table, indent=0)


def _head(decision: Decision, era: Era) -> str:
    note = decision_wording.era_note(decision, era)
    return f"{era.capitalize()} clients" + (f" ({note})" if note else "")


def _outcome(cell: EraCell, phrases: Mapping[str, str]) -> Words:
    """Return the words of a cell. A call that the tool must use is named in a short form, which fits the columns."""
    call = phrases["outcome.call"].partition("{")[0]
    needed = phrases["outcome.works-if"].format(works=phrases["outcome.works"], condition=call)
    words = cell.words
    if words.startswith(needed):
        name, _, condition = words.removeprefix(needed).partition(" and ")
        words = phrases["screen.works-with"].format(call=name)
        words = phrases["outcome.works-if"].format(works=words, condition=condition) if condition else words
    if not cell.named:
        return (words, "dim")
    return (words, "green") if cell.outcome == "works" else (f"! {words}", "bold red")


def _heading(canvas: Canvas, decision: Decision, section: str, hidden: int) -> None:
    """Draw the heading of a list: it says how many entries are hidden, and which option shows them."""
    phrases = decision.knowledge.phrases
    more = f" {phrases['screen.hidden'].format(number=hidden, section=section)}" if hidden else ""
    canvas.line((phrases[f"screen.{section}"], "bold"), (more, "dim"))


def _warning(canvas: Canvas, warning: Finding) -> None:
    severity = (f"{warning.severity:<6}", SEVERITY_STYLES[warning.severity])
    canvas.pairs([(severity, [warning.title, (f" ({warning.id})", "dim")])], indent=2)


def _change(canvas: Canvas, shift: decision_wording.Shift) -> None:
    canvas.line(f"{shift.change} -> ", (shift.then or shift.differs, "" if shift.feasible else "bold red"), indent=2)


def _next(canvas: Canvas, decision: Decision) -> None:
    """Draw the commands that come next."""
    file = decision_wording.file_argument(decision)
    canvas.line((decision.knowledge.phrases["screen.next"], "bold"))
    if decision.kind == "python":
        canvas.code(f"  mcp-advisor generate {file} -o kit\n  mcp-advisor verify kit")
    canvas.code(f"  mcp-advisor recommend {file} --full")


def _contradiction(decision: Decision, screen: Screen, menu: int) -> _Block:
    """Draw what cannot be kept, then the changes that resolve the contradiction."""
    phrases, draw = decision.knowledge.phrases, partial(_drawn, screen)
    lines = [*draw(_unmet, decision), ""]
    urgent = [finding for finding in decision.warnings if finding.severity == "high"][:_URGENT]
    if urgent:
        lines += draw(_heading, decision, "warnings", len(decision.warnings) - len(urgent))
        lines += chain.from_iterable(draw(_warning, warning) for warning in urgent)
    lines += draw(Canvas.line, (phrases["screen.remedies" if decision.alternatives else "screen.no-remedy"], "bold"))
    remedies = [draw(_remedy, decision, way, number) for number, way in enumerate(decision.alternatives, 1)]
    room = LINES - menu - len(lines)
    shown = _fitting(remedies, room - (sum(map(len, remedies)) > room))
    lines += chain.from_iterable(shown)
    if hidden := len(remedies) - len(shown):
        lines += draw(Canvas.line, (phrases["screen.hidden"].format(number=hidden, section="answer"), "dim"))
    return lines


def _unmet(canvas: Canvas, decision: Decision) -> None:
    """Draw the verdict of a contradiction: the features that cannot be kept, what is assumed, and why."""
    phrases, rule, labels = decision.knowledge.phrases, decision.verdict.rule, _labels(decision)
    service = (str(decision.requirements["service"]), "bold")
    canvas.line(service, "  ", ("contradiction", "bold red"), f": {decision.means}")
    unmet = [(row.title, decision_wording.lost_for(row) or phrases["screen.never"]) for row in decision.unmet]
    pairs: list[tuple[str, Words]] = [(labels["unmet"], (f"{title}: {text}", "bold red")) for title, text in unmet]
    pairs += [(labels["assumed"], (text, "yellow")) for text in _assumptions(decision, canvas.width - _LABEL)]
    why = _first_sentences(rule.because, 4 * (canvas.width - _LABEL) - len(rule.id) - 3)
    pairs.append((labels["why"], [why, (f" ({rule.id})", "dim")]))
    canvas.pairs([(f"{label:<{_LABEL - 2}}", words) for label, words in pairs], indent=0, styles=["bold"])


def _remedy(canvas: Canvas, decision: Decision, way: Alternative, number: int) -> None:
    change = decision_wording.change_text(decision, way)
    loses = decision.knowledge.phrases["screen.loses" if way.gives_up else "screen.loses-nothing"]
    result = f"{way.core.pattern}; {loses.format(names=', '.join(way.gives_up))}"
    lines: list[Sequence[Words]] = [((f"{number}.", "bold"), way.how)]
    canvas.pairs([*lines, ("", [(change, "cyan"), f" -> {result}" if change else result])], indent=0)
