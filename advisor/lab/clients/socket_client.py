"""A raw client over plain sockets: little work for each request, which comes from the address that the caller chooses.

For measurements in which the client must not be the limit: how many calls a server answers, and how soon after an
answer the next request can follow. It reaches ports of this machine only. Standard library only.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any, TypeAlias

from advisor.lab.clients import protocol

Place: TypeAlias = tuple[str, int]
"""Where a request comes from (an address of this machine, "" for any) and the port of 127.0.0.1 that it goes to."""


@dataclass(slots=True)
class SocketAnswer:
    """An HTTP answer, as far as it was read.

    Attributes:
        status: the HTTP status.
        headers: with names in lower case.
        body: what was read of the body.
        number: the id of the request, None for a notification and for GET.
    """

    status: int
    headers: dict[str, str]
    body: bytes = b""
    number: int | None = None

    def reply(self) -> dict[str, Any]:
        """The JSON-RPC result or error; {} where there is none."""
        return protocol.reply_to(self.number, self.body.decode(errors="replace")) or {}


class Connection:
    """One connection; opened on first use, and again when the server closed it."""

    def __init__(self, place: Place) -> None:
        """Args: place: both ends of it."""
        self._place = place
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(
        self, method: str, headers: Mapping[str, str], body: bytes, enough: Callable[[bytes], bool] | None
    ) -> SocketAnswer:
        """Send a request and read its answer.

        Args:
            method: of HTTP.
            headers: of the request.
            body: of the request.
            enough: from what has arrived of the answer's body to whether the rest can stay unread, which leaves the
                stream open; None to read all of it.

        Raises:
            OSError: there is no connection.
            asyncio.IncompleteReadError: it was closed before the answer was complete.
        """
        for again in (True, False):
            if fresh := self._streams is None:
                address, port = self._place
                own = (address, 0) if address else None
                self._streams = await asyncio.open_connection("127.0.0.1", port, local_addr=own)
            try:
                return await self._exchange(method, headers, body, enough)
            except (ConnectionError, asyncio.IncompleteReadError):
                self.close()
                if fresh or not again:  # the server can have closed an idle connection, but not a new connection
                    raise
        raise AssertionError

    async def _exchange(
        self, method: str, headers: Mapping[str, str], body: bytes, enough: Callable[[bytes], bool] | None
    ) -> SocketAnswer:
        assert self._streams is not None
        reader, writer = self._streams
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        length = f"content-length: {len(body)}\r\n"
        writer.write(
            f"{method} /mcp HTTP/1.1\r\nhost: 127.0.0.1:{self._place[1]}\r\n{length}{lines}\r\n".encode() + body
        )
        first, *rest = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        found = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in rest)}
        answer = SocketAnswer(int(first.split()[1]), found)
        if enough is not None and enough(b""):
            return answer
        async for piece in _pieces(reader, found):
            answer.body += piece
            if enough is not None and enough(answer.body):
                return answer
        if found.get("connection", "").lower() == "close":
            self.close()
        return answer

    def close(self) -> None:
        """Close it; the next request opens it again."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


async def _pieces(reader: asyncio.StreamReader, headers: Mapping[str, str]) -> AsyncIterator[bytes]:
    """The body of an answer, piece by piece."""
    if "content-length" in headers:
        yield await reader.readexactly(int(headers["content-length"]))
    elif "chunked" in headers.get("transfer-encoding", ""):
        while size := int((await reader.readline()).strip() or b"0", 16):
            yield await reader.readexactly(size)
            await reader.readline()
        await reader.readline()


class SocketClient:
    """One client of an era: its connections, its cookie and, in the legacy era, its session.

    Attributes:
        session: the session id, "" for none.
    """

    def __init__(
        self,
        places: Iterator[Place],
        *,
        modern: bool,
        keeps_alive: bool = False,
        keeps_cookies: bool = False,
        answer_s: float = 30.0,
    ) -> None:
        """Send nothing yet.

        Args:
            places: where each connection comes from and goes to.
            modern: the era of the client.
            keeps_alive: whether all requests share a connection; otherwise each request opens its own.
            keeps_cookies: whether the client sends the last cookie that it was given.
            answer_s: deadline of an answer, seconds.
        """
        self.session = ""
        self._places = places
        self._modern = modern
        self._keeps_alive = keeps_alive
        self._keeps_cookies = keeps_cookies
        self._cookie = ""
        self._answer_s = answer_s
        self._numbers = count(1)
        self._open: list[Connection] = []

    async def initialize(self, **headers: str) -> SocketAnswer:
        """Open a session.

        It goes on as soon as the reply has arrived, whether its stream ends or not, as real clients do.

        Args:
            headers: more headers of the request, `_` for `-`.
        """
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = await self._send("initialize", protocol.INITIALIZE, next(self._numbers), more=named)
        self.session = answer.headers.get("mcp-session-id", "")
        return answer

    async def confirm(self) -> SocketAnswer:
        """Send the notification that ends the handshake."""
        return await self._send("notifications/initialized", None, None)

    async def ping(self) -> SocketAnswer:
        """Ask whether the session is known; allowed before it is confirmed."""
        return await self._send("ping", {}, next(self._numbers))

    async def call(self, tool: str, arguments: Mapping[str, Any]) -> SocketAnswer:
        """Call a tool and read its answer."""
        params: dict[str, Any] = {"name": tool, "arguments": arguments}
        if self._modern:
            params["_meta"] = protocol.META
        return await self._send("tools/call", params, next(self._numbers), tool)

    async def listen(self) -> SocketAnswer:
        """Open the GET stream of the session and leave it open until `close`."""
        return await self._exchange("GET", self._headers("GET"), b"", lambda body: True)

    def close(self) -> None:
        """Close every connection; the session stays on the server."""
        while self._open:
            self._open.pop().close()

    async def _send(
        self,
        method: str,
        params: Mapping[str, Any] | None,
        number: int | None,
        name: str = "",
        more: Mapping[str, str] | None = None,
    ) -> SocketAnswer:
        def replied(body: bytes) -> bool:
            return protocol.reply_to(number, body.decode(errors="replace")) is not None

        body = json.dumps(protocol.message(method, params, number)).encode()
        headers = {**self._headers(method, name), **(more or {})}
        # A connection that goes on to be used has to be read to the end of each answer.
        answer = await self._exchange("POST", headers, body, None if self._keeps_alive or number is None else replied)
        answer.number = number
        return answer

    async def _exchange(
        self, method: str, headers: Mapping[str, str], body: bytes, enough: Callable[[bytes], bool] | None
    ) -> SocketAnswer:
        if not (self._keeps_alive and self._open):
            self._open.append(Connection(next(self._places)))
        work = self._open[-1].ask(method, headers, body, enough)
        answer = await asyncio.wait_for(work, self._answer_s)
        if self._keeps_cookies and "set-cookie" in answer.headers:
            self._cookie = answer.headers["set-cookie"].partition(";")[0]
        return answer

    def _headers(self, method: str, name: str = "") -> dict[str, str]:
        found = protocol.headers(method, name, modern=self._modern, session=self.session)
        return {**found, "cookie": self._cookie} if self._cookie else found
