"""The probe of resumability: the client interrupts the answer of a call and requests the rest with Last-Event-ID."""

from __future__ import annotations

import anyio

from advisor.lab.clients.raw_client import Endpoint, events, said
from advisor.lab.probes.cell import Probe, timed
from advisor.lab.probes.observation import ProbeResult, Verdict

RESULT = "the result"
"""The result of the tool, which it returns about one second after its first event."""

_CUT_S = 0.6  # the probe closes the connection then, or earlier at the first event; the tool still runs at that time
_GET_S = 1.5  # deadline of each attempt to resume


async def observe(probe: Probe) -> ProbeResult:
    """Interrupt a call and resume it. The tool logs immediately and returns `RESULT` about one second later."""
    steps = _modern if probe.era == "modern" else _legacy
    return await timed(probe, steps)


async def _legacy(probe: Probe, raw: Endpoint) -> Verdict:
    if wrong := await raw.initialize():
        return Verdict("error", f"initialize: {wrong}")
    status, last = await _cut(probe, raw)
    if status == 404:
        return Verdict("unreachable", "404 for a session that another instance owns")
    if not last:
        return Verdict("dropped", "the answer has no event ids, so the client cannot resume and the result is lost")

    tried = ""
    with anyio.move_on_after(probe.deadline_s):
        while True:
            found, tried = await _resume(raw, last)
            if found or not tried.startswith("HTTP 200"):
                break
    if tried.startswith("HTTP 404"):
        return Verdict("unreachable", f"GET with Last-Event-ID: {tried}")
    if found:
        return Verdict("works", "GET with Last-Event-ID returned the result")
    return Verdict("dropped", f"GET with Last-Event-ID: {tried}, without the result")


async def _cut(probe: Probe, raw: Endpoint) -> tuple[int, str]:
    """Call the tool and close the connection after the first message.

    Returns:
        The HTTP status (0 if no answer arrived) and the last event id ("" if the answer has no event ids).
    """
    status, last = 0, ""
    with anyio.move_on_after(_CUT_S):
        async with raw.calling(probe.target.tool, probe.target.arguments) as answer:
            status = int(answer.status_code)
            async for event in events(answer):
                last = event.id or last
                if event.data:
                    break
    return status, last


async def _resume(raw: Endpoint, last: str) -> tuple[bool, str]:
    """Try to resume once. Returns whether the result arrived, and a description of the answer."""
    tried = "no answer"
    with anyio.move_on_after(_GET_S):
        headers = raw.headers(last_event_id=last, content_type="")
        async with raw.http.stream("GET", raw.url, headers=headers) as answer:
            tried = f"HTTP {answer.status_code}"
            async for event in events(answer):
                if RESULT in event.data:
                    return True, tried
    return False, tried


async def _modern(probe: Probe, raw: Endpoint) -> Verdict:
    """Check that the answer has no event ids. The modern protocol has no GET to resume an answer with."""
    ids = 0
    async with raw.calling(probe.target.tool, probe.target.arguments) as answer:
        status = answer.status_code
        async for event in events(answer):
            ids += bool(event.id)
    async with raw.http.stream("GET", raw.url, headers=raw.headers(last_event_id="1")) as again:
        if again.status_code >= 400:  # an open stream would never end
            await again.aread()
        message = f"POST HTTP {status} with {ids} event ids; GET with Last-Event-ID: {said(again)}"
    return Verdict("unsupported" if not ids else "dropped", message)
