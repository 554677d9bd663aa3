"""Real clients of the SDK, for what sessions are for: sampling over both streams, second rounds, progress."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING, Any

import anyio
import anyio.to_thread
import httpx2
import mcp_types as types
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from advisor.knowledge.topology import Kind
from advisor.lab.topology.raw_clients import MODERN, Crowd
from advisor.lab.topology.roads import Road

if TYPE_CHECKING:
    from mcp.types import CallToolResult

STEP_S = 4.0
"""How long a client waits for one answer; each takes milliseconds when its session is whole, and some never come."""
_CLOSE_S = 4.0
_OWN = ("mcp", "client", "httpx2", "httpcore2")  # loggers of the clients, who complain about what is measured here


@dataclass
class Visit:
    """What one client saw.

    Attributes:
        sampled: whether its model was asked and the call then ended.
        over_get: the same over the GET stream; None where there is none.
        crossed: whether the second round went to another instance; None where there is no second round.
        progress: notifications that arrived.
        problems: how its failing requests were answered.
    """

    sampled: bool = False
    over_get: bool | None = None
    crossed: bool | None = None
    progress: int = 0
    problems: list[str] = field(default_factory=list)


class _Roaming(httpx2.AsyncBaseTransport):
    """Sends each request from the next address to the next port of a road, after others have passed by."""

    def __init__(self, road: Road, crowd: Crowd) -> None:
        self._crowd = crowd
        self._pause_s = road.pause_s
        self._sent = 0
        self._turns = road.turns()
        self._from: dict[str, httpx2.AsyncHTTPTransport] = {}

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        if self._sent == 1:  # behind initialize nobody passes by: clients go on at once
            await anyio.sleep(self._pause_s)
        else:
            await anyio.to_thread.run_sync(self._crowd.pass_by)
        self._sent += 1
        address, port = next(self._turns)
        request.url = request.url.copy_with(port=port)
        if address not in self._from:  # plain HTTP: certificates would be loaded for nothing
            self._from[address] = httpx2.AsyncHTTPTransport(verify=False, local_address=address)
        return await self._from[address].handle_async_request(request)

    async def aclose(self) -> None:
        for transport in self._from.values():
            await transport.aclose()


class _Visitor:
    """One client on its way."""

    def __init__(self, kind: Kind, road: Road, crowd: Crowd) -> None:
        self.seen = Visit()
        self._crowd = crowd
        self._legacy = kind.endswith("legacy")
        self._sessions = kind == "stateful+legacy"
        self._road = road
        self._asked = 0
        self._served: list[str] = []
        self._stream = anyio.Event()

    async def visit(self) -> Visit:
        """Connect, do everything once, and leave. What fails is noted, never raised."""
        if self._sessions:
            self.seen.over_get = False
        try:
            with anyio.fail_after(6 * STEP_S + _CLOSE_S):
                async with self._http() as http, self._client(http) as client:
                    await self._everything(client)
        except Exception as error:
            self.seen.problems.append(_reason(error))
        return self.seen

    def _http(self) -> httpx2.AsyncClient:
        jar = CookieJar() if self._road.keeps_cookies else CookieJar(DefaultCookiePolicy(allowed_domains=[]))
        return httpx2.AsyncClient(
            transport=_Roaming(self._road, self._crowd),
            timeout=httpx2.Timeout(10, read=60),
            cookies=jar,
            headers={"X-Lab-Hold": "1"} if self._road.held else {},
            event_hooks={"response": [self._note]},
        )

    def _client(self, http: httpx2.AsyncClient) -> Client:
        url = f"http://127.0.0.1:{self._road.ports[0]}/mcp"
        mode = "legacy" if self._legacy else MODERN
        transport = streamable_http_client(url, http_client=http)
        return Client(transport, mode=mode, sampling_callback=self._answer, read_timeout_seconds=STEP_S)

    async def _note(self, response: httpx2.Response) -> None:
        self._served.append(response.headers.get("x-served-by", ""))
        if response.request.method == "GET":
            self._stream.set()

    async def _answer(self, context: Any, params: Any) -> types.CreateMessageResult:
        self._asked += 1
        text = types.TextContent(type="text", text="ok")
        return types.CreateMessageResult(role="assistant", content=text, model="lab")

    async def _everything(self, client: Client) -> None:
        already = len(self._served)
        self.seen.sampled = await self._samples(client, "ask")
        if not self._legacy:
            served = self._served[already:]
            self.seen.crossed = len(set(served)) > 1
        if self._sessions:
            with anyio.move_on_after(STEP_S):  # a stream that does not open by then never will
                await self._stream.wait()
            self.seen.over_get = await self._samples(client, "ask_over_get")
        await self._try(lambda: client.call_tool("work", progress_callback=self._progress))

    async def _progress(self, progress: float, total: float | None, message: str | None) -> None:
        self.seen.progress += 1

    async def _samples(self, client: Client, tool: str) -> bool:
        before = self._asked
        return await self._try(lambda: client.call_tool(tool)) and self._asked > before

    async def _try(self, step: Callable[[], Awaitable[CallToolResult]]) -> bool:
        try:
            with anyio.fail_after(STEP_S + 1):
                result = await step()
        except Exception as error:
            self.seen.problems.append(_reason(error))
            return False
        if result.is_error:
            self.seen.problems.append(" ".join(getattr(one, "text", "") for one in result.content)[:160])
        return not result.is_error


def _reason(error: BaseException) -> str:
    """The message of an error, of the first one in a group."""
    while hasattr(error, "exceptions"):
        error = error.exceptions[0]
    if isinstance(error, TimeoutError) or "Timed out" in str(error) or "timed out" in str(error):
        return "no answer"
    return (str(error) or type(error).__name__)[:160]


async def visits(kind: Kind, roads: list[Road]) -> list[Visit]:
    """What a client on each road sees, all at once; what fails takes seconds."""
    visitors = [_Visitor(kind, road, Crowd(sorted(road.ports), number)) for number, road in enumerate(roads)]
    with _quiet():
        async with anyio.create_task_group() as group:
            for visitor in visitors:
                group.start_soon(visitor.visit)
    return [visitor.seen for visitor in visitors]


@contextmanager
def _quiet() -> Iterator[None]:
    loggers = [logging.getLogger(name) for name in _OWN]
    levels = [one.level for one in loggers]
    for one in loggers:
        one.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for one, level in zip(loggers, levels, strict=True):
            one.setLevel(level)


def problems(seen: list[Visit]) -> Counter[str]:
    """How requests of these clients failed, and how often."""
    return Counter(problem for visit in seen for problem in visit.problems)
