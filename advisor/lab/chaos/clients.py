"""Clients of both eras for fault injection. They call a counting tool or a tool with state handles, and record calls.

The clients follow good practice. They repeat a call once after a 5xx or a broken connection, and they respect a short
Retry-After. They open a new session after a 404. Every request has a unique id. The id distinguishes a retry of the
client from a request that a proxy repeats.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from advisor.endpoint.protocol import result_of
from advisor.knowledge.types import Era
from advisor.lab.chaos.evidence import BROKEN, CallAttempt, ClientCall, Handle
from advisor.lab.chaos.state_handles import StateHandles
from advisor.lab.clients.raw_client import Endpoint, endpoint
from advisor.lab.testserver.execution_log import TOOL

if TYPE_CHECKING:
    import httpx2

ANSWER_S = 40.0
"""The longest time in seconds that a client waits for an answer. Every fault is shorter."""
RETRY_AFTER_S = 4.0
"""The longest Retry-After in seconds that a client respects."""
RETRY_S = 0.2
RECALLS = 3
"""Calls with a state handle for each call of the counting tool. Frequent calls make sure that no fault is missed."""

Reader = Callable[[CallAttempt, str, bool], CallAttempt]
Arguments = Callable[[str], Mapping[str, Any]]


@dataclass(slots=True)
class Caller:
    """A client that calls the counting tool.

    Attributes:
        name: a name that is unique in the run.
        endpoint: sends the requests.
        owner: the owner of the session; "" if unknown.
        calls: the recorded calls.
        running: id of the current or last request.
        refused: the reason why the last attempt to open a session failed; "" after a success.
        refusals: every failed request for a new session.
    """

    name: str
    endpoint: Endpoint
    owner: str = ""
    calls: list[ClientCall] = field(default_factory=list)
    running: str = ""
    refused: str = ""
    refusals: list[CallAttempt] = field(default_factory=list)
    _number: int = 0

    @property
    def era(self) -> Era:
        """The protocol era of the client."""
        return self.endpoint.era

    @property
    def in_session(self) -> bool:
        """Whether the client has a session. Only legacy clients of a stateful server have a session."""
        return bool(self.endpoint.session)

    async def round(self) -> None:
        """Make the calls of a round."""
        await self.call()

    async def call(self, seconds: float = 0.0) -> ClientCall:
        """Make one call that takes `seconds`, with a retry and a new session if necessary."""
        done = await self._carried(TOOL, lambda id: {"call": id, "seconds": seconds}, _counted, seconds > 0)
        self.calls.append(done)
        return done

    def forget(self) -> None:
        """Delete the recorded calls."""
        self.calls.clear()
        self.refusals.clear()

    def calm(self, since: float) -> bool:
        """Whether the last two calls began after `since` and succeeded at the first request."""
        return _calm(self.calls, since, 2)

    def trouble(self) -> str:
        """The problem of the last call, or of the session if there was no call."""
        last = self.calls[-1].attempts[-1].said if self.calls else self.refused or "no answer"
        return last or "no second call yet"

    async def open(self) -> bool:
        """Open a session like a new client, on any instance. A stateless server opens no session."""
        self.endpoint.http.cookies.clear()
        failure = await self._open(self.name)
        self.refused = failure.said if failure else ""
        return failure is None

    async def _carried(self, tool: str, arguments: Arguments, read: Reader, long: bool = False) -> ClientCall:
        """Make a call, with a retry and a new session if necessary."""
        self._number += 1
        owner, initialized, retried = self.owner, False, False
        attempts: list[CallAttempt] = []
        while True:
            self.running = f"{self.name}-{self._number}.{len(attempts) + 1}"
            attempt = await self._attempt(self.running, tool, arguments(self.running), read)
            attempts.append(attempt)
            if attempt.ok:
                if attempt.instance:
                    self.owner = attempt.instance if self.in_session else ""
                break
            if attempt.status == 404 and self.in_session and not initialized:
                initialized = True
                failure = await self._open(attempt.id)
                if failure is None:
                    continue
                attempts.append(failure)
                break
            if retried or (attempt.status != BROKEN and attempt.status < 500):
                break
            retried = True
            await asyncio.sleep(min(attempt.retry_after or RETRY_S, RETRY_AFTER_S))
        return ClientCall(self.era, owner, tuple(attempts), initialized, long)

    async def _open(self, id: str) -> CallAttempt | None:
        """Open a new session, with one retry. Return the failed attempt, or None after a success."""
        self.owner = ""
        started, wrong = time.monotonic(), ""
        for _ in range(2):
            began = time.monotonic()
            try:
                wrong = await asyncio.wait_for(self.endpoint.initialize(), ANSWER_S)
            except _broken() as error:
                wrong = _kind_of(error)
            if not wrong:
                return None
            said = f"initialize: {wrong}"
            self.refusals.append(CallAttempt(f"{id}-initialize", began, time.monotonic(), BROKEN, said=said))
            await asyncio.sleep(RETRY_S)
        return CallAttempt(f"{id}-initialize", started, time.monotonic(), BROKEN, said=f"initialize: {wrong}")

    async def _attempt(self, id: str, tool: str, arguments: Mapping[str, Any], read: Reader) -> CallAttempt:
        started = time.monotonic()
        body = self.endpoint.message("tools/call", {"name": tool, "arguments": dict(arguments)})
        headers = self.endpoint.headers("tools/call", tool)
        try:
            post = self.endpoint.http.post(self.endpoint.url, json=body, headers=headers)
            answer = await asyncio.wait_for(post, ANSWER_S)
        except _broken() as error:
            return CallAttempt(id, started, time.monotonic(), BROKEN, said=_kind_of(error))
        return _attempt_of(id, started, answer, read)


@dataclass(slots=True)
class StateKeeper(Caller):
    """A client that also stores state with a state handle and asks for the state repeatedly.

    Attributes:
        store: the tool that stores the state.
        handle: the current state handle; "" without stored state.
        recalls: the recorded calls of the tool that stores the state.
    """

    store: StateHandles = field(default_factory=lambda: StateHandles(""))
    handle: str = ""
    recalls: list[ClientCall] = field(default_factory=list)

    async def round(self) -> None:
        """Call the counting tool, whose answer names the owner of the session. Then make calls for the state."""
        await self.call()
        for _ in range(RECALLS):
            await self.recall()

    async def recall(self) -> ClientCall:
        """Ask for the stored state, or store new state if the client has no state handle."""
        handle = self.handle
        seen: list[Handle] = ["refused"]

        def read(attempt: CallAttempt, said: str, is_error: bool) -> CallAttempt:
            return self._judged(handle, attempt, said, is_error, seen)

        done = await self._carried(self.store.tool, lambda id: self.store.arguments(id, handle), read)
        state: Handle = seen[-1] if done.ok or seen[-1] == "gone" else "refused"
        found = ClientCall(done.era, done.owner, done.attempts, done.initialized, handle=state)
        self.recalls.append(found)
        return found

    def forget(self) -> None:
        """Delete the recorded calls. The state handle stays."""
        Caller.forget(self)
        self.recalls.clear()

    def calm(self, since: float) -> bool:
        """Whether the last calls with and without a state handle succeeded at the first request."""
        return Caller.calm(self, since) and _calm(self.recalls, since, 1)

    def trouble(self) -> str:
        """The problem of the last call."""
        last = self.recalls[-1].attempts[-1].said if self.recalls else ""
        return f"{self.store.tool}: {last}" if last else Caller.trouble(self)

    def _judged(self, handle: str, attempt: CallAttempt, said: str, is_error: bool, seen: list[Handle]) -> CallAttempt:
        if handle:
            seen.append(self.store.found(said, is_error=is_error))
            self.handle = "" if seen[-1] == "gone" else handle
        else:
            self.handle = "" if is_error else self.store.given(said)
            seen.append("new" if self.handle else "refused")
        wrong = "" if seen[-1] in ("found", "new") else said[:100] or "an empty answer"
        return CallAttempt(attempt.id, attempt.started, attempt.ended, attempt.status, said=wrong)


def _calm(calls: Sequence[ClientCall], since: float, good: int) -> bool:
    last = calls[-good:]
    return len(last) == good and all(len(call.attempts) == 1 and call.ok and call.began > since for call in last)


@asynccontextmanager
async def callers(wanted: Sequence[tuple[str, Era, str, StateHandles | None]]) -> AsyncIterator[list[Caller]]:
    """Create clients without a session. Each client has its own connections and cookies.

    Args:
        wanted: name, era and URL of each client, and its tool with state handles or None.
    """
    async with AsyncExitStack() as stack:
        made: list[Caller] = []
        for name, era, url, store in wanted:
            end = await stack.enter_async_context(endpoint(url, era))
            made.append(Caller(name, end) if store is None else StateKeeper(name, end, store=store))
        yield made


def _counted(attempt: CallAttempt, said: str, is_error: bool) -> CallAttempt:
    """Read the answer of the counting tool: the id of the request and the name of the instance."""
    got, _, instance = said.partition(" ")
    if is_error or not instance:
        wrong = f"no result: {said[-80:]}"
        return CallAttempt(attempt.id, attempt.started, attempt.ended, BROKEN, said=wrong)
    wrong = "" if got == attempt.id else f"the answer of another call: {got}"
    return CallAttempt(attempt.id, attempt.started, attempt.ended, attempt.status, instance, said=wrong)


def _attempt_of(id: str, started: float, answer: httpx2.Response, read: Reader) -> CallAttempt:
    """Convert the answer to a request.

    Args:
        id: id of the request.
        started: start time on the monotonic clock.
        answer: the complete HTTP response.
        read: reads the text of a result. Its last argument is whether the tool reports an error.
    """
    status, ended = int(answer.status_code), time.monotonic()
    if status != 200:
        return CallAttempt(id, started, ended, status, retry_after=_seconds(answer.headers), said=f"HTTP {status}")
    result = result_of(answer.text)
    if result is None:
        # A stream without a result was cut. Another answer without a result is an error of the server.
        return CallAttempt(id, started, ended, BROKEN, said=f"no result: {' '.join(answer.text.split())[-80:]}")
    content = result.get("content") or [{}]
    plain = CallAttempt(id, started, ended, status)
    return read(plain, str(content[0].get("text", "")), bool(result.get("isError")))


def _broken() -> tuple[type[BaseException], ...]:
    """The exceptions of a request without a complete answer."""
    import httpx2

    return (httpx2.TransportError, asyncio.TimeoutError, OSError)


def _kind_of(error: BaseException) -> str:
    """An exception of `_broken` in words."""
    return "no answer in time" if isinstance(error, asyncio.TimeoutError) else type(error).__name__


def _seconds(headers: Mapping[str, str]) -> float | None:
    text = headers.get("retry-after", "")
    return float(text) if text.isascii() and text.isdigit() else None
