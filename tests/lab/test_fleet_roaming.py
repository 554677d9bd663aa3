"""The lab's roaming modern clients change their address and return no cookies."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TypeAlias

import pytest

from advisor.lab.clients.roaming import ADDRESSES
from advisor.lab.clients.sdk_client import http_client

pytestmark = pytest.mark.retried(
    "The processes of a run share the processors, and their start, their answers and their end have deadlines."
)

Seen: TypeAlias = "Callable[..., list[tuple[str, str | None]]]"

REQUESTS = 60


@pytest.fixture
def seen() -> Iterator[Seen]:
    """The address and the cookie of each request to a server that sets one."""
    found: list[tuple[str, str | None]] = []

    class Sets(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found.append((self.client_address[0], self.headers["cookie"]))
            self.send_response(200)
            self.send_header("Set-Cookie", "route=1; Path=/")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Sets) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()

        def ask(*, roams: bool) -> list[tuple[str, str | None]]:
            async def work() -> None:
                url = f"http://127.0.0.1:{server.server_port}/"
                async with http_client(url, roams=roams) as http:
                    for _ in range(REQUESTS):
                        assert (await http.get(url)).status_code == 200

            found.clear()
            asyncio.run(asyncio.wait_for(work(), 60))
            return list(found)

        yield ask
        server.shutdown()


def test_clients_that_do_not_roam_keep_cookie_and_address(seen: Seen) -> None:
    found = seen(roams=False)
    assert found == [("127.0.0.1", None)] + [("127.0.0.1", "route=1")] * (REQUESTS - 1)


def test_roaming_clients_return_no_cookie(seen: Seen) -> None:
    assert {cookie for _, cookie in seen(roams=True)} == {None}


@pytest.mark.skipif(sys.platform != "linux", reason="one address on loopback")
def test_roaming_clients_come_from_several_networks(seen: Seen) -> None:
    addresses = {address for address, _ in seen(roams=True)}
    assert addresses <= set(ADDRESSES)
    # The probability that 60 draws from 16 networks give fewer than 8 networks is 1 in 10^11.
    assert len({address.rsplit(".", 1)[0] for address in addresses}) >= 8
