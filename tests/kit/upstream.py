"""A small real MCP-like server: it mints session ids, knows only its own, and streams. Run by uvicorn in a process.

It says who it is in every answer, which real servers do not, so that tests can count who served what. The name comes
from UPSTREAM_NAME, and UPSTREAM_STATELESS=1 makes it mint nothing, as `stateless_http=True` does.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
import uuid

NAME = os.environ.get("UPSTREAM_NAME", "?")
STATELESS = os.environ.get("UPSTREAM_STATELESS") == "1"
LEGACY = ("", "2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
sessions: set[str] = set()
calls: list[str] = []  # the names of tools that were started, to notice a call that a proxy repeated


async def app(scope, receive, send):
    if scope["type"] != "http":
        return None
    headers = {key.decode().lower(): value.decode("latin-1") for key, value in scope["headers"]}
    if scope["path"] == "/health":
        return await _json(send, 200, {"calls": calls})
    if scope["path"] != "/mcp":
        return await _json(send, 404, {"error": "no such path", "path": scope["path"]})
    body = await _body(receive)
    message = json.loads(body) if body else {}
    sid = headers.get("mcp-session-id", "")
    modern = headers.get("mcp-protocol-version", "") not in LEGACY
    if message.get("method") == "initialize":
        return await _initialize(send, message)
    if not STATELESS and not modern and sid not in sessions:
        return await _json(send, 404, {"error": {"code": -32600, "message": "Session not found"}})
    if scope["method"] == "GET" and modern:
        return await _json(send, 405, {"error": "POST only"})
    if scope["method"] == "GET":
        return await _events(send, 200, ticks=40, period=0.25, sid=sid)
    params = message.get("params", {})
    calls.append(params.get("name", message.get("method", "")))
    if params.get("name") == "stream":
        return await _events(send, 200, ticks=4, period=0.4, sid=sid)
    if params.get("name") == "sleep":
        await asyncio.sleep(params["seconds"])
    return await _json(send, 200, {"served_by": NAME, "headers": headers, "path": scope["path"]}, sid)


async def _initialize(send, message):
    sid = ""
    if not STATELESS:
        sid = message.get("params", {}).get("sid") or uuid.uuid4().hex
        sessions.add(sid)
    if message.get("params", {}).get("held"):  # an initialize whose stream stays open for a while
        return await _events(send, 200, ticks=2, period=0.3, sid=sid)
    return await _json(send, 200, {"served_by": NAME}, sid)


async def _body(receive):
    body = b""
    while True:
        event = await receive()
        body += event.get("body", b"")
        if not event.get("more_body"):
            return body


async def _start(send, status, kind, sid) -> None:
    headers = [(b"content-type", kind), (b"x-served-by", NAME.encode())]
    if sid:
        headers.append((b"mcp-session-id", sid.encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})


async def _json(send, status, value, sid="") -> None:
    await _start(send, status, b"application/json", sid)
    await send({"type": "http.response.body", "body": json.dumps(value).encode()})


async def _events(send, status, *, ticks, period, sid) -> None:
    """Events with the time at which they left; no X-Accel-Buffering, so the proxy's own settings have to do."""
    await _start(send, status, b"text/event-stream", sid)
    for tick in range(ticks):
        data = json.dumps({"tick": tick, "sent": time.time(), "served_by": NAME})
        await send({"type": "http.response.body", "body": f"data: {data}\n\n".encode(), "more_body": True})
        await asyncio.sleep(period)
    await send({"type": "http.response.body", "body": b""})
