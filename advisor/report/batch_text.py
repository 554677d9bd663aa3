"""Several decisions as text for a terminal: a table, then the answer of each decision."""

from __future__ import annotations

from collections.abc import Sequence

from advisor.console.canvas import Canvas, Column, Screen, Words
from advisor.report.decision_summary import draw_eras, record_text
from advisor.report.decision_text import decision_text
from advisor.report.overview import IMPOSSIBLE, OverviewRow, Result, rows, summary

_WIDE = 110  # From this width in columns, session affinity has its own column.


def batch_text(results: Sequence[Result], screen: Screen) -> str:
    """Return a table of all results, then the answer of each decision, or the complete decision if it has a trace."""
    folder, lines = rows(results)
    with_flags = any(result.decision is not None and result.decision.kind == "python" for result in results)
    parts = [_table(lines, summary(results, folder), screen, with_flags=with_flags)]
    for result in results:
        if result.decision is not None:
            parts.append(_line(screen))
            parts.append(
                decision_text(result.decision, screen, result.trace)
                if result.trace
                else record_text(result.decision, screen)
            )
    return "\n".join(parts)


def _table(rows: Sequence[OverviewRow], summed: str, screen: Screen, *, with_flags: bool) -> str:
    canvas = Canvas(screen)
    last = [Column("Lost\nfeatures", least=9), Column("Warnings", fixed=True)]
    if canvas.width >= _WIDE:
        first = [Column("File\nService"), Column("Pattern\nFlags", fixed=True), Column("Session affinity", least=24)]
    else:
        first = [Column("File\nService"), Column("Pattern\nFlags\nSession affinity", least=24)]
    lines = [(_cells(row, wide=canvas.width >= _WIDE), _style(row)) for row in rows]
    canvas.table([*first, *last], lines)
    canvas.line((summed, "bold"), indent=1)
    if with_flags:
        canvas.line(("stateful: stateless_http=False; stateless: stateless_http=True", "dim"), indent=1)
        canvas.line(("sse: json_response=False; json: json_response=True", "dim"), indent=1)
    draw_eras(canvas, indent=1)
    return canvas.text()


def _style(row: OverviewRow) -> str:
    return "red" if row.error or row.pattern == IMPOSSIBLE else ""


def _cells(row: OverviewRow, *, wide: bool) -> list[Words]:
    name = f"{row.file}\n{row.service}" if row.service else row.file
    pattern = row.pattern if row.flags in ("", "-") else f"{row.pattern}\n{row.flags}"
    affinity = row.error or row.affinity
    middle = [pattern, affinity] if wide else [pattern if affinity == "-" else f"{pattern}\n{affinity}"]
    return [name, *middle, row.lost, row.warnings]


def _line(screen: Screen) -> str:
    canvas = Canvas(screen)
    canvas.rule()
    return canvas.text()
