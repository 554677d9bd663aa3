"""The filled table of exercise 1 as the document that `exercise --format json` prints."""

from __future__ import annotations

from typing import Annotated, Literal, TypedDict

from advisor.documents import Count, Tenths
from advisor.knowledge.types import Era
from advisor.knowledge.vocabulary import FeatureId, Seen


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


class CurlRecord(TypedDict):
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
    curl: list[CurlRecord]
    published: list[ClaimRecord]
    seconds: Tenths
