"""A verification as text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from advisor.console.canvas import Canvas, Column, Screen, Words
from advisor.knowledge.types import Era
from advisor.lab.chaos.report import chaos_text
from advisor.lab.fleet.session_traffic import SessionTraffic
from advisor.lab.load.report import draw_load
from advisor.lab.verify.result import Behaved, Checked, Verification

_ERAS: dict[Era, str] = {"legacy": "Legacy clients", "modern": "Modern clients"}
_WIDE = 100  # columns with which every call has room on a single line
_ROOM = 23  # columns that a call has in the tables of a narrower screen


def verification_text(found: Verification, screen: Screen) -> str:
    """The report on a terminal."""
    canvas = Canvas(screen)
    verdict = ("As predicted", "bold green") if found.ok else ("Not as predicted", "bold red")
    canvas.line((found.service, "bold"), ": ", verdict, f", {_whole(found)}.")
    canvas.line(f"In front: {found.proxy}. Instances: {_counts(found)}.")
    for note in found.notes:
        canvas.line(note)
    for tier, era, some in _groups(found.cells):
        canvas.heading(f"{_ERAS[era]}{f' of the tier {tier}' if tier else ''}")
        _table(canvas, some)
    if found.behaviours or found.unknown:
        _behaviours_text(canvas, found.behaviours, found.unknown)
    if found.traffic:
        _sessions_text(canvas, found.traffic)
    if found.chaos:
        chaos_text(canvas, found.chaos)
    _differences(canvas, found)
    if found.load:
        draw_load(canvas, found.load)
    canvas.heading("Time")
    canvas.pairs([(step.name, f"{step.seconds:.1f} s") for step in found.steps])
    total = f"{found.seconds:.1f} s in all"
    if not found.chaos and not found.load:  # they take what they take, however fast the instances start
        total += f", {found.ratio:.1f} times the start of the instances ({found.floor_seconds:.1f} s)"
    canvas.line(f"{total}.")
    return canvas.text()


def _whole(found: Verification) -> str:
    said = []
    if found.cells:
        said.append(f"{sum(cell.agrees for cell in found.cells)} of {len(found.cells)} cells")
    if found.behaviours:
        said.append(f"{sum(row.agrees for row in found.behaviours)} of {len(found.behaviours)} behaviours")
    if found.traffic:
        clients = sum(part.clients for part in found.traffic)
        lost = sum(part.lost for part in found.traffic)
        said.append(f"{lost} of {clients} clients lost calls" if lost else f"{clients} clients without a lost call")
    if found.problems and not any(part.lost for part in found.traffic):
        said.append(f"{len(found.problems)} other fault{'s' if len(found.problems) > 1 else ''}")
    if found.chaos:
        said.append(f"{sum(row.agrees for row in found.chaos)} of {len(found.chaos)} promises for failures kept")
    return ", ".join(said)


def _counts(found: Verification) -> str:
    if len(found.instances) == 1:
        return str(sum(found.instances.values()))
    return ", ".join(f"{number} {name}" for name, number in found.instances.items())


def _groups(cells: Sequence[Checked]) -> Iterator[tuple[str | None, Era, list[Checked]]]:
    keys = dict.fromkeys((checked.cell.tier, checked.cell.era) for checked in cells)
    for tier, era in keys:
        yield tier, era, [checked for checked in cells if (checked.cell.tier, checked.cell.era) == (tier, era)]


def _table(canvas: Canvas, rows: Sequence[Checked]) -> None:
    columns = [
        Column("Feature", fixed=True),
        Column("Call", least=10),
        Column("Predicted", fixed=True),
        Column("Observed", fixed=True),
        Column("Verdict", fixed=True),
    ]
    narrow = canvas.width < _WIDE
    styles = ["" if row.cell.need != "none" or not row.agrees else "dim" for row in rows]
    canvas.table(columns, [(_row(row, narrow), style) for row, style in zip(rows, styles, strict=True)])


def _row(checked: Checked, narrow: bool) -> list[Words]:
    cell = checked.cell
    verdict = ("ok", "green") if checked.agrees else ("DIFFERS", "bold red")
    call = _folded(cell.call) if narrow else cell.call
    return [cell.feature, call or "-", cell.predicted, checked.observed, verdict]


def _folded(call: str) -> str:
    """A long call on several lines, broken where names begin: a table would break it anywhere."""
    if len(call) <= _ROOM:
        return call
    name, bracket, arguments = call.partition("(")
    owner, dot, method = name.rpartition(".")
    return "\n".join(part for part in (owner + dot, method, bracket + arguments) if part)


def _behaviours_text(canvas: Canvas, rows: Sequence[Behaved], unknown: int) -> None:
    """A section of the report: what agrees is named, what differs has a row. `unknown` were tried but not predicted."""
    canvas.heading("Behaviour")
    wrong = {behaved.name for behaved in rows if not behaved.agrees}
    fine = [name for name in dict.fromkeys(behaved.name for behaved in rows) if name not in wrong]
    if fine:
        canvas.line(f"As predicted: {', '.join(fine)}.", indent=2)
    if unknown:
        canvas.line(f"Not compared, because the data has no measurement of this release: {unknown}.", indent=2)
    differing = [behaved for behaved in rows if not behaved.agrees]
    if differing:
        columns = [
            Column("Behaviour", least=12),
            Column("Clients", fixed=True),
            Column("Predicted"),
            Column("Observed"),
        ]
        canvas.table(columns, [([row.name, _clients(row), row.predicted, row.observed], "") for row in differing])


def _clients(behaved: Behaved) -> str:
    return f"{behaved.era}, {behaved.tier}" if behaved.tier else behaved.era


def _sessions_text(canvas: Canvas, traffic: Sequence[SessionTraffic]) -> None:
    canvas.heading("Many clients")
    for part in traffic:
        tier = f" of the tier {part.tier}" if part.tier else ""
        what = f"{part.sessions} sessions" if part.sessions else "calls"
        spread = ", ".join(map(str, part.per_instance))
        kept = "every call answered by its instance" if not part.lost else f"{part.lost} clients lost calls"
        failed = ""
        if wrong := part.wrong_instance:
            failed += f"; {wrong} calls ({wrong / part.calls:.0%}) at the wrong instance"
        if part.failed:
            failed += f"; {part.failed} failed"
        canvas.line(
            f"{_ERAS[part.era]}{tier}: {part.clients}, {part.calls} calls, {what} by instance: {spread}; "
            f"{kept}{failed}.",
            indent=2,
        )


def _differences(canvas: Canvas, found: Verification) -> None:
    cells = [checked for checked in found.cells if not checked.agrees]
    behaviours = [behaved for behaved in found.behaviours if not behaved.agrees]
    if not cells and not behaviours and not found.problems:
        return
    canvas.heading("What is not as predicted")
    for checked in cells:
        cell = checked.cell
        outcomes = f"{cell.predicted} was predicted, {checked.observed} was observed"
        _difference(canvas, cell.feature, cell.tier, cell.era, outcomes, checked)
    for seen in behaviours:
        outcomes = f"predicted: {seen.predicted}; observed: {seen.observed}"
        _difference(canvas, seen.name, seen.tier, seen.era, outcomes, seen)
    for problem in found.problems:
        first, *lines = problem.splitlines()
        canvas.line((first, "bold"), indent=2)
        _logged(canvas, lines)
    if found.logs:
        canvas.line(f"Logs: {found.logs}", indent=2)


def _difference(canvas: Canvas, what: str, tier: str | None, era: Era, outcomes: str, row: Checked | Behaved) -> None:
    """A difference: what was predicted and observed, the message behind it, and what was logged meanwhile."""
    where = f", tier {tier}" if tier else ""
    canvas.line((f"{what} for {era} clients{where}", "bold"), f": {outcomes}.", indent=2)
    canvas.line(row.detail, indent=4)
    _logged(canvas, map(str, row.evidence))


def _logged(canvas: Canvas, lines: Iterable[str]) -> None:
    """Lines of logs as they are: a broken line can be neither searched for nor copied."""
    for line in lines:
        canvas.code(f"    {line.strip()}", "dim")
