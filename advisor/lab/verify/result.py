"""The result of a verification, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from advisor.knowledge.types import Era, Outcome
from advisor.lab.chaos.evidence import ChaosRow
from advisor.lab.fleet.log_excerpts import LogLine
from advisor.lab.fleet.session_traffic import SessionTraffic
from advisor.lab.load.run import Load
from advisor.lab.process.steps import TimedStep
from advisor.lab.verify.prediction import PredictedCell

LATER = "at the 2nd attempt"
"""Marks an observation that matched the prediction only at the second attempt."""


@dataclass(frozen=True, slots=True)
class Checked:
    """A cell with its predicted and its observed outcome.

    Attributes:
        cell: the cell with its predicted outcome.
        observed: the outcome that clients observed.
        detail: the message of the observation, and the tool that was called.
        evidence: the log lines of the observation; only for a difference.
    """

    cell: PredictedCell
    observed: Outcome
    detail: str
    evidence: tuple[LogLine, ...] = ()

    @property
    def agrees(self) -> bool:
        """Whether the observed outcome is the predicted outcome."""
        return self.observed == self.cell.predicted


@dataclass(frozen=True, slots=True)
class Behaved:
    """A behaviour that is no cell of the feature table, as clients of one era observe it.

    Attributes:
        tier: name of the tier; None in a single-tier deployment.
        era: protocol era of the client.
        name: name of the behaviour in rules/capabilities.
        predicted: expected result: an HTTP status, or words.
        observed: observed result in the same form.
        detail: the complete message.
        evidence: the log lines of the observation; only for a difference.
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
        """Whether the observed outcome is the predicted outcome."""
        return self.observed == self.predicted


@dataclass(frozen=True, slots=True)
class Trial:
    """A check of the kit that belongs to no feature and to no protocol era.

    Attributes:
        name: the name of the check, such as `session limit of an instance`.
        place: the process or the file that the check is about.
        expected: the expected result in words.
        observed: the observed result in the same form.
        agrees: whether the observed result is the expected result.
    """

    name: str
    place: str
    expected: str
    observed: str
    agrees: bool


@dataclass(frozen=True, slots=True)
class Verification:
    """The complete result of a verification.

    Attributes:
        service: name of the service.
        proxy: the proxy with its version.
        instances: number of instances by tier. An instance with workers is one instance.
        cells: the cells in the order of the feature table.
        traffic: the result of many clients, in the order of the tiers.
        problems: problems other than cells and behaviours, in words.
        notes: remarks on how the verification ran.
        steps: the steps with their durations, in order.
        seconds: total duration.
        floor_seconds: start-up time of the instances, which start in parallel.
        logs: folder of the logs; "" if no logs were kept.
        chaos: expected and observed behaviour after faults; only with `--chaos`.
        load: measured load of an instance; only with `--load`.
        behaviours: behaviours that have a prediction and are no cells of the feature table.
        trials: checks that belong to no feature and to no protocol era.
        unknown: number of behaviours without a measurement of this SDK release.
        sdk: the minor release of the SDK; "" if the result does not say it.
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
    trials: tuple[Trial, ...] = ()
    unknown: int = 0
    sdk: str = ""

    @property
    def ok(self) -> bool:
        """Whether everything is as predicted and no client had a failed call."""
        agree = [cell.agrees for cell in self.cells] + [behaviour.agrees for behaviour in self.behaviours]
        agree += [row.agrees for row in self.trials] + [row.agrees for row in self.chaos]
        return all(agree) and not self.problems and not any(crowd.lost for crowd in self.traffic)

    @property
    def ratio(self) -> float:
        """The total duration divided by the start-up time of the instances."""
        return self.seconds / self.floor_seconds if self.floor_seconds else 0.0
