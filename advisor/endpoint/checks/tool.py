"""Calls of the tool that the user names: progress while it works, and the questions that it asks the client."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from advisor.endpoint import protocol
from advisor.endpoint.answer import Head, RequestFailedError
from advisor.endpoint.budget import within
from advisor.endpoint.client import Exchange, McpClient
from advisor.endpoint.examination import Examination, NamedTool, UntestedError

ROUNDS = 6
"""The number of calls of a tool that asks the client. With two instances, five of six cross at least once (97 %)."""

_ANSWERS: Mapping[str, Mapping[str, Any]] = {
    "elicitation/create": {"action": "decline"},
    "sampling/createMessage": {"role": "assistant", "content": {"type": "text", "text": "probe"}, "model": "probe"},
    "roots/list": {"roots": []},
}
_CAPABILITIES: Mapping[str, Any] = {"elicitation": {"form": {}}, "sampling": {}, "roots": {}}


async def progress(run: Examination) -> None:
    """Call the tool once, and see whether its messages arrive while it works or only at its end."""
    tool = _tool(run)
    client = await run.opened()
    connection = await client.caller.connected()
    params = {"name": tool.name, "arguments": dict(tool.arguments), "_meta": {"progressToken": "probe"}}
    times: list[float] = []
    started = time.monotonic()

    async def read() -> Head:
        head = await connection.send(*client.request("tools/call", params, tool.name))
        async for chunk in connection.body(head):
            times.extend([time.monotonic() - started] * sum(line.startswith(b"data:") for line in chunk.splitlines()))
        return head

    try:
        head = await within(min(run.caller.limits.answer_s, run.caller.budget.left_s), read(), "the call did not end")
    except RequestFailedError as failure:
        run.note(f"POST tools/call -> {failure.kind}")
        run.seen["tool_slow"] = failure.kind == "timeout"
        raise
    finally:
        connection.close()
        await client.end()
    total = time.monotonic() - started
    run.note(f"POST tools/call -> {head.status}")
    run.seen["tool_status"] = head.status
    run.seen["tool_events"] = len(times)
    if len(times) > 1 and total > 0.5:
        run.seen["events_live"] = times[0] < total / 2


async def second_requests(run: Examination) -> None:
    """Call the tool as a modern client, and answer its questions on another connection."""
    tool = _tool(run)
    client = run.client("modern")
    asked = refused = 0
    for _ in range(ROUNDS):
        first = run.noted(await _call(client, tool, {}))
        result = first.result or {}
        if result.get("resultType") != "input_required":
            break
        asked += 1
        again = await _call(client, tool, _responses(result))
        run.note(f"{again.request} with requestState -> {again.status}")
        refused += again.result is None
    if not asked:
        raise UntestedError("the tool asked nothing")
    run.seen["state_refused"] = refused
    run.seen["state_sent"] = asked


def _responses(result: Mapping[str, Any]) -> dict[str, Any]:
    """The answers to the questions of a result, and its sealed state."""
    requests = result.get("inputRequests")
    asked = requests if isinstance(requests, dict) else {}
    found: dict[str, Any] = {
        "inputResponses": {
            key: _ANSWERS.get(str(request.get("method")) if isinstance(request, dict) else "", {})
            for key, request in asked.items()
        }
    }
    if "requestState" in result:
        found["requestState"] = result["requestState"]
    return found


async def _call(client: McpClient, tool: NamedTool, more: Mapping[str, Any]) -> Exchange:
    meta = {**protocol.META, "io.modelcontextprotocol/clientCapabilities": _CAPABILITIES}
    params = {"name": tool.name, "arguments": dict(tool.arguments), "_meta": meta, **more}
    return await client.call("tools/call", params, name=tool.name)


def _tool(run: Examination) -> NamedTool:
    if run.tool is None:
        raise UntestedError("no tool is named by --tool")
    return run.tool
