"""The timeouts of the proxies in front of the servers: stated values, defaults, and those that are not known."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from typing import NamedTuple

from advisor.knowledge.catalogue import ProxyKind
from advisor.knowledge.space import UNKNOWN, FactSpace
from advisor.knowledge.store import Knowledge
from advisor.requirements.hops import Hop, hops_of, shortest
from advisor.requirements.model import Requirements


class ProxyLimit(NamedTuple):
    """A timeout of the path.

    Attributes:
        name: `idle timeout` or `total timeout`.
        seconds: the shortest of the stated values and the defaults; None without a limit, or if no limit is known.
        proxy: the proxy that limits; the last proxy, if no proxy limits.
        unknown: the proxies whose value is not stated, and whose default is not documented or measured.
    """

    name: str
    seconds: float | None
    proxy: ProxyKind
    unknown: tuple[ProxyKind, ...]


def limits(requirements: Requirements, space: FactSpace) -> tuple[ProxyLimit, ProxyLimit]:
    """Return the idle timeout and the total timeout."""
    return _limit("idle", requirements, space.knowledge), _limit("total", requirements, space.knowledge)


def _limit(name: str, requirements: Requirements, knowledge: Knowledge) -> ProxyLimit:
    hops = hops_of(requirements.values)
    found = shortest(hops, knowledge.proxies, name)
    limiting, *unknown = (knowledge.proxies[hops[index].kind] for index in (found.hop, *found.unknown))
    return ProxyLimit(f"{name} timeout", found.seconds, limiting, tuple(unknown))


def limit(requirements: Requirements, space: FactSpace, compare: Mapping[str, str]) -> float | None:
    """Return the limit of a comparison in seconds: the shortest stated limit or default of the path, else None."""
    idle, total = limits(requirements, space)
    return (idle if compare["limit"] == "environment.proxy.idle_timeout_s" else total).seconds


def limits_known(requirements: Requirements, space: FactSpace) -> str:
    """Return `known` if both timeouts of every proxy are stated or have a known default, else `unknown`."""
    return UNKNOWN if any(one.unknown for one in limits(requirements, space)) else "known"


DEFAULT_KEEP_ALIVE_S = 5.0
"""The time after which uvicorn closes an idle connection by default, in seconds."""

KEEP_ALIVE_S = 75
"""The time after which a server of a kit closes an idle connection, behind a proxy of the kit, in seconds."""

_MARGIN_S = 15


def reuse_s(hop: Hop, knowledge: Knowledge) -> float | None:
    """Return for how many seconds a hop keeps idle connections to the next hop or server; None if this is not known."""
    proxy = knowledge.proxies[hop.kind]
    if proxy.reuse == "idle-timeout":
        return hop.idle_timeout_s if hop.idle_timeout_s is not None else proxy.idle_timeout_s
    return proxy.reuse_s


def keep_alive(requirements: Requirements, knowledge: Knowledge) -> str:
    """Return whether the server keeps idle connections `longer` than the last hop, or `shorter`, or `unknown`."""
    reused = reuse_s(hops_of(requirements.values)[-1], knowledge)
    if reused is None:
        return UNKNOWN
    return "longer" if _keep_alive_s(requirements) > reused else "shorter"


def _keep_alive_s(requirements: Requirements) -> float:
    stated: float | None = requirements["environment.server_keep_alive_s"]
    return DEFAULT_KEEP_ALIVE_S if stated is None else stated


def needed_keep_alive_s(hop: Hop, requirements: Requirements, knowledge: Knowledge) -> int:
    """Return a keep-alive time in seconds for a server or proxy of a kit behind `hop`.

    A managed proxy whose time is not known counts as the managed proxy with the longest known time.
    """
    reused = reuse_s(hop, knowledge)
    kind = knowledge.proxies[hop.kind]
    if reused is None and kind.operated == "managed" and kind.reuse == "unknown":
        reused = max(one.reuse_s or 0 for one in knowledge.proxies.values() if one.operated == "managed")
    stated = requirements["environment.server_keep_alive_s"] or 0
    return max(KEEP_ALIVE_S, ceil(stated), ceil(reused) + _MARGIN_S if reused is not None else 0)


def outer_hop(requirements: Requirements, proxy: str) -> Hop | None:
    """Return the hop in front of the proxy `proxy` of a kit, or in front of the servers if the kit has no proxy."""
    hops = [hop for hop in hops_of(requirements.values) if hop.kind != "none"]
    if hops and hops[-1].kind == proxy:
        hops.pop()
    return hops[-1] if hops else None


def tls_ends(requirements: Requirements, knowledge: Knowledge) -> str:
    """Return where TLS ends: the stated value, else `proxy` if a hop usually ends TLS, else `unknown`."""
    stated: str = requirements["environment.tls_ends"]
    ends = any(knowledge.proxies[hop.kind].tls == "ends" for hop in hops_of(requirements.values))
    return "proxy" if stated == UNKNOWN and ends else stated


def reuse_words(name: str, requirements: Requirements, knowledge: Knowledge) -> str:
    """Return the value of a placeholder: `proxy.reuse_s`, `server.keep_alive_s` or `server.needed_s`."""
    last = hops_of(requirements.values)[-1]
    if name == "proxy.reuse_s":
        return f"{reuse_s(last, knowledge) or 0:,.10g}"
    if name == "server.keep_alive_s":
        return f"{_keep_alive_s(requirements):,.10g}"
    return str(needed_keep_alive_s(last, requirements, knowledge))


def limit_words(name: str, requirements: Requirements, space: FactSpace) -> str:
    """Return the value of a placeholder of a warning.

    Args:
        name: `proxy`, `idle` or `total` with a key of rules/proxies.yaml, for the last proxy or for the proxy that
            limits. Or `unknown` with `limits`, `name` or `look_up`, for the timeouts that are not known.
        requirements: the requirements.
        space: the known facts.
    """
    about, key = name.split(".")
    idle, total = limits(requirements, space)
    if about == "proxy":
        return str(getattr(space.knowledge.proxies[requirements["environment.proxy.kind"]], key))
    if about != UNKNOWN:
        return str(getattr((idle if about == "idle" else total).proxy, key))
    if key == "limits":
        return " and ".join(_unknown_limit(one) for one in (idle, total) if one.unknown)
    proxies = list({proxy.id: proxy for proxy in (*idle.unknown, *total.unknown)}.values())
    if key == "name" or len(proxies) == 1:
        return ", ".join(str(getattr(proxy, key)) for proxy in proxies)
    return "; ".join(f"for {proxy.name}, {proxy.look_up}" for proxy in proxies)


def _unknown_limit(limit: ProxyLimit) -> str:
    unconfirmed = limit.seconds is not None and limit.proxy in limit.unknown
    return f"the {limit.name}" + (f" ({limit.seconds:g} s is not confirmed)" if unconfirmed else "")
