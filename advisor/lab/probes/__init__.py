"""The probe suite: one probe per feature, each with a deadline, each ending in an outcome with its exact message.

`observe` is for the cells of the feature table, `behaviour` for what is no cell, of which a probe returns rows.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial

from advisor.knowledge.types import Era
from advisor.lab.probes import calls, changes, endings, http, live, resumability
from advisor.lab.probes.cell import Probe, ProbeTarget
from advisor.lab.probes.observation import BehaviourRow, Observation

__all__ = ["BEHAVIOURS", "FEATURES", "ProbeTarget", "behaviour", "observe"]

FEATURES: Mapping[str, Callable[[Probe], Awaitable[Observation]]] = {
    "plain": calls.plain,
    "sampling": partial(calls.asking, what="sampling"),
    "elicitation": partial(calls.asking, what="elicitation"),
    "roots": partial(calls.asking, what="roots"),
    "progress": live.progress,
    "logging": live.logs,
    "subscriptions": changes.subscriptions,
    "list_changed": changes.list_changed,
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
"""The probes of behaviours that are no cell. The first and the last need no tool, the others the lab's."""


async def observe(
    feature: str,
    url: str,
    era: Era,
    target: ProbeTarget,
    *,
    deadline_s: float = 5.0,
    headers: Mapping[str, str] | None = None,
) -> Observation:
    """Observe a cell: a client, in a session of its own.

    Args:
        feature: a feature of `FEATURES`.
        url: the endpoint, for example `http://127.0.0.1:8000/mcp`.
        era: the era of the client.
        target: which tool of the server makes the feature happen.
        deadline_s: an answer that takes longer is a `hang`; a notification is waited for three tenths of it.
        headers: sent with every request.

    Returns:
        The outcome. A modern client that is refused as such (400) is `unsupported`; a session that an instance does
        not know (404) is `unreachable`. No exception escapes, whatever the server does.
    """
    return await FEATURES[feature](Probe(url, era, target, deadline_s, headers or {}))


async def behaviour(name: str, url: str, era: Era, *, deadline_s: float = 5.0) -> list[BehaviourRow]:
    """Observe a behaviour that is no cell of the feature table.

    Args:
        name: a name in `BEHAVIOURS`.
        url: the endpoint.
        era: the era of the client.
        deadline_s: an answer that takes longer is a `hang`.

    Returns:
        One row for each thing that was tried, the same ones in the same order each time.
    """
    return await BEHAVIOURS[name](Probe(url, era, ProbeTarget(), deadline_s))
