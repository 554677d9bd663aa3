"""Tools that send notifications to the client: progress, log messages, changed resources, changed tool lists."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from .sdk import ToolRegistrar

STEP_S = 0.3
"""Seconds between two notifications of a call, so that a probe can distinguish live from buffered notifications."""

LATER_S = 0.3
"""Seconds until a tool sends a notification that must arrive after the answer of its call."""


def add_telling(bench: ToolRegistrar, bus: Any) -> None:
    """Add the tools of this module. `bus` is the subscription bus, or None."""
    _add_streaming(bench)
    later = _Later()
    _add_to_session(bench, later)
    _add_to_list(bench, later)
    _add_notify(bench)
    if bus is not None:
        _add_publish(bench, bus)


def _add_streaming(bench: ToolRegistrar) -> None:
    async def lab_progress(ctx: Any) -> str:
        for step in (1, 2):
            await ctx.report_progress(step, 2)
            await asyncio.sleep(STEP_S)
        return "ok"

    async def lab_log(ctx: Any) -> str:
        await ctx.info("note")
        await asyncio.sleep(STEP_S)
        return "ok"

    for function in (lab_progress, lab_log):
        bench.tool(function)


class _Later:
    """Sends notifications after the answer of the call that requested them."""

    def __init__(self) -> None:
        self.failures: list[str] = []
        self._tasks: set[asyncio.Task[None]] = set()

    def send(self, call: Callable[[], Awaitable[Any]]) -> None:
        task = asyncio.ensure_future(self._run(call))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, call: Callable[[], Awaitable[Any]]) -> None:
        await asyncio.sleep(LATER_S)
        try:
            await call()
        except Exception as error:
            self.failures.append(f"{type(error).__name__} {error}".strip())


def _add_to_session(bench: ToolRegistrar, later: _Later) -> None:
    """Add resource updates: to the session during its call, after its call, and to the sessions that subscribed."""
    subscribed: dict[str, list[Any]] = {}
    _serve_subscriptions(bench, subscribed)

    async def lab_resource_updated(ctx: Any, moment: str, uri: str) -> str:
        session = ctx.session
        if moment == "in the call":
            await session.send_resource_updated(uri)
        elif moment == "after the call":
            later.send(lambda: session.send_resource_updated(uri))
        else:
            for subscriber in subscribed.get(uri, []):
                later.send(lambda to=subscriber: to.send_resource_updated(uri))  # type: ignore[misc]
        return "ok"

    async def lab_failures() -> str:
        """Return the errors of notifications that were sent after a call."""
        return "; ".join(dict.fromkeys(later.failures)) or "none"

    for function in (lab_resource_updated, lab_failures):
        bench.tool(function)


def _serve_subscriptions(bench: ToolRegistrar, subscribed: dict[str, list[Any]]) -> None:
    """Add a handler for resources/subscribe, because the server objects of all lines have none."""
    sdk = bench.sdk
    low = sdk.low_level(bench.server)
    if sdk.traits.modern:

        async def remember(context: Any, params: Any) -> Any:
            subscribed.setdefault(str(params.uri), []).append(context.session)
            return sdk.types.EmptyResult()

        low.add_request_handler("resources/subscribe", sdk.types.SubscribeRequestParams, remember)
    else:

        async def remember_uri(uri: Any) -> None:
            subscribed.setdefault(str(uri), []).append(low.request_context.session)

        low.subscribe_resource()(remember_uri)


def _add_to_list(bench: ToolRegistrar, later: _Later) -> None:
    """Add notifications of a changed tool list to the session of the call."""
    types = bench.sdk.types

    async def lab_tools_changed(ctx: Any, moment: str) -> str:
        session = ctx.session
        if moment == "in the call":
            await session.send_tool_list_changed()
        else:
            later.send(lambda: session.send_tool_list_changed())
        return "ok"

    async def lab_context_tools_changed(ctx: Any) -> str:
        await ctx.send_tool_list_changed()
        return "ok"

    async def lab_send_notification(ctx: Any) -> str:
        await ctx.send_notification(types.ToolListChangedNotification())
        return "ok"

    for function in (lab_tools_changed, lab_context_tools_changed, lab_send_notification):
        bench.tool(function)


def _add_notify(bench: ToolRegistrar) -> None:
    async def lab_notify_resource(ctx: Any, uri: str) -> str:
        await ctx.notify_resource_updated(uri)
        return "ok"

    async def lab_notify_tools(ctx: Any) -> str:
        await ctx.notify_tools_changed()
        return "ok"

    for function in (lab_notify_resource, lab_notify_tools):
        bench.tool(function)


def _add_publish(bench: ToolRegistrar, bus: Any) -> None:
    from mcp.server.subscriptions import ResourceUpdated, ToolsListChanged

    async def lab_publish_resource(uri: str) -> str:
        await bus.publish(ResourceUpdated(uri=uri))
        return "ok"

    async def lab_publish_tools() -> str:
        await bus.publish(ToolsListChanged())
        return "ok"

    for function in (lab_publish_resource, lab_publish_tools):
        bench.tool(function)
