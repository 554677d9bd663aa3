"""Several decisions as text for a terminal: a table, then details on request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from advisor.console.canvas import Canvas, Screen
from advisor.report.decision_text import detailed_text
from advisor.report.detail import BRIEF, Detail
from advisor.report.overview import OverviewRow, Result, rows, summary

_WIDE = 110  # From this width in columns, the table shows session affinity and the names of the lost features.
_GAP = 2


def batch_text(results: Sequence[Result], screen: Screen, phrases: Mapping[str, str], detail: Detail = BRIEF) -> str:
    """Return a table with a line for each result, then the parts of each decision that `detail` asks for.

    Args:
        results: a decision or an error for each requirements file.
        screen: the abilities of the output.
        phrases: the phrases of the rules, by id. A batch in which every file has an error has no decision with phrases.
        detail: the parts of each decision.
    """
    folder, lines = rows(results, phrases)
    with_flags = any(result.decision is not None and result.decision.kind == "python" for result in results)
    parts = [_table(lines, summary(lines, folder, phrases), screen, phrases, with_flags=with_flags)]
    for result in results:
        if result.decision is not None and not detail.brief:
            parts.append(_line(screen))
            parts.append(detailed_text(result.decision, screen, detail, result.trace))
    return "\n".join(parts)


def _table(
    rows: Sequence[OverviewRow], summed: str, screen: Screen, phrases: Mapping[str, str], *, with_flags: bool
) -> str:
    canvas = Canvas(screen)
    wide = canvas.width >= _WIDE
    heads = phrases["batch.columns.wide" if wide else "batch.columns"].split(", ")
    cells = [_cells(row, phrases, wide=wide) for row in rows]
    widths = [max(map(len, column)) for column in zip(heads, *cells, strict=True)]
    widths[0] = min(widths[0], max(len(heads[0]), canvas.width - sum(width + _GAP for width in widths[1:])))
    canvas.code(_row(heads, widths), "bold")
    for row, texts in zip(rows, cells, strict=True):
        line = _row(texts, widths)
        if len(line) > canvas.width:  # The name of a file is never cut or folded, so it gets a line of its own.
            canvas.code(texts[0], _style(row))
            line = _row(["", *texts[1:]], widths)
        canvas.code(line, _style(row))
    canvas.gap()
    canvas.line((summed, "bold"), indent=1)
    if with_flags:
        for part in ("sessions", "modes", "tiers"):
            canvas.line((phrases[f"batch.legend.{part}"], "dim"), indent=1)
    impossible = any(not row.decided and not row.error for row in rows)
    for part in (*(["impossible"] if impossible else []), "columns", "more"):
        canvas.line((phrases[f"batch.legend.{part}"], "dim"), indent=1)
    return canvas.text()


def _row(texts: Sequence[str], widths: Sequence[int]) -> str:
    """Return a line of the table. A long text moves the texts after it, until the room of a column makes up for it."""
    line, start = texts[0], 0
    for text, before in zip(texts[1:], widths, strict=False):
        start += before + _GAP
        line = f"{line}{' ' * _GAP}".ljust(start) + text
    return line.rstrip()


def _style(row: OverviewRow) -> str:
    return "" if row.decided else "red"


def _cells(row: OverviewRow, phrases: Mapping[str, str], *, wide: bool) -> list[str]:
    if row.warnings is None:
        return [row.file, row.pattern, *([""] * (4 if wide else 3))]
    flags = phrases["batch.per-tier"] if len(row.flags) > 1 else "".join(row.flags) or "-"
    lost = (", ".join(row.lost) if wide else str(len(row.lost))) if row.lost else "-"
    affinity = [row.affinity or "-"] if wide else []
    return [row.file, row.pattern, flags, *affinity, lost, f"{sum(row.warnings)} ({row.warnings[0]})"]


def _line(screen: Screen) -> str:
    canvas = Canvas(screen)
    canvas.rule()
    return canvas.text()
