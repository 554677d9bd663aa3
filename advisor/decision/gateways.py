"""What the hops of the path do to sessions: MCP gateways, and hops that open connections of their own."""

from __future__ import annotations

from advisor.knowledge.catalogue import ProxyKind
from advisor.knowledge.store import Knowledge
from advisor.requirements.hops import hops_of
from advisor.requirements.model import Requirements

_WORST = ("refused", "for-each-request", "in-memory", "in-session-id")
"""What gateways do with sessions of legacy clients; the first of these decides for the path."""


def path_fact(asked: str, requirements: Requirements, knowledge: Knowledge) -> str:
    """Return a derived fact about the hops.

    Args:
        asked: `sessions`: what the MCP gateways of the path do with sessions, or `none` without a gateway.
            `replicas`: `apart` if several replicas of a gateway have their sessions in memory, else `together`.
            `buffering`: `by-default` if a hop buffers by default and is not stated to pass streams, else `none`.
            `connections`: `own` if a hop before the last hop opens connections of its own, else `passed`.
        requirements: the requirements.
        knowledge: the known proxies.
    """
    if asked == "replicas":
        return "apart" if _apart(requirements, knowledge) else "together"
    if asked == "buffering":
        return "by-default" if _buffers(requirements, knowledge) else "none"
    if asked == "connections":
        return "own" if _own(requirements, knowledge) else "passed"
    gateway = _gateway(requirements, knowledge)
    return gateway.mcp_sessions if gateway else "none"


def gateway_words(name: str, requirements: Requirements, knowledge: Knowledge) -> str:
    """Return the value of a placeholder for a proxy: its part in `path_fact`, and a key of rules/proxies.yaml."""
    about, key = name.split(".")
    asked = {"gateway": _gateway, "replicas": _apart, "connections": _own, "buffering": _buffers}[about]
    proxy = asked(requirements, knowledge)
    return str(getattr(proxy, key)) if proxy else "?"


def _gateway(requirements: Requirements, knowledge: Knowledge) -> ProxyKind | None:
    """Return the MCP gateway of the path that does most harm to sessions."""
    kinds = [knowledge.proxies[hop.kind] for hop in hops_of(requirements.values)]
    gateways = [kind for kind in kinds if kind.mcp_sessions]
    return min(gateways, key=lambda kind: _WORST.index(kind.mcp_sessions), default=None)


def _apart(requirements: Requirements, knowledge: Knowledge) -> ProxyKind | None:
    """Return the first gateway with sessions in memory and with several replicas."""
    hops = hops_of(requirements.values)
    found = (knowledge.proxies[hop.kind] for hop in hops if hop.replicas > 1)
    return next((kind for kind in found if kind.mcp_sessions == "in-memory"), None)


def _buffers(requirements: Requirements, knowledge: Knowledge) -> ProxyKind | None:
    """Return the first hop that buffers by default and is not stated to pass streams."""
    hops = hops_of(requirements.values)
    found = (knowledge.proxies[hop.kind] for hop in hops if hop.sse is not True)
    return next((kind for kind in found if kind.buffers), None)


def _own(requirements: Requirements, knowledge: Knowledge) -> ProxyKind | None:
    """Return the last hop, except the hop next to the servers, that opens connections of its own."""
    found = [knowledge.proxies[hop.kind] for hop in hops_of(requirements.values)[:-1]]
    return next((kind for kind in reversed(found) if kind.connections == "own"), None)
