"""The results of exercise 1 as the document that `exercise --format json` prints."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal, TypedDict

from advisor.documents import Count, Tenths, document
from advisor.knowledge.catalogue import FlagUse
from advisor.knowledge.types import Era
from advisor.knowledge.vocabulary import FeatureId, FeatureOutcome

if TYPE_CHECKING:
    from advisor.lab.exercise.table import Exercise

PAIRS = ((False, False), (True, False), (False, True), (True, True))
"""The flag pairs in the order of the exercise."""


class CaseRecord(TypedDict):
    """A flag pair, and the answers to the questions of the exercise.

    Attributes:
        progress: whether the progress of research arrived while research ran, by protocol era.
        log: whether the log message of research arrived while research ran, by protocol era.
        result: whether research returned the correct result, by protocol era.
        use: the recommended use of the flag pair.
        because: the reason for the recommendation.
        sources: ids that `rules show` explains.
    """

    stateless_http: bool
    json_response: bool
    progress: dict[Era, bool]
    log: dict[Era, bool]
    result: dict[Era, bool]
    use: str
    because: str
    sources: list[str]


class CallRecord(TypedDict):
    """The result of a call."""

    outcome: FeatureOutcome
    message: str


class SamplingRecord(TypedDict):
    """The result of a call that requests sampling.

    Attributes:
        call: the API that server code uses for sampling.
    """

    call: str
    outcome: FeatureOutcome
    message: str


class NoticesRecord(TypedDict):
    """The notifications of a call.

    Attributes:
        arrived: the number of notifications that arrived.
        live: the number of notifications that arrived while the call ran.
    """

    outcome: FeatureOutcome
    arrived: Count
    live: Count


class ContentTypes(TypedDict):
    """The content types of the answers to add and research."""

    add: str
    research: str


class SightRecord(TypedDict):
    """The results of clients of a protocol era with a flag pair.

    Attributes:
        add: the result of the quick call.
        research: the result of the call that takes three seconds.
        progress: the progress notifications of research.
        logging: the log messages of research.
        content_type: the content types of the answers.
        session_header: whether the server sent the header Mcp-Session-Id.
    """

    stateless_http: bool
    json_response: bool
    era: Era
    add: CallRecord
    research: CallRecord
    progress: NoticesRecord
    logging: NoticesRecord
    sampling: list[SamplingRecord]
    content_type: ContentTypes
    session_header: bool


@dataclass(frozen=True, slots=True)
class BareAnswer:
    """A request without the initialize handshake, with a flag pair, and its answer."""

    stateless_http: bool
    json_response: bool
    request: str
    answer: str


class ClaimRecord(TypedDict):
    """Published advice that differs from the measurement.

    Attributes:
        says: the advice of guides.
        documented: the outcome according to guides.
        observed: the measured outcome, by protocol era.
    """

    stateless_http: bool
    json_response: bool
    feature: FeatureId
    says: str
    documented: FeatureOutcome
    observed: dict[Era, FeatureOutcome]
    sources: list[str]


class ExerciseDocument(TypedDict):
    """The results of exercise 1, version 1.

    Attributes:
        sdk: the release, such as mcp==2.3.0.
        cases: the table of the exercise, one entry for each flag pair.
        rows: all measurements, by flag pair and protocol era.
        curl: requests without the initialize handshake, and their answers.
        published: published advice that differs from the measurements.
        seconds: the duration of the measurement.
    """

    schema: Literal["mcp-advisor/exercise/1"]
    sdk: str
    cases: Annotated[list[CaseRecord], {"minItems": 4, "maxItems": 4}]
    rows: list[SightRecord]
    curl: list[BareAnswer]
    published: list[ClaimRecord]
    seconds: Tenths


def exercise_dict(found: Exercise) -> ExerciseDocument:
    """The document that `exercise --format json` prints."""
    return document(
        ExerciseDocument,
        found,
        cases=[_case(found, pair, use) for pair, use in zip(PAIRS, found.uses, strict=True)],
        rows=[
            document(
                SightRecord,
                sight,
                sampling=[document(SamplingRecord, seen, call=call) for call, seen in sight.sampling.items()],
            )
            for sight in found.sights
        ],
        curl=found.bare,
        published=[
            document(
                ClaimRecord,
                claim,
                feature=claim.feature.id,
                says=claim.documented.says,
                documented=claim.documented.outcome,
                observed=claim.seen,
                sources=claim.documented.sources,
            )
            for claim in found.claims
        ],
    )


def _case(found: Exercise, pair: tuple[bool, bool], use: FlagUse) -> CaseRecord:
    sights = [sight for sight in found.sights if sight.under(pair)]
    return document(
        CaseRecord,
        use,
        stateless_http=pair[0],
        json_response=pair[1],
        progress={sight.era: sight.progress.outcome == "works" for sight in sights},
        log={sight.era: sight.logging.outcome == "works" for sight in sights},
        result={sight.era: sight.research.outcome == "works" for sight in sights},
    )
