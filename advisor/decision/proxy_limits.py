"""The timeouts of the proxy in front of the servers: the stated values, the defaults, and those that are not known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from advisor.knowledge.space import FactSpace
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
