"""Ranks causes by everything that is known: words, log lines, findings, observations and answers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from advisor.audits.conditions import endpoint_lookup, holding
from advisor.diagnosis.logs import SeenSign
from advisor.diagnosis.matching import Matcher
from advisor.knowledge import Knowledge
from advisor.knowledge.failure_causes import FailureCause, SymptomQuestion

_SHARPNESS = 0.5
"""How much a score of words counts. With this value, the first cause is right about as often as it says."""
_FINDING: Mapping[str, float] = {"high": 30.0, "medium": 5.0, "low": 2.0, "info": 1.5}
"""How much a finding counts, by its severity."""
_AGAINST = 0.02
_LOG = 12.0
_LOG_LATER = 0.6
_KNOWN = 2.2
"""The score from which the words of a user are recognised."""
_SILENT = 0.5


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything that is known about a failure.

    Attributes:
        text: the words of the user.
        signs: what a log contains.
        findings: the severities of findings of scan, audit and probe, by id.
        observations: observations of a probe.
        answers: answers to questions by id: True for yes.
    """

    text: str = ""
    signs: Sequence[SeenSign] = ()
    findings: Mapping[str, str] = field(default_factory=dict)
    observations: Mapping[str, Any] = field(default_factory=dict)
    answers: Mapping[str, bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RankedCause:
    """A cause with its probability among all causes, and what speaks for and against it.

    Attributes:
        cause: the cause.
        probability: from 0 to 1. All causes together have 1.
        support: what speaks for it, in words or ids.
        against: what speaks against it.
    """

    cause: FailureCause
    probability: float
    support: tuple[str, ...]
    against: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CauseRanking:
    """The result.

    Attributes:
        causes: all causes, the likeliest first.
        question: the question that tells the remaining causes apart best; None if no question helps.
        is_known: whether anything of the evidence is recognised.
    """

    causes: tuple[RankedCause, ...]
    question: SymptomQuestion | None
    is_known: bool


def diagnose(evidence: Evidence, knowledge: Knowledge) -> CauseRanking:
    """Rank the causes of a failure."""
    ignored = {word for words in knowledge.ignored_words.values() for word in words.wordings}
    scores = Matcher(knowledge.failure_causes, ignored).scores(evidence.text) if evidence.text.strip() else {}
    ranked = []
    for cause in knowledge.failure_causes.values():
        weight, support, against = _weight(cause, evidence, scores.get(cause.id, 0.0), knowledge)
        ranked.append((weight, cause, support, against))
    total = sum(weight for weight, _, _, _ in ranked)
    ranked.sort(key=lambda entry: (-entry[0], entry[1].id))
    causes = tuple(
        RankedCause(cause, weight / total, tuple(support), tuple(against)) for weight, cause, support, against in ranked
    )
    is_known = bool(evidence.signs or evidence.answers or max(scores.values(), default=0.0) >= _KNOWN)
    is_known = is_known or any(cause.support for cause in causes)
    return CauseRanking(
        causes, _best_question(causes, evidence.answers, knowledge.symptom_questions.values()), is_known
    )


def _weight(
    cause: FailureCause, evidence: Evidence, score: float, knowledge: Knowledge
) -> tuple[float, list[str], list[str]]:
    weight = (1 + 0.1 * cause.common) * math.exp(_SHARPNESS * score)
    support: list[str] = []
    against: list[str] = []
    for seen in evidence.signs:
        if cause.id in seen.sign.causes:
            weight *= _LOG * _LOG_LATER ** seen.sign.causes.index(cause.id)
            support.append(f"{seen.sign.program}: {seen.sign.literal.strip()} ({seen.count})")
    for finding in cause.findings:
        if finding in evidence.findings:
            weight *= _FINDING.get(evidence.findings[finding], 1.0)
            support.append(finding)
    if cause.against and holding(cause.against, endpoint_lookup(evidence.observations)) is not None:
        weight *= _AGAINST
        against.extend(cause.against)
    for question, answer in evidence.answers.items():
        share = cause.answers.get(question)
        if share is not None:
            weight *= share if answer else 1 - share
            likely = (share > _SILENT) is answer
            (support if likely else against).append(knowledge.symptom_questions[question].text)
        else:
            weight *= _SILENT
    return weight, support, against


def _best_question(
    causes: Sequence[RankedCause], answers: Mapping[str, bool], questions: Iterable[SymptomQuestion]
) -> SymptomQuestion | None:
    """Return the question with the largest expected fall of entropy for its cost; None if none tells causes apart."""
    before = _entropy([cause.probability for cause in causes])
    best, best_gain = None, 0.02
    for question in questions:
        if question.id in answers:
            continue
        shares = [cause.cause.answers.get(question.id, _SILENT) for cause in causes]
        gain = before
        for answer in (True, False):
            weights = [
                cause.probability * (share if answer else 1 - share)
                for cause, share in zip(causes, shares, strict=True)
            ]
            likely = sum(weights)
            if likely > 0:
                gain -= likely * _entropy([weight / likely for weight in weights])
        gain /= math.sqrt(question.cost)
        if gain > best_gain:
            best, best_gain = question, gain
    return best


def _entropy(shares: Iterable[float]) -> float:
    """Return the entropy in bits."""
    return -sum(share * math.log2(share) for share in shares if share > 0)
