"""The answer on a screen: what to paste, how sessions find their owner, what is lost; or why there is no answer."""

from __future__ import annotations

from advisor.console.canvas import Canvas, Screen, Words
from advisor.decision.advisor import Advisor
from advisor.decision.model import Decision
from advisor.report import decision_wording
from advisor.report.decision_json import snippet


def record_text(decision: Decision, advisor: Advisor, screen: Screen) -> str:
    """Only the answer, for one of many files."""
    canvas = Canvas(screen)
    draw_answer(canvas, decision, advisor)
    return canvas.text()


def draw_answer(canvas: Canvas, decision: Decision, advisor: Advisor) -> None:
    """Draw what a reader came for."""
    canvas.line((str(decision.requirements["service"]), "bold"), (f"  {decision.requirements.name}", "dim"))
    canvas.gap()
    phrase = advisor.knowledge.phrases[f"pattern.{decision.core.pattern}"]
    if not decision.feasible:
        _contradiction(canvas, decision, advisor, phrase)
        _ways_out(canvas, decision)
        return
    canvas.line((decision.core.pattern, "bold green"), f": {phrase}")
    for code, comment in _codes(decision, advisor):
        canvas.gap()
        if comment:
            canvas.code(comment, "dim")
        canvas.code(code)
    canvas.gap()
    canvas.pairs(_facts(decision, advisor), indent=0, styles=["bold"])


def _codes(decision: Decision, advisor: Advisor) -> list[tuple[str, str]]:
    """Each code to copy with the comment above it."""
    if not decision.tiers:
        return [(snippet(decision.core, decision, advisor), "")]
    return [
        (
            snippet(tier.core, decision, advisor),
            f"# {tier.name} tier, {count(tier.instances, 'instance')}: {', '.join(tier.tools) or 'everything else'}",
        )
        for tier in decision.tiers
    ]


def _facts(decision: Decision, advisor: Advisor) -> list[tuple[str, Words]]:
    mechanism = decision.core.mechanism
    rows: list[tuple[str, Words]] = [
        ("Affinity", [(mechanism, "bold"), f": {decision.because}"]),
        ("Instances", decision_wording.instances_text(decision)),
        *([("Capacity", decision.capacity.because)] if decision.capacity else []),
        ("SDK", decision_wording.sdk_text(decision, advisor)),
        ("Clients", decision_wording.clients_text(decision)),
    ]
    rows += [
        ("Tier", [(tier.name, "bold"), f": {advisor.knowledge.phrases[f'tier.{tier.name}']}"])
        for tier in decision.tiers
    ]
    lost = decision_wording.losses(decision, advisor)
    rows.append(("Lost", ("\n".join(lost), "bold red") if lost else ("nothing that you need", "green")))
    replaced = [row for row in decision.features if row.substituted and row.instead]
    rows += [("Replaced", f"{row.title}: {row.instead}") for row in replaced]
    high = [warning.title for warning in decision.warnings if warning.severity == "high"]
    if high:
        rows.append(("First", (f"{count(len(high), 'high warning')}: {'; '.join(high)}", "red")))
    return rows


def _contradiction(canvas: Canvas, decision: Decision, advisor: Advisor, phrase: str) -> None:
    canvas.line(("contradiction", "bold red"), f": {phrase}")
    canvas.gap()
    for row in decision_wording.culprits(decision, advisor):
        canvas.line(
            (f"{row.title} is required", "bold"),
            f" and cannot be kept: {decision_wording.lost_for(row, advisor) or 'see below'}.",
        )
    canvas.line(decision_wording.verdict(decision).rule.because)


def _ways_out(canvas: Canvas, decision: Decision) -> None:
    canvas.heading("Ways out, best first")
    if not decision.alternatives:
        canvas.line("No change that the team could make gives an answer.", indent=2)
    for number, one in enumerate(decision.alternatives, 1):
        canvas.line((f"{number}. ", "bold"), one.how, indent=2)
        rows: list[tuple[str, Words]] = [("change", (decision_wording.change_text(one), "cyan"))] if one.change else []
        then = f"{one.core.pattern}, {decision_wording.flags_text(one.core)}"
        if one.core.mechanism != "none":
            then += f", {one.core.mechanism}"
        rows.append(("then", then))
        rows.append(("gives up", (", ".join(one.gives_up) or "nothing", "red" if one.gives_up else "green")))
        canvas.pairs(rows, indent=5, styles=["dim"])


def count(number: int, thing: str) -> str:
    """A number with its noun."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
