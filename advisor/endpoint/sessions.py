"""The session experiment: open many sessions, use each of them several times, and note what the endpoint answers.

The first requests open all sessions of a batch. The others come in random order, because a round-robin proxy could
answer a fixed order with a fixed pattern.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal, TypeAlias, TypeVar

from advisor.endpoint.client import EndpointCaller, Exchange, McpClient
from advisor.endpoint.statistics import sessions_to_see

T = TypeVar("T")

SessionOutcome: TypeAlias = Literal["kept", "lost", "failed"]
"""`kept`: the server knows the session. `lost`: it does not. `failed`: there is no MCP answer, such as a 502."""

IsLost: TypeAlias = Callable[[Exchange], bool]
"""Whether an answer means that the server does not know the session."""

USES = 3
"""The number of requests in each session after the handshake."""

BATCH = sessions_to_see(1 / 3)
"""Sessions of a batch. In a batch, a loss of a third shows with a confidence of 99 %."""

ENOUGH = sessions_to_see(1 / 10)
"""Sessions after which "nothing is lost" is said. A loss of a tenth would have shown with a confidence of 99 %."""

_AT_ONCE = 4


@dataclass(slots=True)
class Session:
    """A session and the outcomes of its requests.

    Attributes:
        client: the client that owns the session.
        opened: the answer to `initialize`.
        uses: the answers to the later requests, in order.
        outcomes: the outcome of each.
    """

    client: McpClient
    opened: Exchange
    uses: list[Exchange] = field(default_factory=list)
    outcomes: list[SessionOutcome] = field(default_factory=list)

    @property
    def is_open(self) -> bool:
        """Whether the server opened a session."""
        return bool(self.client.session)

    @property
    def is_lost(self) -> bool:
        """Whether the first request after the handshake did not reach the session."""
        return self.outcomes[:1] == ["lost"]


@dataclass(frozen=True, slots=True)
class SessionRun:
    """The sessions of clients with the same behaviour, such as "without cookies".

    Attributes:
        sessions: the sessions that were opened and used at least once.
        refused: answers to `initialize` that opened no session.
    """

    sessions: tuple[Session, ...]
    refused: tuple[Exchange, ...]

    @property
    def lost(self) -> int:
        """Number of sessions that were lost at their first use."""
        return sum(session.is_lost for session in self.sessions)

    @property
    def touched(self) -> int:
        """Number of sessions that lost a request."""
        return sum("lost" in session.outcomes for session in self.sessions)

    @property
    def failed(self) -> int:
        """Number of requests without an MCP answer."""
        return sum(session.outcomes.count("failed") for session in self.sessions)


@dataclass(frozen=True, slots=True)
class ClientBehaviour:
    """How the clients of a run behave.

    Attributes:
        keeps_cookies: whether they send cookies back.
        reuses: whether each keeps its connection.
        sources: local addresses for the requests of a client, in random order; () for the usual address.
        forwarded: whether each request claims another client address in X-Forwarded-For.
    """

    keeps_cookies: bool = False
    reuses: bool = False
    sources: tuple[str, ...] = ()
    forwarded: bool = False


async def run_sessions(
    caller: EndpointCaller,
    is_lost: IsLost,
    behaviour: ClientBehaviour,
    *,
    most: int,
    enough: Callable[[SessionRun], bool],
    seed: int = 0,
) -> SessionRun:
    """Open and use sessions in batches until there are enough.

    Args:
        caller: the client whose endpoint and budget the sessions share.
        is_lost: tells a lost session from other answers.
        behaviour: how the clients behave.
        most: the largest number of sessions.
        enough: whether the sessions so far are enough. It is asked after each batch.
        seed: makes the order of the requests repeatable.
    """
    order = random.Random(seed)
    found: list[Session] = []
    refused: list[Exchange] = []
    while len(found) + len(refused) < most and caller.budget.left_s > 0:
        size = min(BATCH, most - len(found) - len(refused))
        twins = [caller.twin(keeps_cookies=behaviour.keeps_cookies, reuses=behaviour.reuses) for _ in range(size)]
        clients = [McpClient(twin, "legacy") for twin in twins]
        try:
            batch = await _side_by_side([partial(_opened, client) for client in clients])
            opened = [session for session in batch if session.is_open]
            await _side_by_side(_uses(opened, is_lost, behaviour, order))
        finally:
            # Also after an interruption: a client whose handshake was answered has a session on the server.
            await _side_by_side([partial(_ended, client) for client in clients])
        refused += [session.opened for session in batch if not session.is_open]
        found += [session for session in opened if session.outcomes]
        if not opened or enough(SessionRun(tuple(found), tuple(refused))):
            break
    return SessionRun(tuple(found), tuple(refused))


def _uses(
    sessions: Sequence[Session], is_lost: IsLost, behaviour: ClientBehaviour, order: random.Random
) -> list[Callable[[], Coroutine[Any, Any, None]]]:
    """The requests of a batch in random order. A session that keeps its connection sends them in sequence."""
    if behaviour.reuses:
        return [partial(_used, session, is_lost, behaviour, order, USES) for session in sessions]
    turns = [session for session in sessions for _ in range(USES)]
    order.shuffle(turns)
    return [partial(_used, session, is_lost, behaviour, order) for session in turns]


async def _side_by_side(work: Sequence[Callable[[], Coroutine[Any, Any, T]]]) -> list[T]:
    """Start and await all, a few at a time, and return their results in order."""
    gate = asyncio.Semaphore(_AT_ONCE)

    async def run(start: Callable[[], Coroutine[Any, Any, T]]) -> T:
        async with gate:
            return await start()

    return await asyncio.gather(*(run(start) for start in work))


async def _opened(client: McpClient) -> Session:
    return Session(client, await client.open())


async def _used(
    session: Session, is_lost: IsLost, behaviour: ClientBehaviour, order: random.Random, times: int = 1
) -> None:
    for _ in range(times):
        if behaviour.sources:
            session.client.caller.source = order.choice(behaviour.sources)
        claimed = {"x-forwarded-for": f"198.51.100.{order.randrange(1, 255)}"} if behaviour.forwarded else {}
        found = await session.client.ping(claimed)
        if found.failure is not None and session.client.caller.budget.is_spent:
            return
        session.uses.append(found)
        session.outcomes.append("kept" if found.result is not None else "lost" if is_lost(found) else "failed")


async def _ended(client: McpClient) -> None:
    """Delete the session on the server, so that a run leaves nothing behind."""
    await client.end()
    client.caller.close()
