"""Measures with many raw clients which instance serves which call. Each request has a new connection."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from advisor.knowledge.topology import SessionKind
from advisor.lab.clients.socket_client import SocketAnswer, SocketClient
from advisor.lab.topology.routes import ClientRoute
from advisor.lab.topology.test_servers import TOOL

_ANSWER_S = 10.0

ServerChange: TypeAlias = Callable[[], Awaitable[None]]
"""Changes the servers of the proxies during a run."""


@dataclass(frozen=True, slots=True)
class RoutedAnswer:
    """The answer to a request.

    Attributes:
        served_by: the instance that answered; "" if the proxy generated the answer.
        problem: the error if the answer has no result, else "".
    """

    served_by: str = ""
    problem: str = ""


@dataclass
class Rates:
    """The results of the clients of a run.

    Attributes:
        clients: the number of clients.
        calls: the number of calls.
        whole: the number of clients whose requests were all answered.
        answered: the number of calls that were answered with their result.
        wrong: the number of calls that reached an instance other than the owner of the session.
        spread: the number of sessions by instance. If there are no sessions: the number of calls by instance.
        problems: the errors of failed requests and the number of each error.
    """

    clients: int = 0
    calls: int = 0
    whole: int = 0
    answered: int = 0
    wrong: int = 0
    spread: Counter[str] = field(default_factory=Counter)
    problems: Counter[str] = field(default_factory=Counter)


class RoutedClient:
    """One raw client whose requests follow a route.

    Attributes:
        owner: the instance that answered `initialize`; "" if no instance answered.
        failed: whether a request failed.
    """

    def __init__(self, route: ClientRoute, *, legacy: bool) -> None:
        """Create a client. It sends no request yet."""
        self.owner = ""
        self.failed = False
        self._route = route
        self._legacy = legacy
        self._client = SocketClient(
            route.turns(), modern=not legacy, keeps_cookies=route.keeps_cookies, answer_s=_ANSWER_S
        )

    async def connect(self) -> RoutedAnswer:
        """Use the initialize handshake if the client is legacy. A modern client sends nothing."""
        if not self._legacy:
            return RoutedAnswer()
        answer = await self.initialize()
        if not answer.problem:
            await asyncio.sleep(self._route.pause_s)
            answer = await _routed(self._client.confirm())
        self.close()
        self.failed = bool(answer.problem)
        return answer

    async def initialize(self) -> RoutedAnswer:
        """Open a session."""
        answer = await _routed(self._client.initialize(**({"x-lab-hold": "1"} if self._route.held else {})))
        self.owner = answer.served_by
        return answer

    async def ping(self, session: str) -> RoutedAnswer:
        """Send a ping in a session, to find out whether the proxy and the instance know the session."""
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
        """Open the stream of the session with GET. The stream stays open until `close`."""
        await self._client.listen()

    @property
    def session(self) -> str:
        """The session id; "" if there is no session."""
        return self._client.session

    def close(self) -> None:
        """Close the open connections."""
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


class OtherClients:
    """Random requests of other clients, between the requests that the measurement counts.

    Without these requests, clients that send in a fixed order can be in step with a proxy that uses round robin. Then
    all requests of a client would reach the same instance, which does not happen in production. A proxy can balance
    new sessions apart from other requests, so some of these requests open a session.
    """

    def __init__(self, ports: Sequence[int], seed: int | str) -> None:
        """Send requests to these ports, in an order that depends on the seed."""
        self._random = random.Random(seed)
        routes = [ClientRoute(("127.0.0.1",), (port,)) for port in ports]
        callers = [RoutedClient(route, legacy=False).call for route in routes]
        openers = [RoutedClient(route, legacy=True).connect for route in routes]
        self._requests = callers + openers

    async def send_some(self) -> None:
        """Send zero, one or two requests, each to a random port."""
        for _ in range(self._random.randint(0, 2)):
            await self._random.choice(self._requests)()


async def rates(
    kind: SessionKind, routes: Sequence[ClientRoute], calls: int, seed: int, change: ServerChange | None = None
) -> Rates:
    """Connect a client for each route, then send the calls of all clients in a random order. Takes some seconds.

    Args:
        kind: the kind of server and the protocol era of the clients.
        routes: one route for each client.
        calls: the number of calls of each client.
        seed: determines the order of the calls.
        change: changes the proxies after all clients have connected.
    """
    legacy, sessions = kind.endswith("legacy"), kind == "stateful+legacy"
    seen = Rates(clients=len(routes), calls=len(routes) * calls)
    clients = [RoutedClient(route, legacy=legacy) for route in routes]
    others = OtherClients(sorted(routes[0].ports), seed)
    for client in clients:
        await others.send_some()
        connected = await client.connect()
        if sessions:
            seen.spread[client.owner] += 1
        if connected.problem:
            seen.problems[connected.problem] += 1
    if change is not None:
        await change()
    order = clients * calls
    random.Random(seed).shuffle(order)
    for client in order:
        await others.send_some()
        answer = await client.call()
        seen.answered += not answer.problem
        seen.wrong += sessions and answer.served_by not in ("", client.owner)
        if answer.problem:
            seen.problems[answer.problem] += 1
        if not sessions:
            seen.spread[answer.served_by] += 1
    seen.whole = sum(not client.failed for client in clients)
    return seen
