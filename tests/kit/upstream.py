"""A small MCP-like server: it creates session ids, accepts only its own ids, and streams. uvicorn runs it.

Every answer names the instance, which real servers do not do, so that tests can count the requests of each instance.
UPSTREAM_NAME sets the name. With UPSTREAM_STATELESS=1 the server creates no session ids, as with `stateless_http=True`.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
import uuid
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

Receive: TypeAlias = Callable[[], Awaitable[dict[str, Any]]]
Send: TypeAlias = Callable[[dict[str, Any]], Awaitable[None]]

NAME = os.environ.get("UPSTREAM_NAME", "?")
STATELESS = os.environ.get("UPSTREAM_STATELESS") == "1"
LEGACY = ("", "2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
sessions: set[str] = set()
calls: list[str] = []  # names of the tools that were started; shows a call that a proxy repeated


async def app(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    if scope["type"] != "http":
        return
    headers = {key.decode().lower(): value.decode("latin-1") for key, value in scope["headers"]}
    if scope["path"] in ("/health", "/ready"):
        await _json(send, 200, {"calls": calls})
        return
    if scope["path"] != "/mcp":
        await _json(send, 404, {"error": "no such path", "path": scope["path"]})
        return
    body = await _body(receive)
    message = json.loads(body) if body else {}
    sid = headers.get("mcp-session-id", "")
    modern = headers.get("mcp-protocol-version", "") not in LEGACY
    if message.get("method") == "initialize":
        await _initialize(send, message)
        return
    if not STATELESS and not modern and sid not in sessions:
        await _json(send, 404, {"error": {"code": -32600, "message": "Session not found"}})
        return
    if scope["method"] == "GET" and modern:
        await _json(send, 405, {"error": "POST only"})
        return
    if scope["method"] == "GET":
        await _events(send, 200, ticks=40, period=0.25, sid=sid)
        return
    params = message.get("params", {})
    calls.append(params.get("name", message.get("method", "")))
    if params.get("name") == "stream":
        await _events(send, 200, ticks=4, period=0.4, sid=sid)
        return
    if params.get("name") == "sleep":
        await asyncio.sleep(params["seconds"])
    await _json(send, 200, {"served_by": NAME, "headers": headers, "path": scope["path"]}, sid)


async def _initialize(send: Send, message: dict[str, Any]) -> None:
    sid = ""
    if not STATELESS:
        sid = message.get("params", {}).get("sid") or uuid.uuid4().hex
        sessions.add(sid)
    if message.get("params", {}).get("held"):  # an initialize whose stream stays open for some time
        await _events(send, 200, ticks=2, period=0.3, sid=sid)
        return
    await _json(send, 200, {"served_by": NAME}, sid)


async def _body(receive: Receive) -> bytes:
    body = b""
    while True:
        event = await receive()
        part: bytes = event.get("body", b"")
        body += part
        if not event.get("more_body"):
            return body


async def _start(send: Send, status: int, kind: bytes, sid: str) -> None:
    headers = [(b"content-type", kind), (b"x-served-by", NAME.encode())]
    if sid:
        headers.append((b"mcp-session-id", sid.encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})


async def _json(send: Send, status: int, value: object, sid: str = "") -> None:
    await _start(send, status, b"application/json", sid)
    await send({"type": "http.response.body", "body": json.dumps(value).encode()})


async def _events(send: Send, status: int, *, ticks: int, period: float, sid: str) -> None:
    """Send events with their send time, without X-Accel-Buffering: the settings of the proxy must be right."""
    await _start(send, status, b"text/event-stream", sid)
    for tick in range(ticks):
        data = json.dumps({"tick": tick, "sent": time.time(), "served_by": NAME})
        await send({"type": "http.response.body", "body": f"data: {data}\n\n".encode(), "more_body": True})
        await asyncio.sleep(period)
    await send({"type": "http.response.body", "body": b""})
