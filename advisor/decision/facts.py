"""From requirements to facts: every number binned, and the comparisons that need the numbers themselves."""

from __future__ import annotations

from typing import Any

from advisor.decision.capacity import sessions_room
from advisor.decision.derived_facts import TOOL_NEEDS
from advisor.decision.gateways import path_fact
from advisor.decision.proxy_limits import keep_alive, limit, limits_known, tls_ends
from advisor.decision.sdk_behaviour import asked_release, behaviour, ping_interval_s
from advisor.decision.tiers import needs_of_tools
from advisor.engine.table import show
from advisor.knowledge.servers import OTHER
from advisor.knowledge.space import UNKNOWN, FactSpace
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
    for derived in space.knowledge.derived:
        if derived.compare is not None:
            facts[derived.id] = _compare(
                requirements[derived.compare["value"]], limit(requirements, space, derived.compare)
            )
        elif derived.lacking is not None:
            facts[derived.id] = "some" if missing_features(requirements, space) else "none"
        elif derived.contradicted is not None:
            facts[derived.id] = "some" if contradicted_facts(requirements, space) else "none"
        elif derived.unlisted is not None:
            facts[derived.id] = "some" if unlisted_features(requirements, space) else "none"
        elif derived.recovery is not None:
            facts[derived.id] = "lacking" if unrecovering_clients(requirements, space) else UNKNOWN
        elif derived.room is not None:
            facts[derived.id] = sessions_room(requirements, space)
    return facts | _sdk_facts(requirements, space)


def server_profile(requirements: Requirements, space: FactSpace) -> str:
    """Return the profile of a server that is not written in Python; "" for a Python server."""
    if requirements["sdk"] != OTHER:
        return ""
    return space.knowledge.languages[requirements["language"]].profile


def _sdk_facts(requirements: Requirements, space: FactSpace) -> dict[str, Any]:
    """The derived facts about the exact release and the limits of the proxy, which the deciding tables do not read."""
    facts: dict[str, Any] = {}
    asked = asked_release(requirements, space)
    for derived in space.knowledge.derived:
        if derived.behaviour is not None:
            facts[derived.id] = behaviour(derived.behaviour, asked.package, asked.version, space.knowledge)
        elif derived.pings is not None:
            interval = ping_interval_s(asked.package, asked.version, space.knowledge)
            facts[derived.id] = _compare(interval, limit(requirements, space, derived.pings))
        elif derived.measured is not None:
            facts[derived.id] = "yes" if asked.measured else "no"
        elif derived.tls is not None:
            facts[derived.id] = tls_ends(requirements, space.knowledge)
        elif derived.reuse is not None:
            facts[derived.id] = keep_alive(requirements, space.knowledge)
        elif derived.hops is not None:
            facts[derived.id] = path_fact(derived.hops["ask"], requirements, space.knowledge)
        elif derived.limits is not None:
            facts[derived.id] = limits_known(requirements, space)
        elif derived.unnamed is not None:
            facts[derived.id] = "none"  # until the feature table of the decision is known
    return facts


def missing_features(requirements: Requirements, space: FactSpace) -> list[str]:
    """The needed features that named client applications are known not to support, as `Claude Code: sampling`."""
    missing = []
    for app in requirements["clients.apps"]:
        client = space.knowledge.clients[app]
        lacking = [
            f
            for f, has in client.features.items()
            if not has and requirements.values.get(f"needs.{f}", "none") != "none"
        ]
        if lacking:
            missing.append(f"{client.name}: {', '.join(lacking)}")
    return missing


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
