"""What instances share through Redis for the lab's own tools: handles, and changes that are published."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import json
import os
from collections.abc import Awaitable, Callable
from typing import Any

_CHANGES = "lab:changes"
_OLD = "mcp.server.fastmcp.exceptions"  # of mcp 1.x


def _tool_error() -> type[Exception]:
    """The SDK's own error for tools: of any other it prints a long trace, which holds the whole process up."""
    standalone = os.environ["LAB_LINE"].startswith("fastmcp")
    places = ("fastmcp.exceptions",) if standalone else ("mcp.server.mcpserver.exceptions", _OLD)
    for place in places:
        with contextlib.suppress(ImportError, AttributeError):
            found: type[Exception] = importlib.import_module(place).ToolError
            return found
    return RuntimeError


class Handles:
    """Handles of the lab's tools, kept in Redis."""

    def __init__(self, redis: Any) -> None:
        """Args: redis: a connection."""
        self._redis = redis

    async def save(self, handle: str, words: list[str]) -> None:
        """Keep words under a handle."""
        await self._asked(self._redis.set(f"lab:handle:{handle}", json.dumps(words), ex=3600))

    async def load(self, handle: str) -> list[str] | None:
        """What is kept under a handle."""
        text = await self._asked(self._redis.get(f"lab:handle:{handle}"))
        return None if text is None else list(json.loads(text))

    async def _asked(self, answer: Awaitable[Any]) -> Any:
        from redis.exceptions import RedisError

        try:
            return await answer
        except (RedisError, OSError):
            raise _tool_error()("The shared store is not reachable.") from None


class Relay:
    """Hands what an instance publishes on its subscription bus to the buses of the others."""

    def __init__(self, redis: Any, bus: Any) -> None:
        """Args: redis: a connection; bus: that of the server; its `publish` is replaced."""
        self._redis = redis
        self._own = os.urandom(8).hex()
        self._told: Callable[[Any], Awaitable[None]] = bus.publish
        self.listening = asyncio.Event()
        bus.publish = self.publish

    async def publish(self, event: Any) -> None:
        """Tell the listeners here and those of the other instances."""
        await self._told(event)
        said = {"from": self._own, "event": type(event).__name__, **vars(event)}
        await self._redis.publish(_CHANGES, json.dumps(said))

    async def listen(self) -> None:
        """Hand on what others publish, until it is cancelled."""
        from mcp.server import subscriptions

        async with self._redis.pubsub() as channel:
            await channel.subscribe(_CHANGES)
            async for message in channel.listen():
                if message["type"] == "subscribe":
                    self.listening.set()
                    continue
                said = json.loads(message["data"])
                if said.pop("from") != self._own:
                    await self._told(getattr(subscriptions, said.pop("event"))(**said))
