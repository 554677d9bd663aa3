"""What a verification found, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from advisor.knowledge.types import Era, Outcome
from advisor.lab.chaos.evidence import ChaosRow
from advisor.lab.fleet.explain import LogLine
from advisor.lab.fleet.session_traffic import SessionTraffic
from advisor.lab.load.run import Load
from advisor.lab.process.steps import TimedStep
from advisor.lab.verify.prediction import PredictedCell

LATER = "at the 2nd attempt"
"""What is said of that which only a second look saw as predicted."""


@dataclass(frozen=True, slots=True)
class Checked:
    """One cell, predicted and observed.

    Attributes:
        cell: what was predicted.
        observed: what clients saw.
        detail: the message behind it, and on which tool it was seen.
        evidence: for a difference, what the processes logged meanwhile.
    """

    cell: PredictedCell
    observed: Outcome
    detail: str
    evidence: tuple[LogLine, ...] = ()

    @property
    def agrees(self) -> bool:
        """Whether the prediction was right."""
        return self.observed == self.cell.predicted


@dataclass(frozen=True, slots=True)
class Behaved:
    """What clients of an era saw of a behaviour that is no cell of the feature table.

    Attributes:
        tier: its name; None where there are no tiers.
        era: of the client.
        name: what was tried, as rules/capabilities names it.
        predicted: what it should come to: the status of an answer, or words.
        observed: what it came to, shortened in the same way.
        detail: the whole message.
        evidence: for a difference, what the processes logged meanwhile.
    """

    tier: str | None
    era: Era
    name: str
    predicted: str
    observed: str
    detail: str
    evidence: tuple[LogLine, ...] = ()

    @property
    def agrees(self) -> bool:
        """Whether the prediction was right."""
        return self.observed == self.predicted


@dataclass(frozen=True, slots=True)
class Verification:
    """The whole result.

    Attributes:
        service: its name.
        proxy: what stood in front, with its version.
        instances: how many server processes (with their workers) ran, by tier.
        cells: in the order of the feature table.
        traffic: in the order of the tiers.
        problems: what is wrong apart from cells and sessions, in words.
        notes: what the reader should know of how it was run.
        steps: in order.
        seconds: all in all.
        floor_seconds: how long the instances took to start, side by side.
        logs: where the logs are, or "".
        chaos: what was promised for failures and what was seen, where that was wanted.
        load: what an instance carries, where that was wanted.
        behaviours: what clients saw apart from the feature table, where there is a prediction.
        unknown: how many behaviours were tried of which there is no measurement of this release.
    """

    service: str
    proxy: str
    instances: Mapping[str, int]
    cells: tuple[Checked, ...] = ()
    traffic: tuple[SessionTraffic, ...] = ()
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    steps: tuple[TimedStep, ...] = ()
    seconds: float = 0.0
    floor_seconds: float = 0.0
    logs: str = ""
    chaos: tuple[ChaosRow, ...] = ()
    load: Load | None = None
    behaviours: tuple[Behaved, ...] = ()
    unknown: int = 0

    @property
    def ok(self) -> bool:
        """Whether everything was as predicted and no session was lost."""
        agree = [cell.agrees for cell in self.cells] + [behaviour.agrees for behaviour in self.behaviours]
        agree += [row.agrees for row in self.chaos]
        return all(agree) and not self.problems and not any(crowd.lost for crowd in self.traffic)

    @property
    def ratio(self) -> float:
        """How many times the start of the instances all of it took."""
        return self.seconds / self.floor_seconds if self.floor_seconds else 0.0
