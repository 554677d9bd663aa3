"""An HTTP transport that sends requests from several addresses, so that requests of one client reach all instances.

Modern requests have no session, and each instance must answer them as expected. A load balancer with affinity through
a cookie or the client's address sends all requests of a client to one instance. This transport avoids that.
"""

from __future__ import annotations

import random
import ssl
import sys
from collections.abc import Awaitable, Callable
from typing import TypeAlias

import httpx2

# Load balancers with affinity through the client's address use at least the first 24 bits of the address.
ADDRESSES = tuple(f"127.0.{1 + number}.1" for number in range(16)) if sys.platform == "linux" else ("127.0.0.1",)
"""The source addresses of requests. Systems other than Linux have one loopback address."""

AddressChoice: TypeAlias = Callable[[httpx2.Request], Awaitable[str]]
"""Chooses the source address of a request, and can change the request."""


async def at_random(request: httpx2.Request) -> str:
    """Choose one of `ADDRESSES` at random, and remove the cookie."""
    request.headers.pop("cookie", None)
    return random.choice(ADDRESSES)


class Roaming(httpx2.AsyncBaseTransport):
    """Sends each request from a chosen source address. Each source address has its own connections."""

    def __init__(self, verify: ssl.SSLContext | bool, choose: AddressChoice = at_random) -> None:
        """Args: verify: TLS verification for https; choose: called before each request."""
        self._verify = verify
        self._choose = choose
        self._from: dict[str, httpx2.AsyncHTTPTransport] = {}

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request. This is the interface of `httpx2` for transports."""
        address = await self._choose(request)
        if address not in self._from:
            self._from[address] = httpx2.AsyncHTTPTransport(verify=self._verify, local_address=address)
        return await self._from[address].handle_async_request(request)

    async def aclose(self) -> None:
        """Close all connections."""
        for transport in self._from.values():
            await transport.aclose()
