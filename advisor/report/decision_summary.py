"""The answer of a decision for a terminal: code, session affinity and lost features, or possible fixes."""

from __future__ import annotations

from advisor.console.canvas import Canvas, Words
from advisor.decision.model import Decision
from advisor.report import change_wording, decision_wording

SEVERITY_STYLES = {"high": "bold red", "medium": "yellow", "low": "dim"}


def draw_answer(canvas: Canvas, decision: Decision) -> None:
    """Draw the pattern with its code and its main facts, or the contradiction with possible changes."""
    canvas.line(
        "Service ",
        (str(decision.requirements["service"]), "bold"),
        (f" (requirements: {decision.requirements.name})", "dim"),
    )
    canvas.gap()
    if not decision.feasible:
        _contradiction(canvas, decision)
        draw_remediations(canvas, decision)
        return
    canvas.line((decision.core.pattern, "bold green"), f": {decision.means}")
    if decision.assumption:
        canvas.line(("assumed: ", "yellow"), decision.assumption)
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
    return [
        (
            tier.code,
            f"# {tier.name} tier, {count(tier.instances, 'instance')}: {', '.join(tier.tools) or 'all other tools'}",
        )
        for tier in decision.tiers
    ]


def _facts(decision: Decision) -> list[tuple[str, Words]]:
    mechanism = decision.core.mechanism
    rows: list[tuple[str, Words]] = [*decision_wording.switch_rows(decision)]
    rows += [("Tier", [(tier.name, "bold"), f": {tier.means}"]) for tier in decision.tiers]
    lost = decision_wording.losses(decision)
    nothing, certain = decision_wording.nothing_lost(decision)
    rows.append(
        ("Lost features", ("\n".join(lost), "bold red") if lost else (nothing, "green" if certain else "yellow"))
    )
    unused = decision_wording.assumed_unused(decision)
    rows += [("Assumed unused", (unused, "yellow"))] if unused else []
    doubts = decision_wording.unsure(decision)
    rows += [("Not sure", ("\n".join(doubts), "yellow"))] if doubts else []
    replaced = [row for row in decision.features if row.substituted and row.instead]
    rows += [("Replaced feature", f"{row.title}: {row.instead}") for row in replaced]
    high = [warning.title for warning in decision.warnings if warning.severity == "high"]
    if high:
        lines = [f"{count(len(high), 'high-severity warning')}:", *(f"- {title}" for title in high)]
        rows.append(("Warnings", ("\n".join(lines), "red")))
    rows += [
        ("Session affinity", [(mechanism, "bold"), f": {decision.because}"]),
        ("Instances", decision_wording.instances_text(decision)),
        ("SDK", decision_wording.sdk_text(decision)),
        ("Clients", decision_wording.clients_text(decision)),
        *([("Capacity", decision.capacity.because)] if decision.capacity else []),
    ]
    return rows


def draw_eras(canvas: Canvas, indent: int = 0) -> None:
    """Draw a line that explains the protocol eras."""
    canvas.line(("legacy: protocol 2025-11-25 and older; modern: 2026-07-28", "dim"), indent=indent)


def _contradiction(canvas: Canvas, decision: Decision) -> None:
    canvas.line(("contradiction", "bold red"), f": {decision.means}")
    if decision.assumption:
        canvas.line(("assumed: ", "yellow"), decision.assumption)
    canvas.gap()
    for row in decision.unmet:
        lost = decision_wording.lost_for(row, decision.phrases)
        canvas.line(
            (f"{row.title} (required)", "bold"),
            f": {f'{lost}. No' if lost else 'no'} possible configuration keeps this feature.",
        )
    canvas.line(decision.verdict.rule.because)


def draw_remediations(canvas: Canvas, decision: Decision) -> None:
    """Draw the changes that resolve a contradiction."""
    canvas.heading("To fix this: possible changes, best first")
    if not decision.alternatives:
        canvas.line("No change that the team can make resolves this contradiction.", indent=2)
    for number, way in enumerate(decision.alternatives, 1):
        canvas.line((f"{number}. ", "bold"), way.how, indent=2)
        rows: list[tuple[str, Words]] = (
            [("Change", (change_wording.change_text(decision, way), "cyan"))] if way.change else []
        )
        rows.append(("Result", "\n".join(change_wording.result(decision, way).lines)))
        lost, replaced = decision.unkept(way)
        rows.append(("Lost features", (", ".join(lost) or "none", "red" if lost else "green")))
        rows += [("Replaced features", ", ".join(replaced))] if replaced else []
        canvas.pairs(rows, indent=5, styles=["dim"])


def count(number: int, thing: str) -> str:
    """Return a number with its noun in the singular or plural."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
