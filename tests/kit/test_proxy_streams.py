"""Many streams that stay open at the same time, more than the defaults of a proxy allow."""

from __future__ import annotations

import asyncio
import re
from contextlib import closing
from pathlib import Path

import pytest
from proxy_kits import ENVOY, sticky
from proxy_rig import running

from advisor.decision.advisor import Advisor

retried = pytest.mark.retried("1,100 streams open within 60 s.")

STREAMS = 1_100  # Envoy's own limit is 1,024
REQUEST = b"GET /mcp HTTP/1.1\r\nHost: mcp.example.com\r\nAccept: text/event-stream\r\n\r\n"
OPENED = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n:hi\n\r\n"


async def _upstream(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send one event and keep the stream open. Health checks only open a connection."""
    with closing(writer):
        while await reader.readline() not in (b"\r\n", b""):
            pass
        writer.write(OPENED)
        await reader.read()


async def _open(port: int, stack: list[asyncio.StreamWriter]) -> int:
    """Open one more stream; returns its status."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    stack.append(writer)
    writer.write(REQUEST)
    found = re.match(rb"HTTP/1.1 (\d+) ", await reader.readline())
    assert found
    return int(found[1])


@pytest.mark.programs
@retried
def test_envoy_keeps_more_streams_open_than_its_defaults_allow(advisor: Advisor, tmp_path: Path) -> None:
    async def scenario() -> None:
        opened: list[asyncio.StreamWriter] = []
        server = await asyncio.start_server(_upstream, "127.0.0.1", 0, backlog=STREAMS)
        address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        proxy = running(sticky(advisor, ENVOY, instances=1), tmp_path / "proxy", {"main": (address,)})
        client = await asyncio.to_thread(proxy.__enter__)
        try:
            statuses: list[int] = []
            while len(statuses) < STREAMS:  # a hundred at the same time, so that no backlog overflows
                statuses += await asyncio.gather(*(_open(client.port, opened) for _ in range(100)))
            assert statuses == [200] * STREAMS
        finally:
            await asyncio.to_thread(proxy.__exit__, None, None, None)
            for writer in opened:
                writer.close()
            server.close()

    asyncio.run(asyncio.wait_for(scenario(), 60))
