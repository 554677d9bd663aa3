"""Compares the measurement of a release with the stored data in rules/capabilities/. Pure functions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from advisor.knowledge.capabilities import Capabilities, CapabilityCell
from advisor.knowledge.types import FLAG_PAIRS, Outcome, flag_key
from advisor.knowledge.versions import key
from advisor.lab.capabilities.behaviours import MeasuredBehaviours, Trait, alike
from advisor.lab.capabilities.matrix import CellKey, Cells
from advisor.lab.process.sdk_under_test import SdkUnderTest

MeasuredKey = TypeVar("MeasuredKey", CellKey, Trait)


@dataclass(frozen=True, slots=True)
class Difference(Generic[MeasuredKey]):
    """A cell or a behaviour whose measurement differs from the stored data.

    The release changed or the stored data is wrong. `capabilities measure --write` stores the new measurement. A
    difference is not a `Finding`, because it has no severity and no remediation.

    Attributes:
        place: the key of the cell or behaviour.
        expected: the value in the stored data; None if the data has no value.
        observed: the measured value; None if it was not measured.
        message: the message of the observation of a cell.
    """

    place: MeasuredKey
    expected: str | None
    observed: str | None
    message: str = ""


def differences(cells: Cells, under_test: SdkUnderTest, known: Sequence[Capabilities]) -> list[Difference[CellKey]]:
    """The cells that differ from the stored data, in the order of the measurement."""
    found = []
    for where, seen in cells.items():
        wanted = expected(known, under_test.package, under_test.version, where)
        if wanted != seen.observation.outcome:
            found.append(Difference(where, wanted, seen.observation.outcome, seen.observation.message))
    return found


def departures(
    seen: MeasuredBehaviours, under_test: SdkUnderTest, known: Sequence[Capabilities]
) -> list[Difference[Trait]]:
    """The behaviours that differ from the stored data. Behaviours that were not measured come last."""
    said = dict(_told(known, under_test))
    found = [
        Difference(trait, said.get(trait), noted.observation.message)
        for trait, noted in seen.items()
        if trait not in said or not alike(said[trait], noted.observation.message)
    ]
    return found + [Difference(trait, message, None) for trait, message in said.items() if trait not in seen]


def near(known: Sequence[Capabilities], under_test: SdkUnderTest, where: CellKey) -> Outcome | None:
    """The stored outcome of a cell; else the outcome in another range of the same major version; else None."""
    version = key(under_test.version)
    same = _cells(known, under_test.package, where)
    if found := next((cell for cell in same if cell.holds(under_test.version)), None):
        return outcome_of(found, where)
    of_line = [cell for cell in same if key(cell.observed_on[0])[0] == version[0]]
    nearest = min(of_line, key=lambda cell: key(cell.start) > version, default=None)
    return outcome_of(nearest, where) if nearest else None


def expected(known: Sequence[Capabilities], package: str, version: str, where: CellKey) -> Outcome | None:
    """The stored outcome of a cell of a release; None if the data has no outcome."""
    found = next((cell for cell in _cells(known, package, where) if cell.holds(version)), None)
    return outcome_of(found, where) if found else None


def told(known: Sequence[Capabilities], under_test: SdkUnderTest, trait: Trait) -> str | None:
    """The stored message of a behaviour of a release; None if the data has no message."""
    return next((message for known_trait, message in _told(known, under_test) if known_trait == trait), None)


def _told(known: Sequence[Capabilities], under_test: SdkUnderTest) -> Iterator[tuple[Trait, str]]:
    for package in known:
        for behaviour in package.behaviour if package.package == under_test.package else []:
            if behaviour.holds(under_test.version):
                for pair in FLAG_PAIRS:
                    yield Trait(behaviour.name, behaviour.era, pair), behaviour.seen[flag_key(*pair)]


def _cells(known: Sequence[Capabilities], package: str, where: CellKey) -> list[CapabilityCell]:
    cells = [cell for package_data in known if package_data.package == package for cell in package_data.cells]
    return [cell for cell in cells if (cell.feature, cell.call) == (where.feature, where.call)]


def outcome_of(cell: CapabilityCell, where: CellKey) -> Outcome:
    """The outcome of a cell for the protocol era and flag pair of `where`."""
    outcomes: dict[str, Outcome] = getattr(cell, where.era)
    return outcomes[flag_key(*where.pair)]
