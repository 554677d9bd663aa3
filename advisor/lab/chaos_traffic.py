"""Clients of both eras that call a counting tool while something happens to the servers, and note how it went.

They do what a decent client does: repeat a call once after a 5xx or a broken connection (after Retry-After, if that
is short), and open a new session after a 404. Every request has an id of its own, so that a call which a client
repeats is told from a request that somebody else repeated.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from advisor.knowledge.types import Era
from advisor.lab.chaos_evidence import BROKEN, Attempt, Call
from advisor.lab.raw import Endpoint, endpoint, result_of
from advisor.lab.subject.ledger import TOOL

if TYPE_CHECKING:
    import httpx2

ANSWER_S = 40.0
"""The longest that a client waits for an answer; longer than anything is held up."""
RETRY_AFTER_S = 4.0
"""The longest Retry-After that a client obeys."""
RETRY_S = 0.2
PAUSE_S = 0.15
"""Between two calls of a client."""


@dataclass(slots=True)
class Caller:
    """A client that goes on calling.

    Attributes:
        name: unique in the run.
        endpoint: what it talks through.
        owner: the instance that holds its session, as far as it is known.
        calls: what it did.
        running: the id of the request that it waits for, or of the last one.
    """

    name: str
    endpoint: Endpoint
    owner: str = ""
    calls: list[Call] = field(default_factory=list)
    running: str = ""
    _number: int = 0

    @property
    def era(self) -> Era:
        """Its era."""
        return self.endpoint.era

    @property
    def in_session(self) -> bool:
        """Whether it has a session, which only legacy clients of a stateful server do."""
        return bool(self.endpoint.session)

    async def call(self, seconds: float = 0.0) -> Call:
        """One call, with its retry and its new session where they are due."""
        self._number += 1
        owner, initialized, retried = self.owner, False, False
        attempts: list[Attempt] = []
        while True:
            self.running = f"{self.name}-{self._number}.{len(attempts) + 1}"
            one = await self._attempt(self.running, seconds)
            attempts.append(one)
            if one.ok:
                self.owner = one.instance if self.in_session else ""
                break
            if one.status == 404 and self.in_session and not initialized:
                initialized = True
                failure = await self._open(one.id)
                if failure is None:
                    continue
                attempts.append(failure)
                break
            if retried or (one.status != BROKEN and one.status < 500):
                break
            retried = True
            await asyncio.sleep(min(one.retry_after or RETRY_S, RETRY_AFTER_S))
        done = Call(self.era, owner, tuple(attempts), initialized, seconds > 0)
        self.calls.append(done)
        return done

    async def open(self) -> bool:
        """Open the first session, where there is one to open."""
        return await self._open(self.name) is None

    async def _open(self, id: str) -> Attempt | None:
        """A new session, after one retry at most; what went wrong otherwise."""
        self.owner = ""
        started, wrong = time.monotonic(), ""
        for _ in range(2):
            try:
                wrong = await asyncio.wait_for(self.endpoint.initialize(), ANSWER_S)
            except _broken() as error:
                wrong = _kind(error)
            if not wrong:
                return None
            await asyncio.sleep(RETRY_S)
        return Attempt(f"{id}-initialize", started, time.monotonic(), BROKEN, said=f"initialize: {wrong}")

    async def _attempt(self, id: str, seconds: float) -> Attempt:
        started = time.monotonic()
        body = self.endpoint.message("tools/call", {"name": TOOL, "arguments": {"call": id, "seconds": seconds}})
        headers = self.endpoint.headers("tools/call", TOOL)
        try:
            post = self.endpoint.http.post(self.endpoint.url, json=body, headers=headers)
            answer = await asyncio.wait_for(post, ANSWER_S)
        except _broken() as error:
            return Attempt(id, started, time.monotonic(), BROKEN, said=_kind(error))
        return _read(id, started, answer)


def _read(id: str, started: float, answer: httpx2.Response) -> Attempt:
    status, ended = int(answer.status_code), time.monotonic()
    if status != 200:
        return Attempt(id, started, ended, status, retry_after=_seconds(answer.headers), said=f"HTTP {status}")
    content = (result_of(answer.text) or {}).get("content") or [{}]
    got, _, instance = str(content[0].get("text", "")).partition(" ")
    if not instance:
        # A stream that ends without its result was cut; anything else is an error of the server.
        return Attempt(id, started, ended, BROKEN, said=f"no result: {' '.join(answer.text.split())[-80:]}")
    if got != id:
        return Attempt(id, started, ended, status, instance, said=f"the answer of another call: {got}")
    return Attempt(id, started, ended, status, instance)


def _broken() -> tuple[type[BaseException], ...]:
    import httpx2

    return (httpx2.TransportError, asyncio.TimeoutError, OSError)


def _kind(error: BaseException) -> str:
    return "no answer in time" if isinstance(error, asyncio.TimeoutError) else type(error).__name__


def _seconds(headers: Mapping[str, str]) -> float | None:
    text = headers.get("retry-after", "")
    return float(text) if text.isascii() and text.isdigit() else None


@asynccontextmanager
async def callers(wanted: Sequence[tuple[str, Era, str]]) -> AsyncIterator[list[Caller]]:
    """Clients, each with connections and cookies of its own, before any session is open.

    Args:
        wanted: name, era and URL of each.
    """
    async with AsyncExitStack() as stack:
        yield [Caller(name, await stack.enter_async_context(endpoint(url, era))) for name, era, url in wanted]


class Traffic:
    """Calls of several clients in the background, from `start` to `stop`."""

    def __init__(self, clients: Sequence[Caller]) -> None:
        """Args: clients: with open sessions."""
        self.clients = clients
        self._on = False
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Have every client call again and again."""
        self._on = True
        self.forget()
        # Not all at once: one after the other, evenly over the pause.
        gaps = [PAUSE_S * number / len(self.clients) for number in range(len(self.clients))]
        self._tasks = [asyncio.ensure_future(self._go(*pair)) for pair in zip(self.clients, gaps, strict=True)]

    def forget(self) -> None:
        """Forget what the clients did so far."""
        for one in self.clients:
            one.calls.clear()

    async def stop(self) -> list[Call]:
        """Let the calls that run come to their end; all that is not forgotten, in the order of beginning."""
        self._on = False
        await asyncio.gather(*self._tasks)
        calls = [call for one in self.clients for call in one.calls]
        return sorted(calls, key=lambda call: call.attempts[0].started)

    def cancel(self) -> None:
        """Break everything off: nobody waits for the answers any more."""
        for task in self._tasks:
            task.cancel()

    def calm(self, since: float, good: int = 2) -> bool:
        """Whether the last `good` calls of every client began after `since` and succeeded at first."""
        return all(_calm(one.calls[-good:], since, good) for one in self.clients)

    def trouble(self, since: float) -> str:
        """What the last call of a client that is not served met."""
        for one in self.clients:
            if not _calm(one.calls[-2:], since, 2):
                last = one.calls[-1].attempts[-1].said if one.calls else "no answer"
                return f"{one.name}: {last or 'no second call yet'}"
        return "all are"

    async def _go(self, client: Caller, gap: float) -> None:
        await asyncio.sleep(gap)
        while self._on:
            await client.call()
            await asyncio.sleep(PAUSE_S)


def _calm(calls: Sequence[Call], since: float, good: int) -> bool:
    return len(calls) == good and all(
        len(call.attempts) == 1 and call.ok and call.attempts[0].started > since for call in calls
    )
