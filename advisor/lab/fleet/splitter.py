"""A TCP load balancer with round robin, like a Kubernetes Service or a network load balancer.

The script needs only the standard library:  python splitter.py PORT HOST:PORT...
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from itertools import cycle

_BLOCK = 65_536

_Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def serve(port: int, addresses: Sequence[tuple[str, int]]) -> None:
    """Listen on a port of 127.0.0.1 until the process ends.

    Args:
        port: the port to which clients connect.
        addresses: the servers that get the connections, one after another. A server that refuses a connection is
            skipped. The servers see the address of the client.

    Raises:
        OSError: another process uses the port.
    """
    turns = cycle(addresses)

    async def joined(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        client = str(writer.get_extra_info("peername")[0])
        for _ in addresses:
            host, target = next(turns)
            try:
                behind = await asyncio.open_connection(host, target, local_addr=(client, 0))
            except OSError:
                continue
            return await _pass_on((reader, writer), behind)
        writer.close()
        return None

    server = await asyncio.start_server(joined, "127.0.0.1", port)
    async with server:
        await server.serve_forever()


async def _pass_on(client: _Streams, behind: _Streams) -> None:
    """Copy data in both directions until one side ends. Then close both connections."""
    ways = [asyncio.ensure_future(_copy(client[0], behind[1])), asyncio.ensure_future(_copy(behind[0], client[1]))]
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for way in ways:
            way.cancel()
        client[1].close()
        behind[1].close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while block := await reader.read(_BLOCK):
            writer.write(block)
            await writer.drain()
    except OSError:
        pass  # the connection broke; the caller closes the connection of the other side


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return host, int(port)


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), [_address(address) for address in sys.argv[2:]]))
