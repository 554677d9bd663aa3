"""From requirements to facts: every number binned, and the comparisons that need the numbers themselves."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeAlias

from advisor.decision.capacity import sessions_room
from advisor.decision.connections import hops_keep_alive, keep_alive, tls_ends
from advisor.decision.derived_facts import REPLACED, TOOL_NEEDS
from advisor.decision.gateways import STREAMING, path_fact, streaming_settings
from advisor.decision.proxy_limits import limit, limits_fact
from advisor.decision.sdk_behaviour import asked_release, behaviour, mcp_expiry, ping_of_server
from advisor.decision.tiers import needs_of_tools
from advisor.engine.table import show
from advisor.knowledge.servers import OTHER
from advisor.knowledge.space import UNKNOWN, FactSpace
from advisor.knowledge.unable import unable
from advisor.requirements.hops import SETTLED, settled
from advisor.requirements.model import Requirements


def base_facts(requirements: Requirements, space: FactSpace) -> dict[str, Any]:
    """The base facts: fact id → value of its domain, and the needs of the single tools under `tools#needs`."""
    facts: dict[str, Any] = {name: space.bin(name, raw) for name, raw in requirements.values.items()}
    facts["sdk"] = server_profile(requirements, space) or facts["sdk"]
    for name, only, value in space.conditional:
        if facts[only.fact] not in only.any_of:
            facts[name] = value
    facts["tools"] = "some" if requirements.tools else "none"
    facts[TOOL_NEEDS] = needs_of_tools(requirements)
    facts[REPLACED] = {name: space.bin(name, raw) for name, raw in requirements.replaced.items()}
    facts |= _of_release(requirements, space)
    for name, computation, spec in space.computed:
        if computation in COMPUTED:
            facts[name] = COMPUTED[computation](spec, requirements, space)
    facts[STREAMING] = streaming_settings(requirements, space.knowledge)
    facts[SETTLED] = settled(requirements.values, space.knowledge.proxies)
    return facts


def server_profile(requirements: Requirements, space: FactSpace) -> str:
    """Return the profile of a server that is not written in Python; "" for a Python server."""
    if requirements["sdk"] != OTHER:
        return ""
    return space.knowledge.languages[requirements["language"]].profile


def _of_release(requirements: Requirements, space: FactSpace) -> Mapping[str, str]:
    asked = asked_release(requirements, space)
    return _known_of_release(asked.package, asked.version, space)


@lru_cache(maxsize=256)
def _known_of_release(package: str, version: str, space: FactSpace) -> Mapping[str, str]:
    """Return the derived facts about the behaviour of a release. A decision reads them often."""
    knowledge = space.knowledge
    return {
        derived.id: behaviour(derived.behaviour, package, version, knowledge)
        for derived in knowledge.derived
        if derived.behaviour is not None
    }


def _missing(requirements: Requirements, space: FactSpace) -> list[tuple[str, dict[str, str]]]:
    """The names of client applications, with the need of each feature that they are known not to support."""
    missing = []
    for app in requirements["clients.apps"]:
        client = space.knowledge.clients[app]
        values = {**requirements.values, **dict.fromkeys(requirements.unsure, UNKNOWN)}
        needs = {f: values.get(f"needs.{f}", "none") for f, has in client.features.items() if not has}
        lacking = {feature: need for feature, need in needs.items() if need != "none"}
        if lacking:
            missing.append((client.name, lacking))
    return missing


def strongest_missing(requirements: Requirements, space: FactSpace) -> str:
    """Return the strongest need among the features that named client applications are known not to support."""
    needs = [need for _, lacking in _missing(requirements, space) for need in lacking.values()]
    return max(needs, key=("none", UNKNOWN, "preferred", "required").index, default="none")


def missing_features(requirements: Requirements, space: FactSpace) -> list[str]:
    """The features that named client applications lack, as `Claude Code: sampling (required)`."""
    missing = _missing(requirements, space)
    return [f"{name}: {', '.join(f'{f} ({need})' for f, need in lacking.items())}" for name, lacking in missing]


def required_features_missing(requirements: Requirements, space: FactSpace) -> list[str]:
    """Return the ids of the required features that at least one named client application is known not to support."""
    missing = _missing(requirements, space)
    return sorted({feature for _, lacking in missing for feature, need in lacking.items() if need == "required"})


def unlisted_features(requirements: Requirements, space: FactSpace) -> list[str]:
    """The features that the file requires and that none of its tools requires, where it lists tools."""
    if not requirements.tools:
        return []
    return [
        feature.id
        for feature in space.knowledge.features.values()
        if feature.need
        and requirements[f"needs.{feature.id}"] == "required"
        and not any(tool.needs.get(feature.id) == "required" for tool in requirements.tools)
    ]


def unrecovering_clients(requirements: Requirements, space: FactSpace) -> list[str]:
    """The names of the stated client applications that do not initialize again after a lost session."""
    clients = (space.knowledge.clients[app] for app in requirements["clients.apps"])
    return [client.name for client in clients if client.recovers is False]


def all_fall_back(requirements: Requirements, space: FactSpace) -> bool:
    """Whether client applications are stated, and each of them falls back to the handshake of the legacy era."""
    clients = [space.knowledge.clients[app] for app in requirements["clients.apps"]]
    return bool(clients) and all(client.falls_back is True for client in clients)


def call_limits(requirements: Requirements, space: FactSpace) -> dict[str, float]:
    """Return the times in seconds after which stated client applications end a call, by name; only known times."""
    clients = (space.knowledge.clients[app] for app in requirements["clients.apps"])
    return {client.name: client.call_limit_s for client in clients if client.call_limit_s is not None}


def short_call_limits(requirements: Requirements, space: FactSpace) -> str:
    """Return the applications that end the longest call, as `Claude Desktop: 60 s`."""
    longest = requirements["workload.longest_call_s"]
    limits = call_limits(requirements, space).items()
    return ", ".join(f"{name}: {limit_s:g} s" for name, limit_s in limits if _compare(longest, limit_s) == "beyond")


def contradicted_facts(requirements: Requirements, space: FactSpace) -> list[str]:
    """What the file states against what is known of the client applications it names, a text for each."""
    contradicted = []
    for app in requirements["clients.apps"]:
        client = space.knowledge.clients[app]
        known = {"clients.keep_cookies": client.keep_cookies, "clients.protocol": client.protocol}
        for name, value in known.items():
            stated = requirements[name]
            compatible = stated == value or UNKNOWN in (stated, value) or "mixed" in (stated, value)
            if name in requirements.given and not compatible:
                contradicted.append(f"{name} is stated as {show(stated)}, {client.name} is known as {show(value)}")
    return contradicted


def _compare(value: float | None, most: float | None) -> str:
    if value is None or most is None:
        return UNKNOWN
    return "within" if value < most else "beyond"


def _some(found: Sequence[str]) -> str:
    return "some" if found else "none"


def _of_language(spec: Mapping[str, str], requirements: Requirements, space: FactSpace) -> str:
    value: str = getattr(space.knowledge.languages[requirements[spec["language"]]], spec["property"])
    return value


_KEEP_ALIVE = {"server": keep_alive, "hops": hops_keep_alive}

_Computation: TypeAlias = Callable[[Mapping[str, str], Requirements, FactSpace], str]

# How a derived fact is computed, by the key in rules/facts.yaml. `derived_facts` has the computations from other facts.
COMPUTED: Mapping[str, _Computation] = {
    "compare": lambda spec, asked, space: _compare(asked[spec["value"]], limit(asked, space, spec)),
    "expires": lambda _, asked, space: mcp_expiry(asked, space),
    "pings": lambda spec, asked, space: _compare(ping_of_server(asked, space), limit(asked, space, spec)),
    "lacking": lambda _, asked, space: strongest_missing(asked, space),
    "unable": lambda spec, asked, space: unable(map(space.knowledge.clients.__getitem__, asked[spec["apps"]])),
    "contradicted": lambda _, asked, space: _some(contradicted_facts(asked, space)),
    "unlisted": lambda _, asked, space: _some(unlisted_features(asked, space)),
    "stated": lambda spec, asked, _: "no" if asked.silent_about(spec["fact"]) else "yes",
    "recovery": lambda _, asked, space: "lacking" if unrecovering_clients(asked, space) else UNKNOWN,
    "client_limit": lambda spec, asked, space: _compare(
        asked[spec["value"]], min(call_limits(asked, space).values(), default=None)
    ),
    "fallback": lambda _, asked, space: "yes" if all_fall_back(asked, space) else "no",
    "of_language": lambda spec, asked, space: _of_language(spec, asked, space),
    "room": lambda _, asked, space: sessions_room(asked, space),
    "measured": lambda _, asked, space: "yes" if asked_release(asked, space).measured else "no",
    "tls": lambda _, asked, space: tls_ends(asked, space.knowledge),
    "reuse": lambda spec, asked, space: _KEEP_ALIVE[spec["of"]](asked, space.knowledge),
    "hops": lambda spec, asked, space: path_fact(spec["ask"], asked, space.knowledge),
    "limits": lambda spec, asked, space: limits_fact(spec["ask"], asked, space),
    "unnamed": lambda *_: "none",  # until the feature table of the decision is known
}


def connection_facts(requirements: Requirements, space: FactSpace) -> dict[str, str]:
    """Return the derived facts about the connections between the hops, and between the last hop and the server."""
    found = {}
    for derived in space.knowledge.derived:
        if derived.reuse is not None:
            found[derived.id] = COMPUTED["reuse"](derived.reuse, requirements, space)
        elif derived.hops is not None and derived.hops["ask"] == "connections":
            found[derived.id] = COMPUTED["hops"](derived.hops, requirements, space)
    return found
