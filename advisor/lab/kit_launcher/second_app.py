"""A second ASGI application of a generated server, with an event store, for requests with a special header."""

from __future__ import annotations

import asyncio
import importlib
import inspect
import os
from collections.abc import Callable
from typing import Any

HEADER = (b"mcp-lab", b"events")


class TwoApplications:
    """The server's application, and a second application with an event store for requests with the header `HEADER`."""

    def __init__(self, plain: Any, storing: Any, mcp: Any, managers: tuple[Any, Any], relay: Any) -> None:
        """Args: managers: the session manager of each application. Some releases read it from the server at start."""
        self._plain = plain
        self._storing = storing
        self._mcp = mcp
        self._managers = managers
        self._relay = relay

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Handle one ASGI connection."""
        if scope["type"] == "lifespan":
            await self._live(scope, receive, send)
        elif scope["type"] == "http" and HEADER in map(tuple, scope["headers"]):
            await (self._storing or _refuse)(scope, receive, send)
        else:
            await self._plain(scope, receive, send)

    async def _live(self, scope: Any, receive: Any, send: Any) -> None:
        """Run the lifespans of both applications. uvicorn controls only the lifespan of the first."""
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
    """Answer 501, because the SDK release has no event store."""
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
    """Set the session manager of the server object, which refers to the application that was created last."""
    if hasattr(mcp, "_session_manager"):
        mcp._session_manager = manager


def with_events(mcp: Any, traits: Any, store: Any, create: Callable[[], Any]) -> Any:
    """Create a second application with an event store through the server's own code."""
    hold(mcp, None)
    maker = "http_app" if traits.standalone else "streamable_http_app"
    original = getattr(mcp, maker)
    lower = not traits.by_constructor and "event_store" not in inspect.signature(original).parameters

    def storing(**arguments: Any) -> Any:
        if lower:  # before fastmcp 2.14, only the function that http_app() calls takes an event store
            create_below = importlib.import_module("fastmcp.server.http").create_streamable_http_app
            path = arguments.pop("path")
            return create_below(server=mcp, streamable_http_path=path, event_store=store, auth=mcp.auth, **arguments)
        if not traits.by_constructor:  # with a constructor that takes it, the server object already has the event store
            arguments["event_store"] = store
        return original(**arguments)

    address = os.environ.get("MCP_INSTANCE_URL", "")
    before = getattr(mcp, "_event_store", None)
    mcp._event_store = store
    # The first application registers this address, so the second application needs another form of the address.
    os.environ["MCP_INSTANCE_URL"] = address.replace("127.0.0.1", "127.1")
    setattr(mcp, maker, storing)
    try:
        return create()
    finally:
        setattr(mcp, maker, original)
        mcp._event_store = before
        os.environ["MCP_INSTANCE_URL"] = address
