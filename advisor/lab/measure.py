"""`capabilities measure`: releases measured one after the other, compared with the data, and written into it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from time import monotonic

from advisor import __version__
from advisor.knowledge.types import ERAS, FLAG_PAIRS, Capabilities, Cell, Outcome, flag_key
from advisor.knowledge.versions import key
from advisor.lab.capability_merge import Record
from advisor.lab.matrix import Behaviours, Cells, Stand, Where
from advisor.lab.run import Run
from advisor.lab.specimen import Say, Specimen, specimen

DEADLINE_S = 5.0
"""An answer that takes longer is a `hang`."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """One release, measured.

    Attributes:
        specimen: the release and what it ran with.
        cells: what was observed of each cell.
        behaviours: what was seen beside the table.
        date: when, as the files write it.
        seconds: how long it took, making the environment included.
    """

    specimen: Specimen
    cells: Cells
    behaviours: Behaviours
    date: str
    seconds: float

    @property
    def sdk(self) -> str:
        """The release, for example `mcp==2.3.0`."""
        return f"{self.specimen.package}=={self.specimen.version}"


@dataclass(frozen=True, slots=True)
class Difference:
    """A cell that was not observed as the data has it.

    Attributes:
        where: the cell.
        expected: what the data says, None where it says nothing.
        observed: the outcome.
        message: what was seen.
    """

    where: Where
    expected: Outcome | None
    observed: Outcome
    message: str


async def measure(
    run: Run, sdks: Sequence[str], known: Sequence[Capabilities], date: str, say: Say, *, deadline_s: float, here: bool
) -> list[Measurement]:
    """Measure releases, one after the other: side by side, they would slow each other down.

    Args:
        run: holds environments and servers.
        sdks: releases such as `mcp==2.3.0`.
        known: the capability data; a cell that differs from it is measured twice.
        date: of today.
        say: is told each step.
        deadline_s: an answer that takes longer is a `hang`.
        here: use the running interpreter where it has the release.
    """
    return [await _measured(run, sdk, known, date, say, deadline_s, here) for sdk in sdks]


async def _measured(
    run: Run, sdk: str, known: Sequence[Capabilities], date: str, say: Say, deadline_s: float, here: bool
) -> Measurement:
    began = monotonic()
    subject = await specimen(run, sdk, say, here=here)
    stand = await Stand.start(run, subject, deadline_s, say)
    cells = await stand.cells(lambda where: near(known, subject, where))
    modern = cells[Where("plain", "tools/call", "modern", FLAG_PAIRS[0])].observation.outcome != "unsupported"
    behaviours = await stand.behaviours(modern=modern)
    await stand.stop()
    return Measurement(subject, cells, behaviours, date, round(monotonic() - began, 1))


def near(known: Sequence[Capabilities], subject: Specimen, where: Where) -> Outcome | None:
    """What the data says of a cell, or of the same cell of the nearest release of the line."""
    version = key(subject.version)
    alike = _alike(known, subject.package, where)
    if found := next((cell for cell in alike if _holds(cell, subject.version)), None):
        return _outcome(found, where)
    of_line = [cell for cell in alike if key(cell.observed_on[0])[0] == version[0]]
    nearest = min(of_line, key=lambda cell: key(cell.start) > version, default=None)
    return _outcome(nearest, where) if nearest else None


def expected(known: Sequence[Capabilities], package: str, version: str, where: Where) -> Outcome | None:
    """What the data says of a cell of a release, None where it says nothing."""
    found = next((cell for cell in _alike(known, package, where) if _holds(cell, version)), None)
    return _outcome(found, where) if found else None


def _alike(known: Sequence[Capabilities], package: str, where: Where) -> list[Cell]:
    cells = [cell for one in known if one.package == package for cell in one.cells]
    return [cell for cell in cells if (cell.feature, cell.call) == (where.feature, where.call)]


def _holds(cell: Cell, version: str) -> bool:
    return key(cell.start) <= key(version) < key(cell.before)


def _outcome(cell: Cell, where: Where) -> Outcome:
    outcomes: dict[str, Outcome] = getattr(cell, where.era)
    return outcomes[flag_key(*where.pair)]


def differences(measurement: Measurement, known: Sequence[Capabilities]) -> list[Difference]:
    """The cells that were not observed as the data has them, in the order of measuring."""
    subject = measurement.specimen
    found = []
    for where, seen in measurement.cells.items():
        wanted = expected(known, subject.package, subject.version, where)
        if wanted != seen.observation.outcome:
            found.append(Difference(where, wanted, seen.observation.outcome, seen.observation.message))
    return found


def record(measurement: Measurement) -> Record:
    """A measurement as the capability files take it."""
    subject = measurement.specimen
    asked = dict.fromkeys((where.feature, where.call) for where in measurement.cells)
    made = Record(subject.version, subject.line, measurement.date)
    for feature, call in asked:
        seen = [measurement.cells[Where(feature, call, era, pair)] for era in ERAS for pair in FLAG_PAIRS]
        made.cells[feature, call] = tuple(one.observation.outcome for one in seen)
        made.evidence[feature, call] = evidence(measurement.cells, feature, call)
    for name, seen_of in measurement.behaviours.items():
        made.behaviour[name] = tuple(seen_of[pair] for pair in FLAG_PAIRS)
    return made


def evidence(cells: Cells, feature: str, call: str) -> str:
    """What was seen of one way of asking, in words: each message once, with the cells that it was seen in.

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
