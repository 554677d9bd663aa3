"""A verification as the document that `verify --format json` prints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Literal, TypedDict

from advisor.documents import OPTIONAL, Count, Day, Hundredths, Rounded, Tenths, document
from advisor.knowledge.types import Era, Need
from advisor.knowledge.vocabulary import FeatureId, FeatureOutcome
from advisor.lab.chaos.report import ChaosRecord, chaos_data
from advisor.lab.fleet.log_excerpts import LogLine
from advisor.lab.fleet.session_traffic import SessionTraffic
from advisor.lab.load.run import Load
from advisor.lab.process.steps import TimedStep

if TYPE_CHECKING:
    from advisor.lab.verify.result import Verification


class CheckedRecord(TypedDict):
    """A cell of the feature table.

    Attributes:
        tier: null in a single-tier deployment.
        call: the SDK call of the feature in server code; null if the SDK has none.
        tool: the tool of the kit that was called; null for a test tool with the SDK call.
        predicted: expected outcome.
        observed: observed outcome.
        detail: the message of the observed outcome.
        evidence: log lines of the observation; only for a difference.
    """

    tier: str | None
    era: Era
    feature: FeatureId
    need: Need
    call: str | None
    tool: str | None
    predicted: FeatureOutcome
    observed: FeatureOutcome
    agrees: bool
    detail: str
    evidence: list[LogLine]


class BehavedRecord(TypedDict):
    """A behaviour that is no cell of the feature table.

    Attributes:
        tier: null in a single-tier deployment.
        name: name of the behaviour, as in `capabilities`.
        predicted: expected result: an HTTP status such as HTTP 405, or words.
        observed: observed result in the same form.
        detail: the complete message.
        evidence: log lines of the observation; only for a difference.
    """

    tier: str | None
    era: Era
    name: str
    predicted: str
    observed: str
    agrees: bool
    detail: str
    evidence: list[LogLine]


class TrialRecord(TypedDict):
    """A check of the kit that belongs to no feature and to no protocol era.

    Attributes:
        name: name of the check.
        place: the process or the file that the check is about.
        expected: expected result in words.
        observed: observed result in the same form.
    """

    name: str
    place: str
    expected: str
    observed: str
    agrees: bool


class SessionsRecord(TypedDict):
    """Sessions and calls of all clients.

    Attributes:
        opened: opened sessions.
        lost: clients with at least one failed call.
        per_instance: sessions that each instance holds; without sessions, calls that each instance answered.
        calls: calls of all clients.
        wrong_instance: calls that reached an instance without the session of the call.
        wrong_instance_rate: `wrong_instance` divided by `calls`.
    """

    opened: Count
    lost: Count
    per_instance: list[Count]
    calls: Count
    wrong_instance: Count
    wrong_instance_rate: Annotated[float, {"minimum": 0, "maximum": 1}, Rounded(4)]


class VerificationDocument(TypedDict):
    """The result of `mcp-advisor verify`, version 1.

    Attributes:
        ok: whether everything is as predicted and no call failed.
        date: the day of the run.
        sdk: the minor release of the SDK.
        proxy: the proxy with its version.
        instances: number of instances of all tiers.
        tiers: number of instances by tier.
        cells: expected and observed outcome of each feature, by tier and protocol era.
        behaviours: expected and observed behaviours that are no cell of the feature table, such as a GET request.
        behaviours_unknown: number of behaviours without a measurement of this SDK release.
        trials: checks that belong to no feature and to no protocol era, such as the session limits.
        sessions: sessions and calls of all clients.
        traffic: sessions and calls by tier and protocol era.
        chaos: expected and observed behaviour after faults (--chaos); empty without --chaos.
        load: measured load of an instance (--load); null without --load.
        problems: problems other than cells and behaviours, in words.
        notes: differences between this run and the requirements, and what was not tried.
        steps: the steps of the run with their durations.
        seconds: total duration.
        floor_seconds: start-up time of the instances, which start in parallel.
        ratio: `seconds` divided by `floor_seconds`.
        logs: folder of the logs; null if no logs were kept.
    """

    schema: Literal["mcp-advisor/verification/1"]
    ok: bool
    service: str
    date: Annotated[Day, OPTIONAL]
    sdk: Annotated[str, OPTIONAL]
    proxy: str
    instances: Annotated[int, {"minimum": 1}]
    tiers: dict[str, Count]
    cells: list[CheckedRecord]
    behaviours: list[BehavedRecord]
    behaviours_unknown: Count
    trials: Annotated[list[TrialRecord], OPTIONAL]
    sessions: SessionsRecord
    traffic: list[SessionTraffic]
    chaos: list[ChaosRecord]
    load: Load | None
    problems: list[str]
    notes: list[str]
    steps: list[TimedStep]
    seconds: Tenths
    floor_seconds: Tenths
    ratio: Hundredths
    logs: str | None


def verification_dict(found: Verification, date: str = "") -> VerificationDocument:
    """Convert the result of a verification to the document of `verify --format json`.

    Args:
        found: the result.
        date: the day of the run as YYYY-MM-DD; "" leaves it out.
    """
    return document(
        VerificationDocument,
        found,
        **({"date": date} if date else {}),
        instances=sum(found.instances.values()),
        tiers=found.instances,
        cells=[
            document(
                CheckedRecord,
                checked.cell,
                observed=checked.observed,
                agrees=checked.agrees,
                detail=checked.detail,
                evidence=checked.evidence,
            )
            for checked in found.cells
        ],
        behaviours_unknown=found.unknown,
        sessions=_sessions(found.traffic),
        chaos=chaos_data(found.chaos),
    )


def _sessions(traffic: Sequence[SessionTraffic]) -> SessionsRecord:
    """Add up the traffic of all tiers and eras. The numbers per instance are those of the first part with sessions."""
    keeping = [part for part in traffic if part.sessions]
    shown = (keeping or list(traffic))[:1]
    calls = sum(part.calls for part in traffic)
    wrong = sum(part.wrong_instance for part in traffic)
    return document(
        SessionsRecord,
        opened=sum(part.sessions for part in traffic),
        lost=sum(part.lost for part in traffic),
        per_instance=[number for part in shown for number in part.per_instance],
        calls=calls,
        wrong_instance=wrong,
        wrong_instance_rate=wrong / calls if calls else 0.0,
    )
