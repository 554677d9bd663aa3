"""Many decisions on a screen: a table, then the answer of each."""

from __future__ import annotations

from collections.abc import Sequence

from advisor.console.canvas import Canvas, Column, Screen, Words
from advisor.report.decision_summary import record_text
from advisor.report.decision_text import decision_text
from advisor.report.overview import OverviewRow, Result, rows, summary

_WIDE = 110  # columns from which everything has a column of its own


def batch_text(results: Sequence[Result], screen: Screen) -> str:
    """A table of all results and a record of each decision, or the whole decision where the result has a trace."""
    folder, lines = rows(results)
    parts = [_table(lines, f"{summary(results)}{f', in {folder}' if folder else ''}", screen)]
    for result in results:
        if result.decision is not None:
            parts.append(_line(screen))
            parts.append(
                decision_text(result.decision, screen, result.trace)
                if result.trace
                else record_text(result.decision, screen)
            )
    return "\n".join(parts)


def _table(rows: Sequence[OverviewRow], summed: str, screen: Screen) -> str:
    canvas = Canvas(screen)
    folding = [Column("Lost", least=11), Column("High\nwarn.", fixed=True)]
    if canvas.width >= _WIDE:
        first = [Column("File"), Column("Service"), Column("Pattern", fixed=True)]
        columns = [*first, Column("Flags", least=14, most=16), Column("Affinity", least=23, most=40), *folding]
        lines = [(_wide(row), _style(row)) for row in rows]
    else:
        first = [Column("File\nService"), Column("Pattern\nFlags", fixed=True)]
        columns = [*first, Column("Affinity", least=23, most=30), *folding]
        lines = [(_narrow(row), _style(row)) for row in rows]
    canvas.table(columns, lines)
    canvas.line((summed, "bold"), indent=1)
    return canvas.text()


def _style(row: OverviewRow) -> str:
    return "red" if row.error or row.pattern == "contradiction" else ""


def _wide(row: OverviewRow) -> list[Words]:
    texts = [row.file, row.service, row.pattern, row.flags, row.affinity, row.lost, row.warnings]
    if row.error:
        texts[4] = row.error
    return list(texts)


def _narrow(row: OverviewRow) -> list[Words]:
    if row.error:
        return [row.file, row.pattern, row.error, "", ""]
    second = [f"{row.file}\n{row.service}", f"{row.pattern}\n{row.flags}", row.affinity, row.lost, row.warnings]
    return list(second)


def _line(screen: Screen) -> str:
    canvas = Canvas(screen)
    canvas.rule()
    return canvas.text()
