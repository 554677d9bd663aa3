"""The report of a verification as text for the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import get_args

from advisor.console.canvas import Canvas, Column, Screen, Words
from advisor.knowledge.types import Era, Outcome
from advisor.lab.chaos.report import chaos_text
from advisor.lab.fleet.session_traffic import SessionTraffic
from advisor.lab.load.report import draw_load
from advisor.lab.verify.result import Behaved, Checked, Trial, Verification
from advisor.sentences import amount

_ERAS: dict[Era, str] = {"legacy": "Legacy clients", "modern": "Modern clients"}
_WIDE = 100  # from this screen width on, every call fits on a single line
_ROOM = 23  # the width of the column "Call" on a narrower screen
_PROTOCOLS = "Legacy clients use protocol 2025-11-25 and older. Modern clients use protocol 2026-07-28."


def verification_text(found: Verification, screen: Screen, phrases: Mapping[str, str]) -> str:
    """The report of a verification for a terminal. `phrases` has the phrases of the rules, by id."""
    canvas = Canvas(screen)
    if found.ok:
        canvas.line((found.service, "bold"), ": ", ("As expected", "bold green"), f". {_summary(found)}.")
    else:
        canvas.line((found.service, "bold"), ": ", ("Not as expected", "bold red"), f". {_first_difference(found)}")
        canvas.line(f"{_summary(found)}.")
    canvas.line(f"Proxy: {found.proxy}. Instances: {_counts(found)}.")
    for note in found.notes:
        canvas.line(note)
    for tier, era, some in _groups(found.cells):
        canvas.heading(f"{_ERAS[era]}{f' of the tier {tier}' if tier else ''}")
        _table(canvas, some)
    if found.cells:
        _legend(canvas, found.cells, phrases)
    if found.behaviours or found.unknown:
        _behaviours_text(canvas, found.behaviours, found.unknown)
    if found.trials:
        _trials_text(canvas, found.trials)
    if found.traffic:
        _sessions_text(canvas, found.traffic)
    if found.chaos:
        chaos_text(canvas, found.chaos, phrases)
    _differences(canvas, found)
    if found.load:
        draw_load(canvas, found.load)
    canvas.heading("Time")
    canvas.pairs([(step.name, f"{step.seconds:.1f} s") for step in found.steps])
    total = f"Total: {found.seconds:.1f} s"
    if not found.chaos and not found.load:  # the duration of these parts does not depend on the start of the instances
        total += f", which is {found.ratio:.1f} times the start-up time of the instances ({found.floor_seconds:.1f} s)"
    canvas.line(f"{total}.")
    if found.logs:
        canvas.code(f"Logs: {found.logs}")
    return canvas.text()


def _first_difference(found: Verification) -> str:
    """The first difference in one sentence, and the number of differences."""
    differing: list[Checked | Behaved] = [*found.cells, *found.behaviours]
    said = [
        f"{row.cell.feature if isinstance(row, Checked) else row.name} for {_where(row)}, observed {row.observed}, "
        f"expected {row.cell.predicted if isinstance(row, Checked) else row.predicted}."
        for row in differing
        if not row.agrees
    ]
    said += [
        f"{row.name} ({row.place}), observed {row.observed}, expected {row.expected}."
        for row in found.trials
        if not row.agrees
    ]
    said += [f"{row.failure.event.title}: {row.problems[0]}" for row in found.chaos if not row.agrees]
    said += [problem.splitlines()[0] for problem in found.problems]
    said += [
        f"{part.lost} of {part.clients} {part.era} clients had failed calls." for part in found.traffic if part.lost
    ]
    return f"Difference 1 of {len(said)}: {said[0]}"


def _where(row: Checked | Behaved) -> str:
    era, tier = (row.cell.era, row.cell.tier) if isinstance(row, Checked) else (row.era, row.tier)
    return f"{era} clients of the tier {tier}" if tier else f"{era} clients"


def _summary(found: Verification) -> str:
    """The counts of all parts of the verification, in one line."""
    said = []
    if found.cells:
        said.append(f"Features: {sum(cell.agrees for cell in found.cells)} of {len(found.cells)} as expected")
    if found.behaviours:
        said.append(f"Behaviours: {sum(row.agrees for row in found.behaviours)} of {len(found.behaviours)} as expected")
    if found.trials:
        said.append(f"Other checks: {sum(row.agrees for row in found.trials)} of {len(found.trials)} as expected")
    if found.traffic:
        clients = sum(part.clients for part in found.traffic)
        lost = sum(part.lost for part in found.traffic)
        said.append(f"Clients with failed calls: {lost} of {clients}")
    if found.problems and not any(part.lost for part in found.traffic):
        said.append(f"Other problems: {len(found.problems)}")
    if found.chaos:
        said.append(f"Fault injection: {sum(row.agrees for row in found.chaos)} of {len(found.chaos)} as expected")
    return ". ".join(said)


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
        Column("Expected", fixed=True),
        Column("Observed", fixed=True),
        Column("Verdict", fixed=True),
    ]
    narrow = canvas.width < _WIDE
    styles = ["" if row.cell.need != "none" or not row.agrees else "dim" for row in rows]
    canvas.table(columns, [(_row(row, narrow), style) for row, style in zip(rows, styles, strict=True)])


def _legend(canvas: Canvas, rows: Sequence[Checked], phrases: Mapping[str, str]) -> None:
    """The meaning of the protocol eras and of each outcome that the tables show."""
    canvas.line()
    canvas.line(_PROTOCOLS)
    shown = {row.cell.predicted for row in rows} | {row.observed for row in rows}
    canvas.pairs([(outcome, phrases[f"outcome.{outcome}.means"]) for outcome in get_args(Outcome) if outcome in shown])


def _row(checked: Checked, narrow: bool) -> list[Words]:
    cell = checked.cell
    verdict = ("ok", "green") if checked.agrees else ("DIFFERS", "bold red")
    call = _folded(cell.call) if narrow else cell.call
    return [cell.feature, call or "-", cell.predicted, checked.observed, verdict]


def _folded(call: str) -> str:
    """Break a long call into several lines, each before a name. A table would break it in the middle of a name."""
    if len(call) <= _ROOM:
        return call
    name, bracket, arguments = call.partition("(")
    owner, dot, method = name.rpartition(".")
    return "\n".join(part for part in (owner + dot, method, bracket + arguments) if part)


def _behaviours_text(canvas: Canvas, rows: Sequence[Behaved], unknown: int) -> None:
    """Write the section about behaviours that are no cell of the feature table.

    Args:
        canvas: gets the section.
        rows: the compared behaviours. Each behaviour that differs gets a row of the table; the others are only named.
        unknown: the number of behaviours without an expectation.
    """
    canvas.heading("Behaviour")
    wrong = {behaved.name for behaved in rows if not behaved.agrees}
    fine = [name for name in dict.fromkeys(behaved.name for behaved in rows) if name not in wrong]
    if fine:
        canvas.line(f"As expected: {', '.join(fine)}.", indent=2)
    if unknown:
        canvas.line(f"Not compared, because there is no measurement of this SDK release: {unknown}.", indent=2)
    differing = [behaved for behaved in rows if not behaved.agrees]
    if differing:
        columns = [
            Column("Behaviour", least=12),
            Column("Clients", fixed=True),
            Column("Expected"),
            Column("Observed"),
        ]
        canvas.table(columns, [([row.name, _clients(row), row.predicted, row.observed], "") for row in differing])


def _trials_text(canvas: Canvas, rows: Sequence[Trial]) -> None:
    """Write the section about checks that belong to no feature: each difference in a table, the others by name."""
    canvas.heading("Other checks")
    differing = [row for row in rows if not row.agrees]
    wrong = {row.name for row in differing}
    fine = [name for name in dict.fromkeys(row.name for row in rows) if name not in wrong]
    if fine:
        canvas.line(f"As expected: {', '.join(fine)}.", indent=2)
    for row in differing:
        canvas.line((f"{row.name} ({row.place})", "bold"), indent=2)
        canvas.line(f"expected: {row.expected}; observed: {row.observed}", indent=4)


def _clients(behaved: Behaved) -> str:
    return f"{behaved.era}, {behaved.tier}" if behaved.tier else behaved.era


def _sessions_text(canvas: Canvas, traffic: Sequence[SessionTraffic]) -> None:
    canvas.heading("Many clients")
    for part in traffic:
        tier = f" of the tier {part.tier}" if part.tier else ""
        what = "Sessions per instance" if part.sessions else "Calls per instance"
        spread = ", ".join(map(str, part.per_instance))
        said = [f"{amount(part.clients, 'client')} made {amount(part.calls, 'call')}", f"{what}: {spread}"]
        said.append(f"Clients with failed calls: {part.lost}" if part.lost else "All calls succeeded")
        if wrong := part.wrong_instance:
            said.append(f"Calls at an instance without the session: {wrong} ({wrong / part.calls:.0%})")
        if part.failed:
            said.append(f"Other failed calls: {part.failed}")
        canvas.line(f"{_ERAS[part.era]}{tier}: {'. '.join(said)}.", indent=2)


def _differences(canvas: Canvas, found: Verification) -> None:
    cells = [checked for checked in found.cells if not checked.agrees]
    behaviours = [behaved for behaved in found.behaviours if not behaved.agrees]
    if not cells and not behaviours and not found.problems:
        return
    canvas.heading("Differences")
    for checked in cells:
        cell = checked.cell
        outcomes = f"expected: {cell.predicted}; observed: {checked.observed}"
        _difference(canvas, cell.feature, cell.tier, cell.era, outcomes, checked)
    for seen in behaviours:
        outcomes = f"expected: {seen.predicted}; observed: {seen.observed}"
        _difference(canvas, seen.name, seen.tier, seen.era, outcomes, seen)
    for problem in found.problems:
        first, *lines = problem.splitlines()
        canvas.line((first, "bold"), indent=2)
        _logged(canvas, lines)


def _difference(canvas: Canvas, what: str, tier: str | None, era: Era, outcomes: str, row: Checked | Behaved) -> None:
    """Write one difference: the expected and observed outcome, the message of the server, and log lines."""
    where = f", tier {tier}" if tier else ""
    canvas.line((f"{what} for {era} clients{where}", "bold"), f": {outcomes}.", indent=2)
    canvas.line(row.detail, indent=4)
    _logged(canvas, map(str, row.evidence))


def _logged(canvas: Canvas, lines: Iterable[str]) -> None:
    """Write log lines without line breaks, so that a reader can search for a line and copy the line."""
    for line in lines:
        canvas.code(f"    {line.strip()}", "dim")
