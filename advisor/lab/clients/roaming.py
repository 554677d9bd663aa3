"""How requests travel that may meet any instance: without cookies, and each from another address.

Modern requests carry no session, and what is promised of them holds wherever they land. Balancers that keep a client in
its place, by a cookie or by its address, would hide what is lost when the next request comes from somebody else.
"""

from __future__ import annotations

import random
import ssl
import sys

import httpx2

# Balancers that go by the client's address look at a network of 256 at most.
ADDRESSES = tuple(f"127.0.{1 + number}.1" for number in range(16)) if sys.platform == "linux" else ("127.0.0.1",)
"""The addresses of this machine that requests may come from; other systems than Linux have one on loopback."""


class Roaming(httpx2.AsyncBaseTransport):
    """Sends each request from an address taken at random, on a connection of its own there, and returns no cookie."""

    def __init__(self, verify: ssl.SSLContext) -> None:
        """Args: verify: for https."""
        self._verify = verify
        self._ways: dict[str, httpx2.AsyncHTTPTransport] = {}

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request, as `httpx2` asks its transports to."""
        request.headers.pop("cookie", None)
        address = random.choice(ADDRESSES)
        if address not in self._ways:
            self._ways[address] = httpx2.AsyncHTTPTransport(verify=self._verify, local_address=address)
        return await self._ways[address].handle_async_request(request)

    async def aclose(self) -> None:
        """Close all connections."""
        for way in self._ways.values():
            await way.aclose()
