"""Many decisions on a screen: a table, then the answer of each."""

from __future__ import annotations

from collections.abc import Sequence

from advisor.console.canvas import Canvas, Column, Screen, Words
from advisor.decision.advisor import Advisor
from advisor.report.decision_summary import record_text
from advisor.report.decision_text import decision_text
from advisor.report.overview import OverviewRow, Result, rows, summary

_WIDE = 110  # columns from which everything has a column of its own


def batch_text(results: Sequence[Result], advisor: Advisor, screen: Screen, *, explain: bool = False) -> str:
    """A table of all results and a record of each decision, the whole of it with `explain`."""
    folder, lines = rows(results)
    parts = [_table(lines, f"{summary(results)}{f', in {folder}' if folder else ''}", screen)]
    for one in results:
        if one.decision is not None:
            shown = (
                decision_text(one.decision, advisor, screen, explain=True)
                if explain
                else record_text(one.decision, advisor, screen)
            )
            parts += [_line(screen), shown]
    return "\n".join(parts)


def _table(rows: Sequence[OverviewRow], summed: str, screen: Screen) -> str:
    canvas = Canvas(screen)
    folding = [Column("Lost", least=11), Column("High\nwarn.", fixed=True)]
    if canvas.width >= _WIDE:
        first = [Column("File"), Column("Service"), Column("Pattern", fixed=True)]
        columns = [*first, Column("Flags", least=14, most=16), Column("Affinity", least=23, most=40), *folding]
        lines = [(_wide(one), _style(one)) for one in rows]
    else:
        first = [Column("File\nService"), Column("Pattern\nFlags", fixed=True)]
        columns = [*first, Column("Affinity", least=23, most=30), *folding]
        lines = [(_narrow(one), _style(one)) for one in rows]
    canvas.table(columns, lines)
    canvas.line((summed, "bold"), indent=1)
    return canvas.text()


def _style(one: OverviewRow) -> str:
    return "red" if one.error or one.pattern == "contradiction" else ""


def _wide(one: OverviewRow) -> list[Words]:
    texts = [one.file, one.service, one.pattern, one.flags, one.affinity, one.lost, one.warnings]
    if one.error:
        texts[4] = one.error
    return list(texts)


def _narrow(one: OverviewRow) -> list[Words]:
    if one.error:
        return [one.file, one.pattern, one.error, "", ""]
    second = [f"{one.file}\n{one.service}", f"{one.pattern}\n{one.flags}", one.affinity, one.lost, one.warnings]
    return list(second)


def _line(screen: Screen) -> str:
    canvas = Canvas(screen)
    canvas.rule()
    return canvas.text()
