"""What the checks of an endpoint share: the client, the observations so far, and the results."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from advisor.endpoint.answer import RequestFailedError
from advisor.endpoint.balancing import Affinity
from advisor.endpoint.client import EndpointCaller, EndpointEra, Exchange, McpClient


@dataclass(frozen=True, slots=True)
class AnswerReading:
    """How to read answers. The values come from rules/probe.yaml.

    Attributes:
        is_lost: whether an answer means that the server does not know the session.
        session_form: the form of a session ID, and whether the ID names its instance. "other" if no form is known.
        signs: the names of SDKs with a pattern of an answer to an unknown session.
    """

    is_lost: Callable[[Exchange], bool]
    session_form: Callable[[str], tuple[str, bool]]
    signs: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class NamedTool:
    """A tool that the user names. The checks call no other tool.

    Attributes:
        name: the name of the tool.
        arguments: its arguments.
    """

    name: str
    arguments: Mapping[str, Any]


OVER = "the time of the run was over"
"""Why a check without time was not made."""


class UntestedError(Exception):
    """A check could not be made. The message says why."""


@dataclass(frozen=True, slots=True)
class CheckRun:
    """A check that was made, or could not be made.

    Attributes:
        id: the check.
        untested: why the check could not be made; "" if it was made.
        requests: the requests, each in a line.
        seconds: the duration.
    """

    id: str
    untested: str
    requests: tuple[str, ...]
    seconds: float


@dataclass(slots=True)
class Examination:
    """The state of a run.

    Attributes:
        caller: the client of the endpoint. A redirect to the other spelling of the path changes its target.
        reading: how to read answers.
        tool: the tool to call; None for none.
        sessions: the largest number of sessions of the session experiment.
        watch_s: seconds for which idle streams and connections are watched.
        seen: the observations so far, by their name in rules/observations.yaml without the part.
        affinity: the result of the session experiment; None before it.
    """

    caller: EndpointCaller
    reading: AnswerReading
    tool: NamedTool | None = None
    sessions: int = 100
    watch_s: float = 6.0
    seen: dict[str, Any] = field(default_factory=dict)
    affinity: Affinity | None = None
    _requests: list[str] = field(default_factory=list)

    def client(self, era: EndpointEra | None = None) -> McpClient:
        """Return a new client of an era; by default of the era that the endpoint serves, legacy before modern.

        Raises:
            UntestedError: the endpoint does not serve this era.
        """
        eras = self.seen.get("eras", [])
        if era is not None and era not in eras:
            raise UntestedError(f"the endpoint does not serve {era} clients")
        if not eras:
            raise UntestedError("the endpoint did not answer as an MCP server")
        return McpClient(self.caller.twin(), era or ("legacy" if "legacy" in eras else "modern"))

    async def opened(self, era: EndpointEra | None = None) -> McpClient:
        """Return a client that has shaken hands.

        Raises:
            UntestedError: the handshake failed.
        """
        client = self.client(era)
        if client.era == "legacy" and (await client.open()).result is None:
            raise UntestedError("initialize failed")
        return client

    def noted(self, exchange: Exchange) -> Exchange:
        """Keep a request for the result of the check that is running.

        Raises:
            RequestFailedError: there was no answer.
        """
        status = exchange.status or (exchange.failure.kind if exchange.failure else "no answer")
        self.note(f"{exchange.request} -> {status}")
        if exchange.failure is not None:
            raise exchange.failure
        return exchange

    def note(self, request: str) -> None:
        """Keep a request, in a line, for the result of the check that is running."""
        self._requests.append(request)

    async def run(self, id: str, check: Check) -> CheckRun:
        """Make a check. It never raises an error of the endpoint."""
        started, first = time.monotonic(), len(self._requests)
        untested = ""
        try:
            await check(self)
        except RequestFailedError as failure:
            untested = failure.detail
            if "failure" not in self.seen:
                self.seen |= {"failure": failure.kind, "failure_detail": failure.detail}
        except UntestedError as reason:
            untested = str(reason)
        return CheckRun(id, untested, tuple(self._requests[first:]), time.monotonic() - started)

    def aside(self) -> Examination:
        """Return a part that runs at the same time. It shares the observations, and notes its own requests."""
        return replace(self, _requests=[])


Check: TypeAlias = Callable[[Examination], Awaitable[None]]
"""Makes a check: it sets observations."""
