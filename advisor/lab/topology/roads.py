"""The ways that clients take to a proxy: from which address, to which of several proxies, with or without cookies."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle

from advisor.knowledge.topology import Conditions

PAUSE_S = 0.05
"""How long a calm client waits after the answer to initialize."""

_NETWORKS = 100
_SHARED = "127.19.7"


@dataclass(frozen=True, slots=True)
class Road:
    """How the requests of a client travel.

    Attributes:
        addresses: the addresses (of loopback) that they come from, in sequence.
        ports: the ports of the proxies that they go to, in sequence.
        keeps_cookies: whether the client has a jar.
        held: whether it asks the server to hold the end of the answer to initialize back.
        pause_s: how long it waits after that answer, in seconds.
    """

    addresses: tuple[str, ...]
    ports: tuple[int, ...]
    keeps_cookies: bool = False
    held: bool = False
    pause_s: float = 0.0

    def turns(self) -> Iterator[tuple[str, int]]:
        """Where each request comes from and where it goes to, without an end."""
        return zip(cycle(self.addresses), cycle(self.ports))


def road(under: Conditions, ports: tuple[int, ...], client: int) -> Road:
    """The road of a client (numbered from 0) under conditions."""
    match under.addresses:
        case "one":
            addresses: tuple[str, ...] = ("127.0.0.1",)
        case "one-network":
            addresses = (f"{_SHARED}.{1 + client % 254}",)
        case "many":
            addresses = (_network(client),)
        case "changing":
            # More than a client sends requests, in no order that a hash of networks could follow.
            addresses = tuple(map(_network, random.Random(client).sample(range(_NETWORKS), 20)))
    start = client % len(ports)  # half of the clients come to the second proxy first
    turned = (*ports[start:], *ports[:start])
    pause_s = PAUSE_S if under.pace == "calm" else 0.0
    return Road(addresses, turned, under.cookies == "kept", under.initialize == "held", pause_s)


def _network(number: int) -> str:
    return f"127.{20 + number % _NETWORKS}.7.9"
