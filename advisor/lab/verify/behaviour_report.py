"""What clients saw beside the feature table, as data and as text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from advisor.console.canvas import Canvas, Column
from advisor.lab.verify.result import Behaved


def behaviours_data(rows: Sequence[Behaved]) -> list[dict[str, Any]]:
    """The rows as JSON types."""
    return [_row(one) for one in rows]


def _row(one: Behaved) -> dict[str, Any]:
    return {
        "tier": one.tier,
        "era": one.era,
        "name": one.name,
        "predicted": one.predicted,
        "observed": one.observed,
        "agrees": one.agrees,
        "detail": one.detail,
        "evidence": lines_data(one.evidence),
    }


def lines_data(evidence: Sequence[tuple[str, str]]) -> list[dict[str, str]]:
    """Lines of log as JSON types."""
    return [{"process": process, "line": line} for process, line in evidence]


def behaviours_text(canvas: Canvas, rows: Sequence[Behaved], unknown: int) -> None:
    """A section of the report: what agrees is named, what differs has a row.

    Args:
        canvas: to draw on.
        rows: the behaviours.
        unknown: how many were tried of which nobody knows what they should be.
    """
    canvas.heading("Behaviour")
    wrong = {one.name for one in rows if not one.agrees}
    fine = [name for name in dict.fromkeys(one.name for one in rows) if name not in wrong]
    if fine:
        canvas.line(f"As predicted: {', '.join(fine)}.", indent=2)
    if unknown:
        canvas.line(f"Not compared, since nobody measured what this release does: {unknown}.", indent=2)
    differing = [one for one in rows if not one.agrees]
    if differing:
        columns = [
            Column("Behaviour", least=12),
            Column("Clients", fixed=True),
            Column("Predicted"),
            Column("Observed"),
        ]
        canvas.table(columns, [([one.name, _clients(one), one.predicted, one.observed], "") for one in differing])


def _clients(one: Behaved) -> str:
    return f"{one.era}, {one.tier}" if one.tier else one.era
