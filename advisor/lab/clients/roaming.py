"""An HTTP transport whose requests come from several addresses, as those of clients that can meet any instance.

Modern requests carry no session, and what is promised of them holds wherever they land. Balancers that assign a client
to an instance, by a cookie or by its address, would hide what is lost when the next request comes from elsewhere.
"""

from __future__ import annotations

import random
import ssl
import sys
from collections.abc import Awaitable, Callable
from typing import TypeAlias

import httpx2

# Balancers that go by the client's address look at a network of 256 at most.
ADDRESSES = tuple(f"127.0.{1 + number}.1" for number in range(16)) if sys.platform == "linux" else ("127.0.0.1",)
"""The addresses of this machine that requests can come from; other systems than Linux have one on loopback."""

Choice: TypeAlias = Callable[[httpx2.Request], Awaitable[str]]
"""From a request, which it can change, to the address that it comes from."""


async def at_random(request: httpx2.Request) -> str:
    """Any of `ADDRESSES`, and no cookie."""
    request.headers.pop("cookie", None)
    return random.choice(ADDRESSES)


class Roaming(httpx2.AsyncBaseTransport):
    """Sends each request from an address that is chosen for it, over connections that each address keeps."""

    def __init__(self, verify: ssl.SSLContext | bool, choose: Choice = at_random) -> None:
        """Args: verify: for https; choose: is asked before each request."""
        self._verify = verify
        self._choose = choose
        self._from: dict[str, httpx2.AsyncHTTPTransport] = {}

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request, as `httpx2` asks its transports to."""
        address = await self._choose(request)
        if address not in self._from:
            self._from[address] = httpx2.AsyncHTTPTransport(verify=self._verify, local_address=address)
        return await self._from[address].handle_async_request(request)

    async def aclose(self) -> None:
        """Close all connections."""
        for transport in self._from.values():
            await transport.aclose()
