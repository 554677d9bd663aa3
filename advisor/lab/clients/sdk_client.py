"""An SDK client of one protocol era, and a record of all messages that reach the client."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import lru_cache
from time import monotonic
from typing import TYPE_CHECKING, Any, Literal, NamedTuple
from urllib.parse import urlsplit

import anyio

from advisor.endpoint.protocol import MODERN
from advisor.knowledge.types import Era

if TYPE_CHECKING:
    from http.cookiejar import CookieJar

    import httpx2
    from mcp import Client

Mode = Era | Literal["auto"]
"""The era of a client. A client in mode `auto` first tries the modern era, and falls back to the legacy handshake."""

_MODES: dict[Mode, str] = {"legacy": "legacy", "modern": MODERN, "auto": "auto"}
# The SDK logs errors of a server with tracebacks. Probes report these errors themselves.
logging.getLogger("mcp").addHandler(logging.NullHandler())

OK = "ok"
"""The reply of a client to every request of a server."""

# A legacy client opens its GET stream after the handshake. Without the stream, notifications are lost.
_STREAM_S = 3.0


class Reply(NamedTuple):
    """One HTTP answer to a request of a client.

    Attributes:
        method: the HTTP method of the request.
        status: the HTTP status.
        in_session: whether the request had a session ID.
        modern: whether the request was modern.
        served_by: name of the instance in the header `X-Served-By`; "" without this header.
    """

    method: str
    status: int
    in_session: bool
    modern: bool
    served_by: str


class ReceivedMessages:
    """The messages that reached a client.

    Attributes:
        asked: the requests of the server: `sampling`, `elicitation`, `roots`.
        progress: arrival time and value of each progress notification.
        total: the total in the last progress notification.
        logs: arrival time and data of each log message.
        notes: other notifications as (method, uri); the uri is "" for a notification without a uri.
        replies: every HTTP answer, in order of arrival.
        words: the client's reply to each kind of request, by default `OK`. A probe searches the reply in a result.
        declines: whether the user declines an elicitation.
    """

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.progress: list[tuple[float, float]] = []
        self.total: float | None = None
        self.logs: list[tuple[float, str]] = []
        self.notes: list[tuple[str, str]] = []
        self.replies: list[Reply] = []
        self.words: dict[str, str] = {}
        self.declines = False
        self._changed = asyncio.Event()

    def tell(self) -> None:
        """Wake the tasks that wait for a new message."""
        self._changed.set()
        self._changed = asyncio.Event()

    async def until(self, condition: Callable[[], bool], seconds: float) -> bool:
        """Wait until `condition` is true, at most `seconds`. Return whether the condition is true."""
        with anyio.move_on_after(seconds):
            while not condition():
                await self._changed.wait()
        return condition()

    def lost_session(self) -> bool:
        """Whether a request of the session reached an instance without the session."""
        return any(reply.status == 404 and reply.in_session for reply in self.replies)

    def callbacks(self) -> dict[str, Any]:
        """The callbacks of a client, which reply to every request and record all messages."""
        return {
            "sampling_callback": self._sampling,
            "elicitation_callback": self._elicitation,
            "list_roots_callback": self._roots,
            "logging_callback": self._log,
            "message_handler": self._note,
        }

    async def on_progress(self, progress: float, total: float | None, message: str | None) -> None:
        """The callback of a call that asks for progress."""
        self.progress.append((monotonic(), progress))
        self.total = total
        self.tell()

    async def _sampling(self, context: Any, params: Any) -> Any:
        import mcp_types as types

        self.asked.append("sampling")
        text = types.TextContent(type="text", text=self.words.get("sampling", OK))
        return types.CreateMessageResult(role="assistant", content=text, model="lab")

    async def _elicitation(self, context: Any, params: Any) -> Any:
        import mcp_types as types

        self.asked.append("elicitation")
        if self.declines:
            return types.ElicitResult(action="decline")
        wanted = (getattr(params, "requested_schema", None) or {}).get("properties", {})
        answers: dict[str, Any] = {
            name: True if schema.get("type") == "boolean" else self.words.get("elicitation", OK)
            for name, schema in wanted.items()
        }
        return types.ElicitResult(action="accept", content=answers)

    async def _roots(self, context: Any) -> Any:
        import mcp_types as types

        self.asked.append("roots")
        return types.ListRootsResult(roots=[types.Root(uri=f"file:///{self.words.get('roots', OK)}")])  # type: ignore[arg-type,unused-ignore]

    async def _log(self, params: Any) -> None:
        self.logs.append((monotonic(), str(params.data)))
        self.tell()

    async def _note(self, message: Any) -> None:
        uri = getattr(getattr(message, "params", None), "uri", "")
        self.notes.append((getattr(message, "method", type(message).__name__), str(uri or "")))
        self.tell()

    async def on_reply(self, response: httpx2.Response) -> None:
        """The hook of the HTTP client."""
        sent = response.request.headers
        modern = sent.get("mcp-protocol-version") == MODERN
        served_by = response.headers.get("x-served-by", "")
        reply = Reply(response.request.method, response.status_code, "mcp-session-id" in sent, modern, served_by)
        self.replies.append(reply)
        self.tell()


@lru_cache(maxsize=1)
def _tls() -> ssl.SSLContext:
    """Create the TLS context once, because this takes longer than a call on loopback."""
    return ssl.create_default_context()


def http_client(
    url: str,
    headers: Mapping[str, str] | None = None,
    heard: ReceivedMessages | None = None,
    *,
    roams: bool = False,
    transport: httpx2.AsyncBaseTransport | None = None,
    cookies: CookieJar | None = None,
) -> httpx2.AsyncClient:
    """Create an HTTP client for one MCP client. It ignores the user's proxy settings for this machine.

    Args:
        url: URL of the endpoint.
        headers: headers of every request.
        heard: records every answer.
        roams: whether requests to 127.0.0.1 have no cookies and changing source addresses (see roaming.py).
        transport: the transport; None for a default transport.
        cookies: the cookie jar; None for a new jar.
    """
    import httpx2

    from advisor.lab.clients.roaming import Roaming

    host = urlsplit(url).hostname
    if roams and host == "127.0.0.1" and transport is None:
        transport = Roaming(_tls())
    return httpx2.AsyncClient(
        headers=dict(headers or {}),
        cookies=cookies,
        timeout=httpx2.Timeout(30.0, read=300.0),
        verify=_tls(),
        transport=transport,
        trust_env=host not in ("127.0.0.1", "::1", "localhost"),
        event_hooks={"response": [heard.on_reply]} if heard is not None else {},
    )


@asynccontextmanager
async def connect(
    url: str,
    mode: Mode,
    heard: ReceivedMessages,
    *,
    log_level: str | None = "debug",
    headers: Mapping[str, str] | None = None,
    transport: httpx2.AsyncBaseTransport | None = None,
    cookies: CookieJar | None = None,
) -> AsyncIterator[Client]:
    """Connect a client as a context. A legacy client with a session has an open GET stream.

    Args:
        url: URL of the endpoint.
        mode: `legacy` uses the initialize handshake, `modern` does not, and `auto` adapts to the server.
        heard: records the messages that reach the client.
        log_level: the log level in modern requests; None for no log messages.
        headers: headers of every request.
        transport: the transport. By default only modern requests have changing source addresses.
        cookies: the cookie jar; None for a new jar.

    Raises:
        Exception: any exception of the SDK if the connection fails.
    """
    from mcp import Client
    from mcp.client.streamable_http import streamable_http_client

    level: Any = log_level
    async with http_client(url, headers, heard, roams=mode == "modern", transport=transport, cookies=cookies) as http:
        stream = streamable_http_client(url, http_client=http)
        async with Client(stream, mode=_MODES[mode], log_level=level, cache=None, **heard.callbacks()) as client:
            if any(reply.in_session for reply in heard.replies):
                await heard.until(lambda: any(reply.method == "GET" for reply in heard.replies), _STREAM_S)
            yield client
