"""A raw client: JSON-RPC over HTTP without an SDK. It shows headers, status codes, event ids and cut streams."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any

from advisor.endpoint import protocol
from advisor.endpoint.protocol import result_of
from advisor.knowledge.types import Era
from advisor.lab.clients.sdk_client import http_client

if TYPE_CHECKING:
    import httpx2


@dataclass(slots=True)
class SseEvent:
    """A server-sent event."""

    id: str = ""
    event: str = "message"
    data: str = ""


@dataclass(slots=True)
class Endpoint:
    """A raw client of an endpoint.

    Attributes:
        url: URL of the endpoint.
        era: protocol era of the requests.
        http: the HTTP client.
        session: session ID; "" until a server returns a session ID.
        version: the negotiated protocol version of legacy requests.
    """

    url: str
    era: Era
    http: httpx2.AsyncClient
    session: str = ""
    version: str = protocol.LEGACY
    _ids: Iterator[int] = field(default_factory=lambda: count(1))

    def headers(self, method: str = "", name: str = "", **more: str) -> dict[str, str]:
        """Return the headers of a request. Keywords add or replace headers (`_` for `-`), and "" removes a header."""
        found = protocol.headers(method, name, modern=self.era == "modern", session=self.session, version=self.version)
        found |= {key.replace("_", "-"): value for key, value in more.items()}
        return {key: value for key, value in found.items() if value}

    def message(self, method: str, params: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Create a JSON-RPC request with a new id. Modern requests also have `_meta` and ask for log messages."""
        filled = dict(params or {})
        if self.era == "modern":
            filled["_meta"] = {**protocol.META, "io.modelcontextprotocol/logLevel": "debug"}
        return protocol.message(method, filled, next(self._ids))

    async def initialize(self) -> str:
        """Send `initialize` if the client is legacy. Return the error in words, or ""."""
        if self.era == "modern":
            return ""
        answer = await self.http.post(
            self.url, json=self.message("initialize", protocol.INITIALIZE), headers=self.headers("initialize")
        )
        if answer.status_code != 200:
            return said(answer)
        self.session = answer.headers.get("mcp-session-id", "")
        self.version = str((result_of(answer.text) or {}).get("protocolVersion", protocol.LEGACY))
        done = protocol.message("notifications/initialized", None)
        await self.http.post(self.url, json=done, headers=self.headers())
        return ""

    @asynccontextmanager
    async def calling(self, tool: str, arguments: Mapping[str, Any]) -> AsyncIterator[httpx2.Response]:
        """Call a tool and return the answer while it arrives. The end of the context closes the connection."""
        body = self.message("tools/call", {"name": tool, "arguments": dict(arguments)})
        async with self.http.stream("POST", self.url, json=body, headers=self.headers("tools/call", tool)) as answer:
            yield answer

    async def call(self, tool: str, arguments: Mapping[str, Any]) -> str:
        """Call a tool and return the text of its result; "" if there is no text."""
        body = self.message("tools/call", {"name": tool, "arguments": dict(arguments)})
        answer = await self.http.post(self.url, json=body, headers=self.headers("tools/call", tool))
        content = (result_of(answer.text) or {}).get("content") or [{}]
        return str(content[0].get("text", ""))


@asynccontextmanager
async def endpoint(url: str, era: Era, headers: Mapping[str, str] | None = None) -> AsyncIterator[Endpoint]:
    """Create a raw client of an era without a session. The client sends `headers` with every request."""
    async with http_client(url, headers) as http:
        yield Endpoint(await _settled(http, url), era, http)


async def _settled(http: httpx2.AsyncClient, url: str) -> str:
    """Follow a redirect on the server, because mcp before 1.12 redirects `/mcp` to `/mcp/`. Return the URL."""
    answer = await http.options(url)
    if answer.next_request is None:
        return url
    there = answer.next_request.url
    return str(there) if (there.host, there.port) == (answer.url.host, answer.url.port) else url


async def events(answer: httpx2.Response) -> AsyncIterator[SseEvent]:
    """Return the events of an SSE stream as they arrive. Other lines are skipped."""
    event = SseEvent()
    async for line in answer.aiter_lines():
        if not line:
            if event != SseEvent():
                yield event
            event = SseEvent()
            continue
        key, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if key == "id":
            event.id = value
        elif key == "event":
            event.event = value
        elif key == "data":
            event.data += value


def said(answer: httpx2.Response) -> str:
    """The HTTP status of an answer, and the message of an error."""
    if answer.status_code < 400:
        return f"HTTP {answer.status_code}"
    try:
        body = answer.json()
        error = body.get("error", body) if isinstance(body, dict) else ""
        message = error.get("message", "") if isinstance(error, dict) else str(error)
    except (ValueError, UnicodeDecodeError):
        message = answer.text
    message = " ".join(str(message).split())[:200]
    return f"HTTP {answer.status_code}{': ' + message if message else ''}"
