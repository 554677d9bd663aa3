"""Many cheap clients, a connection for each request, for rates: which instance served which call."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field

from advisor.knowledge.topology import Kind
from advisor.lab.clients.socket_client import SocketAnswer, SocketClient
from advisor.lab.topology.roads import Road
from advisor.lab.topology.test_servers import TOOL

_ANSWER_S = 10.0


@dataclass(frozen=True, slots=True)
class RoutedAnswer:
    """What came back for a request.

    Attributes:
        served_by: the instance, or "" when the proxy answered itself.
        problem: why it is not the result that was asked for, or "".
    """

    served_by: str = ""
    problem: str = ""


@dataclass
class Rates:
    """What the clients of a run saw.

    Attributes:
        whole: clients whose requests were all answered.
        answered: calls that were.
        wrong: calls that reached another instance than the session's owner.
        spread: sessions, or calls where there are none, by instance.
        problems: how failing requests were answered.
    """

    clients: int = 0
    calls: int = 0
    whole: int = 0
    answered: int = 0
    wrong: int = 0
    spread: Counter[str] = field(default_factory=Counter)
    problems: Counter[str] = field(default_factory=Counter)


class RoadClient:
    """One raw client on its road.

    Attributes:
        owner: the instance that answered `initialize`, "" for none.
        failed: whether a request failed.
    """

    def __init__(self, road: Road, *, legacy: bool) -> None:
        """A client that has sent nothing yet."""
        self.owner = ""
        self.failed = False
        self._road = road
        self._legacy = legacy
        self._client = SocketClient(
            road.turns(), modern=not legacy, keeps_cookies=road.keeps_cookies, answer_s=_ANSWER_S
        )

    async def connect(self) -> RoutedAnswer:
        """Initialize and confirm, as a legacy client does; a modern client has nothing to do."""
        if not self._legacy:
            return RoutedAnswer()
        answer = await self.initialize()
        if not answer.problem:
            await asyncio.sleep(self._road.pause_s)
            answer = await _routed(self._client.confirm())
        self.close()
        self.failed = bool(answer.problem)
        return answer

    async def initialize(self) -> RoutedAnswer:
        """Open a session."""
        answer = await _routed(self._client.initialize(**({"x-lab-hold": "1"} if self._road.held else {})))
        self.owner = answer.served_by
        return answer

    async def ping(self, session: str) -> RoutedAnswer:
        """Ask whether a session is known."""
        self._client.session = session
        answer = await _routed(self._client.ping())
        self.close()
        return answer

    async def call(self) -> RoutedAnswer:
        """Call a tool that answers immediately."""
        answer = await _routed(self._client.call(TOOL, {}))
        self.close()
        self.failed = self.failed or bool(answer.problem)
        return answer

    async def listen(self) -> None:
        """Open the stream of the session with GET and leave it open until `close`."""
        await self._client.listen()

    @property
    def session(self) -> str:
        """The session id, "" for none."""
        return self._client.session

    def close(self) -> None:
        """Close what is still open."""
        self._client.close()


async def _routed(request: Awaitable[SocketAnswer]) -> RoutedAnswer:
    try:
        answer = await request
    except (OSError, asyncio.IncompleteReadError, asyncio.TimeoutError) as error:
        return RoutedAnswer(problem=type(error).__name__)
    return RoutedAnswer(answer.headers.get("x-served-by", ""), _problem(answer))


def _problem(answer: SocketAnswer) -> str:
    reply = answer.reply()
    error = reply.get("error")
    if answer.status >= 400 or error:
        message = error.get("message", "") if isinstance(error, dict) else ""
        return f"{answer.status} {message}".strip()
    return "no result" if answer.number is not None and "result" not in reply else ""


class Crowd:
    """Other people's requests between those that are counted.

    Without them, clients that take turns would be in step with a proxy that takes turns, and see what no client sees in
    production: every request on the same instance, or none.
    """

    def __init__(self, ports: Sequence[int], seed: int | str) -> None:
        """Requests to these ports, drawn by the seed."""
        self._random = random.Random(seed)
        self._clients = [RoadClient(Road(("127.0.0.1",), (port,)), legacy=False) for port in ports]

    async def pass_by(self) -> None:
        """None, one or two requests, each to any of the ports."""
        for _ in range(self._random.randint(0, 2)):
            await self._random.choice(self._clients).call()


async def rates(kind: Kind, roads: Sequence[Road], calls: int, seed: int) -> Rates:
    """Connect a client on each road, then let each make its calls, in an order that the seed mixes; takes seconds."""
    legacy, sessions = kind.endswith("legacy"), kind == "stateful+legacy"
    seen = Rates(clients=len(roads), calls=len(roads) * calls)
    clients = [RoadClient(road, legacy=legacy) for road in roads]
    crowd = Crowd(sorted(roads[0].ports), seed)
    for client in clients:
        await crowd.pass_by()
        connected = await client.connect()
        if sessions:
            seen.spread[client.owner] += 1
        if connected.problem:
            seen.problems[connected.problem] += 1
    order = clients * calls
    random.Random(seed).shuffle(order)
    for client in order:
        await crowd.pass_by()
        answer = await client.call()
        seen.answered += not answer.problem
        seen.wrong += sessions and answer.served_by not in ("", client.owner)
        if answer.problem:
            seen.problems[answer.problem] += 1
        if not sessions:
            seen.spread[answer.served_by] += 1
    seen.whole = sum(not client.failed for client in clients)
    return seen
