"""A `Finding` in JSON. Each kind of document has its own names for the parts of a finding."""

from __future__ import annotations

from typing import Literal, TypedDict, TypeVar

from advisor.documents import document
from advisor.engine.rules import Value
from advisor.findings import Finding

_Record = TypeVar("_Record")


class WarningRecord(TypedDict):
    """A warning."""

    id: str
    severity: Literal["high", "medium", "low"]
    message: str
    fix: str
    sources: list[str]


class ProblemRecord(TypedDict):
    """A problem in a requirements file.

    Attributes:
        key: the dotted key, or empty for a problem of the entire file.
        hint: the allowed values or the nearest spelling, or empty.
    """

    key: str
    line: int | None
    message: str
    hint: str


class FaultRecord(TypedDict):
    """A fault of the rules.

    Attributes:
        where: The table, the rule or the fact.
        example: Facts that show the fault, with the values that rules compare.
    """

    kind: str
    where: str
    message: str
    example: dict[str, Value]


def finding_record(form: type[_Record], finding: Finding) -> _Record:
    """Return a finding as an object of a JSON document.

    Args:
        form: the declaration of the object: `WarningRecord`, `ProblemRecord` or `FaultRecord`.
        finding: the finding.
    """
    fix = finding.fix.text
    return document(form, finding, kind=finding.id, where=finding.key, fix=fix, hint=fix)
