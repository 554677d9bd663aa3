"""The path of a request: the proxies in the order of the path, and the facts about all proxies together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import Any, NamedTuple

from advisor.knowledge.catalogue import ProxyKind
from advisor.knowledge.space import UNKNOWN
from advisor.knowledge.types import Raw
from advisor.requirements.model import Requirements

HOPS = "environment.hops"
PROXY = "environment.proxy."
MAX_HOPS = 20
_KNOWN = ("default", "none")


class Hop(NamedTuple):
    """A proxy or load balancer on the path. The keys are those of `environment.proxy`, with the same defaults."""

    kind: str
    version: str | None = None
    sse: bool | str = UNKNOWN
    idle_timeout_s: float | None = None
    total_timeout_s: float | None = None
    replicas: int = 1
    keep_alive_s: float | None = None


HOP_KEYS = Hop._fields
_PROXY_ROW = itemgetter(*(f"{PROXY}{key}" for key in HOP_KEYS))


class ShortestTimeout(NamedTuple):
    """The shortest timeout of the path.

    Attributes:
        hop: the position of the hop that limits; the last hop, if no hop limits.
        seconds: the timeout in seconds, stated or the default of the kind; None without a limit or a known limit.
        unknown: the positions of the hops whose timeout is not stated and whose default is not known or not confirmed.
    """

    hop: int
    seconds: float | None
    unknown: tuple[int, ...]


def stated_hops(values: Mapping[str, Any]) -> tuple[Hop, ...]:
    """Return the hops of `environment.hops`, in the order of the path."""
    return tuple(Hop(**hop) for hop in values[HOPS])


def hops_of(values: Mapping[str, Any]) -> tuple[Hop, ...]:
    """Return the path, from the client to the server. Without `environment.hops`, it is the proxy of the requirements.

    The last hop has the kind of `environment.proxy.kind`, which a change of the requirements can replace.
    """
    kind: str = values[f"{PROXY}kind"]
    stated = stated_hops(values)
    if not stated:
        return (Hop(*_PROXY_ROW(values)),)
    last = stated[-1] if stated[-1].kind == kind else Hop(kind)
    return (*stated[:-1], last)


def shortest(
    hops: Sequence[Hop], proxies: Mapping[str, ProxyKind], name: str, *, stream: bool = False
) -> ShortestTimeout:
    """Return the shortest `idle` or `total` timeout of the path. Of equal timeouts, the last limits.

    The total timeout is that of a `stream`, or that of a JSON answer.
    """
    limits: list[tuple[float, int]] = []
    unknown = []
    for index, hop in enumerate(hops):
        kind = proxies[hop.kind]
        stated: float | None = getattr(hop, f"{name}_timeout_s")
        seconds = stated if stated is not None else getattr(kind, f"{name}_timeout_s")
        streams = stream and (hop.sse is True or not kind.buffers)  # a buffered stream is one answer
        if streams and name == "total" and stated is None and kind.stream_total_timeout_s is not None:
            seconds = kind.stream_total_timeout_s
        if seconds is not None:
            limits.append((seconds, -index))
        if stated is None and getattr(kind, f"{name}_status") not in _KNOWN:
            unknown.append(index)
    seconds, index = min(limits, default=(None, 1 - len(hops)))
    return ShortestTimeout(-index, seconds, tuple(unknown))


def combined(hops: Sequence[Hop], proxies: Mapping[str, ProxyKind]) -> dict[str, tuple[Raw, str]]:
    """Return the facts about all hops together, as fact → (value, key of the reason in rules/wording.yaml).

    Only the last hop selects an instance of the server, so its kind, version and replicas are those of the proxy.
    """
    last = hops[-1]
    facts: dict[str, tuple[Raw, str]] = {
        f"{PROXY}kind": (last.kind, "hops.last"),
        f"{PROXY}version": (last.version, "hops.last"),
        f"{PROXY}replicas": (last.replicas, "hops.last"),
        f"{PROXY}keep_alive_s": (last.keep_alive_s, "hops.last"),
        f"{PROXY}sse": (_sse(hops), "hops.sse"),
    }
    for name in ("idle", "total"):
        found = shortest(hops, proxies, name)
        limit = getattr(hops[found.hop], f"{name}_timeout_s")
        seconds = limit if hops[found.hop] is last else found.seconds
        if seconds is not None:  # otherwise the default of the last hop applies
            facts[f"{PROXY}{name}_timeout_s"] = (seconds, "hops.shortest")
    if len(hops) > 1:
        facts["clients.addresses"] = ("shared", "hops.addresses")
    if any(proxies[hop.kind].mcp_sessions for hop in hops[:-1]):
        facts["clients.keep_cookies"] = (UNKNOWN, "hops.cookies")
    return facts


SETTLED = "hops#settled"
"""The facts that the list of hops settles: a fact that only changes of the requirements read."""


def settled(values: Mapping[str, Any], proxies: Mapping[str, ProxyKind]) -> frozenset[str]:
    """Return the facts about clients that follow from `environment.hops`. A change of such a fact has no effect."""
    stated = stated_hops(values)
    found = combined(stated, proxies) if stated else ()
    return frozenset(name for name in found if not name.startswith(PROXY))


def _sse(hops: Sequence[Hop]) -> Raw:
    """Return whether every hop passes streams: false if one hop does not, else unknown if one is unknown."""
    passes = [hop.sse for hop in hops]
    if False in passes:
        return False
    return UNKNOWN if UNKNOWN in passes else True


def keeps_instances(requirements: Requirements, proxies: Mapping[str, ProxyKind]) -> bool:
    """Return whether no more instances run than the requirements plan. Some platforms start more for more requests."""
    kind = proxies[requirements["environment.proxy.kind"]]
    return requirements["environment.platform"] != "serverless" or bool(kind.one_instance)


def least_instances(requirements: Requirements) -> int:
    """Return how many instances are planned, the lower end of a range."""
    instances = requirements["scale.instances"]
    return int(instances["min"] if isinstance(instances, Mapping) else instances)
