"""Checks the data that derived facts look up for the exact SDK release and for the proxy."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from advisor.decision.advisor import Advisor
from advisor.decision.checks.fault import fault
from advisor.decision.sdk_behaviour import behaviour, behaviour_seen
from advisor.findings import Finding
from advisor.knowledge import Knowledge
from advisor.knowledge.capabilities import Behaviour, CapabilityCell, ping_interval_s
from advisor.knowledge.facts import Derived
from advisor.knowledge.releases import Release
from advisor.knowledge.space import UNKNOWN, FactSpace
from advisor.knowledge.versions import key


def lookups(advisor: Advisor) -> list[Finding]:
    """Return faults: missing or contradicting data, and decision tables that read a fact of an exact release."""
    return [
        *_missing(advisor.space),
        *_conditions(advisor.space),
        *_stale(advisor),
        *_traits(advisor.knowledge),
        *_proxies(advisor.knowledge),
        *_underlying(advisor.space),
    ]


def _missing(space: FactSpace) -> Iterator[Finding]:
    """Yield faults: derived facts without data for a release of a range."""
    versions = {release.id: _versions(release, space.knowledge) for release in space.measured.values()}
    for derived in space.knowledge.derived:
        for release in space.measured.values():
            for version in versions[release.id]:
                if not _known(derived, release.package, version, space.knowledge):
                    message = "the capability data and the traits have no value of this fact for a release"
                    yield fault("data", derived.id, message, {"sdk": f"{release.package}=={version}"})


def _versions(release: Release, knowledge: Knowledge) -> list[str]:
    """Return the releases of a range at which data is looked up, in ascending order.

    These are the first release, every measured release, and the releases in which data of the package starts or ends.
    """
    found = {release.start, release.newest}
    for data in knowledge.capabilities:
        if data.package == release.package:
            entries: list[CapabilityCell | Behaviour] = [*data.cells, *data.behaviour]
            for entry in entries:
                found.update((entry.start, entry.before, *entry.observed_on))
    for trait in knowledge.traits:
        if trait.package == release.package:
            found.update((trait.start, trait.before))
    return sorted(filter(release.holds, found), key=key)


def _conditions(space: FactSpace) -> Iterator[Finding]:
    """Yield faults: conditions on clients whose behaviour was not measured for a release that has the call."""
    calls = [(feature.id, call) for feature in space.knowledge.features.values() for call in feature.calls]
    for data in space.knowledge.capabilities:
        for cell in data.cells:
            for feature, call in calls:
                condition = call.condition
                if condition is None or (feature, call.call) != (cell.feature, cell.call):
                    continue
                if set(getattr(cell, condition.era).values()) == {"unsupported"}:
                    continue
                for version in cell.observed_on:
                    if behaviour_seen(condition, data.package, version, space.knowledge) is None:
                        where = {"sdk": f"{data.package}=={version}"}
                        yield fault(
                            "data", f"{feature} {call.call}", f"{condition.behaviour!r} was not measured", where
                        )


def _known(derived: Derived, package: str, version: str, knowledge: Knowledge) -> bool:
    if derived.pings is not None:
        return ping_interval_s(package, version, knowledge.capabilities) is not None
    return derived.behaviour is None or behaviour(derived.behaviour, package, version, knowledge) != UNKNOWN


_EXACT = ("behaviour", "pings", "measured", "limits", "unnamed", "tls", "reuse", "hops")
"""The kinds of derived facts that `changes` does not compute again."""


def _stale(advisor: Advisor) -> Iterator[Finding]:
    """Yield faults: inputs of decision tables that `changes` does not compute again after a change."""
    exact = {derived.id for derived in advisor.knowledge.derived if derived.computation in _EXACT}
    for table in advisor.tables.values():
        for name in exact.intersection(table.inputs):
            message = f"a decision table reads {name}, which belongs to the exact release or to the proxy as stated"
            yield fault("data", table.spec.table, message)


def _traits(knowledge: Knowledge) -> Iterator[Finding]:
    packages = {data.package for data in knowledge.capabilities}
    for trait in knowledge.traits:
        where = f"trait {trait.name}, {trait.package}"
        if trait.package not in packages:
            yield fault("data", where, "rules/capabilities has no file for this package")
        if not trait.sources:
            yield fault("source", where, "no source is given")
        for source in trait.sources:
            if source not in knowledge.sources:
                yield fault("source", where, f"the source {source!r} does not exist")
    for trait, other in combinations(knowledge.traits, 2):
        same = (trait.name, trait.package) == (other.name, other.package)
        if same and (release := trait.first_shared(other)):
            message = "two traits have the same release"
            yield fault("data", f"trait {trait.name}, {trait.package}", message, {"release": release})


def _underlying(space: FactSpace) -> Iterator[Finding]:
    """Yield faults: releases without exactly one range of mcp releases, and ranges without their own mcp releases."""
    entries = space.knowledge.underlying
    for package in {entry.package for entry in entries}:
        starts = [release.start for release in space.measured.values() if release.package == package]
        for version in (*starts, *(entry.start for entry in entries if entry.package == package)):
            found = [entry.id for entry in entries if entry.package == package and entry.holds(version)]
            if len(found) != 1:
                message = "exactly one entry of `underlying` must have this release"
                yield fault("data", f"underlying {', '.join(found)}", message, {"sdk": f"{package}=={version}"})
    for entry in entries:
        for version in (entry.least, entry.newest):
            if not entry.allows(version):
                yield fault("data", f"underlying {entry.id}", f"mcp {version} is not in the range {entry.requirement}")


def _proxies(knowledge: Knowledge) -> Iterator[Finding]:
    for proxy in knowledge.proxies.values():
        for name, seconds, status in (
            ("idle", proxy.idle_timeout_s, proxy.idle_status),
            ("total", proxy.total_timeout_s, proxy.total_status),
        ):
            if (seconds is None) is not (status in ("none", UNKNOWN)):
                given = "no number" if seconds is None else f"{seconds:g} s"
                yield fault("data", proxy.id, f"{name}_status is {status}, but {name}_timeout_s has {given}")
