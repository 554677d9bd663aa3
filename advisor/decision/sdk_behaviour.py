"""What is known of the exact SDK release that the requirements name.

The rules read an SDK release as a range of releases with the same feature table. Other behaviours change in other
releases, so this module looks them up for the exact release. For an SDK line, it uses the newest measured release.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from advisor.knowledge.capabilities import ping_interval_s
from advisor.knowledge.facts import BehaviourLookup
from advisor.knowledge.features import ClientCondition
from advisor.knowledge.releases import Release
from advisor.knowledge.servers import OTHER
from advisor.knowledge.space import UNKNOWN, FactSpace
from advisor.knowledge.store import Knowledge
from advisor.knowledge.underlying import Underlying, limit_of
from advisor.knowledge.versions import key
from advisor.requirements.model import Requirements


class AskedRelease(NamedTuple):
    """The release that the requirements name.

    Attributes:
        package: the name on PyPI.
        version: the release; for an SDK line the newest measured release of the line.
        range: the range of releases that the rules use.
        measured: whether the lab measured this release.
    """

    package: str
    version: str
    range: Release
    measured: bool


def asked_release(requirements: Requirements, space: FactSpace) -> AskedRelease:
    """Return the release that the requirements name."""
    return _release(str(requirements["sdk"]), space)


@lru_cache(maxsize=256)
def _release(sdk: str, space: FactSpace) -> AskedRelease:
    found = space.release(sdk)
    assert found is not None  # the requirements are valid
    exact = sdk.partition("==")[2]
    version = exact or found.line.newest
    measured = found.kind == "python" and (not exact or is_measured(found.package, exact, space.knowledge))
    return AskedRelease(found.package, version, found, measured)


def underlying(requirements: Requirements, space: FactSpace) -> Underlying | None:
    """Return the mcp releases that the fastmcp release of the requirements allows; None for another SDK."""
    asked = asked_release(requirements, space)
    return _underlying(asked.package, asked.version, space.knowledge)


def _underlying(package: str, version: str, knowledge: Knowledge) -> Underlying | None:
    entries = knowledge.underlying
    return next((entry for entry in entries if entry.package == package and entry.holds(version)), None)


def newest_mcp(sdk: str, release: Release, knowledge: Knowledge) -> str:
    """Return the newest mcp release that a release or line of another SDK allows; "" for another SDK.

    Args:
        sdk: the SDK as the requirements name it.
        release: its range of releases.
        knowledge: the allowed releases.
    """
    found = _underlying(release.package, sdk.partition("==")[2] or release.line.newest, knowledge)
    return "" if found is None else found.newest


def oldest_mcp(sdk: str, release: Release, knowledge: Knowledge) -> str:
    """Return the oldest mcp release that an SDK release or line allows: mcp itself, or the mcp under another SDK.

    Args:
        sdk: the SDK as the requirements name it.
        release: its range of releases.
        knowledge: the allowed releases.
    """
    version = sdk.partition("==")[2] or release.line.newest
    found = _underlying(release.package, version, knowledge)
    return version if found is None else found.least


def mcp_expiry(requirements: Requirements, space: FactSpace) -> str:
    """Return whether the mcp release under fastmcp closes idle sessions.

    Returns:
        `idle-timeout` or `never` for a stated mcp release. Without one, `assumed` if only some of the allowed releases
        close idle sessions, else `not-needed`.
    """
    found, stated = underlying(requirements, space), requirements["mcp_release"]
    if found is None:
        return "not-needed"
    if stated is not None:
        return "never" if limit_of(stated, space.knowledge.capacity) is None else "idle-timeout"
    oldest, newest = (limit_of(version, space.knowledge.capacity) for version in (found.least, found.newest))
    return "not-needed" if oldest == newest else "assumed"


def most_sessions(requirements: Requirements, space: FactSpace) -> int | None:
    """Return the largest number of sessions in a process of the SDK release; None if it has no limit."""
    capacity, asked = space.knowledge.capacity, asked_release(requirements, space)
    stated = requirements["mcp_release"]
    if stated is not None and underlying(requirements, space) is not None:
        return limit_of(stated, capacity)
    return capacity[asked.range.line.id].most_sessions(asked.version)


def mcp_words(name: str, requirements: Requirements, space: FactSpace) -> str:
    """Return the value of a placeholder of a warning: `mcp.allowed` or `mcp.newest`."""
    found = underlying(requirements, space)
    return "" if found is None else found.requirement if name == "mcp.allowed" else found.newest


def is_measured(package: str, version: str, knowledge: Knowledge) -> bool:
    """Whether the lab measured exactly this release."""
    cells = (cell for data in knowledge.capabilities if data.package == package for cell in data.cells)
    return any(key(version) == key(other) for cell in cells for other in cell.observed_on)


def behaviour(lookup: BehaviourLookup, package: str, version: str, knowledge: Knowledge) -> str:
    """Return the value of a derived fact for a release: the first entry of `values` that its text starts with."""
    text = _text(lookup, package, version, knowledge)
    if text is None:
        return lookup.otherwise
    return next((value for start, value in lookup.values.items() if text.startswith(start)), lookup.otherwise)


def _text(lookup: BehaviourLookup, package: str, version: str, knowledge: Knowledge) -> str | None:
    """Return the text of a trait or a behaviour, the outcome of a call, or None if nothing is known."""
    for trait in knowledge.traits:
        if (trait.package, trait.name) == (package, lookup.name) and trait.holds(version):
            return trait.seen
    for data in knowledge.capabilities:
        if data.package != package:
            continue
        for cell in data.cells if lookup.call else ():
            if (cell.feature, cell.call) == (lookup.name, lookup.call) and cell.holds(version):
                outcomes: dict[str, str] = getattr(cell, lookup.era)
                return outcomes[lookup.flags]
        for row in data.behaviour:
            if (row.name, row.era) == (lookup.name, lookup.era) and row.holds(version):
                return row.seen[lookup.flags]
    return None


def behaviour_seen(
    condition: ClientCondition, package: str, version: str, knowledge: Knowledge
) -> Mapping[str, str] | None:
    """Return the texts, by flag pair, of the behaviour of a condition; None if the data has nothing for the release."""
    rows = (row for data in knowledge.capabilities if data.package == package for row in data.behaviour)
    wanted = (condition.behaviour, condition.era)
    return next((row.seen for row in rows if (row.name, row.era) == wanted and row.holds(version)), None)


def ping_of_server(requirements: Requirements, space: FactSpace) -> float | None:
    """Return the ping interval of the server in seconds; None if not all releases of its SDK send pings."""
    if requirements["sdk"] == OTHER:
        return space.knowledge.languages[requirements["language"]].ping_s
    asked = asked_release(requirements, space)
    return _ping_of_release(asked.package, asked.version, space)


@lru_cache(maxsize=256)
def _ping_of_release(package: str, version: str, space: FactSpace) -> float | None:
    return ping_interval_s(package, version, space.knowledge.capabilities)


def _language_words(name: str, requirements: Requirements, knowledge: Knowledge) -> str:
    """Return what is known of the SSE streams and of the idle sessions of an SDK."""
    language = knowledge.languages[requirements["language"]]
    if name == "sdk.streams":
        return language.ping_note
    if name == "sdk.idle":
        other = requirements["sdk"] == OTHER
        minutes = ((language.expiry_s or 0) if other else knowledge.figure("session.idle_s")) / 60
        hours = minutes >= 60
        return knowledge.phrases["sdk.idle.hours" if hours else "sdk.idle.minutes"].format(
            number=f"{minutes / 60 if hours else minutes:g}"
        )
    return language.expiry_setting if name == "sdk.idle_setting" else language.expiry_note


def sdk_words(name: str, requirements: Requirements, space: FactSpace) -> str:
    """Return the value of a placeholder of a warning.

    Args:
        name: `sdk.asked`, `sdk.used`, `sdk.ping_s`, `sdk.pings`, `sdk.hosts` or `sdk.calls.FEATURE`. Also
            `sdk.idle`, and for an SDK of another language `sdk.streams`, `sdk.idle_setting` or `sdk.idle_note`.
        requirements: they name the SDK.
        space: the known releases.
    """
    asked = asked_release(requirements, space)
    if name.startswith("sdk.calls."):
        return _calls(name.rpartition(".")[2], asked.range.line.id, space.knowledge)
    if name == "sdk.hosts":
        return space.knowledge.sdks[asked.range.line.id].hosts_where
    if name.startswith(("sdk.streams", "sdk.idle")):
        return _language_words(name, requirements, space.knowledge)
    if name in ("sdk.ping_s", "sdk.pings"):
        interval = ping_of_server(requirements, space)
        if name == "sdk.ping_s":
            return UNKNOWN if interval is None else f"{interval:g}"
        return space.knowledge.phrases["sdk.pings-unknown"] if interval is None else f"{interval:g} s"
    return asked.version if name == "sdk.asked" else asked.range.newest


def _calls(feature: str, line: str, knowledge: Knowledge) -> str:
    """Return the calls of a feature that rules/sdks.yaml recommends for the eras of an SDK line."""
    calls = knowledge.sdks[line].calls[feature]
    phrase = "calls.both" if calls["legacy"] == calls["modern"] else "calls.each"
    return knowledge.phrases[phrase].format(**calls)
