"""What the endpoint answers to bare HTTP: requests that no well-behaved client sends, but proxies and people do."""

from __future__ import annotations

from collections.abc import AsyncIterator

import anyio

from advisor.lab.clients.raw_client import Endpoint, said
from advisor.lab.probes.cell import Probe, RawSteps, timed
from advisor.lab.probes.observation import BehaviourRow, Observation, Verdict

_QUIET_S = 0.7  # how long an open stream may say nothing before it is called silent


async def observe(probe: Probe) -> list[BehaviourRow]:
    """Every check of the era, side by side; none needs a tool.

    `works` is an answer below 400, `error` an answer from 400 on, with its text, `hang` a stream without any message.
    """
    rows: dict[str, Observation] = {}
    checks = {name: check for name, (eras, check) in CHECKS.items() if probe.era in eras}

    async def run(name: str, check: RawSteps) -> None:
        rows[name] = await timed(probe, check)

    async with anyio.create_task_group() as group:
        for name, check in checks.items():
            group.start_soon(run, name, check)
    return [BehaviourRow(name, rows[name]) for name in checks]


async def observe_one(probe: Probe, name: str) -> BehaviourRow:
    """One check alone; on old releases some of them break the server for what comes after."""
    return BehaviourRow(name, await timed(probe, CHECKS[name][1]))


def _request(method: str, message: str = "", *, shakes_hands: bool = True, **headers: str) -> RawSteps:
    """A check by one request; most come after the handshake: without a session they would tell of something else.

    Args:
        method: of HTTP.
        message: the JSON-RPC method of its body; "" for no body.
        shakes_hands: whether a session is opened before.
        headers: as of `Endpoint.headers`.
    """

    async def check(probe: Probe, raw: Endpoint) -> Verdict:
        if shakes_hands and (wrong := await raw.initialize()):
            return Verdict("error", f"initialize: {wrong}")
        body = raw.message(message) if message else None
        wanted = raw.headers(message, **headers)
        async with raw.http.stream(method, raw.url, json=body, headers=wanted) as answer:
            kind = answer.headers.get("content-type", "").partition(";")[0]
            if answer.status_code < 400 and method == "GET":
                return await _listen(answer.aiter_lines(), f"HTTP {answer.status_code} {kind}", bool(raw.session))
            await answer.aread()
            if answer.status_code >= 400:
                return Verdict("error", said(answer))
            return Verdict("works", f"HTTP {answer.status_code} {kind}".rstrip())

    return check


async def _listen(lines: AsyncIterator[str], head: str, in_session: bool) -> Verdict:
    """What an open stream says in the first moments; outside a session nothing can ever come."""
    with anyio.move_on_after(_QUIET_S):
        async for line in lines:
            if line.startswith("data:"):
                return Verdict("works", f"{head}, carries messages")
        return Verdict("works", f"{head}, ends at once")
    return Verdict("works" if in_session else "hang", f"{head}, an open stream, silent so far")


_EACH = ("legacy", "modern")
CHECKS: dict[str, tuple[tuple[str, ...], RawSteps]] = {
    "GET without a session": (_EACH, _request("GET", shakes_hands=False, mcp_method="", content_type="")),
    "GET": (("legacy",), _request("GET", content_type="")),
    "DELETE": (_EACH, _request("DELETE", content_type="")),
    "call without initialize": (("legacy",), _request("POST", "tools/list", shakes_hands=False)),
    "unknown session": (_EACH, _request("POST", "tools/list", shakes_hands=False, mcp_session_id="0" * 32)),
    "Accept: application/json": (_EACH, _request("POST", "tools/list", accept="application/json")),
    "Accept: text/event-stream": (_EACH, _request("POST", "tools/list", accept="text/event-stream")),
    "Accept: */*": (_EACH, _request("POST", "tools/list", accept="*/*")),
    "foreign Host": (_EACH, _request("POST", "tools/list", host="other.example")),
    "foreign Origin": (_EACH, _request("POST", "tools/list", origin="https://other.example")),
}
"""Each check, and the eras that it is for."""
