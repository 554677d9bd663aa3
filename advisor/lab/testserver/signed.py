"""Names the instance in each answer, so that clients behind a load balancer know which server they reached."""

from __future__ import annotations

import asyncio
import os
from typing import Any

VARIABLE = "LAB_SIGNED"
"""Environment variable that has a server name itself."""

HOLD_S = 0.3
"""How long the end of the answer to `initialize` is held back where the request asks for that by `X-Lab-Hold`."""


def signed(inner: Any, name: str) -> Any:
    """The ASGI application, with the header `X-Served-By` on each answer and an answer to `GET /health`.

    An answer that was fetched from another instance keeps the name of that instance. Without `VARIABLE` in the
    environment the application is returned as it is.

    Args:
        inner: the application.
        name: of the instance.
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

        if scope["type"] == "http" and scope["path"] == "/health":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b""})
        else:
            await inner(scope, receive, marked)

    return outer
