"""Adds the name of the instance to each answer, so that clients behind a load balancer know which server answered."""

from __future__ import annotations

import asyncio
import os
from typing import Any

VARIABLE = "LAB_SIGNED"
"""Environment variable; if it is set, the server adds its name to each answer."""

HOLD_S = 0.3
"""Seconds by which the server delays the end of the answer to `initialize`, if the request has `X-Lab-Hold`."""


def signed(inner: Any, name: str) -> Any:
    """An ASGI application that adds the header `X-Served-By` to each answer and answers `GET /health` and `GET /ready`.

    If an instance forwards the answer of another instance, the header has the name of the other instance. If the
    environment does not have `VARIABLE`, the result is the unchanged application.

    Args:
        inner: the application.
        name: the name of the instance.
    """
    if not os.environ.get(VARIABLE):
        return inner

    async def outer(scope: Any, receive: Any, send: Any) -> None:
        asked = {key for key, _ in scope.get("headers", [])}
        may_hold = b"x-lab-hold" in asked and b"mcp-session-id" not in asked
        held = False

        async def marked(event: Any) -> None:
            nonlocal held
            if event["type"] == "http.response.start":
                headers = list(event.get("headers", []))
                held = may_hold and any(key.lower() == b"mcp-session-id" for key, _ in headers)
                if not any(key.lower() == b"x-served-by" for key, _ in headers):
                    headers.append((b"x-served-by", name.encode()))
                event = {**event, "headers": headers}
            elif held and event["type"] == "http.response.body" and not event.get("more_body"):
                await asyncio.sleep(HOLD_S)
            await send(event)

        if scope["type"] == "http" and scope["path"] in ("/health", "/ready"):
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b""})
        else:
            await inner(scope, receive, marked)

    return outer
