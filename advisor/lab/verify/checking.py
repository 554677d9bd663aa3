"""Observe the cells, the tools and the behaviours of a fleet, and compare them with the prediction."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from advisor.kit.parts.server import server_tools
from advisor.lab.fleet.fleet import Fleet
from advisor.lab.fleet.log_excerpts import Marks, settled
from advisor.lab.fleet.plan import EVENTS
from advisor.lab.probes import ProbeTarget, observe
from advisor.lab.probes.calls import BY_HANDLE
from advisor.lab.probes.observation import ProbeResult, worst
from advisor.lab.process.steps import Current, Steps
from advisor.lab.testserver.tool_catalogue import PLAIN, LabTool, find
from advisor.lab.verify.behaving import Behaviours
from advisor.lab.verify.conduct import Foresight, places
from advisor.lab.verify.kit_tools import observe_handle, observe_tool
from advisor.lab.verify.prediction import PredictedCell
from advisor.lab.verify.result import LATER, Checked, Verification
from advisor.lab.verify.toolbox import Toolbox

DEADLINE_S = 5.0

# The number of parallel clients. Calls that hang overlap, and two processors can keep up.
_AT_ONCE = 16
# Attempts where chance decides which instance a request reaches.
_ATTEMPTS = 6
# Attempts where workers share a port. The operating system distributes connections unevenly.
_WORKER_ATTEMPTS = 24
# The answer of the launcher if the server's application cannot have an event store.
_NO_STORE = "HTTP 501"
# The number of differences that get log lines. Further differences usually have the same cause.
_EXPLAINED = 2
# A stub sends all messages in one burst. Only a slow tool shows whether messages arrive during the call.
_LIVE = ("progress", "logging")


async def check(
    found: Verification, fleet: Fleet, cells: Sequence[PredictedCell], foresight: Foresight, steps: Steps
) -> Verification:
    """Observe every cell, tool and behaviour, and repeat each observation that differs.

    Args:
        found: the result of the earlier parts.
        fleet: a running fleet.
        cells: the predicted cells.
        foresight: predicts the behaviours.
        steps: shows the progress.

    Returns:
        `found` with the new observations.
    """
    behaviours = Behaviours(fleet, foresight, places(cells))
    tools = Toolbox(fleet, cells, places(cells))
    total = len(cells) + behaviours.total + tools.total
    with steps.step("features, tools and behaviours", total) as current:
        checked = await _all(fleet, cells, behaviours, tools, current)
    differing = [row for row in checked if not row.agrees]
    if total := len(differing) + len(behaviours.doubtful) + len(tools.doubtful):
        with steps.step("second attempt for differences", total) as current:
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
    """A note that names the cells for which only the second attempt matched the prediction."""
    some = [f"{row.cell.feature} ({row.cell.era})" for row in checked if row.agrees and row.detail.endswith(LATER)]
    if not some:
        return []
    said = f"As expected only {LATER}: {', '.join(some)}."
    return [f"{said} A busy machine or the choice of the instance can explain the first result."]


async def _all(
    fleet: Fleet, cells: Sequence[PredictedCell], behaviours: Behaviours, tools: Toolbox, current: Current
) -> list[Checked]:
    """Observe everything once, in parallel where observations do not disturb each other.

    Returns:
        The cells in their order.
    """
    seen: dict[PredictedCell, ProbeResult] = {}

    async def look(cell: PredictedCell, gate: asyncio.Semaphore) -> None:
        async with gate:
            seen[cell] = await _observed(fleet, cell, DEADLINE_S)
        current.advance()

    gate, one_by_one = asyncio.Semaphore(_AT_ONCE), asyncio.Semaphore(1)
    quiet = [cell for cell in cells if not cell.broadcasts]
    beginning = [*(look(cell, gate) for cell in quiet), tools.observe(gate, current), behaviours.observe(current)]
    # Clients of these cells would receive the notifications of each other and of the kit's own tools.
    broadcasting = [look(cell, one_by_one) for cell in cells if cell.broadcasts]
    if _disturbs(fleet, quiet):
        await asyncio.gather(*beginning)
        await asyncio.gather(*broadcasting)
    else:
        await asyncio.gather(*beginning, *broadcasting)
    await tools.observe_loud(current)
    return [Checked(cell, seen[cell].outcome, _detail(cell, seen[cell], fleet)) for cell in cells]


def _disturbs(fleet: Fleet, cells: Sequence[PredictedCell]) -> bool:
    """Whether a tool of the kit that is called for these cells also notifies every client of a change."""
    loud = {tool.name for tool in server_tools(fleet.plan.kit) if tool.subscriptions or tool.list_changed}
    return any(cell.tool in loud for cell in cells)


async def _all_again(fleet: Fleet, differing: Sequence[Checked], current: Current) -> list[Checked]:
    """Observe the cells that differ a second time.

    Cells that broadcast and cells that get log lines run alone. The other cells run in parallel.
    """
    gate = asyncio.Semaphore(_AT_ONCE)
    alone = {row.cell for row in differing[:_EXPLAINED]} | {row.cell for row in differing if row.cell.broadcasts}
    again = {row.cell: await _again(fleet, row, current) for row in differing if row.cell in alone}

    async def side_by_side(row: Checked) -> None:
        async with gate:
            again[row.cell] = replace(await _again(fleet, row, current), evidence=())

    await asyncio.gather(*(side_by_side(row) for row in differing if row.cell not in alone))
    return [again[row.cell] for row in differing]


async def _again(fleet: Fleet, checked: Checked, current: Current) -> Checked:
    """Observe a cell that differs a second time.

    A second observation that matches the prediction replaces the first in two cases: an answer was late, or the result
    depends on the instances that requests reach. In other cases the first observation stays: clients can see it too.
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
    return replace(checked, detail=f"{checked.detail}; as expected {LATER}")


async def _observed(fleet: Fleet, cell: PredictedCell, deadline_s: float) -> ProbeResult:
    """Observe a cell once, or several times if the result depends on the instances that requests reach.

    Returns:
        The worst observation.
    """
    attempts = 1
    if cell.spreads and fleet.spread(cell.tier):
        attempts = _ATTEMPTS if len(fleet.of(cell.tier)) > 1 else _WORKER_ATTEMPTS
    seen: list[ProbeResult] = []
    for number in range(attempts):
        seen.append(await _once(fleet, cell, deadline_s, number))
        if seen[-1].outcome != "works":
            break
    return worst(seen)


async def _once(fleet: Fleet, cell: PredictedCell, deadline_s: float, number: int) -> ProbeResult:
    url = fleet.url(cell.tier, cell.era, tool=cell.tool, client=number)
    if not cell.tool:
        return await _on_lab(fleet, cell, url, deadline_s)
    seen = observe_tool(cell.feature, url, cell.era, cell.tool, deadline_s=deadline_s)
    if cell.feature not in _LIVE:
        return await seen
    lab_url = fleet.url(cell.tier, cell.era, client=number)
    return worst(await asyncio.gather(seen, _on_lab(fleet, cell, lab_url, deadline_s)))


async def _on_lab(fleet: Fleet, cell: PredictedCell, url: str, deadline_s: float) -> ProbeResult:
    entry = entry_of(fleet, cell)
    if entry.call == BY_HANDLE and fleet.spread(cell.tier):
        return await observe_handle(url, cell.era, entry, deadline_s=deadline_s)
    headers = EVENTS if entry.feature == "resumability" and fleet.plan.extras.events else None
    target = ProbeTarget(entry.tool, {}, entry.call)
    seen = await observe(entry.feature, url, cell.era, target, deadline_s=deadline_s, headers=headers)
    if headers and _NO_STORE in seen.message:
        return ProbeResult("unsupported", "the server of this SDK release cannot use an event store", seen.seconds)
    return seen


def entry_of(fleet: Fleet, cell: PredictedCell) -> LabTool:
    """The lab's tool for the call of a cell. If the SDK has no such call for the era, the tool of a plain call."""
    return find(fleet.plan.kit.sdk.apis, cell.feature, cell.call) or PLAIN


def _detail(cell: PredictedCell, seen: ProbeResult, fleet: Fleet) -> str:
    if cell.tool:
        return seen.message if cell.tool in seen.message else f"{cell.tool}: {seen.message}"
    tail = f"; {cell.why_lab}" if cell.why_lab else ""
    return f"{seen.message} (test tool {entry_of(fleet, cell).tool}{tail})"


def _with_refusal(checked: Checked, seen: ProbeResult | None) -> Checked:
    if seen is None:
        return checked
    return replace(checked, detail=f"{checked.detail}; tool {checked.cell.refuses} of the kit: {_said(seen)}")


def _said(seen: ProbeResult) -> str:
    return f"error: {seen.message}" if seen.outcome == "error" else f"{seen.outcome}: {seen.message}"
