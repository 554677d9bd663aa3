"""A real client of one protocol era, and a record of everything that reaches it besides its results."""

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

from advisor.knowledge.types import Era
from advisor.lab.clients.protocol import MODERN

if TYPE_CHECKING:
    from http.cookiejar import CookieJar

    import httpx2
    from mcp import Client

Mode = Era | Literal["auto"]
"""How a client connects; `auto` tries the modern way and falls back to the handshake."""

_MODES: dict[Mode, str] = {"legacy": "legacy", "modern": MODERN, "auto": "auto"}
# The SDK logs what goes wrong with a server, traces included; probes look for just that, and report it themselves.
logging.getLogger("mcp").addHandler(logging.NullHandler())

OK = "ok"
"""What a client answers, whatever it is asked."""

_STREAM_S = 3.0  # a legacy client opens its GET stream behind the handshake; without it notices are lost


class Reply(NamedTuple):
    """One HTTP answer that a client got.

    Attributes:
        method: the HTTP method of the request.
        status: the HTTP status.
        in_session: whether the request named a session.
        modern: the era of the request.
        served_by: the instance, where a server names itself in `X-Served-By`; else "".
    """

    method: str
    status: int
    in_session: bool
    modern: bool
    served_by: str


class Heard:
    """What reached a client.

    Attributes:
        asked: the requests that the server sent: `sampling`, `elicitation`, `roots`.
        progress: when each progress notification came, and its value.
        total: the value at which the call is done, as the last of them said.
        logs: when each log message came, and its data.
        notes: the notifications, as (method, uri); the uri is "" where there is none.
        replies: every HTTP answer, in order of arrival.
        words: what the client answers each kind of request with, if not `OK`: to be known again in what a tool says.
        declines: whether the client's user declines what an elicitation asks for.
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
        """Something new came: wake who waits for it."""
        self._changed.set()
        self._changed = asyncio.Event()

    async def until(self, condition: Callable[[], bool], seconds: float) -> bool:
        """Wait until `condition` holds, at most so long; whether it does."""
        with anyio.move_on_after(seconds):
            while not condition():
                await self._changed.wait()
        return condition()

    def lost_session(self) -> bool:
        """Whether a request of the session reached an instance that does not know it."""
        return any(reply.status == 404 and reply.in_session for reply in self.replies)

    def callbacks(self) -> dict[str, Any]:
        """What a client is to do with what reaches it: answer every request, note everything."""
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
    """Made once: making a context takes longer than a call on loopback."""
    return ssl.create_default_context()


def http_client(
    url: str,
    headers: Mapping[str, str] | None = None,
    heard: Heard | None = None,
    *,
    roams: bool = False,
    transport: httpx2.AsyncBaseTransport | None = None,
    cookies: CookieJar | None = None,
) -> httpx2.AsyncClient:
    """An HTTP client for one MCP client; a proxy that the user has set is not asked for this machine.

    Args:
        url: the endpoint.
        headers: sent with every request.
        heard: records every answer.
        roams: whether requests to 127.0.0.1 come without cookies and from changing addresses (see roaming.py).
        transport: what sends the requests, if not a transport of this function's choice.
        cookies: the jar, if not a new jar.
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
    heard: Heard,
    *,
    log_level: str | None = "debug",
    headers: Mapping[str, str] | None = None,
    transport: httpx2.AsyncBaseTransport | None = None,
    cookies: CookieJar | None = None,
) -> AsyncIterator[Client]:
    """A connected client, its GET stream open, if it has a GET stream.

    Args:
        url: the endpoint.
        mode: `legacy` shakes hands, `modern` never does, `auto` as the server wants.
        heard: records what reaches the client.
        log_level: the level that modern requests ask for; None asks for no log messages.
        headers: sent with every request.
        transport: what sends the requests; by default modern requests roam, and legacy ones do not.
        cookies: the jar, if not a new jar.

    Raises:
        Exception: whatever the SDK raises where there is no server that it can speak to.
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
