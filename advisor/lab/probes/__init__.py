"""The probe suite: one module per feature, each with a deadline, each ending in an outcome with its exact message.

`observe` is for the cells of the feature table. Behaviours that are no cell have modules of their own (cancellation,
disconnect, http), which return rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

from advisor.knowledge.types import Era
from advisor.lab.probes import asking
from advisor.lab.probes.cell import Probe, ProbeTarget
from advisor.lab.probes.observation import BehaviourRow, Observation

__all__ = ["BEHAVIOURS", "FEATURES", "ProbeTarget", "behaviour", "observe"]

_ASKED = ("sampling", "elicitation", "roots")
FEATURES = ("plain", *_ASKED, "progress", "logging", "subscriptions", "list_changed", "session_state", "resumability")
"""The features that can be probed."""

BEHAVIOURS = ("negotiation", "cancellation", "disconnect", "unasked", "http")
"""The behaviours that are no cell of the table. The first and the last need no tool, the others the lab's."""


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
    probe = Probe(url, era, target, deadline_s, headers or {})
    if feature in _ASKED:
        return await asking.observe(probe, feature)
    # A module named `logging` would hide the standard library's from a reader.
    module = import_module(f"advisor.lab.probes.{feature.replace('logging', 'logs')}")
    observed: Observation = await module.observe(probe)
    return observed


async def behaviour(
    name: str, url: str, era: Era, *, deadline_s: float = 5.0, headers: Mapping[str, str] | None = None
) -> list[BehaviourRow]:
    """Observe a behaviour that is no cell of the feature table.

    Args:
        name: a name in `BEHAVIOURS`.
        url: the endpoint.
        era: the era of the client.
        deadline_s: an answer that takes longer is a `hang`.
        headers: sent with every request.

    Returns:
        One row for each thing that was tried, the same ones in the same order each time.
    """
    module = import_module(f"advisor.lab.probes.{name}")
    rows: list[BehaviourRow] = await module.observe(Probe(url, era, ProbeTarget(), deadline_s, headers or {}))
    return rows
