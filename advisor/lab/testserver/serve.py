"""Test servers for the interpreter of any SDK release.

Usage:

    serve.py TRAITS PORT STATELESS JSON TOOLS
    serve.py TRAITS PORT STATELESS JSON /COPY...
    serve.py --check TRAITS

The first form serves one endpoint at /mcp and writes no log. TOOLS is `exercise` (the two tools of exercise 1), `lab`
(the tools of the feature table) or `exercise+lab`.

The second form serves several endpoints with the tools of the feature table, each at /COPY/mcp. All copies run in this
process, and each copy has its own tools and state. A copy whose name starts with `store` stores events for clients that
reconnect. A copy whose name starts with `listen` answers subscriptions/listen on an SDK line with
`SubscriptionBus.publish`, which needs extra code.

The third form only imports the modules of the server and prints the release.

TRAITS is JSON and says what the SDK line has (`SdkTraits`).

STATELESS and JSON are 0 or 1. The environment variable LAB_KEY is the sealing key of the instances. With LAB_SIGNED=1,
each answer names its instance (see signed.py). With LAB_ANY_HOST=1, a server of the package mcp accepts every Host.
"""

from __future__ import annotations

import asyncio
import importlib
import inspect
import logging
import os
import sys
from importlib import metadata
from typing import Any

_LOGGERS = ("", "mcp", "fastmcp", "FastMCP", "uvicorn")


class ServerCopies:
    """Several applications in one process. The first segment of the path selects the application."""

    def __init__(self, applications: dict[str, Any]) -> None:
        """Serve each application at the path with its name."""
        self._applications = applications

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Handle one ASGI connection."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        name = scope["path"].lstrip("/").partition("/")[0]
        if name not in self._applications:
            await send({"type": "http.response.start", "status": 404, "headers": []})
            await send({"type": "http.response.body", "body": b"There is no such copy."})
            return
        # `root_path` as for a mounted application. The path keeps its first segment, so that redirects contain it.
        await self._applications[name]({**scope, "root_path": f"/{name}"}, receive, send)

    async def _live(self, receive: Any, send: Any) -> None:
        """Run the lifespan of each application in its own task: on old releases, a failed application ends its task."""
        await receive()
        ends = asyncio.Event()
        served = [copy for copy in self._applications.values() if not isinstance(copy, UnsupportedServer)]
        lives = [_Life(copy, ends) for copy in served]
        for life in lives:
            await life.begun.wait()
            if life.task.done():
                life.task.result()  # raises the error of an application that did not start
        await send({"type": "lifespan.startup.complete"})
        await receive()
        ends.set()
        await asyncio.gather(*(life.task for life in lives), return_exceptions=True)
        await send({"type": "lifespan.shutdown.complete"})


class _Life:
    """The lifespan of an application."""

    def __init__(self, application: Any, ends: asyncio.Event) -> None:
        self.begun = asyncio.Event()
        self.task = asyncio.create_task(self._run(application, ends))

    async def _run(self, application: Any, ends: asyncio.Event) -> None:
        try:
            async with application.router.lifespan_context(application):
                self.begun.set()
                await ends.wait()
        finally:
            self.begun.set()


class UnsupportedServer:
    """Replaces a server that the release does not support. Answers every request with 501 and the reason."""

    def __init__(self, reason: str) -> None:
        """Answer with `reason`, the exact error."""
        self._reason = reason

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one HTTP request."""
        headers = [(b"content-type", b"text/plain")]
        await send({"type": "http.response.start", "status": 501, "headers": headers})
        await send({"type": "http.response.body", "body": self._reason.encode()})


def application(lab: Any, traits: Any, stateless: bool, json_response: bool, copy: str, tools: str = "lab") -> Any:
    """One test server as an ASGI application.

    Args:
        lab: the lab's tools, as a package.
        traits: what the line of releases has (`SdkTraits`).
        stateless: the flag stateless_http.
        json_response: the flag.
        copy: the name of the copy.
        tools: which tools it has.
    """
    store = memory_store() if copy.startswith("store") else None
    flags = {"stateless_http": stateless, "json_response": json_response}
    server = lab.Sdk(traits).create("lab", **(flags if traits.by_constructor else {}))
    bus = listen(server) if "SubscriptionBus.publish" in traits.apis and copy.startswith("listen") else None
    lab.register(server, traits, bus=bus, tools=tools)
    lab.add_ledger(server, traits.standalone)
    if traits.by_constructor:
        server._event_store = store  # older releases have no constructor argument for the store
        return server.streamable_http_app()
    if not traits.standalone:
        # The SDK accepts each Host header if it is told that the server listens on all addresses, as in a container.
        place = {"host": "0.0.0.0"} if os.environ.get("LAB_ANY_HOST") else {}  # noqa: S104 (uvicorn gets 127.0.0.1)
        return server.streamable_http_app(**flags, **place, event_store=store)
    if store is None:
        return server.http_app(path="/mcp", **flags)
    if "event_store" in inspect.signature(server.http_app).parameters:
        return server.http_app(path="/mcp", **flags, event_store=store)
    # Before fastmcp 2.14, only the function that http_app() calls takes a store.
    create = getattr(importlib.import_module("fastmcp.server.http"), "create_streamable_http_app", None)
    if create is None:
        return UnsupportedServer("neither http_app() nor create_streamable_http_app() takes event_store")
    return create(server=server, streamable_http_path="/mcp", event_store=store, auth=server.auth, **flags)


def listen(server: Any) -> Any:
    """Add the SDK's handler for subscriptions/listen to the server. Returns the bus of the handler."""
    from mcp.server.subscriptions import InMemorySubscriptionBus, ListenHandler
    from mcp_types import SubscriptionsListenRequestParams

    bus = InMemorySubscriptionBus()
    server._mcp_server.add_request_handler("subscriptions/listen", SubscriptionsListenRequestParams, ListenHandler(bus))
    return bus


def memory_store() -> Any:
    """An event store that keeps all events. Only one client can use it at a time."""
    from mcp.server.streamable_http import EventMessage, EventStore

    class Memory(EventStore):  # type: ignore[misc,unused-ignore]
        def __init__(self) -> None:
            self.events: list[tuple[str, Any]] = []

        async def store_event(self, stream_id: str, message: Any) -> str:
            self.events.append((stream_id, message))
            return str(len(self.events))

        async def replay_events_after(self, last_event_id: str, send_callback: Any) -> str | None:
            at = int(last_event_id)
            if not 0 < at <= len(self.events):
                return None
            stream = self.events[at - 1][0]
            for number, (other, message) in enumerate(self.events[at:], at + 1):
                if other == stream and message is not None:
                    await send_callback(EventMessage(message, str(number)))
            return stream

    return Memory()


def main() -> None:
    """Serve until the process is stopped."""
    import uvicorn

    lab = importlib.import_module("package_loader").load_tools()
    if sys.argv[1] == "--check":
        traits = lab.SdkTraits.read(sys.argv[2])
        application(lab, traits, False, False, "main")
        print(metadata.version(traits.package))
        return
    written, port, stateless, json_response, *what = sys.argv[1:]
    traits, flags = lab.SdkTraits.read(written), (stateless == "1", json_response == "1")
    if key := os.environ.get("LAB_KEY"):
        lab.share_key(key)
    if what[0].startswith("/"):
        served: Any = ServerCopies({copy[1:]: application(lab, traits, *flags, copy[1:]) for copy in what})
    else:
        served = application(lab, traits, *flags, "main", what[0])
        # By default, the SDK logs each session with rich, which would take most of the time of a load measurement.
        for name in _LOGGERS:
            logging.getLogger(name).setLevel(logging.WARNING)
    served = lab.signed(served, port)
    uvicorn.run(served, host="127.0.0.1", port=int(port), log_level="warning", timeout_graceful_shutdown=2)


if __name__ == "__main__":
    main()
