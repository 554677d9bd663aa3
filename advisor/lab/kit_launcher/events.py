"""A second application of the same server, with an event store, for requests that ask for it."""

from __future__ import annotations

import asyncio
import inspect
import os
from collections.abc import Callable
from typing import Any

HEADER = (b"mcp-lab", b"events")


class Both:
    """The server's application, and a second application with an event store for requests that ask for it."""

    def __init__(self, plain: Any, storing: Any, mcp: Any, managers: tuple[Any, Any], relay: Any) -> None:
        """Args: managers: what the server object holds for each application, which some releases read at start."""
        self._plain = plain
        self._storing = storing
        self._mcp = mcp
        self._managers = managers
        self._relay = relay

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """One ASGI connection."""
        if scope["type"] == "lifespan":
            await self._live(scope, receive, send)
        elif scope["type"] == "http" and HEADER in map(tuple, scope["headers"]):
            await (self._storing or _refuse)(scope, receive, send)
        else:
            await self._plain(scope, receive, send)

    async def _live(self, scope: Any, receive: Any, send: Any) -> None:
        """Run the lifespans of both applications; uvicorn sees that of the first."""
        tasks = [asyncio.ensure_future(self._relay.listen())] if self._relay is not None else []
        if self._relay is not None:
            await asyncio.wait_for(self._relay.listening.wait(), 10)
        lifespan = _StoringLifespan(self._storing, scope)
        try:
            if self._storing is not None:
                hold(self._mcp, self._managers[1])
                await lifespan.start()
                hold(self._mcp, self._managers[0])
            await self._plain(scope, receive, send)
        finally:
            await lifespan.stop()
            for task in tasks:
                task.cancel()


async def _refuse(scope: Any, receive: Any, send: Any) -> None:
    """No application of this release can have an event store."""
    await send({"type": "http.response.start", "status": 501, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})


class _StoringLifespan:
    """The lifespan of the second application."""

    def __init__(self, app: Any, scope: Any) -> None:
        self._app = app
        self._scope = scope
        self._in: asyncio.Queue[Any] = asyncio.Queue()
        self._out: asyncio.Queue[Any] = asyncio.Queue()
        self._task: asyncio.Future[Any] | None = None

    async def start(self) -> None:
        self._task = asyncio.ensure_future(self._app({**self._scope, "state": {}}, self._in.get, self._out.put))
        await self._in.put({"type": "lifespan.startup"})
        said = await asyncio.wait_for(self._out.get(), 20)
        if said["type"] != "lifespan.startup.complete":
            raise RuntimeError(f"the application with an event store does not start: {said}")

    async def stop(self) -> None:
        if self._task is not None:
            await self._in.put({"type": "lifespan.shutdown"})
            await asyncio.wait([self._task], timeout=2)


def hold(mcp: Any, manager: Any) -> None:
    """Put back what the server object keeps of the application that it made last."""
    if hasattr(mcp, "_session_manager"):
        mcp._session_manager = manager


def with_events(mcp: Any, line: str, store: Any, create: Callable[[], Any]) -> Any:
    """A second application, made by the server's own code, whose sessions keep their events; None where it cannot."""
    hold(mcp, None)
    maker = "streamable_http_app" if line.startswith("mcp-") else "http_app"
    original = getattr(mcp, maker)
    if line != "mcp-1" and "event_store" not in inspect.signature(original).parameters:
        return None  # fastmcp before 2.14: nothing can be resumed

    def storing(**arguments: Any) -> Any:
        if line != "mcp-1":  # which takes it with the flags, when the server object is made
            arguments["event_store"] = store
        return original(**arguments)

    address = os.environ.get("MCP_INSTANCE_URL", "")
    before = getattr(mcp, "_event_store", None)
    mcp._event_store = store
    # The other application says that it lives at this address, so that the second needs another name for it.
    os.environ["MCP_INSTANCE_URL"] = address.replace("127.0.0.1", "127.1")
    setattr(mcp, maker, storing)
    try:
        return create()
    finally:
        setattr(mcp, maker, original)
        mcp._event_store = before
        os.environ["MCP_INSTANCE_URL"] = address
