"""The result of a diagnosis as a JSON document."""

from __future__ import annotations

from typing import Annotated, Literal, TypedDict

from advisor.diagnosis.causes import CauseRanking
from advisor.documents import OPTIONAL, document


class RankedCauseRecord(TypedDict):
    """A cause.

    Attributes:
        probability: All causes together have 1.
        support: What speaks for it: signs in the log, findings and answers.
        against: What speaks against it: observations and answers.
    """

    id: str
    title: str
    probability: float
    explains: str
    fix: str
    check: str
    support: list[str]
    against: list[str]
    sources: list[str]


class QuestionRecord(TypedDict):
    """The question that tells the remaining causes apart best. The option --answer takes its id."""

    id: str
    text: str


class DiagnosisDocument(TypedDict):
    """The ranked causes of a failure, version 1.

    Attributes:
        known: Whether anything of the evidence is recognised.
    """

    schema: Literal["mcp-advisor/diagnosis/1"]
    known: bool
    causes: list[RankedCauseRecord]
    question: Annotated[QuestionRecord, OPTIONAL]


def diagnosis_document(diagnosis: CauseRanking) -> DiagnosisDocument:
    """Return the result as JSON types."""
    question = diagnosis.question
    return document(
        DiagnosisDocument,
        known=diagnosis.is_known,
        causes=[
            document(
                RankedCauseRecord,
                ranked.cause,
                probability=round(ranked.probability, 4),
                support=list(ranked.support),
                against=list(ranked.against),
            )
            for ranked in diagnosis.causes
        ],
        **({} if question is None else {"question": {"id": question.id, "text": question.text}}),
    )
