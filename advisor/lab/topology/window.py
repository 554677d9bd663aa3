"""Measures how soon a second proxy knows a new session of the first proxy. Both proxies share a table over the network.

A proxy that does not know a session chooses any instance, which can be the owner by chance. Open streams prevent this:
the first proxy sends every new session to one instance, and the second proxy sends unknown sessions to the others.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from advisor.errors import LabError
from advisor.knowledge.topology import Share, Window
from advisor.lab.process.run import Run
from advisor.lab.topology.balancer import NAMES, Balancer
from advisor.lab.topology.rates import RoutedClient
from advisor.lab.topology.routes import ClientRoute

DEADLINE_S = 60.0
SETTLE_S = 4.0
"""Seconds. If two HAProxies connect to each other at the same time, both disconnect and try again up to two seconds
later."""
_ATTEMPTS = 60


async def measure(
    run: Run, addresses: Sequence[str], balancer: Balancer, names: Sequence[str], openings: int, restarts: int
) -> Window:
    """Open sessions at the first proxy and send pings for them to the second proxy until the second proxy knows them.

    Args:
        run: stops the proxies at its end.
        addresses: host:port of each server.
        balancer: starts the proxies, which must send a new session to the server with the fewest connections.
        names: the names of the servers; the first server gets all new sessions.
        openings: the number of sessions while both proxies run.
        restarts: the number of restarts of the second proxy after its first start.

    Raises:
        LabError: the second proxy did not know a session within `DEADLINE_S`.
    """
    first, port = await balancer.start(run, addresses, name=NAMES[0])
    second, other = await balancer.start(run, addresses, name=NAMES[1])
    held = [await _stream(port, name) for name in names[1:]]
    held.append(await _stream(other, names[0]))
    try:
        started = [await settled(port, other)]
        found = [await _opening(port, other) for _ in range(openings)]
        for _ in range(restarts):
            await second.terminate()
            second, _ = await balancer.start(run, addresses, name=NAMES[1], port=other)
            held.append(await _stream(other, names[0]))
            started.append(await settled(port, other))
    finally:
        for client in held:
            client.close()
        await first.terminate()
        await second.terminate()
    return Window(
        at_once=Share(sum(tries == 1 for tries, _ in found), openings),
        longest_us=max(took for _, took in found),
        started_us=sorted(started),
    )


async def _stream(port: int, owner: str) -> RoutedClient:
    """A client with an open stream to the instance `owner`, through the proxy that listens on `port`."""
    for _ in range(_ATTEMPTS):
        client = RoutedClient(ClientRoute(("127.0.0.1",), (port,)), legacy=True)
        if not (await client.connect()).problem and client.owner == owner:
            await client.listen()
            return client
    raise LabError(f"The proxy sent {_ATTEMPTS} successive sessions to other instances than {owner}.")


async def settled(port: int, other: int) -> int:
    """Open sessions for `SETTLE_S` after a start. Returns the longest time (µs) until a session was known."""
    longest, end = 0, time.monotonic() + SETTLE_S
    while time.monotonic() < end:
        longest = max(longest, (await _opening(port, other))[1])
    return longest


async def _opening(port: int, other: int) -> tuple[int, int]:
    """Open a session and send pings to the other proxy until that proxy knows the session.

    Returns:
        The number of pings, and the time (µs) from the answer to initialize to the successful ping.
    """
    client = RoutedClient(ClientRoute(("127.0.0.1",), (port,)), legacy=True)
    visitor = RoutedClient(ClientRoute(("127.0.0.1",), (other,)), legacy=True)
    opened = await client.initialize()
    began = time.monotonic()
    if opened.problem:
        raise LabError(f"A session could not be opened at the first of two proxies: {opened.problem}.")
    tries, sent = 0, began
    while sent < began + DEADLINE_S:
        tries, sent = tries + 1, time.monotonic()
        if not (await visitor.ping(client.session)).problem:
            client.close()
            return tries, int((sent - began) * 1_000_000)
    raise LabError(f"A second proxy did not know a session of the first within {DEADLINE_S:g} s.")
