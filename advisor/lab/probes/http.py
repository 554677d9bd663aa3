"""Probes of plain HTTP requests that MCP clients do not send, but proxies and people do."""

from __future__ import annotations

from collections.abc import AsyncIterator

import anyio

from advisor.lab.clients.raw_client import Endpoint, said
from advisor.lab.probes.cell import Probe, RawSteps, timed
from advisor.lab.probes.observation import BehaviourRow, ProbeResult, Verdict

_QUIET_S = 0.7  # after this time without a message, an open stream is reported as silent


async def observe(probe: Probe) -> list[BehaviourRow]:
    """Run all checks of the protocol era at the same time. The checks need no tool.

    The outcome is `works` for a status below 400. The outcome is `error` for other statuses, and the message has the
    text of the answer. The outcome is `hang` if a stream outside a session carries no message.
    """
    rows: dict[str, ProbeResult] = {}
    checks = {name: check for name, (eras, check) in CHECKS.items() if probe.era in eras}

    async def run(name: str, check: RawSteps) -> None:
        rows[name] = await timed(probe, check)

    async with anyio.create_task_group() as group:
        for name, check in checks.items():
            group.start_soon(run, name, check)
    return [BehaviourRow(name, rows[name]) for name in checks]


async def observe_one(probe: Probe, name: str) -> BehaviourRow:
    """Run one check. On old releases, some checks break the server, so that later requests fail."""
    return BehaviourRow(name, await timed(probe, CHECKS[name][1]))


def _request(method: str, message: str = "", *, shakes_hands: bool = True, **headers: str) -> RawSteps:
    """A check that sends one request. Most checks open a session first, because a server refuses other requests.

    Args:
        method: the HTTP method.
        message: the JSON-RPC method in the body; "" sends no body.
        shakes_hands: whether the check sends `initialize` first.
        headers: the arguments of `Endpoint.headers`.
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
    """Wait for the first message of an open stream. Outside a session, no message can arrive."""
    with anyio.move_on_after(_QUIET_S):
        async for line in lines:
            if line.startswith("data:"):
                return Verdict("works", f"{head}, carries messages")
        return Verdict("works", f"{head}, ends immediately")
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
"""Each check by its name: the protocol eras for which it runs, and its steps."""
