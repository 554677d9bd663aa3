"""HTTP+SSE with several instances: a cookie or the address of the client sends each message to the right process."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import anyio
import httpx2
import pytest
from mcp import ClientSession
from mcp.client.sse import sse_client

from advisor.decision.advisor import Advisor
from advisor.lab.process import ports
from advisor.lab.process.run import Launch, Run
from advisor.lab.topology.balancer import Balancer

pytestmark = pytest.mark.programs

SERVER = """
import sys
import uvicorn
from mcp.server.mcpserver import MCPServer

server = MCPServer("old-transport")


@server.tool()
def name() -> str:
    return sys.argv[1]


uvicorn.run(server.sse_app(), port=int(sys.argv[1]), log_level="warning", timeout_graceful_shutdown=1)
"""


CLIENTS = 4
# Without affinity, one of three clients succeeds by chance. Envoy makes the value of a missing cookie from the
# addresses of a connection. A client has one connection for its stream and one for its messages.
CLIENTS_WITHOUT_AFFINITY = 12


class NoCookies(httpx2.Cookies):
    def extract_cookies(self, response: Any) -> None:
        """Drop the cookies of a response."""


def client(*, cookies: bool, **settings: Any) -> httpx2.AsyncClient:
    made = httpx2.AsyncClient(**settings)
    if not cookies:
        made._cookies = NoCookies()
    return made


async def succeeds(port: int, *, cookies: bool) -> bool:
    """Whether a client can call a tool three times, and the same instance answers."""
    with contextlib.suppress(Exception):
        url = f"http://127.0.0.1:{port}/sse"
        connected = sse_client(url, httpx_client_factory=partial(client, cookies=cookies))
        with anyio.fail_after(10 if cookies else 4):
            async with connected as streams, ClientSession(*streams) as session:
                await session.initialize()
                answers = [await session.call_tool("name", {}) for _ in range(3)]
                return len({str(answer.content) for answer in answers}) == 1
    return False


def serving(port: int) -> Launch:
    listening = f"http://127.0.0.1:{port}/messages/"
    return Launch([sys.executable, "-c", SERVER, str(port)], ready=lambda: ports.answers(listening))


# Rows of rules/topology.yaml, some with other directives; whether clients keep cookies; whether every client succeeds.
STICKY = ("sticky cookie route path=/ httponly;",)
SETUPS: tuple[tuple[str, Sequence[str] | None, bool, bool], ...] = (
    ("platform-cookie", STICKY, True, True),
    ("platform-cookie", STICKY, False, False),
    ("platform-cookie", ("ip_hash;",), False, True),
    ("platform-cookie", (), True, False),
    ("haproxy-client-address", None, False, True),
    ("envoy-client-address", None, False, True),
    ("traefik-client-address", None, False, True),
    ("caddy-ip-hash", None, False, True),
    ("envoy-cookie", None, True, True),
    ("envoy-cookie", None, False, False),
    ("traefik-cookie", None, True, True),
    ("caddy-cookie", None, True, True),
)


def test_a_cookie_or_the_address_finds_the_process_of_the_stream(advisor: Advisor) -> None:
    """One fleet serves all setups, because the start of a server takes most of the time."""

    async def works(run: Run, number: int, addresses: Sequence[str]) -> bool:
        setup, directives, cookies, succeed = SETUPS[number]
        way = advisor.knowledge.topology[setup]
        if directives is not None:
            way = replace(way, directives=list(directives))
        _, port = await Balancer(way, advisor).start(run, addresses)
        for _ in range(CLIENTS if succeed else CLIENTS_WITHOUT_AFFINITY):
            if not await succeeds(port, cookies=cookies):
                return False
        return True

    async def measure() -> list[bool]:
        async with Run.open("old-transport") as run:
            started = [await run.start_on_port(f"server-{number}", serving, deadline_s=60.0) for number in range(3)]
            addresses = [f"127.0.0.1:{port}" for _, port in started]
            return [await works(run, number, addresses) for number in range(len(SETUPS))]

    assert list(zip(SETUPS, asyncio.run(measure()), strict=True)) == [(setup, setup[3]) for setup in SETUPS]
