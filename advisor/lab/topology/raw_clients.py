"""Many cheap clients that speak plain HTTP, a connection for each request, for rates: who served which call."""

from __future__ import annotations

import http.client
import json
import random
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from advisor.knowledge.topology import Kind
from advisor.lab.topology.roads import Road

TIMEOUT_S = 10.0
LEGACY = "2025-11-25"
MODERN = "2026-07-28"
_INFO = {"name": "topology", "version": "1"}


@dataclass(frozen=True, slots=True)
class RoutedAnswer:
    """What came back for one request.

    Attributes:
        served_by: the instance, or "" when the proxy answered itself.
        session: the session id that it carries, or "".
        problem: why it is not the result that was asked for, or "".
    """

    served_by: str = ""
    session: str = ""
    problem: str = ""


@dataclass
class Rates:
    """What the clients of one run saw.

    Attributes:
        whole: clients whose requests were all answered.
        answered: calls that were.
        wrong: calls that reached another instance than the session's owner.
        spread: sessions, or calls where there are none, by instance.
        problems: how failing requests were answered.
    """

    clients: int = 0
    calls: int = 0
    whole: int = 0
    answered: int = 0
    wrong: int = 0
    spread: Counter[str] = field(default_factory=Counter)
    problems: Counter[str] = field(default_factory=Counter)


class RawClient:
    """One client: its session, its cookies, its place."""

    def __init__(self, road: Road, *, legacy: bool) -> None:
        """A client that has sent nothing yet."""
        self._turns = road.turns()
        self._road = road
        self._legacy = legacy
        self._ids = count(1)
        self._cookie = ""
        self._open: list[http.client.HTTPConnection] = []
        self.session = ""
        self.owner = ""
        self.failed = False

    def connect(self) -> RoutedAnswer:
        """Initialize and confirm, as a legacy client does; a modern one has nothing to do."""
        if not self._legacy:
            return RoutedAnswer()
        answer = self.initialize()
        if not answer.problem:
            time.sleep(self._road.pause_s)
            answer = self._send("notifications/initialized", None, {})
        self.close()
        self.failed = bool(answer.problem)
        return answer

    def initialize(self) -> RoutedAnswer:
        """Open a session. As real clients do, go on as soon as the answer is read, whether its stream ends or not."""
        params = {"protocolVersion": LEGACY, "capabilities": {}, "clientInfo": _INFO}
        answer = self._send("initialize", params, {"X-Lab-Hold": "1"} if self._road.held else {})
        self.session, self.owner = answer.session, answer.served_by
        return answer

    def ping(self) -> RoutedAnswer:
        """Ask whether the session is known; allowed before it is confirmed."""
        answer = self._send("ping", {}, {})
        self.close()
        return answer

    def call(self) -> RoutedAnswer:
        """Call the tool that says which instance answers."""
        params: dict[str, Any] = {"name": "who", "arguments": {}}
        headers = {}
        if not self._legacy:
            params["_meta"] = {
                "io.modelcontextprotocol/protocolVersion": MODERN,
                "io.modelcontextprotocol/clientCapabilities": {},
                "io.modelcontextprotocol/clientInfo": _INFO,
            }
            headers = {"Mcp-Method": "tools/call", "Mcp-Name": "who"}
        answer = self._send("tools/call", params, headers)
        self.close()
        self.failed = self.failed or bool(answer.problem)
        return answer

    def listen(self) -> None:
        """Open the stream of the session with GET and leave it open until `close`."""
        address, port = next(self._turns)
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S, source_address=(address, 0))
        self._open.append(connection)
        connection.request("GET", "/mcp", headers={**self._headers("GET"), "Accept": "text/event-stream"})
        connection.getresponse()

    def close(self) -> None:
        """Close what is still open."""
        while self._open:
            self._open.pop().close()

    def _send(self, method: str, params: dict[str, Any] | None, headers: dict[str, str]) -> RoutedAnswer:
        address, port = next(self._turns)
        message: dict[str, Any] = {"jsonrpc": "2.0", "method": method}
        if params is not None:
            message |= {"params": params, "id": next(self._ids)}
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S, source_address=(address, 0))
        self._open.append(connection)
        try:
            connection.request("POST", "/mcp", json.dumps(message).encode(), {**self._headers(method), **headers})
            response = connection.getresponse()
            if self._road.keeps_cookies and response.getheader("Set-Cookie"):
                self._cookie = str(response.getheader("Set-Cookie")).partition(";")[0]
            said = _answer_to(response, message.get("id"))
        except (OSError, http.client.HTTPException) as error:
            return RoutedAnswer(problem=type(error).__name__)
        served_by, session = response.getheader("X-Served-By", ""), response.getheader("Mcp-Session-Id", "")
        return RoutedAnswer(served_by, session, _problem(response.status, said, expects="id" in message))

    def _headers(self, method: str) -> dict[str, str]:
        headers = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
        if method != "initialize":
            headers["MCP-Protocol-Version"] = LEGACY if self._legacy else MODERN
        if self.session:
            headers["Mcp-Session-Id"] = self.session
        if self._cookie:
            headers["Cookie"] = self._cookie
        return headers


def _answer_to(response: http.client.HTTPResponse, number: int | None) -> dict[str, Any]:
    """The JSON-RPC answer to a request (or an error without a number), read no further than it."""
    if not response.getheader("Content-Type", "").startswith("text/event-stream"):
        return _object(response.read())
    for line in response:
        said = _object(line.removeprefix(b"data:")) if line.startswith(b"data:") else {}
        if said.get("id") == number and ("result" in said or "error" in said):
            return said
    return {}


def _object(text: bytes) -> dict[str, Any]:
    with suppress(ValueError):
        found = json.loads(text)
        if isinstance(found, dict):
            return found
    return {}


def _problem(status: int, said: dict[str, Any], *, expects: bool) -> str:
    error = said.get("error")
    if status >= 400 or error:
        message = error.get("message", "") if isinstance(error, dict) else ""
        return f"{status} {message}".strip()
    return "no result" if expects and "result" not in said else ""


class Crowd:
    """Other people's requests between those that are counted.

    Without them clients that take turns would meet a proxy that takes turns in step with it, and see what nobody sees
    in production: every request on the same instance, or none.
    """

    def __init__(self, ports: Sequence[int], seed: int | str) -> None:
        """Requests to these ports, drawn by the seed."""
        self._random = random.Random(seed)
        self._clients = [RawClient(Road(("127.0.0.1",), (port,)), legacy=False) for port in ports]

    def pass_by(self) -> None:
        """None, one or two requests, each to any of the ports."""
        for _ in range(self._random.randint(0, 2)):
            self._random.choice(self._clients).call()


def rates(kind: Kind, roads: Sequence[Road], calls: int, seed: int) -> Rates:
    """Connect a client on each road, then let each make its calls, in an order that the seed mixes; takes seconds."""
    legacy, sessions = kind.endswith("legacy"), kind == "stateful+legacy"
    seen = Rates(clients=len(roads), calls=len(roads) * calls)
    clients = [RawClient(road, legacy=legacy) for road in roads]
    crowd = Crowd(sorted(roads[0].ports), seed)
    for client in clients:
        crowd.pass_by()
        connected = client.connect()
        if sessions:
            seen.spread[client.owner] += 1
        if connected.problem:
            seen.problems[connected.problem] += 1
    for client in _mixed(clients, calls, seed):
        crowd.pass_by()
        answer = client.call()
        seen.answered += not answer.problem
        seen.wrong += sessions and answer.served_by not in ("", client.owner)
        if answer.problem:
            seen.problems[answer.problem] += 1
        if not sessions:
            seen.spread[answer.served_by] += 1
    seen.whole = sum(not client.failed for client in clients)
    return seen


def _mixed(clients: Sequence[RawClient], calls: int, seed: int) -> Iterator[RawClient]:
    order = list(clients) * calls
    random.Random(seed).shuffle(order)
    return iter(order)
