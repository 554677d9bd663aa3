"""Measures sampling and progress with real SDK clients."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING

import anyio
import httpx2

from advisor.knowledge.topology import SessionKind
from advisor.lab.clients.roaming import AddressChoice, Roaming
from advisor.lab.clients.sdk_client import ReceivedMessages, connect
from advisor.lab.topology.rates import OtherClients, ServerChange
from advisor.lab.topology.routes import ClientRoute
from advisor.lab.topology.test_servers import ASK, ASK_OVER_GET, WORK

if TYPE_CHECKING:
    from mcp import Client

STEP_S = 4.0
"""Seconds that a client waits for an answer. If the session is kept, an answer takes milliseconds. Other answers might
never arrive."""
_CLOSE_S = 4.0
_OWN = ("mcp", "client", "httpx2", "httpcore2")  # loggers of the clients; they report errors that are expected here


@dataclass
class Visit:
    """The results of a client.

    Attributes:
        sampled: whether the client got the sampling request and the call then succeeded.
        over_get: whether sampling on the GET stream succeeded; None if there is no GET stream.
        crossed: whether the second request of the call reached another instance; None for legacy clients.
        progress: the number of progress notifications that arrived.
        problems: the errors of failed requests.
    """

    sampled: bool = False
    over_get: bool | None = None
    crossed: bool | None = None
    progress: int = 0
    problems: list[str] = field(default_factory=list)


def _along(route: ClientRoute, others: OtherClients) -> AddressChoice:
    """Send each request from the next address to the next port of the route, after random requests of other clients."""
    turns = route.turns()
    sent = 0

    async def choose(request: httpx2.Request) -> str:
        nonlocal sent
        if sent == 1:  # other clients send nothing after initialize, because real clients continue immediately
            await anyio.sleep(route.pause_s)
        else:
            await others.send_some()
        sent += 1
        address, port = next(turns)
        request.url = request.url.copy_with(port=port)
        return address

    return choose


class _Change:
    """Changes the proxies when the last of several clients has connected. The other clients wait for the change."""

    def __init__(self, change: ServerChange | None, clients: int) -> None:
        self._change = change
        self._missing = clients
        self._done = asyncio.Event()

    async def after(self, *, wait: bool) -> None:
        """Count a client. With `wait`, return after the change."""
        self._missing -= 1
        if self._change is not None and self._missing == 0:
            await self._change()
            self._done.set()
        elif self._change is not None and wait:
            await self._done.wait()


async def _visit(kind: SessionKind, route: ClientRoute, others: OtherClients, change: _Change) -> Visit:
    """Connect, call each tool once, and disconnect. Errors are added to `problems` and never raised."""
    seen, heard = Visit(over_get=False if kind == "stateful+legacy" else None), ReceivedMessages()
    url, legacy = f"http://127.0.0.1:{route.ports[0]}/mcp", kind.endswith("legacy")
    connection = connect(
        url,
        "legacy" if legacy else "modern",
        heard,
        log_level=None,
        headers={"X-Lab-Hold": "1"} if route.held else {},
        transport=Roaming(False, _along(route, others)),  # plain HTTP needs no certificates
        cookies=CookieJar() if route.keeps_cookies else CookieJar(DefaultCookiePolicy(allowed_domains=[])),
    )
    connected = False
    try:
        with anyio.fail_after(6 * STEP_S + _CLOSE_S):
            async with connection as client:
                connected = True
                await change.after(wait=True)
                before = len(heard.replies)
                seen.sampled = await _samples(client, heard, ASK, seen)
                if not legacy:
                    seen.crossed = len({reply.served_by for reply in heard.replies[before:]}) > 1
                if seen.over_get is not None:
                    seen.over_get = await _samples(client, heard, ASK_OVER_GET, seen)
                await _try(client, heard, WORK, seen)
    except Exception as error:
        seen.problems.append(_reason(error))
    if not connected:
        await change.after(wait=False)
    seen.progress = len(heard.progress)
    return seen


async def _samples(client: Client, heard: ReceivedMessages, tool: str, seen: Visit) -> bool:
    before = len(heard.asked)
    return await _try(client, heard, tool, seen) and len(heard.asked) > before


async def _try(client: Client, heard: ReceivedMessages, tool: str, seen: Visit) -> bool:
    """Call a tool. Returns whether the call succeeded."""
    try:
        with anyio.fail_after(STEP_S):
            result = await client.call_tool(tool, progress_callback=heard.on_progress if tool == WORK else None)
    except Exception as error:
        seen.problems.append(_reason(error))
        return False
    if result.is_error:
        seen.problems.append(" ".join(getattr(block, "text", "") for block in result.content)[:160])
    return not result.is_error


def _reason(error: BaseException) -> str:
    """The message of an error. For a group: the message of its first error."""
    while hasattr(error, "exceptions"):
        error = error.exceptions[0]
    if isinstance(error, TimeoutError) or "Timed out" in str(error) or "timed out" in str(error):
        return "no answer"
    return (str(error) or type(error).__name__)[:160]


async def visits(kind: SessionKind, routes: list[ClientRoute], change: ServerChange | None = None) -> list[Visit]:
    """Measure with one client for each route, in parallel. A failed request takes some seconds.

    Args:
        kind: the kind of server and the protocol era of the clients.
        routes: one route for each client.
        change: changes the proxies after all clients have connected.
    """
    changing = _Change(change, len(routes))
    with _quiet():
        return await asyncio.gather(
            *(
                _visit(kind, route, OtherClients(sorted(route.ports), number), changing)
                for number, route in enumerate(routes)
            )
        )


@contextmanager
def _quiet() -> Iterator[None]:
    loggers = [logging.getLogger(name) for name in _OWN]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def problems(seen: list[Visit]) -> Counter[str]:
    """The errors of these clients and the number of each error."""
    return Counter(problem for visit in seen for problem in visit.problems)
