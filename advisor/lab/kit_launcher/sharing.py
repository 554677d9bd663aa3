"""Data that instances share through Redis for the lab's own tools: state of state handles, and published changes."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import json
import os
from collections.abc import Awaitable, Callable
from typing import Any

_CHANGES = "lab:changes"


def _tool_error(module: str) -> type[Exception]:
    """The SDK's error class for tools. For other errors, the SDK prints a long traceback, which delays the process."""
    with contextlib.suppress(ImportError, AttributeError):
        found: type[Exception] = importlib.import_module(f"{module}.exceptions").ToolError
        return found
    return RuntimeError


class HandleStore:
    """The state of the lab's tools, stored in Redis by state handle."""

    def __init__(self, redis: Any, module: str) -> None:
        """Args: redis: a connection; module: the module of the server class of the SDK."""
        self._redis = redis
        self._module = module

    async def save(self, handle: str, words: list[str]) -> None:
        """Store words for a state handle."""
        await self._asked(self._redis.set(f"lab:handle:{handle}", json.dumps(words), ex=3600))

    async def load(self, handle: str) -> list[str] | None:
        """Load the words of a state handle; None if the state handle is unknown."""
        text = await self._asked(self._redis.get(f"lab:handle:{handle}"))
        return None if text is None else list(json.loads(text))

    async def _asked(self, answer: Awaitable[Any]) -> Any:
        from redis.exceptions import RedisError

        try:
            return await answer
        except (RedisError, OSError):
            raise _tool_error(self._module)("The shared store is not reachable.") from None


class Relay:
    """Forwards the messages on the subscription bus of an instance to the buses of all other instances."""

    def __init__(self, redis: Any, bus: Any) -> None:
        """Args: redis: a connection; bus: the bus of the server, whose method `publish` is replaced."""
        self._redis = redis
        self._own = os.urandom(8).hex()
        self._told: Callable[[Any], Awaitable[None]] = bus.publish
        self.listening = asyncio.Event()
        bus.publish = self.publish

    async def publish(self, event: Any) -> None:
        """Publish an event to the listeners of this instance and of all other instances."""
        await self._told(event)
        said = {"from": self._own, "event": type(event).__name__, **vars(event)}
        await self._redis.publish(_CHANGES, json.dumps(said))

    async def listen(self) -> None:
        """Forward the events of other instances to this instance, until the task is cancelled."""
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
