"""Answers about the path of a request. With several hops, the file has them in `environment.hops`. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from advisor.knowledge.catalogue import ProxyKind
from advisor.knowledge.space import UNKNOWN
from advisor.requirements.hops import HOP_KEYS, HOPS, PROXY, settled
from advisor.requirements.model import Requirements

_KIND = f"{PROXY}kind"


def in_hops(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return `values` with the answers about the proxy in the hops, if there are hops.

    An answer belongs to the last hop. If every hop passes streams, each hop says so. The kind of the last hop stays.
    """
    if not values.get(HOPS):
        return dict(values)
    hops = [dict(hop) for hop in values[HOPS]]
    for key in HOP_KEYS:
        if key == "kind" or f"{PROXY}{key}" not in values:
            continue
        value = values[f"{PROXY}{key}"]
        for hop in hops if key == "sse" and value is True else hops[-1:]:
            hop[key] = value
    moved = {f"{PROXY}{key}" for key in HOP_KEYS} - {_KIND}
    return {name: value for name, value in values.items() if name not in moved} | {HOPS: hops}


def with_kind(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return `values` with the kind of the last hop as the kind of the proxy, so that its question has an answer."""
    return {**values, **({_KIND: values[HOPS][-1]["kind"]} if values.get(HOPS) else {})}


def decided(requirements: Requirements, proxies: Mapping[str, ProxyKind]) -> set[str]:
    """Return the inferred facts that no question asks for.

    A question can still ask for a value that is not known, such as the era of an application, and for a key that the
    last hop does not state.
    """
    hops = requirements[HOPS]
    stated = {f"{PROXY}{key}" for key in hops[-1]} if hops else set()
    fixed = settled(requirements.values, proxies)

    def final(name: str) -> bool:
        if name.startswith(PROXY):
            return name in stated or _of_path(requirements, name)
        return name in fixed or requirements[name] != UNKNOWN

    return {name for name in requirements.inferred if final(name)}


def _of_path(requirements: Requirements, name: str) -> bool:
    """Return whether a hop refuses streams or has a timeout, which no answer about the last hop can change."""
    return requirements[name] is False or name.endswith("_timeout_s")
