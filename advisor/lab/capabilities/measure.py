"""`capabilities measure`: releases measured in sequence, compared with the data, and written into it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from importlib import metadata
from time import monotonic

from advisor import __version__
from advisor.knowledge.capabilities import Capabilities
from advisor.knowledge.types import ERAS, FLAG_PAIRS, flag_key
from advisor.lab.capabilities import behaviours
from advisor.lab.capabilities.behaviours import Behaviours, Trait
from advisor.lab.capabilities.comparison import Difference, departures, differences, near, told
from advisor.lab.capabilities.matrix import COPIES, Cells, Stand, Where
from advisor.lab.capabilities.merge import Record
from advisor.lab.process.run import Run
from advisor.lab.process.sdk_under_test import Say, SdkUnderTest, sdk_under_test

DEADLINE_S = 5.0
"""An answer that takes longer is a `hang`."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """One release, measured.

    Attributes:
        sdk_under_test: the release and what it ran with.
        cells: what was observed of each cell.
        behaviours: what was seen besides the table.
        date: when, as the files write it.
        seconds: how long it took, making the environment included.
    """

    sdk_under_test: SdkUnderTest
    cells: Cells
    behaviours: Behaviours
    date: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Compared:
    """A measurement compared with the data.

    Attributes:
        measurement: of a release.
        cells: those that were not observed as the data has them.
        behaviours: the same of what was seen besides the table.
    """

    measurement: Measurement
    cells: list[Difference[Where]]
    behaviours: list[Difference[Trait]]

    @property
    def agrees(self) -> bool:
        """Whether everything is as the data has it."""
        return not self.cells and not self.behaviours


def compared(measurement: Measurement, known: Sequence[Capabilities]) -> Compared:
    """Compare a measurement with the data."""
    under_test = measurement.sdk_under_test
    cells = differences(measurement.cells, under_test, known)
    return Compared(measurement, cells, departures(measurement.behaviours, under_test, known))


async def measure(
    sdks: Sequence[str], known: Sequence[Capabilities], say: Say, *, deadline_s: float, here: bool
) -> list[Measurement]:
    """Measure releases, in sequence: side by side, they would slow each other down.

    Args:
        sdks: releases such as `mcp==2.3.0`.
        known: the capability data; what differs from it is measured twice.
        say: is told each step.
        deadline_s: an answer that takes longer is a `hang`.
        here: use the running interpreter where it has the release.
    """
    today = date.today().isoformat()
    async with Run.open("measure") as run:
        return [await _measured(run, sdk, known, today, say, deadline_s, here) for sdk in sdks]


async def _measured(
    run: Run, sdk: str, known: Sequence[Capabilities], today: str, say: Say, deadline_s: float, here: bool
) -> Measurement:
    began = monotonic()
    under_test = await sdk_under_test(run, sdk, say, here=here)
    stand = await Stand.start(run, under_test, deadline_s, say, copies=[*COPIES, *behaviours.COPIES])
    cells = await stand.cells(lambda where: near(known, under_test, where))
    modern = cells[Where("plain", "tools/call", "modern", FLAG_PAIRS[0])].observation.outcome != "unsupported"
    seen_besides = await behaviours.behaviours(
        stand, run, lambda trait: told(known, under_test, trait), say, deadline_s, modern=modern
    )
    await stand.stop()
    return Measurement(under_test, cells, seen_besides, today, round(monotonic() - began, 1))


def record(measurement: Measurement) -> Record:
    """A measurement as the capability files take it."""
    under_test = measurement.sdk_under_test
    asked = dict.fromkeys((where.feature, where.call) for where in measurement.cells)
    made = Record(under_test.version, under_test.line, measurement.date)
    for feature, call in asked:
        seen = [measurement.cells[Where(feature, call, era, pair)] for era in ERAS for pair in FLAG_PAIRS]
        made.cells[feature, call] = tuple(cell.observation.outcome for cell in seen)
        made.evidence[feature, call] = evidence(measurement.cells, feature, call)
    seen_besides = measurement.behaviours
    for name, era in dict.fromkeys((trait.name, trait.era) for trait in seen_besides):
        made.behaviour[name, era] = tuple(
            seen_besides[Trait(name, era, pair)].observation.message for pair in FLAG_PAIRS
        )
    return made


def evidence(cells: Cells, feature: str, call: str) -> str:
    """What was seen of a way of asking, in words: each message once, with the cells that it was seen in.

    A release that refuses all modern clients says so at its plain call, and not at each way of asking.
    """
    said: dict[str, list[str]] = {}
    refused = all(
        cells[Where(feature, call, "modern", pair)].observation.outcome == "unsupported" for pair in FLAG_PAIRS
    )
    for era in ERAS[:1] if refused and feature != "plain" else ERAS:
        for pair in FLAG_PAIRS:
            seen = cells[Where(feature, call, era, pair)].observation
            said.setdefault(f"{seen.outcome}, {seen.message}", []).append(f"{era} {flag_key(*pair)}")
    return "; ".join(f"{_places(places)}: {message}" for message, places in said.items()) + "."


def _places(places: list[str]) -> str:
    """The cells by name; an era in which it is all four is named alone."""
    shorter: list[str] = []
    for era in ERAS:
        of_era = [place for place in places if place.startswith(era)]
        shorter += [era] if len(of_era) == len(FLAG_PAIRS) else of_era
    return ", ".join(shorter)


def measured_by() -> str:
    """The program and the clients that measure."""
    return f"mcp-advisor {__version__}, with the clients of mcp {metadata.version('mcp')}"
