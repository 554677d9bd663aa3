"""Observe the cells of a fleet and compare them with what was predicted."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from advisor.kit.parts.server import server_tools
from advisor.lab.explain import Marks
from advisor.lab.fleet import EVENTS, Fleet
from advisor.lab.kit_tools import observe_handle, observe_tool, refusal
from advisor.lab.observation import Observation, worst
from advisor.lab.prediction import Cell
from advisor.lab.probes import Target, observe
from advisor.lab.probes.session_state import BY_HANDLE
from advisor.lab.steps import Current, Steps
from advisor.lab.subject.catalogue import Entry, find
from advisor.lab.verification import Checked

DEADLINE_S = 5.0

_AT_ONCE = 16  # clients side by side: enough that hangs overlap, few enough that two processors keep up
_ATTEMPTS = 6  # where it depends on luck which instance is reached
_WORKER_ATTEMPTS = 24  # workers share a port, and the system gives one of them far more connections than the other
_NO_STORE = "HTTP 501"  # the answer of the launcher where no application can have an event store
_EXPLAINED = 2  # differences for which the lines of log are looked for: more have the same cause as a rule
_LIVE = ("progress", "logging")  # stubs report all at once; whether it comes live shows on a tool that takes its time


async def check(fleet: Fleet, cells: Sequence[Cell], steps: Steps) -> tuple[list[Checked], list[str]]:
    """Observe every cell; what differs once more, alone and with more patience.

    Returns:
        The cells in their order, and what is wrong with the kit beside them, in words.
    """
    found: dict[Cell, Observation] = {}
    side_by_side = [one for one in cells if not one.broadcasts]
    lane = [one for one in cells if one.broadcasts]
    refusing = [one for one in cells if one.refuses]
    with steps.step("cells side by side", len(cells) + len(refusing)) as current:
        gate = asyncio.Semaphore(_AT_ONCE)
        alone = _in_turn(fleet, lane, found, current)
        pool = asyncio.gather(*(_gated(gate, fleet, one, found, current) for one in side_by_side))
        refused = asyncio.gather(*(_refused(gate, fleet, one, current) for one in refusing))
        if _disturbs(fleet, [*side_by_side, *refusing]):
            await asyncio.gather(pool, refused)
            await alone
        else:
            await asyncio.gather(pool, refused, alone)
    refusals = refused.result()
    checked = [Checked(one, found[one].outcome, _detail(one, found[one], fleet)) for one in cells]
    differing = [one for one in checked if not one.agrees]
    if differing:
        with steps.step("what differs, once more", len(differing)) as current:
            for before, after in zip(differing, await _all_again(fleet, differing, current), strict=True):
                checked[checked.index(before)] = after
    said = dict(zip(refusing, refusals, strict=True))
    return [_with_refusal(one, said.get(one.cell)) for one in checked], _problems(said)


def _disturbs(fleet: Fleet, cells: Sequence[Cell]) -> bool:
    """Whether a tool of the kit that is called for these cells tells every client of a change as well."""
    tools = server_tools(fleet.plan.kit)
    loud = {tool.name for tool in tools if tool.subscriptions or tool.list_changed}
    return any({one.tool, one.refuses} & loud for one in cells)


async def _in_turn(fleet: Fleet, cells: Sequence[Cell], found: dict[Cell, Observation], current: Current) -> None:
    """Cells whose clients would hear each other, one after the other."""
    for one in cells:
        found[one] = await _observed(fleet, one, DEADLINE_S)
        current.advance()


async def _gated(
    gate: asyncio.Semaphore, fleet: Fleet, cell: Cell, found: dict[Cell, Observation], current: Current
) -> None:
    async with gate:
        found[cell] = await _observed(fleet, cell, DEADLINE_S)
    current.advance()


async def _refused(gate: asyncio.Semaphore, fleet: Fleet, cell: Cell, current: Current) -> Observation:
    async with gate:
        url = fleet.url(cell.tier, cell.era, tool=cell.refuses)
        seen = await refusal(url, cell.era, cell.refuses, deadline_s=DEADLINE_S)
    current.advance()
    return seen


async def _all_again(fleet: Fleet, differing: Sequence[Checked], current: Current) -> list[Checked]:
    """Once more, the broadcasting ones and those that are to be explained alone, the others side by side."""
    gate = asyncio.Semaphore(_AT_ONCE)
    alone = {one.cell for one in differing[:_EXPLAINED]} | {one.cell for one in differing if one.cell.broadcasts}
    again = {one.cell: await _again(fleet, one, current) for one in differing if one.cell in alone}

    async def beside(one: Checked) -> None:
        async with gate:
            again[one.cell] = replace(await _again(fleet, one, current), evidence=())

    await asyncio.gather(*(beside(one) for one in differing if one.cell not in alone))
    return [again[one.cell] for one in differing]


async def _again(fleet: Fleet, checked: Checked, current: Current) -> Checked:
    """Observe a cell that differs once more: load makes deadlines lie. What is logged meanwhile belongs to it alone."""
    marks = Marks(fleet)
    patience = 2 if checked.observed in ("hang", "dropped") else 1
    seen = await _observed(fleet, checked.cell, patience * DEADLINE_S)
    current.advance()
    detail = _detail(checked.cell, seen, fleet)
    if seen.outcome == checked.cell.predicted:
        return replace(checked, observed=seen.outcome, detail=f"{detail}; at the 2nd attempt")
    return replace(checked, observed=seen.outcome, detail=detail, evidence=await _settled(marks))


async def _settled(marks: Marks) -> tuple[tuple[str, str], ...]:
    """The lines, once there are some: proxies write theirs when a request is over."""
    for _ in range(20):
        if lines := marks.lines():
            return lines
        await asyncio.sleep(0.05)
    return ()


async def _observed(fleet: Fleet, cell: Cell, deadline_s: float) -> Observation:
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


async def _once(fleet: Fleet, cell: Cell, deadline_s: float, number: int) -> Observation:
    url = fleet.url(cell.tier, cell.era, tool=cell.tool, client=number)
    if not cell.tool:
        return await _on_lab(fleet, cell, url, deadline_s)
    seen = observe_tool(cell.feature, url, cell.era, cell.tool, deadline_s=deadline_s)
    if cell.feature not in _LIVE:
        return await seen
    lab_url = fleet.url(cell.tier, cell.era, client=number)
    return worst(await asyncio.gather(seen, _on_lab(fleet, cell, lab_url, deadline_s)))


async def _on_lab(fleet: Fleet, cell: Cell, url: str, deadline_s: float) -> Observation:
    entry = entry_of(fleet, cell)
    if entry.call == BY_HANDLE and fleet.spread(cell.tier):
        return await observe_handle(url, cell.era, entry, deadline_s=deadline_s)
    headers = EVENTS if entry.feature == "resumability" and fleet.plan.extras.events else None
    target = Target(entry.tool, {}, entry.call)
    seen = await observe(entry.feature, url, cell.era, target, deadline_s=deadline_s, headers=headers)
    if headers and _NO_STORE in seen.message:
        return Observation("unsupported", "the applications of this release take no event store", seen.seconds)
    return seen


def entry_of(fleet: Fleet, cell: Cell) -> Entry:
    """The lab's tool with the bare call; where the SDK has none for the era, a plain call shows that."""
    line = fleet.plan.kit.line
    found = find(line, cell.feature, cell.call) or find(line, "plain", "tools/call")
    assert found is not None
    return found


def _detail(cell: Cell, seen: Observation, fleet: Fleet) -> str:
    if cell.tool:
        return seen.message
    tail = f"; {cell.why_lab}" if cell.why_lab else ""
    return f"{seen.message} (on the lab's {entry_of(fleet, cell).tool}{tail})"


def _with_refusal(checked: Checked, seen: Observation | None) -> Checked:
    if seen is None:
        return checked
    return replace(checked, detail=f"{checked.detail}; the kit's {checked.cell.refuses}: {_said(seen)}")


def _said(seen: Observation) -> str:
    return f"refuses: {seen.message}" if seen.outcome == "error" else f"{seen.outcome}: {seen.message}"


def _problems(refusals: dict[Cell, Observation]) -> list[str]:
    """Tools that keep their callers waiting where they should say that these clients cannot be asked."""
    found = [
        f"{one.refuses} hangs for {one.era} clients, which cannot be asked for {one.feature}, where it should refuse"
        for one, seen in refusals.items()
        if seen.outcome == "hang"
    ]
    return list(dict.fromkeys(found))
