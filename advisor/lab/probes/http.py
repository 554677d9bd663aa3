"""What the endpoint answers to bare HTTP: requests that no well-behaved client sends, but proxies and people do."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeAlias

import anyio

from advisor.lab.clients.raw_client import Endpoint, said
from advisor.lab.probes.cell import Probe
from advisor.lab.probes.observation import BehaviourRow, Observation, Verdict
from advisor.lab.probes.resumability import timed

_QUIET_S = 0.7  # how long an open stream may say nothing before it is called silent

Check: TypeAlias = Callable[[Probe, Endpoint], Awaitable[Verdict]]


async def observe(probe: Probe) -> list[BehaviourRow]:
    """Every check of the era, side by side; none needs a tool.

    `works` is an answer below 400, `error` an answer from 400 on, with its text, `hang` a stream without any message.
    """
    rows: dict[str, Observation] = {}
    checks = {name: check for name, (eras, check) in CHECKS.items() if probe.era in eras}

    async def run(name: str, check: Check) -> None:
        rows[name] = await timed(probe, check)

    async with anyio.create_task_group() as group:
        for name, check in checks.items():
            group.start_soon(run, name, check)
    return [BehaviourRow(name, rows[name]) for name in checks]


async def observe_one(probe: Probe, name: str) -> BehaviourRow:
    """One check alone; on old releases some of them break the server for what comes after."""
    return BehaviourRow(name, await timed(probe, CHECKS[name][1]))


def _in_session(check: Check) -> Check:
    """A check after the handshake: without a session it would tell of something else."""

    async def run(probe: Probe, raw: Endpoint) -> Verdict:
        if wrong := await raw.initialize():
            return Verdict("error", f"initialize: {wrong}")
        return await check(probe, raw)

    return run


async def _send(raw: Endpoint, method: str, message: str = "", **headers: str) -> Verdict:
    """One request; `message` is the JSON-RPC method of its body."""
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


async def _listen(lines: AsyncIterator[str], head: str, in_session: bool) -> Verdict:
    """What an open stream says in the first moments; outside a session nothing can ever come."""
    with anyio.move_on_after(_QUIET_S):
        async for line in lines:
            if line.startswith("data:"):
                return Verdict("works", f"{head}, carries messages")
        return Verdict("works", f"{head}, ends at once")
    return Verdict("works" if in_session else "hang", f"{head}, an open stream, silent so far")


async def _get_bare(probe: Probe, raw: Endpoint) -> Verdict:
    return await _send(raw, "GET", mcp_method="", content_type="")


@_in_session
async def _get_session(probe: Probe, raw: Endpoint) -> Verdict:
    return await _send(raw, "GET", content_type="")


@_in_session
async def _delete(probe: Probe, raw: Endpoint) -> Verdict:
    return await _send(raw, "DELETE", content_type="")


async def _no_handshake(probe: Probe, raw: Endpoint) -> Verdict:
    return await _send(raw, "POST", "tools/list")


async def _unknown_session(probe: Probe, raw: Endpoint) -> Verdict:
    return await _send(raw, "POST", "tools/list", mcp_session_id="0" * 32)


def _accept(types: str) -> Check:
    @_in_session
    async def check(probe: Probe, raw: Endpoint) -> Verdict:
        return await _send(raw, "POST", "tools/list", accept=types)

    return check


@_in_session
async def _host(probe: Probe, raw: Endpoint) -> Verdict:
    return await _send(raw, "POST", "tools/list", host="other.example")


@_in_session
async def _origin(probe: Probe, raw: Endpoint) -> Verdict:
    return await _send(raw, "POST", "tools/list", origin="https://other.example")


_EACH = ("legacy", "modern")
CHECKS: dict[str, tuple[tuple[str, ...], Check]] = {
    "GET without a session": (_EACH, _get_bare),
    "GET": (("legacy",), _get_session),
    "DELETE": (_EACH, _delete),
    "call without initialize": (("legacy",), _no_handshake),
    "unknown session": (_EACH, _unknown_session),
    "Accept: application/json": (_EACH, _accept("application/json")),
    "Accept: text/event-stream": (_EACH, _accept("text/event-stream")),
    "Accept: */*": (_EACH, _accept("*/*")),
    "foreign Host": (_EACH, _host),
    "foreign Origin": (_EACH, _origin),
}
"""Each check, and the eras that it is for."""
