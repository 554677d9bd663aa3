"""Observe the cells, the tools and the behaviours of a fleet, and compare them with what was predicted."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from advisor.kit.parts.server import server_tools
from advisor.lab.fleet.explain import Marks, settled
from advisor.lab.fleet.fleet import Fleet
from advisor.lab.fleet.plan import EVENTS
from advisor.lab.probes import ProbeTarget, observe
from advisor.lab.probes.calls import BY_HANDLE
from advisor.lab.probes.observation import Observation, worst
from advisor.lab.process.steps import Current, Steps
from advisor.lab.testserver.tool_catalogue import LabTool, find
from advisor.lab.verify.behaving import Behaviours
from advisor.lab.verify.conduct import Foresight, places
from advisor.lab.verify.kit_tools import observe_handle, observe_tool
from advisor.lab.verify.prediction import PredictedCell
from advisor.lab.verify.result import LATER, Checked, Verification
from advisor.lab.verify.toolbox import Toolbox

DEADLINE_S = 5.0

_AT_ONCE = 16  # clients side by side: enough that hangs overlap, few enough that two processors keep up
_ATTEMPTS = 6  # where it depends on luck which instance is reached
_WORKER_ATTEMPTS = 24  # workers share a port, and the system shares connections out unevenly
_NO_STORE = "HTTP 501"  # the answer of the launcher where no application can have an event store
_EXPLAINED = 2  # differences for which the lines of log are looked for: more have the same cause as a rule
_LIVE = ("progress", "logging")  # stubs report all at once; whether it comes live shows on a tool that takes its time


async def check(
    found: Verification, fleet: Fleet, cells: Sequence[PredictedCell], foresight: Foresight, steps: Steps
) -> Verification:
    """Observe every cell, tool and behaviour; what differs once more, alone and with more patience.

    Args:
        found: the result so far, to which everything is added.
        fleet: runs.
        cells: what is predicted.
        foresight: predicts the behaviours.
        steps: told of what is done.
    """
    behaviours = Behaviours(fleet, foresight, places(cells))
    tools = Toolbox(fleet, cells, places(cells))
    total = len(cells) + behaviours.total + tools.total
    with steps.step("cells, tools and behaviour side by side", total) as current:
        checked = await _all(fleet, cells, behaviours, tools, current)
    differing = [row for row in checked if not row.agrees]
    if total := len(differing) + len(behaviours.doubtful) + len(tools.doubtful):
        with steps.step("what differs, once more", total) as current:
            for before, after in zip(differing, await _all_again(fleet, differing, current), strict=True):
                checked[checked.index(before)] = after
            await behaviours.again(current)
            await tools.again(current)
    return replace(
        found,
        cells=tuple(_with_refusal(row, tools.of_cell(row.cell)) for row in checked),
        behaviours=behaviours.rows,
        unknown=behaviours.unknown,
        problems=(*found.problems, *tools.problems()),
        notes=(*found.notes, *tools.notes(), *_later(checked)),
    )


def _later(checked: Sequence[Checked]) -> list[str]:
    """What the first look did not see as predicted, although it is."""
    some = [f"{row.cell.feature} ({row.cell.era})" for row in checked if row.agrees and row.detail.endswith(LATER)]
    return [f"As predicted only {LATER}, which a busy machine or chance explains: {', '.join(some)}."] if some else []


async def _all(
    fleet: Fleet, cells: Sequence[PredictedCell], behaviours: Behaviours, tools: Toolbox, current: Current
) -> list[Checked]:
    """Everything once, as far as it may be at the same time; the cells in their order."""
    seen: dict[PredictedCell, Observation] = {}

    async def look(cell: PredictedCell, gate: asyncio.Semaphore) -> None:
        async with gate:
            seen[cell] = await _observed(fleet, cell, DEADLINE_S)
        current.advance()

    gate, one_by_one = asyncio.Semaphore(_AT_ONCE), asyncio.Semaphore(1)
    quiet = [cell for cell in cells if not cell.broadcasts]
    beginning = [*(look(cell, gate) for cell in quiet), tools.observe(gate, current), behaviours.observe(current)]
    # Clients of these cells would hear each other, and what the kit's own tools change.
    broadcasting = [look(cell, one_by_one) for cell in cells if cell.broadcasts]
    if _disturbs(fleet, quiet):
        await asyncio.gather(*beginning)
        await asyncio.gather(*broadcasting)
    else:
        await asyncio.gather(*beginning, *broadcasting)
    await tools.observe_loud(current)
    return [Checked(cell, seen[cell].outcome, _detail(cell, seen[cell], fleet)) for cell in cells]


def _disturbs(fleet: Fleet, cells: Sequence[PredictedCell]) -> bool:
    """Whether a tool of the kit that is called for these cells tells every client of a change as well."""
    loud = {tool.name for tool in server_tools(fleet.plan.kit) if tool.subscriptions or tool.list_changed}
    return any(cell.tool in loud for cell in cells)


async def _all_again(fleet: Fleet, differing: Sequence[Checked], current: Current) -> list[Checked]:
    """Once more, the broadcasting cells and those that are to be explained alone, the others side by side."""
    gate = asyncio.Semaphore(_AT_ONCE)
    alone = {row.cell for row in differing[:_EXPLAINED]} | {row.cell for row in differing if row.cell.broadcasts}
    again = {row.cell: await _again(fleet, row, current) for row in differing if row.cell in alone}

    async def side_by_side(row: Checked) -> None:
        async with gate:
            again[row.cell] = replace(await _again(fleet, row, current), evidence=())

    await asyncio.gather(*(side_by_side(row) for row in differing if row.cell not in alone))
    return [again[row.cell] for row in differing]


async def _again(fleet: Fleet, checked: Checked, current: Current) -> Checked:
    """Observe a cell that differs once more. What is logged meanwhile belongs to it alone.

    The second look only decides where the first may have been wrong: an answer that did not come in time, and what
    depends on which instances are reached. Anything else that was seen once, clients see too.
    """
    marks = Marks(fleet)
    late = checked.observed in ("hang", "dropped")
    seen = await _observed(fleet, checked.cell, (2 if late else 1) * DEADLINE_S)
    current.advance()
    detail = _detail(checked.cell, seen, fleet)
    if seen.outcome != checked.cell.predicted:
        return replace(checked, observed=seen.outcome, detail=detail, evidence=await settled(marks))
    if late or (checked.observed == "works" and checked.cell.spreads):
        return replace(checked, observed=seen.outcome, detail=f"{detail}; {LATER}")
    return replace(checked, detail=f"{checked.detail}; as predicted {LATER}")


async def _observed(fleet: Fleet, cell: PredictedCell, deadline_s: float) -> Observation:
    """One cell: once, or several times where it depends on which instances are reached; then the worst counts."""
    attempts = 1
    if cell.spreads and fleet.spread(cell.tier):
        attempts = _ATTEMPTS if len(fleet.of(cell.tier)) > 1 else _WORKER_ATTEMPTS
    seen: list[Observation] = []
    for number in range(attempts):
        seen.append(await _once(fleet, cell, deadline_s, number))
        if seen[-1].outcome != "works":
            break
    return worst(seen)


async def _once(fleet: Fleet, cell: PredictedCell, deadline_s: float, number: int) -> Observation:
    url = fleet.url(cell.tier, cell.era, tool=cell.tool, client=number)
    if not cell.tool:
        return await _on_lab(fleet, cell, url, deadline_s)
    seen = observe_tool(cell.feature, url, cell.era, cell.tool, deadline_s=deadline_s)
    if cell.feature not in _LIVE:
        return await seen
    lab_url = fleet.url(cell.tier, cell.era, client=number)
    return worst(await asyncio.gather(seen, _on_lab(fleet, cell, lab_url, deadline_s)))


async def _on_lab(fleet: Fleet, cell: PredictedCell, url: str, deadline_s: float) -> Observation:
    entry = entry_of(fleet, cell)
    if entry.call == BY_HANDLE and fleet.spread(cell.tier):
        return await observe_handle(url, cell.era, entry, deadline_s=deadline_s)
    headers = EVENTS if entry.feature == "resumability" and fleet.plan.extras.events else None
    target = ProbeTarget(entry.tool, {}, entry.call)
    seen = await observe(entry.feature, url, cell.era, target, deadline_s=deadline_s, headers=headers)
    if headers and _NO_STORE in seen.message:
        return Observation("unsupported", "the applications of this release take no event store", seen.seconds)
    return seen


def entry_of(fleet: Fleet, cell: PredictedCell) -> LabTool:
    """The lab's tool with the bare call; where the SDK has none for the era, a plain call shows that."""
    line = fleet.plan.kit.line
    found = find(line, cell.feature, cell.call) or find(line, "plain", "tools/call")
    assert found is not None
    return found


def _detail(cell: PredictedCell, seen: Observation, fleet: Fleet) -> str:
    if cell.tool:
        return seen.message if cell.tool in seen.message else f"{cell.tool}: {seen.message}"
    tail = f"; {cell.why_lab}" if cell.why_lab else ""
    return f"{seen.message} (on the lab's {entry_of(fleet, cell).tool}{tail})"


def _with_refusal(checked: Checked, seen: Observation | None) -> Checked:
    if seen is None:
        return checked
    return replace(checked, detail=f"{checked.detail}; the kit's {checked.cell.refuses}: {_said(seen)}")


def _said(seen: Observation) -> str:
    return f"refuses: {seen.message}" if seen.outcome == "error" else f"{seen.outcome}: {seen.message}"
