"""A decision as text for a terminal: the answer, the feature table, the steps, the warnings and possible changes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from itertools import chain, groupby, repeat

from advisor.console.canvas import Canvas, Column, Part, Screen, Words
from advisor.decision.model import Decision, EraCell, FeatureRow, PathStep
from advisor.decision.trace import Trace
from advisor.engine.table import CheckedCondition, show
from advisor.knowledge.types import ERAS, Era
from advisor.report import change_wording, decision_wording, feature_wording
from advisor.report.condition_wording import quoted_phrase
from advisor.report.decision_summary import SEVERITY_STYLES, draw_answer, draw_remediations
from advisor.report.detail import DecisionPart, Detail
from advisor.report.first_screen import first_screen
from advisor.report.release_wording import release_texts
from advisor.report.step_wording import answer_text, fact_texts
from advisor.sentences import counted

_BETWEEN = 3  # columns around a column of a table
_WIDE = 100  # From this width in columns, the feature table has a column for "What to do instead".
_LEAST = 14  # the least columns of an outcome
_INSTEAD = 24  # the least columns of "What to do instead"
_OUTCOME_WIDTH = 21  # The longest outcome, "! fails with an error", fits into one line.


def detailed_text(decision: Decision, screen: Screen, detail: Detail, trace: Trace | None = None) -> str:
    """Return the first screen of the decision, or the parts that `detail` asks for."""
    if detail.brief:
        return first_screen(decision, screen)
    return decision_text(decision, screen, trace, () if detail.full else detail.sections)


def decision_text(
    decision: Decision, screen: Screen, trace: Trace | None = None, sections: Collection[DecisionPart] = ()
) -> str:
    """Return the decision as text.

    Args:
        decision: the decision.
        screen: the abilities of the output.
        trace: the rules that were checked, for a section with all rules.
        sections: the sections to show; empty for the complete decision.
    """
    canvas = Canvas(screen)
    for section in sorted(sections, key=list(DecisionPart).index) if sections else _complete(decision):
        before = canvas.size
        for draw in _DRAWS[section]:
            draw(canvas, decision)
        if sections and canvas.size == before:
            canvas.line(decision.phrases["section.empty"].format(section=section.value))
    if trace:
        _explain(canvas, trace, decision.phrases)
    if not sections:
        _next(canvas, decision)
    return canvas.text()


def _complete(decision: Decision) -> list[DecisionPart]:
    """Return the sections of a complete decision. The answer of a contradiction already has the alternatives."""
    return [section for section in DecisionPart if decision.feasible or section is not DecisionPart.ALTERNATIVES]


def _answer(canvas: Canvas, decision: Decision) -> None:
    draw_answer(canvas, decision)
    canvas.gap()
    canvas.line((decision.phrases["full.eras"], "dim"))


def _features(canvas: Canvas, decision: Decision) -> None:
    phrases = decision.phrases
    canvas.heading(phrases["full.features"])
    if not decision.feasible:
        canvas.line((decision_wording.undecided(decision), "dim"), indent=1)
    if notes := feature_wording.tier_notes(decision):
        canvas.line((" ".join(notes), "dim"), indent=1)
    rows = [*decision.needed, *decision.unneeded]
    calls = [_longest_word(row.cells[place][1].words for row in rows) for place, _ in enumerate(ERAS)]
    eras = [(_era_head(decision, era), max(_LEAST, least)) for era, least in zip(ERAS, calls, strict=True)]
    needs = _longest_word(feature_wording.need_text(decision, row).replace(" ", "_") for row in rows)
    titles, longest = _longest_word(row.title for row in rows), max(len(row.title) for row in rows)
    # A call is broken only on a very narrow screen, so that it can be copied.
    room = canvas.width - _BETWEEN * 4 - titles - needs - sum(least for _, least in eras)
    spare = room - _BETWEEN - _INSTEAD
    with_instead = canvas.width >= _WIDE and spare >= 0 and any(row.instead for row in rows)
    room = spare if with_instead else room
    # If the calls are long, the need stands below the feature.
    apart = room >= 0
    if not apart:
        room += needs + _BETWEEN
    wider = max(min(room, longest - titles), 0)
    each = max(room - wider, 0) // len(eras) if apart else 0
    columns = [Column(phrases["full.features.feature"], least=titles, most=titles + wider)]
    columns += [Column(phrases["full.features.need"], fixed=True)] if apart else []
    columns += [Column(head, least=least, most=max(least, min(_OUTCOME_WIDTH, least + each))) for head, least in eras]
    if with_instead:
        columns.append(Column(phrases["full.features.instead"]))
    shown = ((_row(decision, row, with_instead, apart=apart), "dim" if row.need == "none" else "") for row in rows)
    canvas.table(columns, shown)
    if any(row.lost for row in rows):
        canvas.line((phrases["full.features.mark"], "dim"), indent=1)
    if any(row.documented for row in rows):
        canvas.line((f"{phrases['table.disputed.mark']} {phrases['table.disputed']}", "dim"), indent=1)
    for note in feature_wording.table_notes(decision):
        canvas.line((note, "dim"), indent=1)
    canvas.gap()
    if not with_instead:
        for row in rows:
            if row.instead and not row.substituted:  # The answer already shows substitutes.
                instead_of = phrases["full.features.instead-of"].format(feature=row.title.lower())
                canvas.line((f"{instead_of} ", "bold"), row.instead, indent=1)
                canvas.gap()
    canvas.line((f"{feature_wording.where_head(decision)}:", "bold"), indent=1)
    for row in decision.needed:
        canvas.line(row.title, indent=1)
        hows: list[Sequence[Words]] = []
        for era, cell in row.cells:
            lines = feature_wording.how_lines(cell)
            heads = [era, *("" for _ in lines[1:])]
            hows += [(head, (line, "" if cell.named else "dim")) for head, line in zip(heads, lines, strict=True)]
        canvas.pairs(hows, indent=3, styles=["dim"])
    for note in feature_wording.where_notes(decision):
        canvas.line((note, "dim"), indent=1)


def _era_head(decision: Decision, era: Era) -> str:
    note = decision_wording.era_note(decision, era)
    head = decision.phrases["full.features.clients"].format(era=era.capitalize())
    return f"{head}\n({note})" if note else head


def _longest_word(texts: Iterable[str]) -> int:
    return max((len(word) for text in texts for word in text.split()), default=0)


def _row(decision: Decision, row: FeatureRow, with_instead: bool, *, apart: bool) -> list[Words]:
    need = feature_wording.need_text(decision, row)
    mark = (f" {decision.phrases['table.disputed.mark']}", "yellow") if row.documented else ""
    title: list[Part] = [(row.title, "bold" if row.need == "required" else ""), mark]
    texts: list[Words] = [title, need] if apart else [[*title, f"\n({need})" if need != "-" else ""]]
    texts += [_outcome(row, cell) for _, cell in row.cells]
    return [*texts, row.instead or ""] if with_instead else texts


def _outcome(row: FeatureRow, cell: EraCell) -> Words:
    if row.need == "none" or not cell.named:
        return (cell.words, "dim")
    return (cell.words, "green") if cell.outcome == "works" else (f"! {cell.words}", "bold red")


def _disputes(canvas: Canvas, decision: Decision) -> None:
    disputed = [row for row in decision.needed if row.documented]
    if not disputed:
        return
    phrases = decision.phrases
    canvas.heading(phrases["full.disputes"])
    canvas.line((phrases["table.sources"], "dim"))
    for row in disputed:
        lines: list[Sequence[Words]] = [(phrases["full.disputes.guides"], row.documented or "")]
        heads = chain([phrases["full.disputes.observed"]], repeat(""))
        lines += zip(heads, feature_wording.evidence(row), strict=False)
        canvas.line((row.title, "bold"), indent=1)
        canvas.pairs(lines, indent=3, styles=["yellow"])


def _path(canvas: Canvas, decision: Decision) -> None:
    phrases = decision.phrases
    canvas.heading(phrases["full.steps"])
    canvas.line((phrases["full.steps.note"], "dim"))
    canvas.tree(
        decision.requirements.name,
        [
            [
                (step.question, "bold"),
                [(f"{phrases['full.steps.answer']} ", "bold"), answer_text(step, decision)],
                [(step.rule.id, "cyan"), f" {step.rule.because}"],
                (phrases["full.steps.facts"].format(facts=_facts(step, decision)), "dim"),
            ]
            for step in decision.steps
        ],
    )


def _facts(step: PathStep, decision: Decision) -> str:
    return "; ".join(fact.text for fact in fact_texts(step, decision))


def _warnings(canvas: Canvas, decision: Decision) -> None:
    if not decision.warnings:
        return
    phrases = decision.phrases
    canvas.heading(phrases["full.warnings"])
    for severity, group in groupby(decision.warnings, key=lambda warning: warning.severity):
        head = phrases["full.warnings.severity"].format(severity=severity.capitalize())
        canvas.line((head, SEVERITY_STYLES[severity]))
        for warning in group:
            canvas.line((warning.title, "bold"), (f"  {warning.id}", "dim"), indent=2)
            canvas.line(warning.message, indent=4)
            canvas.line((f"{phrases['full.warnings.fix']} ", "green"), warning.fix.text, indent=4)


def _shifts(canvas: Canvas, decision: Decision) -> None:
    shifts, more = change_wording.shifts(decision)
    if not shifts:
        return
    phrases = decision.phrases
    canvas.heading(phrases["full.changes"])
    notes = [phrases["full.changes.note"]]
    if decision.tiers:
        notes.append(phrases[f"full.changes.note.{'flags' if decision.kind == 'python' else 'modes'}"])
    canvas.line((" ".join(notes), "dim"), indent=1)
    heads: Sequence[Words] = ((phrases["full.change"], "bold"), (phrases["full.changes.result"], "bold"))
    canvas.pairs([heads, *((shift.change, _after(shift)) for shift in shifts)], indent=1)
    if more:
        canvas.line((counted(phrases, "full.changes.more", more), "dim"), indent=1)


def _after(shift: change_wording.Shift) -> Words:
    """Return the parts of the decision that differ after a change."""
    differs = f", {shift.differs}" if shift.then and shift.differs else shift.differs
    lines = [differs, *shift.tiers] if shift.then or differs else shift.tiers
    return [(shift.then, "bold" if shift.feasible else "bold red"), "\n".join(lines)]


def _alternatives(canvas: Canvas, decision: Decision) -> None:
    if not decision.feasible:
        draw_remediations(canvas, decision)
        return
    if not decision.alternatives:
        return
    phrases = decision.phrases
    canvas.heading(phrases["full.alternatives"])
    for other in decision.alternatives:
        other_words = change_wording.result(decision, other)
        settings = f": {other_words.settings}" if other_words.settings else ""
        canvas.line((other_words.pattern, "bold"), settings, indent=1)
        for tier in other_words.tiers:
            canvas.line(tier, indent=3)
        kinds = zip(("full.alternatives.lost", "full.alternatives.replaced"), decision.unkept(other), strict=True)
        lost, replaced = (f" {phrases[kind].format(names=', '.join(names))}" if names else "" for kind, names in kinds)
        canvas.line(other.because, (lost, "red"), replaced, indent=3)


def _assumptions(canvas: Canvas, decision: Decision) -> None:
    inferred, assumed = decision_wording.inferred(decision), decision_wording.assumed(decision)
    phrases = decision.phrases
    if decision.assumption:
        canvas.heading(phrases["assumptions.server"])
        canvas.line(decision.assumption, indent=1)
    if inferred:
        canvas.heading(phrases["assumptions.derived"])
        canvas.pairs([(f"{name}: {value}", (why, "dim")) for name, value, why in inferred], indent=1)
    if assumed:
        canvas.heading(phrases["assumptions.values"])
        canvas.line("; ".join(f"{name}: {value}" for name, value in assumed), indent=1)
    if not decision.feasible and decision.assumed_unused:  # otherwise, the answer names these features
        canvas.heading(phrases["full.unused"])
        canvas.line(decision_wording.assumed_unused(decision), indent=1)
    if decision.releases:
        canvas.heading(phrases["assumptions.releases"].format(used=decision.release.exact.replace("==", " ")))
        for text in release_texts(decision):
            canvas.line(f"- {text}", indent=1)


_DRAWS: Mapping[DecisionPart, Sequence[Callable[[Canvas, Decision], None]]] = {
    DecisionPart.ANSWER: [_answer],
    DecisionPart.FEATURES: [_features, _disputes],
    DecisionPart.STEPS: [_path],
    DecisionPart.WARNINGS: [_warnings],
    DecisionPart.CHANGES: [_shifts],
    DecisionPart.ALTERNATIVES: [_alternatives],
    DecisionPart.ASSUMPTIONS: [_assumptions],
}


def _explain(canvas: Canvas, trace: Trace, phrases: Mapping[str, str]) -> None:
    canvas.heading(phrases["rules.all"])
    for name in ("fired.means", "holds.means", "no.means", "explained"):
        canvas.line((phrases[f"rules.{name}"], "dim"))
    for table in trace:
        head = phrases["rules.table.tier" if table.tier else "rules.table"]
        canvas.line((head.format(table=table.table, tier=table.tier), "bold"))
        for attempt in table.attempts:
            verdict, style = (
                ("fired", "bold green") if attempt.fired else (("holds", "") if attempt.matched else ("no", "dim"))
            )
            canvas.line(
                (f"{phrases[f'rules.{verdict}']:<6}", style),
                (attempt.rule.id, "cyan" if attempt.fired else ""),
                f" {attempt.rule.title}",
                indent=1,
            )
            canvas.pairs([_tried(tried, phrases) for tried in attempt.conditions], indent=8, styles=["dim"])


def _tried(tried: CheckedCondition, phrases: Mapping[str, str]) -> tuple[str, str]:
    condition, value = quoted_phrase(tried.condition), show(tried.value)
    shown = phrases["rules.condition"].format(fact=tried.fact, condition=condition, value=value)
    return phrases["rules.true" if tried.passed else "rules.false"], shown


def _next(canvas: Canvas, decision: Decision) -> None:
    canvas.gap()
    phrases, file = decision.phrases, decision_wording.file_argument(decision)
    modes = " and ".join(f"`{mode}`" for mode, _ in decision_wording.switch_rows(decision))
    first = phrases[f"full.next.{decision.kind if decision.feasible else 'contradiction'}"].format(modes=modes)
    commands = phrases["full.next.commands"].format(rule=decision.verdict.rule.id, file=file)
    canvas.line((f"{phrases['full.next']} ", "bold"), f"{first} {commands}")
