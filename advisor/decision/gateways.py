"""What the hops of the path do to sessions: MCP gateways, and hops that hide the clients from the next hop."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from advisor.decision.derived_facts import union
from advisor.decision.stopping import start, stop
from advisor.knowledge.catalogue import ProxyKind
from advisor.knowledge.space import UNKNOWN, FactSpace
from advisor.knowledge.store import Knowledge
from advisor.requirements.completion import complete
from advisor.requirements.hops import HOPS, hops_of
from advisor.requirements.model import Requirements

_WORST = ("ignored", "for-each-request", "in-memory", "in-session-id")
"""What gateways do with sessions of legacy clients; the first of these decides for the path."""


def path_fact(asked: str, requirements: Requirements, knowledge: Knowledge) -> str:
    """Return a derived fact about the hops.

    Args:
        asked: `sessions`: what the MCP gateways of the path do with sessions, or `none` without a gateway.
            `replicas`: `apart` if several replicas of a gateway have their sessions in memory, else `together`.
            `buffering`: `by-default` if a hop buffers by default and is not stated to pass streams, else `none`.
            `connections`: `own` if addresses and cookies of clients end at a hop before the last hop, else `passed`.
            `streams`: `confirmed` if each hop is stated or known to pass streams, else `unknown`.
            `trap`: `known` if a setting of a hop buffers and it is not stated whether the hop streams, else `none`.
            `start`, `stop`: see `advisor/decision/stopping.py`.
            `refuses`, `outer`: the protocol eras that the hops refuse, as in `union`; for `outer` without the last hop.
            `session-id`: `needed` if a hop fails for legacy clients of a server without sessions, else `free`.
            `messages`: `dropped` if a hop or a part of it passes only the results of calls, else `passed`.
        requirements: the requirements.
        knowledge: the known proxies.
    """
    if asked == "replicas":
        return "apart" if _apart(requirements, knowledge) else "together"
    if asked in ("refuses", "outer"):
        hops = hops_of(requirements.values)
        counted = hops if asked == "refuses" else hops[:-1]
        return union(knowledge.proxies[hop.kind].refuses or "none" for hop in counted)
    if asked == "session-id":
        return "needed" if _needs_session_id(requirements, knowledge) else "free"
    if asked == "messages":
        return "dropped" if _drops_messages(requirements, knowledge) else "passed"
    if asked == "buffering":
        return "by-default" if _buffers(requirements, knowledge) else "none"
    if asked == "trap":
        return "known" if _trap(requirements, knowledge) else "none"
    if asked == "streams":
        hops = hops_of(requirements.values)
        passes = (hop.sse is True or knowledge.proxies[hop.kind].streams == "passes" for hop in hops)
        return "confirmed" if all(passes) else UNKNOWN
    if asked == "start":
        return start(requirements, knowledge)
    if asked == "stop":
        return stop(requirements, knowledge)
    if asked == "connections":
        return "own" if _own(requirements, knowledge) else "passed"
    gateway = _gateway(requirements, knowledge)
    return gateway.mcp_sessions if gateway else "none"


def gateway_words(name: str, requirements: Requirements, knowledge: Knowledge) -> str:
    """Return the value of a placeholder for a proxy: its part in `path_fact`, and a key of rules/proxies.yaml."""
    about, key = name.split(".")
    if name == "buffering.settings":
        return streaming_settings(requirements, knowledge)
    asked: dict[str, Callable[[Requirements, Knowledge], ProxyKind | None]] = {
        "gateway": _gateway,
        "replicas": _apart,
        "connections": _own,
        "buffering": _buffers,
        "trap": _trap,
        "refuses_legacy": partial(_refusing, "legacy"),
        "refuses_modern": partial(_refusing, "modern"),
        "session_id": _needs_session_id,
        "messages": _drops_messages,
    }
    proxy = asked[about](requirements, knowledge)
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


def _trap(requirements: Requirements, knowledge: Knowledge) -> ProxyKind | None:
    """Return the first hop with a setting or a product that buffers, if the requirements do not say that it streams."""
    hops = hops_of(requirements.values)
    found = (knowledge.proxies[hop.kind] for hop in hops if hop.sse == UNKNOWN)
    return next((kind for kind in found if kind.trap), None)


def _refusing(era: str, requirements: Requirements, knowledge: Knowledge) -> ProxyKind | None:
    """Return the first hop that refuses clients of an era."""
    kinds = (knowledge.proxies[hop.kind] for hop in hops_of(requirements.values))
    return next((kind for kind in kinds if kind.refuses == era), None)


def refuses_legacy_clients(facts: Mapping[str, Any]) -> bool:
    """Return whether the requirements can have legacy clients, and no legacy client passes the path."""
    return facts["path.eras"] in ("modern", "none") and facts["clients.protocol"] != "modern"


def _needs_session_id(requirements: Requirements, knowledge: Knowledge) -> ProxyKind | None:
    """Return the first hop that fails for legacy clients of a server without sessions."""
    kinds = (knowledge.proxies[hop.kind] for hop in hops_of(requirements.values))
    return next((kind for kind in kinds if kind.needs_session_id), None)


def _drops_messages(requirements: Requirements, knowledge: Knowledge) -> ProxyKind | None:
    """Return the first hop of which a part passes only the results of calls to the client."""
    kinds = (knowledge.proxies[hop.kind] for hop in hops_of(requirements.values))
    return next((kind for kind in kinds if kind.drops_messages), None)


def without_refusing(requirements: Requirements, space: FactSpace) -> Requirements | None:
    """Return the requirements without the hops that refuse an era; None if no hop refuses one, or no hop is left."""
    stated = requirements[HOPS]
    left = [hop for hop in stated if not space.knowledge.proxies[hop["kind"]].refuses]
    if not left or len(left) == len(stated):
        return None
    return complete({**requirements.stated, HOPS: left}, requirements.tools, space, requirements.name)


STREAMING = "hops#streaming"
"""What must be set so that streams pass the path: a fact that only the feature table reads."""


def streaming_settings(requirements: Requirements, knowledge: Knowledge) -> str:
    """Return the settings that turn response streaming on in hops that buffer by default; "" without such a hop."""
    kinds = [knowledge.proxies[hop.kind] for hop in hops_of(requirements.values) if hop.sse is not True]
    settings = [f"{kind.name}: {kind.streaming_setting}" for kind in kinds if kind.buffers]
    if requirements["environment.function_adapter"] == "web" and requirements["environment.proxy.sse"] is not False:
        settings.append(knowledge.phrases["streaming.web-adapter"])
    return "; ".join(settings)


def _own(requirements: Requirements, knowledge: Knowledge) -> ProxyKind | None:
    """Return the last hop, except the hop next to the servers, at which addresses and cookies of the clients end."""
    found = [knowledge.proxies[hop.kind] for hop in hops_of(requirements.values)[:-1]]
    return next((kind for kind in reversed(found) if kind.connections == "own"), None)
