"""The answer on a screen: what to paste, how sessions find their owner, what is lost; or why there is no answer."""

from __future__ import annotations

from advisor.console.canvas import Canvas, Screen, Words
from advisor.decision.model import Decision
from advisor.report import decision_wording


def record_text(decision: Decision, screen: Screen) -> str:
    """Only the answer, for one of many files."""
    canvas = Canvas(screen)
    draw_answer(canvas, decision)
    return canvas.text()


def draw_answer(canvas: Canvas, decision: Decision) -> None:
    """Draw what a reader came for."""
    canvas.line((str(decision.requirements["service"]), "bold"), (f"  {decision.requirements.name}", "dim"))
    canvas.gap()
    if not decision.feasible:
        _contradiction(canvas, decision)
        _ways_out(canvas, decision)
        return
    canvas.line((decision.core.pattern, "bold green"), f": {decision.means}")
    for code, comment in _codes(decision):
        canvas.gap()
        if comment:
            canvas.code(comment, "dim")
        canvas.code(code)
    canvas.gap()
    canvas.pairs(_facts(decision), indent=0, styles=["bold"])


def _codes(decision: Decision) -> list[tuple[str, str]]:
    """Each code to copy with the comment above it."""
    if not decision.tiers:
        return [(decision.code, "")]
    return [
        (
            tier.code,
            f"# {tier.name} tier, {count(tier.instances, 'instance')}: {', '.join(tier.tools) or 'everything else'}",
        )
        for tier in decision.tiers
    ]


def _facts(decision: Decision) -> list[tuple[str, Words]]:
    mechanism = decision.core.mechanism
    rows: list[tuple[str, Words]] = [
        ("Affinity", [(mechanism, "bold"), f": {decision.because}"]),
        ("Instances", decision_wording.instances_text(decision)),
        *([("Capacity", decision.capacity.because)] if decision.capacity else []),
        ("SDK", decision_wording.sdk_text(decision)),
        ("Clients", decision_wording.clients_text(decision)),
    ]
    rows += [("Tier", [(tier.name, "bold"), f": {tier.means}"]) for tier in decision.tiers]
    lost = decision_wording.losses(decision)
    rows.append(("Lost", ("\n".join(lost), "bold red") if lost else ("nothing that you need", "green")))
    replaced = [row for row in decision.features if row.substituted and row.instead]
    rows += [("Replaced", f"{row.title}: {row.instead}") for row in replaced]
    high = [warning.title for warning in decision.warnings if warning.severity == "high"]
    if high:
        rows.append(("First", (f"{count(len(high), 'high warning')}: {'; '.join(high)}", "red")))
    return rows


def _contradiction(canvas: Canvas, decision: Decision) -> None:
    canvas.line(("contradiction", "bold red"), f": {decision.means}")
    canvas.gap()
    for row in decision.unmet:
        canvas.line(
            (f"{row.title} is required", "bold"),
            f" and cannot be kept: {decision_wording.lost_for(row) or 'see below'}.",
        )
    canvas.line(decision.verdict.rule.because)


def _ways_out(canvas: Canvas, decision: Decision) -> None:
    canvas.heading("Ways out, best first")
    if not decision.alternatives:
        canvas.line("No change that the team could make gives an answer.", indent=2)
    for number, way in enumerate(decision.alternatives, 1):
        canvas.line((f"{number}. ", "bold"), way.how, indent=2)
        rows: list[tuple[str, Words]] = [("change", (decision_wording.change_text(way), "cyan"))] if way.change else []
        then = f"{way.core.pattern}, {decision_wording.flags_text(way.core)}"
        if way.core.mechanism != "none":
            then += f", {way.core.mechanism}"
        rows.append(("then", then))
        rows.append(("gives up", (", ".join(way.gives_up) or "nothing", "red" if way.gives_up else "green")))
        canvas.pairs(rows, indent=5, styles=["dim"])


def count(number: int, thing: str) -> str:
    """A number with its noun."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
