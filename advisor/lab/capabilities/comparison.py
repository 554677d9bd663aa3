"""What was measured of a release, compared with what the capability data says of it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from advisor.knowledge.capabilities import Capabilities, CapabilityCell
from advisor.knowledge.types import FLAG_PAIRS, Outcome, flag_key
from advisor.knowledge.versions import key
from advisor.lab.capabilities.behaviours import Behaviours, Trait, alike
from advisor.lab.capabilities.matrix import Cells, Where
from advisor.lab.process.sdk_under_test import SdkUnderTest

Place = TypeVar("Place", Where, Trait)


@dataclass(frozen=True, slots=True)
class Difference(Generic[Place]):
    """A cell or a behaviour that was not observed as the data has it.

    A row of a comparison and not a `Finding`: it has no severity and no fix. Either the release changed or the data is
    wrong, and `capabilities measure --write` takes what was observed.

    Attributes:
        place: of the cell or behaviour.
        expected: what the data says, None where it says nothing.
        observed: what was observed, None where it was not tried.
        message: what was seen of a cell, in words.
    """

    place: Place
    expected: str | None
    observed: str | None
    message: str = ""


def differences(cells: Cells, under_test: SdkUnderTest, known: Sequence[Capabilities]) -> list[Difference[Where]]:
    """The cells that were not observed as the data has them, in the order of measuring."""
    found = []
    for where, seen in cells.items():
        wanted = expected(known, under_test.package, under_test.version, where)
        if wanted != seen.observation.outcome:
            found.append(Difference(where, wanted, seen.observation.outcome, seen.observation.message))
    return found


def departures(seen: Behaviours, under_test: SdkUnderTest, known: Sequence[Capabilities]) -> list[Difference[Trait]]:
    """The behaviours that were not seen as the data has them; those that were not tried at all come last."""
    said = dict(_told(known, under_test))
    found = [
        Difference(trait, said.get(trait), noted.observation.message)
        for trait, noted in seen.items()
        if trait not in said or not alike(said[trait], noted.observation.message)
    ]
    return found + [Difference(trait, message, None) for trait, message in said.items() if trait not in seen]


def near(known: Sequence[Capabilities], under_test: SdkUnderTest, where: Where) -> Outcome | None:
    """What the data says of a cell, or of the same cell of the nearest release of the line."""
    version = key(under_test.version)
    same = _cells(known, under_test.package, where)
    if found := next((cell for cell in same if cell.holds(under_test.version)), None):
        return outcome_of(found, where)
    of_line = [cell for cell in same if key(cell.observed_on[0])[0] == version[0]]
    nearest = min(of_line, key=lambda cell: key(cell.start) > version, default=None)
    return outcome_of(nearest, where) if nearest else None


def expected(known: Sequence[Capabilities], package: str, version: str, where: Where) -> Outcome | None:
    """What the data says of a cell of a release, None where it says nothing."""
    found = next((cell for cell in _cells(known, package, where) if cell.holds(version)), None)
    return outcome_of(found, where) if found else None


def told(known: Sequence[Capabilities], under_test: SdkUnderTest, trait: Trait) -> str | None:
    """What the data says of a behaviour of a release, None where it says nothing."""
    return next((message for known_trait, message in _told(known, under_test) if known_trait == trait), None)


def _told(known: Sequence[Capabilities], under_test: SdkUnderTest) -> Iterator[tuple[Trait, str]]:
    for package in known:
        for behaviour in package.behaviour if package.package == under_test.package else []:
            if behaviour.holds(under_test.version):
                for pair in FLAG_PAIRS:
                    yield Trait(behaviour.name, behaviour.era, pair), behaviour.seen[flag_key(*pair)]


def _cells(known: Sequence[Capabilities], package: str, where: Where) -> list[CapabilityCell]:
    cells = [cell for package_data in known if package_data.package == package for cell in package_data.cells]
    return [cell for cell in cells if (cell.feature, cell.call) == (where.feature, where.call)]


def outcome_of(cell: CapabilityCell, where: Where) -> Outcome:
    """What a cell says of one era and one flag pair."""
    outcomes: dict[str, Outcome] = getattr(cell, where.era)
    return outcomes[flag_key(*where.pair)]
