"""The decision on a screen: the answer, then what works for whom, how it was reached and what would change it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from advisor.console.canvas import Canvas, Column, Screen, Words
from advisor.decision.model import Decision, EraCell, FeatureRow, Trace
from advisor.engine.table import show
from advisor.knowledge.types import ERAS, Era
from advisor.report import decision_wording
from advisor.report.decision_summary import count, draw_answer

_WIDE = 100  # columns from which the table has room for sentences
_OUTCOME_WIDTH = 21  # "! fails with an error" in a single line
_SEVERITY_STYLES = {"high": "bold red", "medium": "yellow", "low": "dim"}


def decision_text(decision: Decision, screen: Screen, trace: Trace | None = None) -> str:
    """The whole decision.

    Args:
        decision: what was decided.
        screen: what the output can show.
        trace: every rule tried, to append it.
    """
    canvas = Canvas(screen)
    draw_answer(canvas, decision)
    _features(canvas, decision)
    _disputes(canvas, decision)
    _path(canvas, decision)
    _warnings(canvas, decision)
    _shifts(canvas, decision)
    if decision.feasible:
        _alternatives(canvas, decision)
    _assumptions(canvas, decision)
    if trace:
        _explain(canvas, trace)
    _next(canvas, decision)
    return canvas.text()


def _features(canvas: Canvas, decision: Decision) -> None:
    canvas.heading("What works for whom" if decision.feasible else "What would work for whom")
    if not decision.feasible:
        canvas.line(f"With {decision_wording.flags_text(decision.core)} and no affinity:", indent=1)
    rows = [*decision.needed, *decision.unneeded]
    with_instead = canvas.width >= _WIDE and any(row.instead for row in rows)
    columns = [Column("Feature", least=12), Column("Need", fixed=True)]
    columns += [Column(_era_head(decision, era), least=14, most=_OUTCOME_WIDTH) for era in ERAS]
    if with_instead:
        columns.append(Column("What to do instead"))
    canvas.table(columns, ((_row(row, with_instead), "dim" if row.need == "none" else "") for row in rows))
    if not with_instead:
        for row in rows:
            if row.instead and not row.substituted:  # what is substituted stands in the answer
                canvas.line((f"Instead of {row.title.lower()}: ", "bold"), row.instead, indent=1)
                canvas.gap()
    canvas.line(("How the needed ones travel", "bold"), indent=1)
    for row in decision.needed:
        canvas.line(row.title, indent=1)
        hows: list[Sequence[Words]] = [(era, (cell.how, "" if cell.named else "dim")) for era, cell in row.cells]
        canvas.pairs(hows, indent=3, styles=["dim"])


def _era_head(decision: Decision, era: Era) -> str:
    note = decision_wording.era_note(decision, era)
    return f"{era.capitalize()} clients" + (f"\n({note})" if note else "")


def _row(row: FeatureRow, with_instead: bool) -> list[Words]:
    need = "always" if row.feature == "plain" else ("-" if row.need == "none" else row.need)
    mark = (" *", "yellow") if row.documented else ""
    title: Words = [(row.title, "bold" if row.need == "required" else ""), mark]
    texts: list[Words] = [title, need, *(_outcome(row, cell) for _, cell in row.cells)]
    return [*texts, row.instead or ""] if with_instead else texts


def _outcome(row: FeatureRow, cell: EraCell) -> Words:
    if row.need == "none" or not cell.named:
        return (cell.words, "dim")
    return (cell.words, "green") if cell.outcome == "works" else (f"! {cell.words}", "bold red")


def _disputes(canvas: Canvas, decision: Decision) -> None:
    disputed = [row for row in decision.needed if row.documented]
    others = [row.title for row in decision.unneeded if row.documented]
    if not disputed and not others:
        return
    canvas.heading("* Published guides say something else")
    for row in disputed:
        lines: list[Sequence[Words]] = [("guides say", row.documented or "")]
        lines += [
            ("observed" if not number else "", seen) for number, seen in enumerate(decision_wording.evidence(row))
        ]
        canvas.line((row.title, "bold"), indent=1)
        canvas.pairs(lines, indent=3, styles=["yellow"])
    if others:
        canvas.line((f"Not needed here, but also different: {', '.join(others)}.", "dim"), indent=1)


def _path(canvas: Canvas, decision: Decision) -> None:
    canvas.heading("How the decision was reached")
    canvas.tree(
        decision.requirements.name,
        [
            [
                (step.question, "bold"),
                [(step.rule.id, "cyan"), f" {step.rule.because}"],
                ("; ".join(decision_wording.fact_texts(step)), "dim"),
            ]
            for step in decision.path
        ],
    )


def _warnings(canvas: Canvas, decision: Decision) -> None:
    if not decision.warnings:
        return
    canvas.heading("Warnings")
    for severity, group in groupby(decision.warnings, key=lambda warning: warning.severity):
        canvas.line((severity, _SEVERITY_STYLES[severity]))
        for warning in group:
            canvas.line((warning.title, "bold"), (f"  {warning.id}", "dim"), indent=2)
            canvas.line(warning.message, indent=4)
            canvas.line(("Fix: ", "green"), warning.fix.text, indent=4)


def _shifts(canvas: Canvas, decision: Decision) -> None:
    shifts, more = decision_wording.shifts(decision)
    if not shifts:
        return
    canvas.heading("What would change the answer")
    canvas.pairs([(shift.change, _after(shift)) for shift in shifts], indent=1)
    if more:
        canvas.line((f"and {count(more, 'more change')}; --format json has all of them", "dim"), indent=1)


def _after(shift: decision_wording.Shift) -> Words:
    """What is decided after a change."""
    comma = ", " if shift.then and shift.differs else ""
    return [(shift.then, "bold red" if shift.then == "contradiction" else "bold"), f"{comma}{shift.differs}"]


def _alternatives(canvas: Canvas, decision: Decision) -> None:
    if not decision.alternatives:
        return
    canvas.heading("Also possible with these requirements")
    for other in decision.alternatives:
        mechanism = f", {other.core.mechanism}" if other.core.mechanism != "none" else ""
        canvas.line((other.core.pattern, "bold"), f": {decision_wording.flags_text(other.core)}{mechanism}", indent=1)
        lost = f" It loses: {', '.join(other.gives_up)}." if other.gives_up else ""
        canvas.line(other.because, (lost, "red"), indent=3)


def _assumptions(canvas: Canvas, decision: Decision) -> None:
    inferred, assumed = decision_wording.inferred(decision), decision_wording.assumed(decision)
    if inferred:
        canvas.heading("Concluded from the file")
        canvas.pairs([(f"{name}: {value}", (why, "dim")) for name, value, why in inferred], indent=1)
    if assumed:
        canvas.heading("Assumed, because the file does not say")
        canvas.line("; ".join(f"{name}: {value}" for name, value in assumed), indent=1)


def _explain(canvas: Canvas, trace: Trace) -> None:
    canvas.heading("Every rule tried")
    for table, attempts in trace.items():
        canvas.line((table, "bold"))
        for attempt in attempts:
            verdict, style = (
                ("fired", "bold green") if attempt.fired else (("holds", "") if attempt.matched else ("no", "dim"))
            )
            canvas.line(
                (f"{verdict:<6}", style),
                (attempt.rule.id, "cyan" if attempt.fired else ""),
                f" {attempt.rule.title}",
                indent=1,
            )
            canvas.pairs(
                [
                    (
                        "passed" if tried.passed else "failed",
                        f"{tried.fact} {tried.condition} (it is {show(tried.value)})",
                    )
                    for tried in attempt.conditions
                ],
                indent=8,
                styles=["dim"],
            )


def _next(canvas: Canvas, decision: Decision) -> None:
    canvas.gap()
    file = decision_wording.file_argument(decision)
    rule = decision.verdict.rule.id
    first = (
        "Paste the flags into the server"
        if decision.feasible
        else "Change one line of the file as shown and run this again"
    )
    canvas.line(
        ("Next: ", "bold"),
        f"{first}. `mcp-advisor rules show {rule}` has the sources, `mcp-advisor recommend {file} --explain` every "
        "rule tried, `--format markdown` the document for the repository.",
    )
