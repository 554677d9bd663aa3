"""The filled table of exercise 1 as the document that `exercise --format json` prints."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal, TypedDict

from advisor.documents import Count, Tenths, document
from advisor.knowledge.catalogue import FlagUse
from advisor.knowledge.types import Era
from advisor.knowledge.vocabulary import FeatureId, Seen

if TYPE_CHECKING:
    from advisor.lab.exercise.table import Exercise

PAIRS = ((False, False), (True, False), (False, True), (True, True))
"""The flag pairs in the order of the exercise."""


class CaseRecord(TypedDict):
    """A flag pair, and what the exercise asks of it.

    Attributes:
        progress: whether the progress of research showed while it ran, by era of the clients.
        log: the same of its log message.
        result: whether it returned the right result.
        use: what the flag pair is for.
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
    """What became of a call."""

    outcome: Seen
    message: str


class SamplingRecord(TypedDict):
    """What became of a call that asks for sampling.

    Attributes:
        call: the way of asking, as written in server code.
    """

    call: str
    outcome: Seen
    message: str


class NoticesRecord(TypedDict):
    """Notifications of a call.

    Attributes:
        live: those that came before the answer.
    """

    outcome: Seen
    arrived: Count
    live: Count


class ContentTypes(TypedDict):
    """The content types of two answers."""

    add: str
    research: str


class SightRecord(TypedDict):
    """What clients of an era observe under a flag pair.

    Attributes:
        add: the quick call.
        research: the call of three seconds.
        content_type: of the answers.
        session_header: whether the server gave a session id.
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
class Bare:
    """A request without a handshake under a flag pair, and its answer."""

    stateless_http: bool
    json_response: bool
    request: str
    answer: str


class ClaimRecord(TypedDict):
    """Published advice that is not what clients observe.

    Attributes:
        says: what guides say.
        observed: what was observed instead, by era.
    """

    stateless_http: bool
    json_response: bool
    feature: FeatureId
    says: str
    documented: Seen
    observed: dict[Era, Seen]
    sources: list[str]


class ExerciseDocument(TypedDict):
    """The filled table of exercise 1, version 1.

    Attributes:
        sdk: the release, such as mcp==2.3.0.
        cases: the table that the exercise asks for.
        rows: everything that clients observed, by flag pair and era.
        curl: requests without a handshake.
        published: where guides say something else.
    """

    schema: Literal["mcp-advisor/exercise/1"]
    sdk: str
    cases: Annotated[list[CaseRecord], {"minItems": 4, "maxItems": 4}]
    rows: list[SightRecord]
    curl: list[Bare]
    published: list[ClaimRecord]
    seconds: Tenths


def exercise_dict(found: Exercise) -> ExerciseDocument:
    """The document of `exercise --format json`."""
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
