"""Disconnect: what becomes of a call whose connection breaks while it runs."""

from __future__ import annotations

import uuid

import anyio

from advisor.lab.observation import Row, Verdict
from advisor.lab.probes.cancellation import WORK_S, told
from advisor.lab.probes.cell import Probe
from advisor.lab.probes.resumability import timed
from advisor.lab.raw import Endpoint, events

_CUT_S = 0.5
_WORDS = {"cancelled": "the tool was stopped", "finished": "the tool ran to its end"}


async def observe(probe: Probe) -> list[Row]:
    """Break the connection of a running call.

    Legacy servers must not take it as a cancellation, modern ones must: `works` is what the era's protocol says.
    Needs the lab's tools `lab_wait` and `lab_told`.
    """
    return [Row("disconnect", await timed(probe, _steps))]


async def _steps(probe: Probe, raw: Endpoint) -> Verdict:
    token = uuid.uuid4().hex
    if wrong := await raw.initialize():
        return Verdict("error", f"initialize: {wrong}")
    with anyio.move_on_after(_CUT_S):
        async with raw.calling("lab_wait", {"token": token, "seconds": WORK_S}) as answer:
            async for event in events(answer):
                if event.data:
                    break
    ended = await told(raw, token, ("cancelled", "finished"), WORK_S + 1.0)
    if ended not in _WORDS:
        return Verdict("error", "the server does not say how the call ended")
    wanted = "cancelled" if probe.era == "modern" else "finished"
    return Verdict("works" if ended == wanted else "dropped", _WORDS[ended])
