"""JSON-RPC over plain HTTP, for what the SDK's client hides: headers, status, event ids, streams that are cut."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any

from advisor.knowledge.types import Era
from advisor.lab.clients import protocol
from advisor.lab.clients.protocol import result_of
from advisor.lab.clients.sdk_client import http_client

if TYPE_CHECKING:
    import httpx2


@dataclass(slots=True)
class SseEvent:
    """One server-sent event."""

    id: str = ""
    event: str = "message"
    data: str = ""


@dataclass(slots=True)
class Endpoint:
    """A raw client of an endpoint.

    Attributes:
        url: the endpoint.
        era: what the requests look like.
        http: the HTTP client.
        session: the session id, once a legacy server has given an id.
        version: the protocol version that legacy requests name after the handshake.
    """

    url: str
    era: Era
    http: httpx2.AsyncClient
    session: str = ""
    version: str = protocol.LEGACY
    _ids: Iterator[int] = field(default_factory=lambda: count(1))

    def headers(self, method: str = "", name: str = "", **more: str) -> dict[str, str]:
        """The headers of a request of this era; keywords add or replace, `_` for `-`, and "" leaves a header out."""
        found = protocol.headers(method, name, modern=self.era == "modern", session=self.session, version=self.version)
        found |= {key.replace("_", "-"): value for key, value in more.items()}
        return {key: value for key, value in found.items() if value}

    def message(self, method: str, params: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """A JSON-RPC request with an id of its own; modern requests carry `_meta` and ask for log messages."""
        filled = dict(params or {})
        if self.era == "modern":
            filled["_meta"] = {**protocol.META, "io.modelcontextprotocol/logLevel": "debug"}
        return protocol.message(method, filled, next(self._ids))

    async def initialize(self) -> str:
        """Shake hands as legacy clients do (modern ones do not); returns what was wrong with the answer, or ""."""
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
        """The answer of a tool call while it arrives; leaving the context cuts the connection."""
        body = self.message("tools/call", {"name": tool, "arguments": dict(arguments)})
        async with self.http.stream("POST", self.url, json=body, headers=self.headers("tools/call", tool)) as answer:
            yield answer

    async def call(self, tool: str, arguments: Mapping[str, Any]) -> str:
        """The text of a tool's result; "" where there is none."""
        body = self.message("tools/call", {"name": tool, "arguments": dict(arguments)})
        answer = await self.http.post(self.url, json=body, headers=self.headers("tools/call", tool))
        content = (result_of(answer.text) or {}).get("content") or [{}]
        return str(content[0].get("text", ""))


@asynccontextmanager
async def endpoint(url: str, era: Era, headers: Mapping[str, str] | None = None) -> AsyncIterator[Endpoint]:
    """A raw client of an era, before any handshake; `headers` go with every request."""
    async with http_client(url, headers) as http:
        yield Endpoint(await _settled(http, url), era, http)


async def _settled(http: httpx2.AsyncClient, url: str) -> str:
    """The address that a redirect leads to, on the same server only: before mcp 1.12 `/mcp` leads to `/mcp/`."""
    answer = await http.options(url)
    if answer.next_request is None:
        return url
    there = answer.next_request.url
    return str(there) if (there.host, there.port) == (answer.url.host, answer.url.port) else url


async def events(answer: httpx2.Response) -> AsyncIterator[SseEvent]:
    """The events of a stream, as they come; other lines are passed over."""
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
    """The status of an answer and, if it is an error, its message."""
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
