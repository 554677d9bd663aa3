"""Faults of the knowledge that show without deciding anything: sources, unread facts, contradicting data."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Any

from advisor.decision.advisor import Advisor
from advisor.decision.checks import topology
from advisor.decision.checks.fault import fault
from advisor.engine.network import TableNode
from advisor.findings import Finding
from advisor.knowledge import Knowledge
from advisor.knowledge.capabilities import Capabilities, CapabilityCell


def sources(knowledge: Knowledge) -> list[Finding]:
    """Sources that are named and do not exist, and statements without any."""
    named = [(rule.id, rule.sources) for _, rule in knowledge.rules.values()]
    named += [(f"{c.feature}, {c.call}", c.sources) for package in knowledge.capabilities for c in package.cells]
    named += [(f.id, d.sources) for f in knowledge.features.values() for d in f.documented]
    named += [(client.id, client.sources) for client in knowledge.clients.values()]
    named += [(proxy.id, proxy.sources) for proxy in knowledge.proxies.values()]
    named += [(sdk.line, sdk.sources) for sdk in knowledge.sdks.values()]
    named += [(mechanism.id, mechanism.sources) for mechanism in knowledge.mechanisms.values()]
    named += [(measured.source, measured.sources) for measured in knowledge.capacity.values()]
    named += [(f"memory: {allowance.id}", allowance.sources) for allowance in knowledge.memory.allowances]
    named += [(flags.id, flags.sources) for flags in knowledge.flags.values()]
    return [
        fault("source", where, f"the source {source!r} does not exist")
        for where, sources in named
        for source in sources
        if source not in knowledge.sources
    ] + [fault("source", where, "no source is given") for where, sources in named if not sources]


def unread(advisor: Advisor) -> list[Finding]:
    """Facts with a domain that no rule and no derived fact reads, and inputs that no rule of their table reads."""
    tables = {table.table: table for table in advisor.knowledge.tables.values()}
    by_rules = {name: {fact for rule in table.rules for fact in rule.when} for name, table in tables.items()}
    read = {fact for facts in by_rules.values() for fact in facts}
    read |= {name for node in advisor.network.nodes if not isinstance(node, TableNode) for name in node.inputs}
    for derived in advisor.knowledge.derived:
        read |= set((derived.compare or {}).values()) | set((derived.lacking or {}).values())
        read |= set((derived.room or {}).values())
    return [
        fault("unread", name, "no rule reads this fact")
        for name, fact in advisor.space.facts.items()
        if name not in read and fact.type not in ("name", "origins", "tools")
    ] + [
        fault("unread", name, f"no rule of this table reads its input {fact!r}")
        for name, table in tables.items()
        for fact in table.inputs
        if fact not in by_rules[name]
    ]


def contradictions(knowledge: Knowledge) -> list[Finding]:
    """Measured data that contradicts itself, or that names something that does not exist."""
    known = {(feature.id, call.call) for feature in knowledge.features.values() for call in feature.calls}
    found = [
        fault("data", f"{package.package}: {where}", message, example)
        for package in knowledge.capabilities
        for where, message, example in (*_lines(package), *_cells(package, known), *_overlaps(package))
    ]
    found += [fault("data", f"capacity: {where}", message) for where, message in _unmeasured(knowledge)]
    return [*found, *topology.faults(knowledge)]


def _unmeasured(knowledge: Knowledge) -> Iterator[tuple[str, str]]:
    """Lines of releases whose capacity is not measured, or not for all of their clients and flags."""
    lines = {line.id: line for package in knowledge.capabilities for line in package.lines}
    for name, line in lines.items():
        measured = knowledge.capacity.get(name)
        eras = {"legacy", "modern"} if line.modern == "served" else {"legacy"}
        if measured is None:
            yield name, "it is not measured (rules/capacity.yaml)"
        elif not line.holds(measured.release.partition(" ")[2]):
            yield name, f"measured on {measured.release}, which is not of this line"
        elif set(measured.calls_per_s) != eras:
            found, served = ", ".join(measured.calls_per_s), ", ".join(sorted(eras))
            yield name, f"measured with {found} clients, and it serves {served}"


_Found = Iterator[tuple[str, str, dict[str, Any]]]


def _lines(package: Capabilities) -> _Found:
    for line in package.lines:
        if not line.holds(line.newest):
            yield (
                line.id,
                f"its newest release {line.newest} is not in its range {line.start} to before {line.before}",
                {},
            )
    for line, other in combinations(package.lines, 2):
        if shared := line.first_shared(other):
            yield line.id, f"it and {other.id} both hold a release", {"release": shared}


def _cells(package: Capabilities, known: set[tuple[str, str]]) -> _Found:
    for cell in package.cells:
        where = f"{cell.feature}, {cell.call}"
        if (cell.feature, cell.call) not in known:
            yield where, "rules/features.yaml does not name this call of this feature", {}
        for release in cell.observed_on:
            if not cell.holds(release):
                message = f"observed on {release}, which is not in its range {cell.start} to before {cell.before}"
                yield where, message, {"release": release}


def _overlaps(package: Capabilities) -> _Found:
    by_call: dict[tuple[str, str], list[CapabilityCell]] = {}
    for cell in package.cells:
        by_call.setdefault((cell.feature, cell.call), []).append(cell)
    for (feature, call), cells in by_call.items():
        for cell, other in combinations(cells, 2):
            if release := cell.first_shared(other):
                yield f"{feature}, {call}", "two cells speak of the same release", {"release": release}
