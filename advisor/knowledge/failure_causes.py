"""The types of rules/symptoms/: causes of failures, the questions that tell them apart, and signs in logs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from advisor.errors import KnowledgeError
from advisor.knowledge.finding_kinds import FindingConditions, condition_problem


class FailureCause(NamedTuple):
    """A cause of failures. The head of rules/symptoms/sessions.yaml explains the keys."""

    id: str
    title: str
    common: int
    explains: str
    fix: str
    check: str
    wordings: tuple[str, ...]
    answers: dict[str, float]
    sources: list[str]
    findings: tuple[str, ...] = ()
    against: FindingConditions = {}  # noqa: RUF012


class SymptomQuestion(NamedTuple):
    """A question about a failure. The head of rules/symptoms/questions.yaml explains the keys."""

    id: str
    text: str
    cost: int


class IgnoredWords(NamedTuple):
    """Words of a language that say nothing about a cause. rules/symptoms/questions.yaml explains the keys."""

    id: str
    wordings: tuple[str, ...]


class LogSign(NamedTuple):
    """A line of a log that speaks for causes. The head of rules/symptoms/questions.yaml explains the keys."""

    id: str
    literal: str
    program: str
    causes: tuple[str, ...]
    pattern: str = ""


def refuse_unknown_causes(sections: Mapping[str, Sequence[Any]]) -> None:
    """Raise an error if rules/symptoms/ names a finding, a question, a cause or an observation that is not declared.

    Raises:
        KnowledgeError: the message has the entry and the name.
    """
    causes = {cause.id for cause in sections["failure_causes"]}
    questions = {question.id for question in sections["symptom_questions"]}
    findings = {finding.id for finding in sections["findings"]}
    known = {f"endpoint.{kind.id}": kind for kind in sections["observations"] if "endpoint" in kind.of}

    def refuse(where: str, names: Sequence[str], declared: set[str]) -> None:
        for name in names:
            if name not in declared:
                raise KnowledgeError(f"rules/: {where}: {name!r} is not declared")

    for cause in sections["failure_causes"]:
        where = f"failure_causes ({cause.id})"
        refuse(f"{where}, findings", cause.findings, findings)
        refuse(f"{where}, answers", [*cause.answers], questions)
        refuse(f"{where}, against", [*cause.against], {*known})
        for name, condition in cause.against.items():
            if problem := condition_problem(condition, known[name], known):
                raise KnowledgeError(f"rules/: {where}, against, {name}: {problem}")
        if not all(0 < share < 1 for share in cause.answers.values()) or not 1 <= cause.common <= 5:
            raise KnowledgeError(f"rules/: {where}: an answer is between 0 and 1, and common is from 1 to 5")
    for sign in sections["log_signs"]:
        refuse(f"log_signs ({sign.id}), causes", sign.causes, causes)
        try:
            re.compile(sign.pattern)
        except re.error as wrong:
            raise KnowledgeError(f"rules/: log_signs ({sign.id}): the pattern is not valid: {wrong}") from None
