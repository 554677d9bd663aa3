"""Real servers that answer badly, each on a free port of this machine."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

Answering = Callable[[asyncio.StreamReader, asyncio.StreamWriter, bytes], Awaitable[None]]
"""Answers a request on a connection. The last argument is its head and, if it has arrived, its body."""


@asynccontextmanager
async def server(answer: Answering) -> AsyncIterator[tuple[str, list[bytes]]]:
    """Run a server. Returns its URL, and the requests that arrive."""
    seen: list[bytes] = []
    writers: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(
                (int(line.split(b":")[1]) for line in head.lower().splitlines() if line.startswith(b"content-length")),
                0,
            )
            request = head + await reader.readexactly(length)
            seen.append(request)
            await answer(reader, writer, request)
        writer.close()

    running = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = running.sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}/mcp", seen
    finally:
        running.close()
        for writer in writers:
            writer.transport.abort()
        await asyncio.sleep(0)


def answering(raw: bytes) -> Answering:
    """A server that sends these bytes and closes the connection."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> None:
        writer.write(raw)
        await writer.drain()

    return answer


def head(status: str, *lines: str, body: bytes = b"") -> bytes:
    """An answer with a length."""
    fields = [f"HTTP/1.1 {status}", *lines, f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(fields).encode() + body


def repeating(first: bytes, part: bytes, pause_s: float = 0.0) -> Answering:
    """A server that sends a beginning, and then a part again and again."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> None:
        writer.write(first)
        while True:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(pause_s)

    return answer


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> None:
    """A server that never answers."""
    await reader.read()


def mcp(extra: str = "", session: str = "", result: object = None) -> Answering:
    """A server that answers each request with the same result, with further header lines."""
    found = result or {"protocolVersion": "2025-06-18", "capabilities": {}, "serverInfo": {"name": "x", "version": "1"}}

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> None:
        with suppress(ValueError, IndexError):
            number = json.loads(request.partition(b"\r\n\r\n")[2]).get("id")
            body = json.dumps({"jsonrpc": "2.0", "id": number, "result": found}).encode()
            lines = [
                "Content-Type: application/json",
                *([f"Mcp-Session-Id: {session}"] if session else []),
                *extra.splitlines(),
            ]
            writer.write(head("200 OK", *lines, body=body))
            return
        writer.write(head("405 Method Not Allowed"))

    return answer


_SSE = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
_JSON = "Content-Type: application/json"
BOMB = gzip.compress(b" " * 200_000_000)
"""200 MB in 200 KB."""

SERVERS: dict[str, Answering] = {
    "never answers": silent,
    "endless stream": repeating(_SSE, b"data: {}\n\n"),
    "endless comments": repeating(_SSE, b": ping\n\n", 0.01),
    "slow drip of the body": repeating(_SSE, b"d", 0.2),
    "slow drip of the head": repeating(b"HTTP/1.1 200 OK\r\nX", b"-a", 0.2),
    "huge headers": answering(b"HTTP/1.1 200 OK\r\n" + b"X: " + b"y" * 1_000_000 + b"\r\n\r\n"),
    "endless headers": repeating(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"),
    "huge body": repeating(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n", b"[" * 65536),
    "compression bomb": answering(head("200 OK", _JSON, "Content-Encoding: gzip", body=BOMB)),
    "broken compression": answering(head("200 OK", _JSON, "Content-Encoding: gzip", body=b"not gzip")),
    "unknown coding": answering(head("200 OK", _JSON, "Content-Encoding: br", body=b"x")),
    "endless interim answers": repeating(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"),
    "redirect loop": answering(head("307 Temporary Redirect", "Location: /mcp")),
    "redirect to another host": answering(head("307 Temporary Redirect", "Location: http://127.0.0.2:1/mcp")),
    "redirect without sense": answering(head("302 Found", "Location: javascript:alert(1)")),
    "wrong media type": answering(head("200 OK", "Content-Type: text/html", body=b"<h1>hello</h1>")),
    "broken chunking": answering(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n"),
    "cut body": answering(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\nContent-Type: application/json\r\n\r\n{"),
    "closes at once": answering(b""),
    "no HTTP": answering(b"SSH-2.0-OpenSSH_9.9\r\n"),
    "deep JSON": answering(head("200 OK", _JSON, body=b"[" * 1_000_000)),
    "JSON that is no object": answering(head("200 OK", _JSON, body=b"[1, 2]")),
    "odd result": mcp(result=[1]),
    "control characters": mcp(
        result={"protocolVersion": "\x1b[31m", "serverInfo": {"name": "\x1b]0;x\x07", "version": 7}}
    ),
    "odd session": mcp(session="\xe4" * 10),
    "many cookies": mcp("\n".join(f"Set-Cookie: c{n}={n}" for n in range(200)), session="a" * 32),
    "login": answering(head("401 Unauthorized", 'WWW-Authenticate: Bearer realm="\x07x"')),
    "limit": answering(head("429 Too Many Requests", "Retry-After: 999999")),
    "error of a proxy": answering(head("502 Bad Gateway", body=b"<html>\x1b[2Jbad</html>")),
}
"""Servers that answer badly, by what they do."""
