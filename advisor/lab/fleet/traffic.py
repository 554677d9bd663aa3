"""Many parallel clients, each with several calls: whether calls reach their session, and the load of each instance."""

from __future__ import annotations

import asyncio
import random
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from advisor.endpoint.protocol import result_of
from advisor.knowledge.types import Era
from advisor.lab.clients.raw_client import Endpoint
from advisor.lab.fleet.fleet import Fleet
from advisor.lab.fleet.plan import FleetInstance
from advisor.lab.fleet.session_traffic import SessionTraffic
from advisor.lab.testserver.tool_catalogue import PLAIN

if TYPE_CHECKING:
    import httpx2

CALLS = 5
"""Calls of each client, mixed with the calls of all other clients."""

_SEED = 20
_AT_ONCE = 8
_DEADLINE_S = 60.0
_ANSWER_S = 20.0
_REACHED_S = 15.0
_CALLS_ROUTE = "tools/call"
_PING = "ping"


@dataclass(slots=True)
class _Client:
    """One client and the results of its calls."""

    number: int
    endpoint: Endpoint
    wrong: int = 0
    failed: int = 0
    example: str = ""

    @property
    def lost(self) -> bool:
        return bool(self.wrong or self.failed)

    def note(self, status: int, text: str) -> None:
        """Record a failed call."""
        if status == 404:
            self.wrong += 1
        else:
            self.failed += 1
        said = " ".join(text.split())[:160]
        self.example = self.example or (f"HTTP {status}: {said}" if status else said)


async def reach_all(fleet: Fleet, tier: str | None) -> None:
    """Wait until every proxy sends requests to every instance of a tier, if the proxy checks instances after its start.

    The wait ends after a deadline without an error, because a proxy can send all requests of one machine to one
    instance.
    """
    members = fleet.of(tier)
    if len(members) < 2 or not fleet.plan.front.learns:
        return
    for door in fleet.front.doors:
        await _reach(fleet, members, fleet.url(tier, "legacy", door=door))


async def _reach(fleet: Fleet, members: Sequence[FleetInstance], url: str) -> None:
    before = [await _pings(fleet, member) for member in members]
    end = asyncio.get_running_loop().time() + _REACHED_S
    number = 0
    while asyncio.get_running_loop().time() < end:
        for _ in range(2 * len(members)):
            number += 1
            async with _http(number) as http:
                raw = Endpoint(url, "legacy", http)
                await http.post(url, json=raw.message(_PING), headers=raw.headers(_PING))
        after = [await _pings(fleet, member) for member in members]
        if all(late > early for early, late in zip(before, after, strict=True)):
            return


async def _pings(fleet: Fleet, instance: FleetInstance) -> int:
    return (await fleet.counts(instance)).get(_PING, 0)


async def drive(fleet: Fleet, tier: str | None, era: Era, many: int) -> SessionTraffic:
    """Call a tier with `many` clients of an era. The order of calls is shuffled, and is equal in every run."""
    members = fleet.of(tier)
    before = [await fleet.counts(member) for member in members]
    clients: list[_Client] = []
    async with AsyncExitStack() as stack:
        for number in range(many):
            url = fleet.url(tier, era, client=number)
            http = await stack.enter_async_context(_http(number))
            clients.append(_Client(number, Endpoint(url, era, http)))
        await asyncio.wait_for(_call_all(clients), _DEADLINE_S)
        after = [await fleet.counts(member) for member in members]
        sessions = sum(bool(client.endpoint.session) for client in clients)
        await _close(clients)
    key = "sessions" if sessions else _CALLS_ROUTE
    return SessionTraffic(
        tier=tier,
        era=era,
        clients=many,
        sessions=sessions,
        calls=many * CALLS,
        wrong_instance=sum(client.wrong for client in clients),
        failed=sum(client.failed for client in clients),
        lost=sum(client.lost for client in clients),
        per_instance=tuple(late.get(key, 0) - early.get(key, 0) for early, late in zip(before, after, strict=True)),
        example=next((client.example for client in clients if client.example), None),
    )


async def _call_all(clients: Sequence[_Client]) -> None:
    gate = asyncio.Semaphore(_AT_ONCE)
    await asyncio.gather(*(_open(client, gate) for client in clients))
    order = [client for client in clients for _ in range(CALLS)]
    random.Random(_SEED).shuffle(order)
    queue = iter(order)

    async def worker() -> None:
        for client in queue:
            await _call(client)

    await asyncio.gather(*(worker() for _ in range(_AT_ONCE)))


async def _open(client: _Client, gate: asyncio.Semaphore) -> None:
    async with gate:
        try:
            wrong = await client.endpoint.initialize()
        except Exception as error:
            wrong = f"{type(error).__name__} {error}"
    if wrong:
        client.note(0, f"initialize: {wrong}")


async def _call(client: _Client) -> None:
    """Make one call of the lab's plain tool, and record a failure."""
    endpoint = client.endpoint
    body = endpoint.message(_CALLS_ROUTE, {"name": PLAIN.tool, "arguments": {}})
    try:
        answer = await endpoint.http.post(endpoint.url, json=body, headers=endpoint.headers(_CALLS_ROUTE, PLAIN.tool))
    except Exception as error:
        client.note(0, f"{type(error).__name__} {error}")
        return
    result = result_of(answer.text)
    if answer.status_code != 200 or result is None or result.get("isError"):
        client.note(answer.status_code, answer.text)
    elif f'"id":{body["id"]}' not in answer.text.replace(" ", ""):
        client.note(answer.status_code, f"the answer of another call: {answer.text}")


async def _close(clients: Sequence[_Client]) -> None:
    """End the sessions with DELETE."""

    async def end(client: _Client) -> None:
        endpoint = client.endpoint
        if endpoint.session:
            await endpoint.http.delete(endpoint.url, headers=endpoint.headers())

    await asyncio.gather(*(end(client) for client in clients), return_exceptions=True)


def _http(number: int) -> httpx2.AsyncClient:
    """Create an HTTP client with a cookie jar, and with its own address if the system has many loopback addresses.

    Load balancers with affinity through the client's address use at least the first 24 bits of the address. Therefore
    every client has another network of 256 addresses.
    """
    import httpx2

    own = f"127.0.{1 + number % 250}.1" if sys.platform == "linux" else None
    # The client loads no certificates, because this takes longer than its calls.
    transport = httpx2.AsyncHTTPTransport(verify=False, local_address=own)
    return httpx2.AsyncClient(transport=transport, timeout=_ANSWER_S, trust_env=False)
