"""An MCP client of an endpoint. It shows the status, the headers and the times of each answer."""

from __future__ import annotations

import json
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from http.cookies import CookieError, SimpleCookie
from itertools import count
from typing import Any, Literal, TypeAlias

from advisor import __version__
from advisor.endpoint import protocol
from advisor.endpoint.answer import Head, HttpAnswer, RequestFailedError
from advisor.endpoint.budget import Budget, Limits
from advisor.endpoint.connection import HttpConnection, connect
from advisor.endpoint.target import EndpointTarget

USER_AGENT = f"mcp-advisor/{__version__} (probe; +https://github.com/mcp-advisor/mcp-advisor)"
"""The User-Agent of each request, so that an operator can find the requests in a log."""

EndpointEra: TypeAlias = Literal["legacy", "modern"]

_SENT_COOKIES = 50
_LONGEST_VALUE = 4096
_LINGER_S = 1.0  # seconds for the end of a stream after its reply


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request and what came back.

    Attributes:
        request: the request in a line, without credentials.
        answer: the answer; None if the request failed.
        failure: why there is no answer; None if there is an answer.
        reply: the JSON-RPC result or error that belongs to the request; None if there is none.
    """

    request: str
    answer: HttpAnswer | None
    failure: RequestFailedError | None
    reply: Mapping[str, Any] | None

    @property
    def status(self) -> int:
        """The HTTP status; 0 without an answer."""
        return 0 if self.answer is None else self.answer.status

    @property
    def result(self) -> Mapping[str, Any] | None:
        """The JSON-RPC result; None for an error and without a reply."""
        result = (self.reply or {}).get("result")
        return result if isinstance(result, dict) else None

    @property
    def error_code(self) -> int | None:
        """The code of the JSON-RPC error; None without an error."""
        error = (self.reply or {}).get("error")
        code = error.get("code") if isinstance(error, dict) else None
        return code if isinstance(code, int) else None

    def header(self, name: str) -> str:
        """Return a header of the answer (its name in lower case), or ""."""
        return "" if self.answer is None else self.answer.head.header(name)


@dataclass(slots=True)
class EndpointCaller:
    """Sends requests to an endpoint within a budget.

    Attributes:
        target: the endpoint.
        budget: the resources that all callers of a run share.
        limits: the bounds of a request.
        credentials: headers of the user, such as Authorization. They go only to the origin of `target`.
        source: the local IP address of the connections; "" for any.
        keeps_cookies: whether cookies of answers are sent back.
        reuses: whether the connection is kept for the next request. Otherwise each request opens a connection.
    """

    target: EndpointTarget
    budget: Budget
    limits: Limits = field(default_factory=Limits)
    credentials: Sequence[tuple[str, str]] = ()
    source: str = ""
    keeps_cookies: bool = False
    reuses: bool = False
    cookies: dict[str, str] = field(default_factory=dict)
    _kept: HttpConnection | None = None
    _twins: list[EndpointCaller] = field(default_factory=list)

    def close_all(self) -> None:
        """Close the kept connections of this client and of its twins."""
        for caller in self._twins:
            caller.close()
        self.close()

    def twin(self, *, source: str | None = None, keeps_cookies: bool = False, reuses: bool = False) -> EndpointCaller:
        """Return another client of the same endpoint and budget, without cookies and connections."""
        found = EndpointCaller(
            self.target,
            self.budget,
            self.limits,
            self.credentials,
            self.source if source is None else source,
            keeps_cookies,
            reuses,
            _twins=self._twins,
        )
        self._twins.append(found)
        return found

    async def ask(
        self,
        method: str,
        headers: Mapping[str, str],
        body: Mapping[str, Any] | None = None,
        *,
        target: EndpointTarget | None = None,
        seconds: float | None = None,
    ) -> Exchange:
        """Send a request and read its answer until the reply has arrived.

        Args:
            method: the HTTP method.
            headers: headers that are added, or replace those of every request.
            body: the JSON-RPC message.
            target: another path or origin; by default the endpoint. Other origins get no credentials.
            seconds: time limit; by default that of the limits, and never more than the budget has left.
        """
        target = target or self.target
        label = f"{method} {target.path.partition('?')[0]}"
        if body is not None and "method" in body:
            label = f"{label} {body['method']}"
        number = (body or {}).get("id")
        connection: HttpConnection | None = None
        try:
            connection = await self._opened(target)
            answer = await connection.ask(
                method,
                target,
                self.headers(target, headers),
                b"" if body is None else json.dumps(body).encode(),
                seconds=min(self.limits.answer_s if seconds is None else seconds, self.budget.left_s),
                until=_Replies(number),
                linger_s=_LINGER_S if self.reuses else 0.0,
            )
        except RequestFailedError as failure:
            return Exchange(label, None, failure, None)
        finally:
            if connection is not None and connection is not self._kept:
                connection.close()
        if self.keeps_cookies:
            self._take_cookies(answer.head)
        return Exchange(label, answer, None, protocol.reply_to(number, answer.text))

    async def connected(
        self, target: EndpointTarget | None = None, protocols: Sequence[str] = ("http/1.1",)
    ) -> HttpConnection:
        """Open a new connection. It takes a request from the budget.

        Args:
            target: another origin; by default that of the endpoint.
            protocols: the protocols that ALPN offers.

        Raises:
            RequestFailedError: there is no connection.
        """
        await self.budget.take()
        limits = replace(self.limits, connect_s=min(self.limits.connect_s, max(self.budget.left_s, 0.01)))
        return await connect(target or self.target, limits, source=self.source, protocols=protocols)

    async def _opened(self, target: EndpointTarget) -> HttpConnection:
        """Return the connection of the next request: the kept connection, or a new connection."""
        is_kept = self.reuses and target.origin == self.target.origin
        if not is_kept:
            return await self.connected(target)
        if self.kept is not None:
            await self.budget.take()
            return self.kept
        self.close()
        self._kept = await self.connected(target)
        return self._kept

    @property
    def kept(self) -> HttpConnection | None:
        """The open connection that the next request can use."""
        return self._kept if self._kept is not None and self._kept.is_reusable else None

    def headers(self, target: EndpointTarget, headers: Mapping[str, str]) -> list[tuple[str, str]]:
        """Return all headers of a request: those of every request, the user's, the cookies, and `headers`."""
        found = {"user-agent": USER_AGENT, "accept-encoding": "identity"}
        if target.origin == self.target.origin:
            found |= {name.lower(): value for name, value in self.credentials}
            if self.cookies:
                found["cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        if not self.reuses:
            found["connection"] = "close"
        return [(name, value) for name, value in (found | dict(headers)).items() if value]

    def _take_cookies(self, head: Head) -> None:
        for text in head.every("set-cookie"):
            with suppress(CookieError):
                for name, morsel in SimpleCookie(text).items():
                    if len(self.cookies) < _SENT_COOKIES and (value := _safe(morsel.coded_value)):
                        self.cookies[name] = value

    def close(self) -> None:
        """Close the kept connection."""
        if self._kept is not None:
            self._kept.close()
            self._kept = None


@dataclass(slots=True)
class McpClient:
    """A client of an era. If it is legacy, it has the session that the server opened.

    Attributes:
        caller: sends the requests.
        era: the protocol era.
        session: session ID of a legacy client; "" without a session.
        version: the negotiated protocol version of a legacy client.
    """

    caller: EndpointCaller
    era: EndpointEra
    session: str = ""
    version: str = protocol.LEGACY
    _ids: Iterator[int] = field(default_factory=lambda: count(1))

    async def open(self) -> Exchange:
        """Send `initialize` (legacy) or `server/discover` (modern). A legacy client also confirms the handshake."""
        if self.era == "modern":
            return await self.call("server/discover")
        found = await self.call("initialize", protocol.INITIALIZE)
        if found.result is not None:
            self.session = _safe(found.header("mcp-session-id"))
            self.version = _safe(str(found.result.get("protocolVersion"))[:32]) or protocol.LEGACY
            await self.caller.ask("POST", self._headers(""), protocol.message("notifications/initialized", None))
        return found

    async def call(
        self,
        method: str,
        params: Mapping[str, Any] | None = None,
        *,
        name: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> Exchange:
        """Send a JSON-RPC request.

        Args:
            method: the method.
            params: the parameters.
            name: name of the tool or resource.
            headers: headers in lower case that are added or replaced; "" removes a header.
        """
        body = self._message(method, params, next(self._ids))
        return await self.caller.ask("POST", self._headers(method, name) | dict(headers or {}), body)

    def request(
        self, method: str, params: Mapping[str, Any], name: str
    ) -> tuple[str, EndpointTarget, list[tuple[str, str]], bytes]:
        """Return a JSON-RPC request in the parts that `Connection.send` takes, so that its answer can be watched."""
        body = self._message(method, params, next(self._ids))
        headers = self.caller.headers(self.caller.target, self._headers(method, name))
        return "POST", self.caller.target, headers, json.dumps(body).encode()

    def _message(self, method: str, params: Mapping[str, Any] | None, number: int) -> dict[str, Any]:
        filled = dict(params or {})
        if self.era == "modern":
            filled["_meta"] = {**protocol.META, **filled.get("_meta", {})}
        return protocol.message(method, filled or None, number)

    async def ping(self, headers: Mapping[str, str] | None = None) -> Exchange:
        """Send the cheapest request that needs the session: `ping` (legacy) or `tools/list` (modern)."""
        return await self.call("ping" if self.era == "legacy" else "tools/list", headers=headers)

    async def listening(self) -> tuple[HttpConnection, Coroutine[Any, Any, Head]]:
        """Open a connection for the stream of a session, and return it with the request that waits for the head.

        Raises:
            RequestFailedError: there is no connection.
        """
        connection = await self.caller.connected()
        headers = {key: value for key, value in self._headers("ping").items() if key != "content-type"}
        sent = self.caller.headers(self.caller.target, headers | {"accept": "text/event-stream"})
        return connection, connection.send("GET", self.caller.target, sent)

    async def end(self) -> Exchange | None:
        """End the session with DELETE; None without a session."""
        if not self.session:
            return None
        headers = {key: value for key, value in self._headers("ping").items() if key != "content-type"}
        return await self.caller.ask("DELETE", headers)

    def _headers(self, method: str, name: str = "") -> dict[str, str]:
        return protocol.headers(method, name, modern=self.era == "modern", session=self.session, version=self.version)


def _safe(text: str) -> str:
    """Return a value of an answer that a header can repeat, or ""."""
    return text if text.isascii() and text.isprintable() and len(text) <= _LONGEST_VALUE else ""


class _Replies:
    """Notices the reply in a stream of events while it arrives. It reads each line once."""

    def __init__(self, number: Any) -> None:
        self._number = number
        self._line = bytearray()

    def __call__(self, head: Head, chunk: bytes) -> bool:
        """Return whether this part of the body completes the reply. A JSON answer is read to its end."""
        if self._number is None or head.media_type != "text/event-stream":
            return False
        self._line += chunk
        *lines, rest = bytes(self._line).replace(b"\r", b"\n").split(b"\n")
        self._line[:] = rest
        return any(
            protocol.reply_to(self._number, line.decode("utf-8", "replace"))
            for line in lines
            if line.startswith(b"data:")
        )
