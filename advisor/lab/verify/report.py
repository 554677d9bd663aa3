"""A verification as text and as data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from advisor.console.canvas import Canvas, Column, Screen, Words
from advisor.knowledge.types import Era
from advisor.lab.chaos.report import chaos_data, chaos_text
from advisor.lab.fleet.traffic import SessionTraffic
from advisor.lab.load.report import draw_load, load_dict
from advisor.lab.verify.behaviour_report import behaviours_data, behaviours_text, lines_data
from advisor.lab.verify.result import Behaved, Checked, Verification
from advisor.lab.verify.schema import VERIFICATION

_ERAS: dict[Era, str] = {"legacy": "Legacy clients", "modern": "Modern clients"}
_WIDE = 100  # columns with which every call has room on one line
_ROOM = 23  # columns that a call has in the tables of a narrower screen


def verification_dict(found: Verification) -> dict[str, Any]:
    """The document of `verify --format json`."""
    return {
        "schema": VERIFICATION,
        "ok": found.ok,
        "service": found.service,
        "proxy": found.proxy,
        "instances": sum(found.instances.values()),
        "tiers": dict(found.instances),
        "cells": [_cell(one) for one in found.cells],
        "behaviours": behaviours_data(found.behaviours),
        "behaviours_unknown": found.unknown,
        "sessions": _sessions(found.traffic),
        "traffic": [_traffic(one) for one in found.traffic],
        "chaos": chaos_data(found.chaos),
        "load": load_dict(found.load) if found.load else None,
        "problems": list(found.problems),
        "notes": list(found.notes),
        "steps": [{"name": step.name, "seconds": round(step.seconds, 2)} for step in found.steps],
        "seconds": round(found.seconds, 1),
        "floor_seconds": round(found.floor_seconds, 1),
        "ratio": round(found.ratio, 2),
        "logs": found.logs or None,
    }


def _cell(one: Checked) -> dict[str, Any]:
    cell = one.cell
    return {
        "tier": cell.tier,
        "era": cell.era,
        "feature": cell.feature,
        "need": cell.need,
        "call": cell.call or None,
        "tool": cell.tool or None,
        "predicted": cell.predicted,
        "observed": one.observed,
        "agrees": one.agrees,
        "detail": one.detail,
        "evidence": lines_data(one.evidence),
    }


def _sessions(traffic: Sequence[SessionTraffic]) -> dict[str, Any]:
    """All traffic in one: sessions where there are any, else calls, by instance."""
    keeping = [one for one in traffic if one.sessions]
    shown = (keeping or list(traffic))[:1]
    calls = sum(one.calls for one in traffic)
    wrong = sum(one.wrong for one in traffic)
    return {
        "opened": sum(one.sessions for one in traffic),
        "lost": sum(one.lost for one in traffic),
        "per_instance": [number for one in shown for number in one.per_instance],
        "calls": calls,
        "wrong_instance": wrong,
        "wrong_instance_rate": round(wrong / calls, 4) if calls else 0.0,
    }


def _traffic(one: SessionTraffic) -> dict[str, Any]:
    return {
        "tier": one.tier,
        "era": one.era,
        "clients": one.clients,
        "sessions": one.sessions,
        "calls": one.calls,
        "wrong_instance": one.wrong,
        "failed": one.failed,
        "lost": one.lost,
        "per_instance": list(one.per_instance),
        "example": one.example or None,
    }


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
        behaviours_text(canvas, found.behaviours, found.unknown)
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
        said.append(f"{sum(one.agrees for one in found.cells)} of {len(found.cells)} cells")
    if found.behaviours:
        said.append(f"{sum(one.agrees for one in found.behaviours)} of {len(found.behaviours)} behaviours")
    if found.traffic:
        clients = sum(one.clients for one in found.traffic)
        lost = sum(one.lost for one in found.traffic)
        said.append(f"{lost} of {clients} clients lost calls" if lost else f"{clients} clients without a lost call")
    if found.problems and not any(one.lost for one in found.traffic):
        said.append(f"{len(found.problems)} other fault{'s' if len(found.problems) > 1 else ''}")
    if found.chaos:
        said.append(f"{sum(one.agrees for one in found.chaos)} of {len(found.chaos)} promises for failures kept")
    return ", ".join(said)


def _counts(found: Verification) -> str:
    if len(found.instances) == 1:
        return str(sum(found.instances.values()))
    return ", ".join(f"{number} {name}" for name, number in found.instances.items())


def _groups(cells: Sequence[Checked]) -> Iterator[tuple[str | None, Era, list[Checked]]]:
    keys = dict.fromkeys((one.cell.tier, one.cell.era) for one in cells)
    for tier, era in keys:
        yield tier, era, [one for one in cells if (one.cell.tier, one.cell.era) == (tier, era)]


def _table(canvas: Canvas, cells: Sequence[Checked]) -> None:
    columns = [
        Column("Feature", fixed=True),
        Column("Call", least=10),
        Column("Predicted", fixed=True),
        Column("Observed", fixed=True),
        Column("Verdict", fixed=True),
    ]
    narrow = canvas.width < _WIDE
    rows = [(_row(one, narrow), "" if one.cell.need != "none" or not one.agrees else "dim") for one in cells]
    canvas.table(columns, rows)


def _row(one: Checked, narrow: bool) -> list[Words]:
    cell = one.cell
    verdict = ("ok", "green") if one.agrees else ("DIFFERS", "bold red")
    call = _folded(cell.call) if narrow else cell.call
    return [cell.feature, call or "-", cell.predicted, one.observed, verdict]


def _folded(call: str) -> str:
    """A long call on several lines, broken where names begin: a table would break it anywhere."""
    if len(call) <= _ROOM:
        return call
    name, bracket, arguments = call.partition("(")
    owner, dot, method = name.rpartition(".")
    return "\n".join(part for part in (owner + dot, method, bracket + arguments) if part)


def _sessions_text(canvas: Canvas, traffic: Sequence[SessionTraffic]) -> None:
    canvas.heading("Many clients")
    for one in traffic:
        tier = f" of the tier {one.tier}" if one.tier else ""
        what = f"{one.sessions} sessions" if one.sessions else "calls"
        spread = ", ".join(map(str, one.per_instance))
        kept = "every call answered by its instance" if not one.lost else f"{one.lost} clients lost calls"
        wrong = f"; {one.wrong} calls ({one.wrong / one.calls:.0%}) at the wrong instance" if one.wrong else ""
        failed = f"; {one.failed} failed" if one.failed else ""
        canvas.line(
            f"{_ERAS[one.era]}{tier}: {one.clients}, {one.calls} calls, {what} by instance: {spread}; "
            f"{kept}{wrong}{failed}.",
            indent=2,
        )


def _differences(canvas: Canvas, found: Verification) -> None:
    cells = [one for one in found.cells if not one.agrees]
    behaviours = [one for one in found.behaviours if not one.agrees]
    if not cells and not behaviours and not found.problems:
        return
    canvas.heading("What is not as predicted")
    for one in cells:
        cell = one.cell
        outcomes = f"{cell.predicted} was predicted, {one.observed} was observed"
        _difference(canvas, cell.feature, cell.tier, cell.era, outcomes, one)
    for seen in behaviours:
        outcomes = f"predicted: {seen.predicted}; observed: {seen.observed}"
        _difference(canvas, seen.name, seen.tier, seen.era, outcomes, seen)
    for problem in found.problems:
        first, *lines = problem.splitlines()
        canvas.line((first, "bold"), indent=2)
        _logged(canvas, lines)
    if found.logs:
        canvas.line(f"Logs: {found.logs}", indent=2)


def _difference(canvas: Canvas, what: str, tier: str | None, era: Era, outcomes: str, one: Checked | Behaved) -> None:
    """One difference: what was predicted and observed, the message behind it, and what was logged meanwhile."""
    where = f", tier {tier}" if tier else ""
    canvas.line((f"{what} for {era} clients{where}", "bold"), f": {outcomes}.", indent=2)
    canvas.line(one.detail, indent=4)
    _logged(canvas, [f"{process}: {line}" for process, line in one.evidence])


def _logged(canvas: Canvas, lines: Iterable[str]) -> None:
    """Lines of logs as they are: a broken one can be neither searched for nor copied."""
    for line in lines:
        canvas.code(f"    {line.strip()}", "dim")
