"""The pings that keep a silent SSE stream open."""

from __future__ import annotations

import uuid
from dataclasses import replace
from time import monotonic

from advisor.knowledge.capabilities import PINGS
from advisor.lab.clients.raw_client import Endpoint
from advisor.lab.probes.cell import Probe, timed
from advisor.lab.probes.observation import BehaviourRow, Verdict

# Every SDK release so far sends a ping every 15 s. A busy machine delays a ping by up to two seconds, so the
# probe rounds the interval.
_SILENCE_S = 19.0
_STEP_S = 5

# `timed` gives the steps twice this time.
_DEADLINE_S = 14.0


async def pings(probe: Probe) -> list[BehaviourRow]:
    """Call a tool that is silent for longer than the usual ping interval, and wait for the first ping.

    Needs the lab's tool `lab_wait`. The deadline of the probe has no effect, because a ping is late by design.
    """
    return [BehaviourRow(PINGS, await timed(replace(probe, deadline_s=_DEADLINE_S), _first_ping))]


async def _first_ping(probe: Probe, raw: Endpoint) -> Verdict:
    if wrong := await raw.initialize():
        return Verdict("error", f"initialize: {wrong}")
    heard = monotonic()
    async with raw.calling("lab_wait", {"token": uuid.uuid4().hex, "seconds": _SILENCE_S}) as answer:
        if answer.headers.get("content-type", "").startswith("application/json"):
            return Verdict("works", "no stream: the answer is JSON")
        heard = monotonic()
        async for line in answer.aiter_lines():
            if line.startswith(":"):
                return Verdict("works", f"a ping every {_STEP_S * round((monotonic() - heard) / _STEP_S)} s")
    return Verdict("dropped", f"no ping within {_SILENCE_S:g} s")
