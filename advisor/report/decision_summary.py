"""The answer of a decision for a terminal: code, session affinity and lost features, or possible fixes."""

from __future__ import annotations

from advisor.console.canvas import Canvas, Words
from advisor.decision.model import Decision
from advisor.report import change_wording, decision_wording
from advisor.sentences import counted

SEVERITY_STYLES = {"high": "bold red", "medium": "yellow", "low": "dim"}


def draw_answer(canvas: Canvas, decision: Decision) -> None:
    """Draw the pattern with its code and its main facts, or the contradiction with possible changes."""
    phrases, requirements = decision.phrases, decision.requirements
    file = phrases["full.requirements"].format(file=requirements.name)
    canvas.line(f"{phrases['full.service']} ", (str(requirements["service"]), "bold"), (f" {file}", "dim"))
    canvas.gap()
    if not decision.feasible:
        _contradiction(canvas, decision)
        draw_remediations(canvas, decision)
        return
    canvas.line((decision.core.pattern, "bold green"), f": {decision.means}")
    _assumption(canvas, decision)
    for code, comment in _codes(decision):
        canvas.gap()
        if comment:
            canvas.code(comment, "dim")
        canvas.code(code)
    canvas.gap()
    canvas.pairs(_facts(decision), indent=0, styles=["bold"])


def _codes(decision: Decision) -> list[tuple[str, str]]:
    """Return pairs: code that users copy, and a comment for the line above the code."""
    if decision.kind != "python":
        return []
    if not decision.tiers:
        return [(decision.code, "")]
    phrases, codes = decision.phrases, []
    for tier in decision.tiers:
        tools = ", ".join(tier.tools) or phrases["screen.other-tools"]
        codes.append((tier.code, counted(phrases, "full.tier-code", tier.instances, tier=tier.name, tools=tools)))
    return codes


def _facts(decision: Decision) -> list[tuple[str, Words]]:
    phrases, mechanism = decision.phrases, decision.core.mechanism
    rows: list[tuple[str, Words]] = [*decision_wording.switch_rows(decision)]
    rows += [(phrases["full.tier"], [(tier.name, "bold"), f": {tier.means}"]) for tier in decision.tiers]
    lost = decision_wording.losses(decision)
    nothing, certain = decision_wording.nothing_lost(decision)
    shown = ("\n".join(lost), "bold red") if lost else (nothing, "green" if certain else "yellow")
    rows.append((phrases["full.lost"], shown))
    unused = decision_wording.assumed_unused(decision)
    rows += [(phrases["full.unused"], (unused, "yellow"))] if unused else []
    doubts = decision_wording.unsure(decision)
    rows += [(phrases["full.unsure"], ("\n".join(doubts), "yellow"))] if doubts else []
    replaced = [row for row in decision.features if row.substituted and row.instead]
    rows += [(phrases["full.replaced.one"], f"{row.title}: {row.instead}") for row in replaced]
    high = [warning.title for warning in decision.warnings if warning.severity == "high"]
    if high:
        lines = [counted(phrases, "full.high", len(high)), *(f"- {title}" for title in high)]
        rows.append((phrases["full.warnings"], ("\n".join(lines), "red")))
    rows += [
        (phrases["full.affinity"], [(mechanism, "bold"), f": {decision.because}"]),
        (phrases["full.instances"], decision_wording.instances_text(decision)),
        (phrases["full.sdk"], decision_wording.sdk_text(decision)),
        (phrases["full.clients"], decision_wording.clients_text(decision)),
        *([(phrases["full.capacity"], decision.capacity.because)] if decision.capacity else []),
    ]
    return rows


def _assumption(canvas: Canvas, decision: Decision) -> None:
    if decision.assumption:
        canvas.line((f"{decision.phrases['full.assumed']} ", "yellow"), decision.assumption)


def _contradiction(canvas: Canvas, decision: Decision) -> None:
    phrases = decision.phrases
    canvas.line((phrases["screen.contradiction"], "bold red"), f": {decision.means}")
    _assumption(canvas, decision)
    canvas.gap()
    for row in decision.unmet:
        lost = decision_wording.lost_for(row, phrases)
        why = phrases["full.unmet.lost"].format(lost=lost) if lost else phrases["full.unmet.never"]
        canvas.line((phrases["full.unmet"].format(feature=row.title), "bold"), f": {why}")
    canvas.line(decision.verdict.rule.because)


def draw_remediations(canvas: Canvas, decision: Decision) -> None:
    """Draw the changes that resolve a contradiction."""
    phrases = decision.phrases
    canvas.heading(phrases["full.remedies"])
    if not decision.alternatives:
        canvas.line(phrases["screen.no-remedy"], indent=2)
    for number, way in enumerate(decision.alternatives, 1):
        canvas.line((f"{number}. ", "bold"), way.how, indent=2)
        change = change_wording.change_text(decision, way)
        rows: list[tuple[str, Words]] = [(phrases["full.change"], (change, "cyan"))] if way.change else []
        rows.append((phrases["full.result"], "\n".join(change_wording.result(decision, way).lines)))
        lost, replaced = decision.unkept(way)
        shown = (", ".join(lost), "red") if lost else (phrases["full.nothing"], "green")
        rows.append((phrases["full.lost"], shown))
        rows += [(phrases["full.replaced"], ", ".join(replaced))] if replaced else []
        canvas.pairs(rows, indent=5, styles=["dim"])
