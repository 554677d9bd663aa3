"""Checks rules/conduct.yaml: entries without a measurement, without effect, or with the result of the bare SDK."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from advisor.decision.checks.fault import fault
from advisor.findings import Finding
from advisor.knowledge import Knowledge
from advisor.knowledge.conduct import Conduct, ConductCase, conduct_of, gist, measured
from advisor.knowledge.failures import OTHER
from advisor.knowledge.types import FLAG_PAIRS, Era


def conduct(knowledge: Knowledge) -> list[Finding]:
    """Return all faults."""
    known: set[tuple[str, Era]] = {
        (row.name, row.era) for package in knowledge.capabilities for row in package.behaviour
    }
    cases = [
        ConductCase(name, era, *flags, proxy, held, mechanism)
        for (name, era), flags, proxy, held, mechanism in product(
            sorted(known), FLAG_PAIRS, (*knowledge.kit_proxies, OTHER), (False, True), ("none", *knowledge.mechanisms)
        )
    ]
    holding: dict[str, list[ConductCase]] = {}
    for case in cases:
        if (found := conduct_of(case, knowledge.conduct)) is not None:
            holding.setdefault(found.id, []).append(case)
    faults = []
    for entry in knowledge.conduct:
        faults += [*_sources(entry, knowledge), *_unmeasured(entry, known)]
        if entry.id not in holding:
            faults.append(_never(entry, cases))
        elif not any(_changes(entry, case, knowledge) for case in holding[entry.id]):
            faults.append(
                fault(
                    "dead",
                    entry.id,
                    "this entry has no effect: bare servers of every measured release already behave in this way",
                )
            )
    return faults


def _unmeasured(entry: Conduct, known: set[tuple[str, Era]]) -> Iterator[Finding]:
    for name in entry.behaviours:
        if not any((name, era) in known for era in entry.eras):
            eras = " or ".join(entry.eras)
            yield fault("dead", entry.id, f"the behaviour {name!r} has no measurement for {eras} clients")


def _never(entry: Conduct, cases: list[ConductCase]) -> Finding:
    if any(entry.fits(case) for case in cases):
        return fault("shadowed", entry.id, "earlier entries apply to all cases of this entry")
    return fault("dead", entry.id, "this entry applies to no case")


def _changes(entry: Conduct, case: ConductCase, knowledge: Knowledge) -> bool:
    """Return whether a bare server of a measured release has another result than the entry."""
    return bool(entry.at_first) or any(
        gist(text) != gist(entry.seen)
        for package in knowledge.capabilities
        for version in {version for row in package.behaviour for version in row.observed_on}
        if (text := measured(case, version, package.behaviour)) is not None
    )


def _sources(entry: Conduct, knowledge: Knowledge) -> Iterator[Finding]:
    if not entry.sources:
        yield fault("source", entry.id, "no source is given")
    for source in entry.sources:
        if source not in knowledge.sources:
            yield fault("source", entry.id, f"the source {source!r} does not exist")
