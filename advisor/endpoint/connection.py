"""One HTTP/1.1 connection. It follows no redirect, and each part of an answer has a limit."""

from __future__ import annotations

import asyncio
import errno
import ssl
import time
import zlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from functools import cache

import h11

from advisor.endpoint.addresses import addresses
from advisor.endpoint.answer import Head, HttpAnswer, RequestFailedError
from advisor.endpoint.budget import Limits, within
from advisor.endpoint.target import EndpointTarget

_CHUNK = 16 * 1024
_CODINGS = {"": None, "identity": None, "gzip": 47, "x-gzip": 47, "deflate": 47}
"""Content codings that can be read, with the window bits of zlib."""


class HttpConnection:
    """An open connection to an endpoint. It sends a request after the answer to the last.

    Attributes:
        address: IP address of the other end.
        tls: TLS version and the protocol that ALPN chose; None without TLS.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, limits: Limits) -> None:
        """Args: reader, writer: the streams of an open connection; limits: the bounds of each request."""
        self._reader = reader
        self._writer = writer
        self._limits = limits
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=limits.head_bytes)
        self.address = str((writer.get_extra_info("peername") or ("",))[0])
        found: ssl.SSLObject | None = writer.get_extra_info("ssl_object")
        self.tls = None if found is None else (found.version() or "TLS", found.selected_alpn_protocol() or "")

    @property
    def is_reusable(self) -> bool:
        """Whether the next request can be sent on this connection."""
        return self._http.our_state is h11.IDLE and not self._reader.at_eof() and not self._writer.is_closing()

    async def ask(
        self,
        method: str,
        target: EndpointTarget,
        headers: Sequence[tuple[str, str]],
        body: bytes = b"",
        *,
        seconds: float | None = None,
        until: Callable[[Head, bytes], bool] = lambda head, chunk: False,
        linger_s: float = 0.0,
    ) -> HttpAnswer:
        """Send a request and read its answer.

        Args:
            method: the HTTP method.
            target: where the request goes. Its origin must be that of the connection.
            headers: the headers, without Host and Content-Length.
            body: the body.
            seconds: time limit; by default that of the limits.
            until: gets the head and each part of the body. When it returns True, the rest is not needed.
            linger_s: seconds for which the rest is read, so that the connection can be used again. Otherwise it closes.

        Raises:
            RequestFailedError: there is no complete answer.
        """
        seconds = self._limits.answer_s if seconds is None else seconds
        try:
            answer = await within(
                seconds, self._ask(method, target, headers, body, until, linger_s), "no complete answer"
            )
        except BaseException:
            self.close()
            raise
        if not answer.is_whole:
            self.close()
        elif self._http.states == {h11.CLIENT: h11.DONE, h11.SERVER: h11.DONE}:
            self._http.start_next_cycle()
        else:
            self.close()
        return answer

    async def _ask(
        self,
        method: str,
        target: EndpointTarget,
        headers: Sequence[tuple[str, str]],
        body: bytes,
        until: Callable[[Head, bytes], bool],
        linger_s: float,
    ) -> HttpAnswer:
        started = time.monotonic()
        head = await self.send(method, target, headers, body)
        found = bytearray()
        parts = self.body(head)
        async for chunk in parts:
            found += chunk
            if until(head, chunk):
                seconds = time.monotonic() - started
                is_whole = linger_s > 0 and await self._ends(parts, linger_s)
                return HttpAnswer(head, bytes(found), seconds, is_whole)
        return HttpAnswer(head, bytes(found), time.monotonic() - started)

    async def _ends(self, parts: AsyncIterator[bytes], seconds: float) -> bool:
        """Read the rest of a body. Return whether it ended in time."""

        async def read() -> None:
            async for _ in parts:
                pass

        try:
            await asyncio.wait_for(read(), seconds)
        except (asyncio.TimeoutError, RequestFailedError):
            return False
        return True

    async def send(
        self, method: str, target: EndpointTarget, headers: Sequence[tuple[str, str]], body: bytes = b""
    ) -> Head:
        """Send a request and return the head of its answer. The caller reads `body()`, and sets the time limit.

        Raises:
            RequestFailedError: the connection ended, or the answer is not HTTP/1.1 or too large.
        """
        named = {name.lower() for name, _ in headers}
        sent = [*(() if "host" in named else (("host", target.authority),)), *headers]
        if body:
            sent.append(("content-length", str(len(body))))
        started = time.monotonic()
        try:
            request = h11.Request(method=method, target=target.path, headers=sent)
            data = [self._http.send(request), self._http.send(h11.Data(data=body)), self._http.send(h11.EndOfMessage())]
        except h11.LocalProtocolError:
            raise RequestFailedError("malformed", "the request cannot be sent with these headers") from None
        try:
            self._writer.write(b"".join(part or b"" for part in data))
            await self._writer.drain()
        except OSError as error:
            raise _closed(error) from None
        for _ in range(self._limits.interim):
            event = await self._next()
            if isinstance(event, h11.Response):
                return _head(event, time.monotonic() - started)
            if not isinstance(event, h11.InformationalResponse):
                raise RequestFailedError("closed", "the connection closed before an answer")
        raise RequestFailedError("too-large", f"more than {self._limits.interim} interim answers (1xx)")

    async def body(self, head: Head) -> AsyncIterator[bytes]:
        """Return the parts of the body as they arrive, without their content coding.

        Raises:
            RequestFailedError: as `send`.
        """
        coding = head.header("content-encoding").strip().lower()
        if coding not in _CODINGS:
            raise RequestFailedError("malformed", "the answer has a content coding that the request did not accept")
        bits = _CODINGS[coding]
        unpack = None if bits is None else zlib.decompressobj(bits)
        raw = plain = 0
        while isinstance(event := await self._next(), h11.Data):
            data = bytes(event.data)
            raw += len(data)
            if unpack is not None:
                data = self._unpacked(unpack, data, plain)
            plain += len(data)
            if max(raw, plain) > self._limits.body_bytes:
                raise RequestFailedError("too-large", f"the answer exceeds {self._limits.body_bytes:,} bytes")
            yield data
        if not isinstance(event, h11.EndOfMessage):
            raise RequestFailedError("closed", "the connection closed before the end of the answer")

    def _unpacked(self, unpack: zlib._Decompress, data: bytes, plain: int) -> bytes:
        """Decompress a part of the body. One byte more than the limit shows a body that is too large."""
        try:
            return unpack.decompress(data, self._limits.body_bytes - plain + 1)
        except zlib.error:
            raise RequestFailedError("malformed", "the compressed answer cannot be read") from None

    async def _next(self) -> h11.Event | type[h11.PAUSED]:
        """Return the next event of the answer."""
        try:
            while (event := self._http.next_event()) is h11.NEED_DATA:
                self._http.receive_data(await self._reader.read(_CHUNK))
        except h11.RemoteProtocolError as error:
            # The state says whether the connection ended or the bytes are wrong. The message can quote the answer.
            if self._reader.at_eof():
                raise RequestFailedError("closed", "the connection closed before the end of the answer") from None
            if error.error_status_hint == 431:
                raise RequestFailedError("too-large", "the headers of the answer are too large") from None
            raise RequestFailedError("malformed", "the answer is not HTTP/1.1") from None
        except OSError as error:
            raise _closed(error) from None
        assert not isinstance(event, type) or event is h11.PAUSED
        return event

    async def ended(self, seconds: float) -> bool:
        """Wait for the other end to close an idle connection. Return whether it did within the time."""
        try:
            return not await asyncio.wait_for(self._reader.read(1), seconds)
        except asyncio.TimeoutError:
            return False
        except OSError:
            return True

    def close(self) -> None:
        """Close the connection without waiting for the other end."""
        with suppress(RuntimeError, OSError):
            self._writer.transport.abort()


async def connect(
    target: EndpointTarget, limits: Limits, *, source: str = "", protocols: Sequence[str] = ("http/1.1",)
) -> HttpConnection:
    """Open a connection.

    Args:
        target: the endpoint.
        limits: the bounds; `connect_s` is the time limit.
        source: the local IP address; "" lets the operating system choose.
        protocols: the protocols that ALPN offers.

    Raises:
        RequestFailedError: there is no connection.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + limits.connect_s
    failure = RequestFailedError("unresolved", "the host name has no address")
    for address in await addresses(target.host, target.port, limits.connect_s):
        try:
            return await _connect(address, target, limits, end - loop.time(), source, protocols)
        except RequestFailedError as error:
            failure = error
    raise failure


async def _connect(
    address: str, target: EndpointTarget, limits: Limits, seconds: float, source: str, protocols: Sequence[str]
) -> HttpConnection:
    is_secure = target.scheme == "https"
    opening = asyncio.open_connection(
        address,
        target.port,
        limit=_CHUNK,
        local_addr=(source, 0) if source else None,
        ssl=_context(tuple(protocols)) if is_secure else None,
        server_hostname=target.host if is_secure else None,
    )
    try:
        reader, writer = await within(seconds, opening, "no connection")
    except ssl.SSLCertVerificationError as error:
        raise RequestFailedError("tls", f"the certificate is not trusted ({error.verify_message})") from None
    except ssl.SSLError as error:
        reason = error.reason or "the other end does not speak TLS"
        raise RequestFailedError("tls", f"no TLS connection ({reason})") from None
    except ConnectionRefusedError:
        raise RequestFailedError("refused", "nothing accepts connections at this port") from None
    except ConnectionResetError:
        raise RequestFailedError("closed", "the connection was closed immediately") from None
    except OSError as error:
        raise RequestFailedError("unreachable", error.strerror or "no connection") from None
    return HttpConnection(reader, writer, limits)


@cache
def _context(protocols: tuple[str, ...]) -> ssl.SSLContext:
    """The TLS settings of the operating system. SSL_CERT_FILE and SSL_CERT_DIR add certificates."""
    context = ssl.create_default_context()
    context.set_alpn_protocols(list(protocols))
    return context


def _head(event: h11.Response, seconds: float) -> Head:
    headers = tuple((name.decode("ascii"), value.decode("latin-1")) for name, value in event.headers)
    return Head(event.status_code, event.http_version.decode("ascii"), headers, seconds)


def _closed(error: OSError) -> RequestFailedError:
    reset = error.errno in (errno.ECONNRESET, errno.EPIPE)
    return RequestFailedError("closed", "the connection was reset" if reset else "the connection closed")
