"""One run of a probe: which checks are made, in which order, and what happens at its end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from advisor.endpoint.balancing import Affinity
from advisor.endpoint.budget import Budget, Limits
from advisor.endpoint.checks import affinity, handshake, requests, streams, tool, transport
from advisor.endpoint.client import EndpointCaller
from advisor.endpoint.examination import OVER, AnswerReading, Check, CheckRun, Examination, NamedTool
from advisor.endpoint.target import EndpointTarget

REQUESTS = 1500
"""The largest number of requests of a run."""
RATE = 100.0
"""The largest number of requests per second."""
_CONNECT_S = 5.0
_ANSWER_S = 10.0
_SHARE = 0.25
"""The largest part of the time of a run for a request, so that a silent endpoint is seen in both eras."""

_GATES: Sequence[tuple[str, Check]] = (("connection", transport.connection), ("eras", handshake.eras))
_WATCHES: Sequence[tuple[str, Check]] = (("get", streams.get), ("idle", streams.idle))
_CHECKS: Sequence[tuple[str, Check]] = (
    ("sdk", handshake.sdk),
    ("hops", transport.hops),
    ("login", requests.metadata),
    ("without-handshake", requests.without_handshake),
    ("delete", requests.delete),
    ("accept-json", requests.accepting("accept_json", "application/json")),
    ("accept-sse", requests.accepting("accept_sse", "text/event-stream")),
    ("accept-any", requests.accepting("accept_any", "*/*")),
    ("slash", requests.slash),
    ("host", requests.host),
    ("origin", requests.origin),
    ("sessions", affinity.sessions),
    ("modern-calls", affinity.modern_calls),
    ("stateless-calls", affinity.stateless_calls),
    ("progress", tool.progress),
    ("second-requests", tool.second_requests),
)
CHECKS = tuple(name for name, _ in (*_GATES, *_WATCHES, *_CHECKS))
"""The ids of all checks. rules/probe.yaml has their words."""


@dataclass(frozen=True, slots=True)
class ProbeOrder:
    """What to probe.

    Attributes:
        target: the endpoint.
        seconds: the largest duration of the run.
        sessions: the largest number of sessions of the session experiment.
        watch_s: how long idle streams and connections are watched.
        credentials: headers of the user.
        tool: the tool to call; None for none.
    """

    target: EndpointTarget
    seconds: float = 30.0
    sessions: int = 100
    watch_s: float = 6.0
    credentials: Sequence[tuple[str, str]] = ()
    tool: NamedTool | None = None


@dataclass(frozen=True, slots=True)
class Probed:
    """What a run saw.

    Attributes:
        url: the URL that was asked, without its query.
        checks: the checks, in the order in which they ended.
        seen: the observations, by their name in rules/observations.yaml.
        affinity: the result of the session experiment; None if it was not made.
        seconds: the duration.
        requests: the number of requests.
    """

    url: str
    checks: tuple[CheckRun, ...]
    seen: dict[str, Any] = field(default_factory=dict)
    affinity: Affinity | None = None
    seconds: float = 0.0
    requests: int = 0

    @property
    def is_cut(self) -> bool:
        """Whether the time was over before all checks were made."""
        return any(check.untested == OVER for check in self.checks)

    @property
    def is_answered(self) -> bool:
        """Whether an MCP server answered."""
        return bool(self.seen.get("eras"))


async def probe(
    order: ProbeOrder, reading: AnswerReading, watcher: Callable[[str], None] = lambda check: None
) -> Probed:
    """Probe an endpoint. The run ends when its time is over; checks without time were not made.

    Args:
        order: what to probe.
        reading: how to read answers.
        watcher: gets the id of each check before it starts.
    """
    budget = Budget(order.seconds, REQUESTS, RATE)
    most = order.seconds * _SHARE
    limits = Limits(connect_s=min(_CONNECT_S, most), answer_s=min(_ANSWER_S, most))
    caller = EndpointCaller(order.target, budget, limits, order.credentials)
    run = Examination(caller, reading, order.tool, order.sessions, order.watch_s)
    run.seen["scheme"] = order.target.scheme
    made: list[CheckRun] = []

    async def make(part: Examination, name: str, check: Check) -> None:
        watcher(name)
        if budget.left_s <= 0:
            made.append(CheckRun(name, OVER, (), 0.0))
            return
        try:
            made.append(await asyncio.wait_for(part.run(name, check), budget.left_s))
        except asyncio.TimeoutError:
            made.append(CheckRun(name, OVER, (), budget.seconds))

    for name, check in _GATES:
        await make(run, name, check)
        if "failure" in run.seen:
            break
    if not run.seen.get("eras"):
        if run.seen.get("status") == 401:
            await make(run, "login", requests.metadata)
    else:
        watches = [asyncio.ensure_future(make(run.aside(), name, check)) for name, check in _WATCHES]
        try:
            for name, check in _CHECKS:
                await make(run, name, check)
            await asyncio.gather(*watches)
        finally:
            for watch in watches:
                watch.cancel()
            with suppress(asyncio.CancelledError):
                await asyncio.gather(*watches, return_exceptions=True)
    caller.close_all()
    url = order.target.at(order.target.path.partition("?")[0]).url
    return Probed(url, tuple(made), run.seen, run.affinity, budget.passed_s, budget.sent)
