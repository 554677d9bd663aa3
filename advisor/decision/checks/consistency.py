"""Checks of the rules and the data without decisions: sources, unused facts, contradicting data."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Any

from advisor.decision.advisor import Advisor
from advisor.decision.checks import topology
from advisor.decision.checks.fault import fault
from advisor.decision.facts import COMPUTED
from advisor.engine.network import TableNode
from advisor.findings import Finding
from advisor.knowledge import Knowledge
from advisor.knowledge.capabilities import Capabilities, CapabilityCell
from advisor.knowledge.releases import release_ranges
from advisor.knowledge.space import UNKNOWN


def sources(knowledge: Knowledge) -> list[Finding]:
    """Return faults: cited sources that do not exist, and entries without a source."""
    named = [(rule.id, rule.sources) for _, rule in knowledge.rules.values()]
    named += [(f"{c.feature}, {c.call}", c.sources) for package in knowledge.capabilities for c in package.cells]
    named += [(f.id, d.sources) for f in knowledge.features.values() for d in f.documented]
    named += [(client.id, client.sources) for client in knowledge.clients.values()]
    named += [(proxy.id, proxy.sources) for proxy in knowledge.proxies.values()]
    named += [(sdk.line, sdk.sources) for sdk in knowledge.sdks.values()]
    named += [(profile.id, profile.sources) for profile in knowledge.profiles.values()]
    named += [(name, entry.sources) for name, entry in knowledge.languages.items() if name != UNKNOWN]
    named += [(mechanism.id, mechanism.sources) for mechanism in knowledge.mechanisms.values()]
    named += [(measured.source, measured.sources) for measured in knowledge.capacity.values()]
    named += [(f"memory: {allowance.id}", allowance.sources) for allowance in knowledge.memory.allowances]
    named += [(flags.id, flags.sources) for flags in knowledge.flags.values()]
    named += [(proxy.id, proxy.sources) for proxy in knowledge.kit_proxies.values() if proxy.fixed or proxy.sources]
    named += [(f"kit front: {front.id}", front.sources) for front in knowledge.kit_fronts.values()]
    named += [(network.id, network.sources) for network in knowledge.networks.values()]
    named += [(f"image: {image.id}", image.sources) for image in knowledge.images.values()]
    named += [(figure.id, figure.sources) for figure in knowledge.figures.values() if figure.sources]
    named += [(f"estimate: {entry.id}", entry.sources) for entry in knowledge.estimates.values() if entry.sources]
    named += [(f"diagnosis: {entry.id}", entry.sources) for entry in knowledge.diagnoses.values()]
    return [
        fault("source", where, f"the source {source!r} does not exist")
        for where, sources in named
        for source in sources
        if source not in knowledge.sources
    ] + [fault("source", where, "no source is given") for where, sources in named if not sources]


def unread(advisor: Advisor) -> list[Finding]:
    """Return faults: facts that no rule and no derived fact uses, and inputs that no rule of their table uses."""
    tables = {table.table: table for table in advisor.knowledge.tables.values()}
    by_rules = {name: {fact for rule in table.rules for fact in rule.when} for name, table in tables.items()}
    read = {fact for facts in by_rules.values() for fact in facts}
    read |= {name for node in advisor.network.nodes if not isinstance(node, TableNode) for name in node.inputs}
    for _, computation, spec in advisor.space.computed:
        read |= set(spec.values()) if computation in COMPUTED else set()
    return [
        fault("unread", name, "no rule uses this fact")
        for name, fact in advisor.space.facts.items()
        if name not in read and fact.type not in ("name", "tools")
    ] + [
        fault("unread", name, f"no rule of this table uses the input {fact!r}")
        for name, table in tables.items()
        for fact in table.inputs
        if fact not in by_rules[name]
    ]


def reasons(knowledge: Knowledge) -> list[Finding]:
    """Return faults: rules whose reason is that of a table which decides later, or which does not exist."""
    tables = list(knowledge.tables)
    return [
        fault("reason", rule.id, f"no earlier table has the id {rule.reason!r}")
        for table, rule in knowledge.rules.values()
        if rule.reason and rule.reason not in tables[: tables.index(table.table)]
    ]


def contradictions(knowledge: Knowledge) -> list[Finding]:
    """Return faults: measured data that contradicts other data, or that names an entry that does not exist."""
    known = {(feature.id, call.call) for feature in knowledge.features.values() for call in feature.calls}
    found = [
        fault("data", f"{package.package}: {where}", message, example)
        for package in knowledge.capabilities
        for where, message, example in (*_lines(package), *_cells(package, known), *_overlaps(package))
    ]
    found += list(_holes(knowledge))
    found += [fault("data", f"capacity: {where}", message) for where, message in _unmeasured(knowledge)]
    return [*found, *topology.faults(knowledge)]


def _unmeasured(knowledge: Knowledge) -> Iterator[tuple[str, str]]:
    """Yield faults: SDK lines without a capacity measurement, or without a measurement for one of their eras."""
    lines = {line.id: line for package in knowledge.capabilities for line in package.lines}
    for name, line in lines.items():
        measured = knowledge.capacity.get(name)
        eras = {"legacy", "modern"} if line.modern == "served" else {"legacy"}
        if measured is None:
            yield name, "rules/capacity.yaml has no measurement for this SDK line"
        elif not line.holds(measured.release.partition(" ")[2]):
            yield name, f"the measurement is from {measured.release}, which is not a release of this SDK line"
        elif set(measured.calls_per_s) != eras:
            found, served = ", ".join(measured.calls_per_s), ", ".join(sorted(eras))
            yield name, f"the measurement has {found} clients, but servers of this SDK line serve {served} clients"


_Found = Iterator[tuple[str, str, dict[str, Any]]]


def _lines(package: Capabilities) -> _Found:
    for line in package.lines:
        if not line.holds(line.newest):
            yield line.id, f"the newest release {line.newest} is outside of the range {line.limits}", {}
    for line, other in combinations(package.lines, 2):
        if shared := line.first_shared(other):
            yield line.id, f"the ranges of {line.id} and {other.id} overlap", {"release": shared}


def _cells(package: Capabilities, known: set[tuple[str, str]]) -> _Found:
    for cell in package.cells:
        where = f"{cell.feature}, {cell.call}"
        if (cell.feature, cell.call) not in known:
            yield where, "rules/features.yaml does not have this call for this feature", {}
        for release in cell.observed_on:
            if not cell.holds(release):
                message = f"observed_on has {release}, which is outside of the range {cell.limits}"
                yield where, message, {"release": release}


def _holes(knowledge: Knowledge) -> Iterator[Finding]:
    """Yield faults: releases for which a call has no cell, although the releases around them have one.

    A call can begin or end with an SDK line.
    """
    ranges = release_ranges(knowledge.capabilities, knowledge.capacity)
    for package in knowledge.capabilities:
        releases = [release for release in ranges if release.package == package.package]
        by_call: dict[tuple[str, str], list[CapabilityCell]] = {}
        for cell in package.cells:
            by_call.setdefault((cell.feature, cell.call), []).append(cell)
        for (feature, call), cells in by_call.items():
            covered = [release for release in releases if any(cell.covers(release) for cell in cells)]
            lines = [release.line for release in covered]
            between = releases[releases.index(covered[0]) : releases.index(covered[-1])] if covered else []
            for release in releases:
                if release not in covered and (release in between or release.line in lines):
                    message = "this call has cells for releases around this release, but not for this release"
                    yield fault("data", f"{package.package}: {feature}, {call}", message, {"sdk": release.id})
                    break


def _overlaps(package: Capabilities) -> _Found:
    by_call: dict[tuple[str, str], list[CapabilityCell]] = {}
    for cell in package.cells:
        by_call.setdefault((cell.feature, cell.call), []).append(cell)
    for (feature, call), cells in by_call.items():
        for cell, other in combinations(cells, 2):
            if release := cell.first_shared(other):
                yield f"{feature}, {call}", "two cells have the same release", {"release": release}
