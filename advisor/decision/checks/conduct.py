"""Faults of rules/conduct.yaml: entries of what nobody measured, that never hold, or that say what the data says."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from advisor.decision.checks.consistency import Fault
from advisor.knowledge import Knowledge
from advisor.knowledge.conduct import MECHANISMS, Conduct, ConductCase, conduct_of, gist, measured
from advisor.knowledge.failures import PROXIES
from advisor.knowledge.types import FLAG_PAIRS, Era


def conduct(knowledge: Knowledge) -> list[Fault]:
    """Every fault."""
    known: set[tuple[str, Era]] = {
        (row.name, row.era) for package in knowledge.capabilities for row in package.behaviour
    }
    cases = [
        ConductCase(name, era, *flags, proxy, held, mechanism)
        for (name, era), flags, proxy, held, mechanism in product(
            sorted(known), FLAG_PAIRS, PROXIES, (False, True), MECHANISMS
        )
    ]
    holding: dict[str, list[ConductCase]] = {}
    for case in cases:
        if (found := conduct_of(case, knowledge.conduct)) is not None:
            holding.setdefault(found.id, []).append(case)
    faults = []
    for one in knowledge.conduct:
        faults += [*_sources(one, knowledge), *_unmeasured(one, known)]
        if one.id not in holding:
            faults.append(_never(one, cases))
        elif not any(_changes(one, case, knowledge) for case in holding[one.id]):
            faults.append(Fault("dead", one.id, "it says what bare servers of every measured release do anyway"))
    return faults


def _unmeasured(one: Conduct, known: set[tuple[str, Era]]) -> Iterator[Fault]:
    for name in one.behaviours:
        if not any((name, era) in known for era in one.eras):
            eras = " or ".join(one.eras)
            yield Fault("dead", one.id, f"the behaviour {name!r} was never measured for {eras} clients")


def _never(one: Conduct, cases: list[ConductCase]) -> Fault:
    if any(one.fits(case) for case in cases):
        return Fault("shadowed", one.id, "an entry before it always holds first")
    return Fault("dead", one.id, "it fits no case")


def _changes(one: Conduct, case: ConductCase, knowledge: Knowledge) -> bool:
    """Whether a bare server of some measured release was seen to do something else."""
    return bool(one.at_first) or any(
        gist(text) != gist(one.seen)
        for package in knowledge.capabilities
        for version in {version for row in package.behaviour for version in row.observed_on}
        if (text := measured(case, version, package.behaviour)) is not None
    )


def _sources(one: Conduct, knowledge: Knowledge) -> Iterator[Fault]:
    if not one.sources:
        yield Fault("source", one.id, "no source is given")
    for source in one.sources:
        if source not in knowledge.sources:
            yield Fault("source", one.id, f"the source {source!r} does not exist")
