"""`capabilities measure`: measures releases one after another and compares the measurements with the stored data."""

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
from advisor.lab.capabilities.behaviours import MeasuredBehaviours, Trait
from advisor.lab.capabilities.comparison import Difference, departures, differences, near, told
from advisor.lab.capabilities.matrix import COPIES, CellKey, Cells, ReleaseServers
from advisor.lab.capabilities.merge import ReleaseRecord
from advisor.lab.process.run import Run
from advisor.lab.process.sdk_under_test import Say, SdkUnderTest, sdk_under_test

DEADLINE_S = 5.0
"""Seconds; an answer that takes longer is a `hang`."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """The measurement of a release.

    Attributes:
        sdk_under_test: the release and its environment.
        cells: the measurement of each cell of the feature table.
        behaviours: the measurement of each behaviour that is not in the feature table.
        date: the date of the measurement, YYYY-MM-DD.
        seconds: the duration, including the installation of the environment.
    """

    sdk_under_test: SdkUnderTest
    cells: Cells
    behaviours: MeasuredBehaviours
    date: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Compared:
    """A measurement and its differences from the stored data.

    Attributes:
        measurement: of a release.
        cells: the cells that differ from the stored data.
        behaviours: the behaviours that differ from the stored data.
    """

    measurement: Measurement
    cells: list[Difference[CellKey]]
    behaviours: list[Difference[Trait]]

    @property
    def agrees(self) -> bool:
        """Whether all cells and behaviours agree with the stored data."""
        return not self.cells and not self.behaviours


def compared(measurement: Measurement, known: Sequence[Capabilities]) -> Compared:
    """Compare a measurement with the stored data."""
    under_test = measurement.sdk_under_test
    cells = differences(measurement.cells, under_test, known)
    return Compared(measurement, cells, departures(measurement.behaviours, under_test, known))


async def measure(
    sdks: Sequence[str], known: Sequence[Capabilities], say: Say, *, deadline_s: float, here: bool
) -> list[Measurement]:
    """Measure releases one after another, because parallel measurements slow each other down.

    Args:
        sdks: releases such as `mcp==2.3.0`.
        known: the stored data; cells and behaviours that differ from it are measured twice.
        say: prints each step.
        deadline_s: seconds; an answer that takes longer is a `hang`.
        here: use the running interpreter for a release that is installed there.
    """
    today = date.today().isoformat()
    async with Run.open("measure") as run:
        return [await _measured(run, sdk, known, today, say, deadline_s, here) for sdk in sdks]


async def _measured(
    run: Run, sdk: str, known: Sequence[Capabilities], today: str, say: Say, deadline_s: float, here: bool
) -> Measurement:
    began = monotonic()
    under_test = await sdk_under_test(run, sdk, say, here=here)
    stand = await ReleaseServers.start(run, under_test, deadline_s, say, copies=[*COPIES, *behaviours.COPIES])
    cells = await stand.cells(lambda where: near(known, under_test, where))
    modern = cells[CellKey("plain", "tools/call", "modern", FLAG_PAIRS[0])].observation.outcome != "unsupported"
    seen_besides = await behaviours.behaviours(
        stand, run, lambda trait: told(known, under_test, trait), say, deadline_s, modern=modern
    )
    await stand.stop()
    return Measurement(under_test, cells, seen_besides, today, round(monotonic() - began, 1))


def record(measurement: Measurement) -> ReleaseRecord:
    """A measurement in the form that `merge` takes."""
    under_test = measurement.sdk_under_test
    asked = dict.fromkeys((where.feature, where.call) for where in measurement.cells)
    made = ReleaseRecord(under_test.version, under_test.line, measurement.date)
    for feature, call in asked:
        seen = [measurement.cells[CellKey(feature, call, era, pair)] for era in ERAS for pair in FLAG_PAIRS]
        made.cells[feature, call] = tuple(cell.observation.outcome for cell in seen)
        made.evidence[feature, call] = evidence(measurement.cells, feature, call)
    seen_besides = measurement.behaviours
    for name, era in dict.fromkeys((trait.name, trait.era) for trait in seen_besides):
        made.behaviour[name, era] = tuple(
            seen_besides[Trait(name, era, pair)].observation.message for pair in FLAG_PAIRS
        )
    return made


def evidence(cells: Cells, feature: str, call: str) -> str:
    """The messages of the cells of an API, one sentence for each message, with the cells that have the message.

    If a release refuses all modern clients, only the evidence of the plain call says so.
    """
    said: dict[str, list[str]] = {}
    refused = all(
        cells[CellKey(feature, call, "modern", pair)].observation.outcome == "unsupported" for pair in FLAG_PAIRS
    )
    for era in ERAS[:1] if refused and feature != "plain" else ERAS:
        for pair in FLAG_PAIRS:
            seen = cells[CellKey(feature, call, era, pair)].observation
            said.setdefault(f"{seen.outcome}, {seen.message}", []).append(f"{era} {flag_key(*pair)}")
    return " ".join(f"With {_places(places)}: {message}." for message, places in said.items())


def _places(places: list[str]) -> str:
    """The names of the cells, for example `legacy stateful+sse`. If all flag pairs of an era are present: the era."""
    shorter: list[str] = []
    for era in ERAS:
        of_era = [place for place in places if place.startswith(era)]
        shorter += [era] if len(of_era) == len(FLAG_PAIRS) else of_era
    return ", ".join(shorter)


def measured_by() -> str:
    """The version of this program and of the SDK whose clients measure."""
    return f"mcp-advisor {__version__}, with the clients of mcp {metadata.version('mcp')}"
