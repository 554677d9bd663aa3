"""Try to use up the sessions of a fleet with clients that have no session.

An instance gets more sessions than it can hold. A second proxy with the kit's configuration, in front of small test
servers, gets more sessions from an address than the servers together can hold. The sessions of other clients must
continue to work.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import repeat

from advisor.errors import LabError
from advisor.kit.model import KitContext
from advisor.kit.parts import proxy
from advisor.kit.parts.proxy import Pool
from advisor.lab.clients.raw_client import Endpoint, endpoint, said
from advisor.lab.clients.socket_client import SocketAddress, SocketClient
from advisor.lab.fleet.fleet import Fleet
from advisor.lab.fleet.front import PROXY_SOURCE, Front
from advisor.lab.fleet.proxies import Proxies
from advisor.lab.process.steps import Steps
from advisor.lab.verify.result import Trial

_HELD = 3  # the session limit of the instance
_BEYOND = 3  # further sessions that a client tries to open
_AT_ONCE = 8  # connections of the address that opens many sessions, fewer than each proxy allows
_MOST = 60_000  # requests; more take too long
_STRANGER, _OTHER = ("127.0.9.1", "127.0.9.2") if PROXY_SOURCE else ("", "")
_FAILURES = (OSError, EOFError, asyncio.TimeoutError)
_OK = "HTTP 200"


async def check_strangers(fleet: Fleet, steps: Steps) -> list[Trial]:
    """Try the session limits of an instance and of the kit's proxy.

    Args:
        fleet: a running fleet.
        steps: shows the progress.

    Returns:
        An entry for each check; none for a kit without sessions.

    Raises:
        LabError: a process did not start.
    """
    kit, front = fleet.plan.kit, fleet.plan.front
    if not _applies(kit):
        return []
    with steps.step("session limits"):
        found = await _at_an_instance(fleet)
        pool = _limiting(kit, front)
        if pool is not None and _enough(pool) <= _MOST:
            found += await _at_the_proxy(fleet, pool)
    return found


def untried_limits(kit: KitContext, front: Front) -> list[str]:
    """Say which session limit `check_strangers` does not try, and why. An empty list if it tries both limits."""
    if not _applies(kit) or not kit.proxy:
        return []
    what = "The session limit of a client address at the proxy was not tried"
    if not kit.carried.limits_sessions:
        return [f"{what}, because {kit.proxy} has no such limit (see DECISION.md)."]
    if not front.own:
        return [f"{what}, because this run does not use the proxy of the kit."]
    pool = _limiting(kit, front)
    if pool is not None and _enough(pool) > _MOST:
        return [f"{what}. This takes {_enough(pool):,} requests, and `verify` sends at most {_MOST:,}."]
    return []


def _applies(kit: KitContext) -> bool:
    return any(tier.keeps_sessions for tier in kit.tiers) and not kit.plain


def _limiting(kit: KitContext, front: Front) -> Pool | None:
    """The pool with sessions behind the kit's own proxy, if this proxy has a session limit."""
    return proxy.plan_for(kit).keeper if front.own and kit.carried.limits_sessions else None


async def _at_an_instance(fleet: Fleet) -> list[Trial]:
    """Open more sessions than an instance can hold."""
    tier = next(tier for tier in fleet.plan.kit.tiers if tier.keeps_sessions)
    limit = {"MCP_MAX_SESSIONS": str(_HELD)}
    process, port = await fleet.run.start_on_port("limited", lambda port: fleet.launch(tier, port, limit))
    url = f"http://127.0.0.1:{port}/mcp"
    try:
        async with endpoint(url, "legacy") as owner:
            clients = [owner, *(Endpoint(url, "legacy", owner.http) for _ in range(_HELD + _BEYOND - 1))]
            refused = [await client.initialize() for client in clients]
            answer = await owner.http.post(url, json=owner.message("ping"), headers=owner.headers("ping"))
    finally:
        process.kill()
    opened = refused.index(next(filter(None, refused), "")) if any(refused) else len(refused)
    seen = f"{refused[opened].partition(':')[0]} after {opened} sessions" if any(refused) else f"{opened} sessions open"
    expected = f"HTTP 503 after {_HELD} sessions"
    place = f"MCP_MAX_SESSIONS={_HELD}"
    return [
        Trial("session limit of an instance", place, expected, seen, seen == expected),
        Trial("open session of a full instance", place, _OK, said(answer), answer.status_code == 200),
    ]


def _enough(pool: Pool) -> int:
    """The number of sessions that fill all instances. No address can open so many."""
    capacity = pool.tier.max_sessions * pool.tier.instances
    return max(capacity, 2 * pool.sessions_per_address) + pool.sessions_per_minute + _AT_ONCE


async def _at_the_proxy(fleet: Fleet, pool: Pool) -> list[Trial]:
    """Open more sessions from an address than all instances can hold."""
    plan = fleet.plan
    proxies = Proxies(fleet.run, replace(plan, front=replace(plan.front, many=1, holds=False)), "proxy-limits")
    wanted = {tier.name: plan.instances[tier.name] for tier in plan.kit.tiers}
    try:
        async with _test_servers(wanted) as addresses:
            await proxies.start(addresses)
            return await _flooded(fleet, pool, proxies.port)
    finally:
        for process in proxies.processes:
            process.kill()


async def _flooded(fleet: Fleet, pool: Pool, port: int) -> list[Trial]:
    hops = fleet.plan.kit.front_hops

    def client(number: int) -> SocketClient:
        source = "" if hops else (_STRANGER, _OTHER)[number]
        places: Iterator[SocketAddress] = repeat((source, port))
        return SocketClient(places, modern=False, keeps_alive=True, path=pool.tier.path)

    def forwarded(number: int) -> dict[str, str]:
        behind = ", 10.0.0.1" * (hops - 1)
        return {"x-forwarded-for": f"198.51.100.{number + 7}{behind}"} if hops else {}

    owner = client(1)
    strangers = [client(0) for _ in range(_AT_ONCE)]
    most = _enough(pool)
    opened, other = 0, ""

    async def open_many(stranger: SocketClient) -> None:
        nonlocal opened, other
        while opened < most and not other:
            answer = await stranger.initialize(**forwarded(0))
            if answer.status == 200:
                opened += 1
            else:
                other = f"HTTP {answer.status}"

    try:
        first = await owner.initialize(**forwarded(1))
        if first.status != 200:
            raise LabError(f"The proxy for the session limits answers HTTP {first.status} to the first client.")
        await asyncio.gather(*map(open_many, strangers))
        kept = await owner.ping()
        newcomer = client(1)
        strangers.append(newcomer)
        fresh = await newcomer.initialize(**forwarded(1))
    except _FAILURES as error:
        raise LabError(f"The proxy for the session limits gives no answer: {type(error).__name__} {error}") from error
    finally:
        for each in (owner, *strangers):
            each.close()
    seen = f"{other} after {opened:,} sessions" if other else f"{opened:,} sessions open"
    place = f"proxy: {fleet.plan.kit.proxy}"
    expected = f"HTTP 429 before {most:,} sessions"
    found = [
        Trial("session limit of a client address", place, expected, seen, other == "HTTP 429"),
        Trial("open session of another client", place, _OK, f"HTTP {kept.status}", kept.status == 200),
    ]
    if hops or PROXY_SOURCE:
        seen = f"HTTP {fresh.status}"
        found.append(Trial("new session of another client address", place, _OK, seen, fresh.status == 200))
    return found


@asynccontextmanager
async def _test_servers(wanted: Mapping[str, int]) -> AsyncIterator[dict[str, tuple[str, ...]]]:
    """Servers that give each `initialize` request a new session and do nothing else. Yield host:port by tier."""
    servers: list[asyncio.Server] = []
    addresses: dict[str, tuple[str, ...]] = {}
    try:
        for tier, number in wanted.items():
            own = [await asyncio.start_server(_answers, "127.0.0.1", 0) for _ in range(number)]
            servers += own
            addresses[tier] = tuple(f"127.0.0.1:{server.sockets[0].getsockname()[1]}" for server in own)
        yield addresses
    finally:
        for server in servers:
            server.close()


async def _answers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            length = head.partition(b"\r\ncontent-length:")[2].partition(b"\r\n")[0]
            body = await reader.readexactly(int(length or 0))
            session = f"mcp-session-id: {uuid.uuid4().hex}\r\n" if b'"initialize"' in body else ""
            answer = '{"jsonrpc":"2.0","id":1,"result":{}}'
            writer.write(
                f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n{session}"
                f"content-length: {len(answer)}\r\n\r\n{answer}".encode()
            )
            await writer.drain()
    except (OSError, EOFError, asyncio.IncompleteReadError):
        pass
    finally:
        writer.close()
