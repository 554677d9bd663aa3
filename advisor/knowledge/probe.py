"""The types of rules/probe.yaml: what `probe` asks of a live endpoint, and how it reads the answers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from advisor.errors import KnowledgeError
from advisor.knowledge.finding_kinds import PLACEHOLDER, FindingConditions, condition_problem
from advisor.knowledge.observations import ObservationKind


class SeenText(NamedTuple):
    """What a check saw, in words. The text counts if its conditions hold."""

    text: str
    when: FindingConditions = {}  # noqa: RUF012


class EndpointCheck(NamedTuple):
    """A check of a live endpoint. The head of rules/probe.yaml explains the keys."""

    id: str
    title: str
    asks: str
    says: list[SeenText]


class SessionForm(NamedTuple):
    """A form of session IDs. The head of rules/probe.yaml explains the keys."""

    id: str
    pattern: str
    names_instance: bool = False


class EndpointSign(NamedTuple):
    """Words in an answer that show the SDK. The head of rules/probe.yaml explains the keys."""

    id: str
    pattern: str


class LostAnswer(NamedTuple):
    """An answer to a request in a lost session. The head of rules/probe.yaml explains the keys."""

    id: str
    status: int
    because: str
    pattern: str = ""


class ImpliedFact(NamedTuple):
    """A fact for a requirements file. The head of rules/probe.yaml explains the keys."""

    id: str
    when: FindingConditions
    value: bool | int | float | str


_WITH_PATTERNS = ("session_forms", "endpoint_signs", "lost_answers")


def refuse_unknown_checks(sections: Mapping[str, Sequence[Any]]) -> None:
    """Raise an error if rules/probe.yaml, or a finding about an endpoint, names something that is not declared.

    Raises:
        KnowledgeError: the message has the entry and the name.
    """
    known = {f"endpoint.{kind.id}": kind for kind in sections["observations"] if "endpoint" in kind.of}
    by_id = {check.id: check for check in sections["endpoint_checks"]}
    facts = {fact.id for fact in sections["facts"]}

    def refuse(where: str, when: FindingConditions, text: str = "") -> None:
        for name, condition in when.items():
            if name not in known:
                raise KnowledgeError(f"rules/: {where}: {name!r} is not an observation of an endpoint")
            if problem := condition_problem(condition, known[name], known):
                raise KnowledgeError(f"rules/: {where}, {name}: {problem}")
        for name in PLACEHOLDER.findall(text):
            if name not in known:
                raise KnowledgeError(f"rules/: {where}: {name!r} is not an observation of an endpoint")

    for check in by_id.values():
        for said in check.says:
            refuse(f"endpoint_checks ({check.id})", said.when, said.text)
        if check.says[-1].when or not all(said.when for said in check.says[:-1]):
            raise KnowledgeError(f"rules/: endpoint_checks ({check.id}), says: only the last text has no `when`")
    for fact in sections["implied_facts"]:
        refuse(f"implied_facts ({fact.id})", fact.when, str(fact.value))
        if fact.id not in facts:
            raise KnowledgeError(f"rules/: implied_facts: {fact.id!r} is not a fact")
    for pattern in [entry.pattern for name in _WITH_PATTERNS for entry in sections[name]]:
        try:
            re.compile(pattern)
        except re.error as wrong:
            raise KnowledgeError(f"rules/: probe.yaml: the pattern {pattern!r} is not valid: {wrong}") from None
    for finding in sections["findings"]:
        is_of_endpoint = finding.subject == "endpoint"
        where = f"rules/: findings ({finding.id})"
        if is_of_endpoint != bool(finding.check) or (is_of_endpoint and finding.check not in by_id):
            raise KnowledgeError(f"{where}, check: {finding.check!r} is not a check of an endpoint")
        if is_of_endpoint and not 0 < finding.probability <= 1:
            raise KnowledgeError(
                f"{where}, probability: a finding about an endpoint needs a value above 0, and at most 1"
            )
        for kind, example in finding.examples if is_of_endpoint else ():
            _refuse_example(f"{where}, {kind}", example, known)


def _refuse_example(where: str, example: Any, known: dict[str, ObservationKind]) -> None:
    if not isinstance(example, dict):
        raise KnowledgeError(f"{where}: an example about an endpoint has observations")
    for name, value in example.items():
        kind = known.get(f"endpoint.{name}")
        if kind is None or not kind.allows(value):
            raise KnowledgeError(f"{where}: {name}: {value!r} is not an observation of an endpoint")
