"""The timeouts of the proxy in front of the servers: the stated values, the defaults, and those that are not known."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from typing import NamedTuple

from advisor.knowledge.space import UNKNOWN, FactSpace
from advisor.knowledge.store import Knowledge
from advisor.requirements.model import Requirements

_KNOWN = ("default", "none")


class ProxyLimit(NamedTuple):
    """A timeout of a proxy.

    Attributes:
        name: `idle timeout` or `total timeout`.
        seconds: the stated value, or the default of the proxy; None without a limit, or if the limit is not known.
        known: whether the value is stated, or the default is documented or measured.
    """

    name: str
    seconds: float | None
    known: bool


def limits(requirements: Requirements, space: FactSpace) -> tuple[ProxyLimit, ProxyLimit]:
    """Return the idle timeout and the total timeout."""
    proxy = space.knowledge.proxies[requirements["environment.proxy.kind"]]
    return (
        _limit("idle", requirements, proxy.idle_timeout_s, proxy.idle_status),
        _limit("total", requirements, proxy.total_timeout_s, proxy.total_status),
    )


def _limit(name: str, requirements: Requirements, default: float | None, status: str) -> ProxyLimit:
    stated: float | None = requirements[f"environment.proxy.{name}_timeout_s"]
    if stated is not None:
        return ProxyLimit(f"{name} timeout", stated, known=True)
    return ProxyLimit(f"{name} timeout", default, known=status in _KNOWN)


def limit(requirements: Requirements, space: FactSpace, compare: Mapping[str, str]) -> float | None:
    """Return the limit of a comparison in seconds: the stated limit, else the default of the proxy, else None."""
    idle, total = limits(requirements, space)
    return (idle if compare["limit"] == "environment.proxy.idle_timeout_s" else total).seconds


DEFAULT_KEEP_ALIVE_S = 5.0
"""The time after which uvicorn closes an idle connection by default, in seconds."""

KEEP_ALIVE_S = 75
"""The time after which a server of a kit closes an idle connection, behind a proxy of the kit, in seconds."""

_MARGIN_S = 15


def reuse_s(requirements: Requirements, knowledge: Knowledge) -> float | None:
    """Return for how many seconds the proxy keeps idle connections to the server; None if this is not known."""
    proxy = knowledge.proxies[requirements["environment.proxy.kind"]]
    if proxy.reuse == "idle-timeout":
        stated: float | None = requirements["environment.proxy.idle_timeout_s"]
        return stated if stated is not None else proxy.idle_timeout_s
    return proxy.reuse_s


def keep_alive(requirements: Requirements, knowledge: Knowledge) -> str:
    """Return whether the server keeps idle connections `longer` than the proxy, or `shorter`, or `unknown`."""
    reused = reuse_s(requirements, knowledge)
    if reused is None:
        return UNKNOWN
    return "longer" if _keep_alive_s(requirements) > reused else "shorter"


def _keep_alive_s(requirements: Requirements) -> float:
    stated: float | None = requirements["environment.server_keep_alive_s"]
    return DEFAULT_KEEP_ALIVE_S if stated is None else stated


def needed_keep_alive_s(requirements: Requirements, knowledge: Knowledge) -> int:
    """Return a keep-alive time in seconds for a server or proxy of a kit behind the proxy of the requirements.

    A managed proxy whose time is not known counts as the managed proxy with the longest known time.
    """
    reused = reuse_s(requirements, knowledge)
    kind = knowledge.proxies[requirements["environment.proxy.kind"]]
    if reused is None and kind.operated == "managed" and kind.reuse == "unknown":
        reused = max(one.reuse_s or 0 for one in knowledge.proxies.values() if one.operated == "managed")
    stated = requirements["environment.server_keep_alive_s"] or 0
    return max(KEEP_ALIVE_S, ceil(stated), ceil(reused) + _MARGIN_S if reused is not None else 0)


def tls_ends(requirements: Requirements, knowledge: Knowledge) -> str:
    """Return where TLS ends: the stated value, else `proxy` for a proxy that usually ends TLS, else `unknown`."""
    stated: str = requirements["environment.tls_ends"]
    kind = knowledge.proxies[requirements["environment.proxy.kind"]]
    return "proxy" if stated == UNKNOWN and kind.tls == "ends" else stated


def reuse_words(name: str, requirements: Requirements, knowledge: Knowledge) -> str:
    """Return the value of a placeholder: `proxy.reuse_s`, `server.keep_alive_s` or `server.needed_s`."""
    if name == "proxy.reuse_s":
        return f"{reuse_s(requirements, knowledge) or 0:,.10g}"
    if name == "server.keep_alive_s":
        return f"{_keep_alive_s(requirements):,.10g}"
    return str(needed_keep_alive_s(requirements, knowledge))


def limit_words(name: str, requirements: Requirements, space: FactSpace) -> str:
    """Return the value of a placeholder of a warning: `proxy.unknown_limits`, or a text of rules/proxies.yaml."""
    proxy = space.knowledge.proxies[requirements["environment.proxy.kind"]]
    if name != "proxy.unknown_limits":
        return str(getattr(proxy, name.removeprefix("proxy.")))
    return " and ".join(
        f"the {limit.name}" + (f" ({limit.seconds:g} s is not confirmed)" if limit.seconds is not None else "")
        for limit in limits(requirements, space)
        if not limit.known
    )
