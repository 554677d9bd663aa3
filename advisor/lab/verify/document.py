"""A verification as the document that `verify --format json` prints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Literal, TypedDict

from advisor.documents import Count, Hundredths, Rounded, Tenths, document
from advisor.knowledge.types import Era, Need
from advisor.knowledge.vocabulary import FeatureId, Seen
from advisor.lab.chaos.report import ChaosRecord, chaos_data
from advisor.lab.fleet.explain import LogLine
from advisor.lab.fleet.session_traffic import SessionTraffic
from advisor.lab.load.run import Load
from advisor.lab.process.steps import TimedStep

if TYPE_CHECKING:
    from advisor.lab.verify.result import Verification


class CheckedRecord(TypedDict):
    """A cell of the feature table.

    Attributes:
        tier: null in a single-tier deployment.
        call: the way of asking, as written in server code; null where there is none.
        tool: the tool of the kit that was called; null for a tool of the lab with the bare call.
        detail: the message behind the observed outcome.
        evidence: what was logged meanwhile.
    """

    tier: str | None
    era: Era
    feature: FeatureId
    need: Need
    call: str | None
    tool: str | None
    predicted: Seen
    observed: Seen
    agrees: bool
    detail: str
    evidence: list[LogLine]


class BehavedRecord(TypedDict):
    """A behaviour that is no cell of the feature table.

    Attributes:
        tier: null in a single-tier deployment.
        name: what was tried, as `capabilities` names it.
        predicted: the status of an answer (HTTP 405), or words.
        detail: the whole message.
        evidence: what was logged meanwhile.
    """

    tier: str | None
    era: Era
    name: str
    predicted: str
    observed: str
    agrees: bool
    detail: str
    evidence: list[LogLine]


class SessionsRecord(TypedDict):
    """All clients together.

    Attributes:
        lost: clients with at least one call that failed.
        per_instance: sessions held by each instance, or calls answered.
        calls: calls made.
        wrong_instance: calls of a session that reached an instance which does not know it.
    """

    opened: Count
    lost: Count
    per_instance: list[Count]
    calls: Count
    wrong_instance: Count
    wrong_instance_rate: Annotated[float, {"minimum": 0, "maximum": 1}, Rounded(4)]


class VerificationDocument(TypedDict):
    """What a verification of mcp-advisor observed, version 1.

    Attributes:
        ok: whether everything was as predicted and no call was lost.
        proxy: what stood in front, with its version.
        tiers: instances by tier.
        behaviours: what is no cell, such as a bare GET.
        behaviours_unknown: tried, but the capability data does not have what this release does.
        sessions: all clients together.
        chaos: expected behaviour on failures (--chaos); empty without it.
        load: what an instance carries (--load); null without it.
        problems: what is wrong and no cell.
        notes: how it was run, where that is not as in the requirements.
        floor_seconds: how long the instances took to start, side by side.
        ratio: seconds / floor_seconds
        logs: where the logs were kept.
    """

    schema: Literal["mcp-advisor/verification/1"]
    ok: bool
    service: str
    proxy: str
    instances: Annotated[int, {"minimum": 1}]
    tiers: dict[str, Count]
    cells: list[CheckedRecord]
    behaviours: list[BehavedRecord]
    behaviours_unknown: Count
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


def verification_dict(found: Verification) -> VerificationDocument:
    """The document of `verify --format json`."""
    return document(
        VerificationDocument,
        found,
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
    """All traffic together: sessions where there are any, else calls, by instance."""
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
