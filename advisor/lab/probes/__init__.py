"""The probe suite. Each probe tests one feature, has a deadline, and returns an outcome with its exact message.

`observe` measures a cell of the feature table. `behaviour` measures behaviours that are not in the feature table.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial

from advisor.knowledge.types import Era
from advisor.lab.probes import calls, change_notifications, endings, http, live, pings, resumability
from advisor.lab.probes.cell import Probe, ProbeTarget
from advisor.lab.probes.observation import BehaviourRow, ProbeResult

__all__ = ["BEHAVIOURS", "FEATURES", "SLOW_BEHAVIOURS", "ProbeTarget", "behaviour", "observe"]

FEATURES: Mapping[str, Callable[[Probe], Awaitable[ProbeResult]]] = {
    "plain": calls.plain,
    "sampling": partial(calls.asking, what="sampling"),
    "elicitation": partial(calls.asking, what="elicitation"),
    "roots": partial(calls.asking, what="roots"),
    "progress": live.progress,
    "logging": live.logs,
    "subscriptions": change_notifications.subscriptions,
    "list_changed": change_notifications.list_changed,
    "session_state": calls.session_state,
    "resumability": resumability.observe,
}
"""The probe of each feature."""

BEHAVIOURS: Mapping[str, Callable[[Probe], Awaitable[list[BehaviourRow]]]] = {
    "negotiation": calls.negotiation,
    "cancellation": endings.cancellation,
    "disconnect": endings.disconnect,
    "unasked": live.unasked,
    "http": http.observe,
}
"""The probes of behaviours that are not in the feature table. `negotiation` and `http` need no tool. The other probes
need tools of the test server."""

SLOW_BEHAVIOURS: Mapping[str, Callable[[Probe], Awaitable[list[BehaviourRow]]]] = {"pings": pings.pings}
"""Probes that take 15 seconds and more. `capabilities measure` runs them; `verify` does not."""


async def observe(
    feature: str,
    url: str,
    era: Era,
    target: ProbeTarget,
    *,
    deadline_s: float = 5.0,
    headers: Mapping[str, str] | None = None,
) -> ProbeResult:
    """Measure a cell with a new client, which has its own session.

    Args:
        feature: a feature of `FEATURES`.
        url: the endpoint, for example `http://127.0.0.1:8000/mcp`.
        era: the protocol era of the client.
        target: the tool of the server that uses the feature.
        deadline_s: seconds; an answer that takes longer is a `hang`. The probe waits 30 % of this time for a
            notification.
        headers: sent with every request.

    Returns:
        The outcome. The outcome is `unsupported` if the server refuses all modern clients (400). It is `unreachable` if
        an instance does not know the session (404). The function raises no exception, whatever the server does.
    """
    return await FEATURES[feature](Probe(url, era, target, deadline_s, headers or {}))


async def behaviour(name: str, url: str, era: Era, *, deadline_s: float = 5.0) -> list[BehaviourRow]:
    """Measure a behaviour that is not in the feature table.

    Args:
        name: a name in `BEHAVIOURS` or `SLOW_BEHAVIOURS`.
        url: the endpoint.
        era: the protocol era of the client.
        deadline_s: seconds; an answer that takes longer is a `hang`.

    Returns:
        One row for each check. Every call returns the same checks in the same order.
    """
    return await {**BEHAVIOURS, **SLOW_BEHAVIOURS}[name](Probe(url, era, ProbeTarget(), deadline_s))
