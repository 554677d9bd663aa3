"""Disconnect: what becomes of a call whose connection breaks while it runs."""

from __future__ import annotations

import uuid

import anyio

from advisor.lab.clients.raw_client import Endpoint, events
from advisor.lab.probes.cancellation import WORDS, told, work_s
from advisor.lab.probes.cell import Probe
from advisor.lab.probes.observation import BehaviourRow, Verdict
from advisor.lab.probes.resumability import timed

_CUT = 0.25  # of the work, where nothing came before


async def observe(probe: Probe) -> list[BehaviourRow]:
    """Break the connection of a running call.

    Legacy servers must not take it as a cancellation, modern ones must: `works` is what the era's protocol says.
    Needs the lab's tools `lab_wait` and `lab_told`.
    """
    return [BehaviourRow("disconnect", await timed(probe, _steps))]


async def _steps(probe: Probe, raw: Endpoint) -> Verdict:
    token = uuid.uuid4().hex
    if wrong := await raw.initialize():
        return Verdict("error", f"initialize: {wrong}")
    work = work_s(probe)
    with anyio.move_on_after(work * _CUT):
        async with raw.calling("lab_wait", {"token": token, "seconds": work}) as answer:
            async for event in events(answer):
                if event.data:
                    break
    ended = await told(raw, token, work)
    if ended not in WORDS:
        return Verdict("error", f"the server does not say how the call ended: {ended:.80}")
    wanted = "cancelled" if probe.era == "modern" else "finished"
    return Verdict("works" if ended == wanted else "dropped", WORDS[ended])
