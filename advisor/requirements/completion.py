"""Completes validated facts: values that follow from other facts, and defaults."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from advisor.engine.table import show
from advisor.knowledge.catalogue import ClientApp
from advisor.knowledge.space import UNKNOWN, FactSpace, holds
from advisor.knowledge.types import NEEDS
from advisor.requirements.hops import HOPS, combined, stated_hops
from advisor.requirements.model import Requirements, Tool
from advisor.sentences import listed


def complete(values: Mapping[str, Any], tools: tuple[Tool, ...], space: FactSpace, name: str) -> Requirements:
    """Return requirements with a value for every fact.

    Missing facts follow from the tools, from the named client applications, or else from the defaults.

    Args:
        values: the validated facts, by id.
        tools: the tools.
        space: the known facts.
        name: the name of the file as the user typed it.
    """
    needed = {f"needs.{feature}" for tool in tools for feature in tool.needs}
    unsure = {key for key, value in values.items() if key.startswith("needs.") and value == UNKNOWN} - needed
    # A tool that needs a feature settles a doubt about this feature.
    given = {key: value for key, value in values.items() if value != UNKNOWN or key not in needed}
    filled = {**given, **dict.fromkeys(unsure, "none")}
    inferred: dict[str, str] = {}
    for tool in tools:
        for feature, level in tool.needs.items():
            key = f"needs.{feature}"
            if NEEDS.index(level) > NEEDS.index(filled.get(key, "none")):
                filled[key] = level
                if key not in given:
                    inferred[key] = "the strongest need of any tool (required is stronger than preferred)"
    durations = [tool.duration_s for tool in tools if tool.duration_s is not None]
    if durations and max(durations) > (filled.get("workload.longest_call_s") or 0):
        filled["workload.longest_call_s"] = max(durations)
        if "workload.longest_call_s" not in values:
            inferred["workload.longest_call_s"] = "the longest duration_s of the tools"
    for key, value, why in _from_apps(filled.get("clients.apps") or [], space):
        if key not in filled:
            filled[key] = value
            inferred[key] = why
    for key, fact in space.facts.items():
        if fact.type != "tools" and key not in filled:
            filled[key] = fact.default
    if filled[HOPS]:
        for key, (value, reason) in combined(stated_hops(filled), space.knowledge.proxies).items():
            filled[key] = value
            inferred[key] = space.knowledge.phrases[reason]
    implied = space.implications(filled)
    replaced = {key: filled[key] for key in implied}
    for key, found in implied.items():
        if filled[key] != found.value:
            filled[key] = found.value
            inferred[key] = space.knowledge.phrases[found.because]
    return Requirements(filled, tools, frozenset(given), inferred, frozenset(unsure), replaced, name)


def changed(requirements: Requirements, change: Mapping[str, Any], space: FactSpace) -> Requirements:
    """Return the requirements after a change: from the id of a fact to its new value as in the file.

    A change of the longest call applies to every tool, so the durations of the tools end. Values that a fact implies
    follow from the new value of this fact.
    """
    tools = requirements.tools
    if "workload.longest_call_s" in change:
        tools = tuple(tool._replace(duration_s=None) for tool in tools)
    values = {**requirements.values, **requirements.replaced, **change}
    values |= {
        name: fact.default for name, fact, only in space.bound if only.fact in change and not holds(only, values)
    }
    implied = space.implications(values)
    replaced = {name: values[name] for name in implied}
    values |= {name: found.value for name, found in implied.items()}
    return replace(requirements, values=values, tools=tools, replaced=replaced)


def _from_apps(apps: list[str], space: FactSpace) -> list[tuple[str, Any, str]]:
    """Return the facts on eras and cookies that follow from client applications, as (fact, value, reason)."""
    known = [space.knowledge.clients[app] for app in apps]
    if not known:
        return []
    eras = {client.protocol for client in known}
    protocol = eras.pop() if len(eras) == 1 else (UNKNOWN if UNKNOWN in eras else "mixed")
    jars = {client.keep_cookies for client in known}
    cookies: bool | str = False if False in jars else (True if jars == {True} else UNKNOWN)
    return [
        ("clients.protocol", protocol, _apps_say("protocol", protocol, known, space)),
        ("clients.keep_cookies", cookies, _apps_say("cookies", cookies, known, space)),
    ]


def _apps_say(about: str, value: bool | str, known: list[ClientApp], space: FactSpace) -> str:
    """Return what is known of the client applications that decide a value: the `protocol` or the `cookies`."""
    deciding = [app for app in known if (app.protocol if about == "protocol" else app.keep_cookies) == value] or known
    if value == "mixed":
        deciding = known
    phrase = space.knowledge.phrases[f"apps.{about}.{show(value)}{'.many' if len(deciding) > 1 else ''}"]
    names = listed(client.name for client in deciding)
    return phrase.format(names=names, date=min(client.as_of for client in deciding))
