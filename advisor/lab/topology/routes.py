"""The paths of clients to the proxies: source addresses, proxy ports, and whether clients keep cookies."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle

from advisor.knowledge.topology import Conditions

PAUSE_S = 0.05
"""Seconds that a client with `pace: calm` waits after the answer to initialize."""

_NETWORKS = 100
_SHARED = "127.19.7"


@dataclass(frozen=True, slots=True)
class ClientRoute:
    """The network path of the requests of a client.

    Attributes:
        addresses: the source addresses (on loopback), one after another.
        ports: the ports of the proxies, one after another.
        keeps_cookies: whether the client keeps cookies.
        held: whether the client asks the server to delay the end of the answer to initialize.
        pause_s: seconds that the client waits after the answer to initialize.
    """

    addresses: tuple[str, ...]
    ports: tuple[int, ...]
    keeps_cookies: bool = False
    held: bool = False
    pause_s: float = 0.0

    def turns(self) -> Iterator[tuple[str, int]]:
        """An endless iterator over the source address and the proxy port of each request."""
        return zip(cycle(self.addresses), cycle(self.ports))


def route_of(under: Conditions, ports: tuple[int, ...], client: int) -> ClientRoute:
    """The route of a client under the given conditions. The first client has the number 0."""
    match under.addresses:
        case "one":
            addresses: tuple[str, ...] = ("127.0.0.1",)
        case "one-network":
            addresses = (f"{_SHARED}.{1 + client % 254}",)
        case "many":
            addresses = (_network(client),)
        case "changing":
            # A client has more addresses than requests. The order is random, so a hash of the network cannot follow it.
            addresses = tuple(map(_network, random.Random(client).sample(range(_NETWORKS), 20)))
    start = client % len(ports)  # half of the clients send their first request to the second proxy
    turned = (*ports[start:], *ports[:start])
    pause_s = PAUSE_S if under.pace == "calm" else 0.0
    return ClientRoute(addresses, turned, under.cookies == "kept", under.initialize == "held", pause_s)


def _network(number: int) -> str:
    return f"127.{20 + number % _NETWORKS}.7.9"
