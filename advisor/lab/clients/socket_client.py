"""A raw client over plain sockets, which needs little time for each request and can choose the source address.

This client is for measurements in which the client must not be the limit: calls per second, and the time between an
answer and the next request. The client connects only to this machine, and needs only the standard library.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any, TypeAlias

from advisor.endpoint import protocol

SocketAddress: TypeAlias = tuple[str, int]
"""The source address of a request ("" for any address of this machine), and its destination port on 127.0.0.1."""


@dataclass(slots=True)
class SocketAnswer:
    """An HTTP answer, possibly with an incomplete body.

    Attributes:
        status: the HTTP status.
        headers: the headers with names in lower case.
        body: the part of the body that the client has read.
        number: id of the request; None for a notification and for GET.
    """

    status: int
    headers: dict[str, str]
    body: bytes = b""
    number: int | None = None

    def reply(self) -> dict[str, Any]:
        """The JSON-RPC result or error; {} if there is none."""
        return protocol.reply_to(self.number, self.body.decode(errors="replace")) or {}


class Connection:
    """A connection. It opens at the first request, and opens again if the server has closed it."""

    def __init__(self, place: SocketAddress, path: str = "/mcp") -> None:
        """Create a connection without opening it.

        Args:
            place: source address and destination port.
            path: the path of all requests.
        """
        self._place = place
        self._path = path
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(
        self, method: str, headers: Mapping[str, str], body: bytes, enough: Callable[[bytes], bool] | None
    ) -> SocketAnswer:
        """Send a request and read its answer.

        Args:
            method: the HTTP method.
            headers: the headers of the request.
            body: the body of the request.
            enough: gets the part of the answer's body that has arrived. If it returns true, the client stops reading
                and the stream stays open. None reads the complete body.

        Raises:
            OSError: the connection failed.
            asyncio.IncompleteReadError: the server closed the connection before the answer was complete.
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
                if fresh or not again:  # only an idle connection can be closed by the server without an error
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
            f"{method} {self._path} HTTP/1.1\r\nhost: 127.0.0.1:{self._place[1]}\r\n{length}{lines}\r\n".encode() + body
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
        """Close the connection. The next request opens a new connection."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


async def _pieces(reader: asyncio.StreamReader, headers: Mapping[str, str]) -> AsyncIterator[bytes]:
    """Read the body of an answer in pieces."""
    if "content-length" in headers:
        yield await reader.readexactly(int(headers["content-length"]))
    elif "chunked" in headers.get("transfer-encoding", ""):
        while size := int((await reader.readline()).strip() or b"0", 16):
            yield await reader.readexactly(size)
            await reader.readline()
        await reader.readline()


class SocketClient:
    """A client of an era with its connections, its cookie and, in the legacy era, its session.

    Attributes:
        session: the session ID; "" for none.
    """

    def __init__(
        self,
        places: Iterator[SocketAddress],
        *,
        modern: bool,
        keeps_alive: bool = False,
        keeps_cookies: bool = False,
        answer_s: float = 30.0,
        path: str = "/mcp",
    ) -> None:
        """Create a client without sending a request.

        Args:
            places: source address and destination port of each connection.
            modern: whether the client is modern.
            keeps_alive: whether all requests share a connection; otherwise each request opens its own.
            keeps_cookies: whether the client sends the last cookie that it received.
            answer_s: deadline of an answer, in seconds.
            path: the path of the endpoint.
        """
        self.session = ""
        self._places = places
        self._modern = modern
        self._keeps_alive = keeps_alive
        self._keeps_cookies = keeps_cookies
        self._cookie = ""
        self._answer_s = answer_s
        self._path = path
        self._numbers = count(1)
        self._open: list[Connection] = []

    async def initialize(self, **headers: str) -> SocketAnswer:
        """Open a session.

        Like a real client, this client continues when the result has arrived, even if the stream of the answer is
        still open.

        Args:
            headers: more headers of the request, with `_` for `-`.
        """
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = await self._send("initialize", protocol.INITIALIZE, next(self._numbers), more=named)
        self.session = answer.headers.get("mcp-session-id", "")
        return answer

    async def confirm(self) -> SocketAnswer:
        """Send the notification that ends the handshake."""
        return await self._send("notifications/initialized", None, None)

    async def ping(self) -> SocketAnswer:
        """Send a ping, which shows whether the server knows the session. A ping before `confirm` is allowed."""
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
        # The client must read each answer to its end before it can use the connection again.
        answer = await self._exchange("POST", headers, body, None if self._keeps_alive or number is None else replied)
        answer.number = number
        return answer

    async def _exchange(
        self, method: str, headers: Mapping[str, str], body: bytes, enough: Callable[[bytes], bool] | None
    ) -> SocketAnswer:
        if not (self._keeps_alive and self._open):
            self._open.append(Connection(next(self._places), self._path))
        work = self._open[-1].ask(method, headers, body, enough)
        answer = await asyncio.wait_for(work, self._answer_s)
        if self._keeps_cookies and "set-cookie" in answer.headers:
            self._cookie = answer.headers["set-cookie"].partition(";")[0]
        return answer

    def _headers(self, method: str, name: str = "") -> dict[str, str]:
        found = protocol.headers(method, name, modern=self._modern, session=self.session)
        return {**found, "cookie": self._cookie} if self._cookie else found
