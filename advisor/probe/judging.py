"""What the observations of an endpoint mean: findings, ranked causes, and facts for a requirements file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

from advisor.audits.conditions import Lookup, endpoint_lookup, holding
from advisor.audits.server_code import PAGE
from advisor.findings import SEVERITIES, Finding, Fix, Location
from advisor.knowledge import Knowledge
from advisor.knowledge.finding_kinds import PLACEHOLDER, FindingKind
from advisor.probe.run import Probed
from advisor.sentences import listed

CheckStatus = Literal["ok", "fault", "untested"]


class JudgedCheck(NamedTuple):
    """A check with its result in words.

    Attributes:
        id: the check.
        title: what it looks at.
        status: ok, fault, or untested.
        detail: the observation in words, or why there is none.
        requests: the requests, each in a line.
    """

    id: str
    title: str
    status: CheckStatus
    detail: str
    requests: tuple[str, ...]


class Cause(NamedTuple):
    """A finding with the probability that it is the cause of what users see."""

    finding: Finding
    probability: float


class EndpointVerdict(NamedTuple):
    """What a probe means.

    Attributes:
        checks: the checks, in the order of rules/probe.yaml.
        causes: the findings, the most important first.
        facts: facts for a requirements file.
    """

    checks: tuple[JudgedCheck, ...]
    causes: tuple[Cause, ...]
    facts: Mapping[str, bool | int | float | str]


def judge(probed: Probed, knowledge: Knowledge) -> EndpointVerdict:
    """Return what a probe means."""
    lookup = endpoint_lookup(probed.seen)
    causes = sorted(
        (cause for kind in knowledge.findings.values() if (cause := _cause(kind, probed, lookup, knowledge))),
        key=lambda cause: (SEVERITIES.index(cause.finding.severity), -cause.probability),
    )
    faults = {knowledge.findings[cause.finding.id].check for cause in causes if cause.finding.severity != "info"}
    made = {check.id: check for check in probed.checks}
    checks = []
    for kind in knowledge.endpoint_checks.values():
        run = made.get(kind.id)
        if run is None:
            continue
        said = next(text.text for text in kind.says if holding(text.when, lookup) is not None)
        status: CheckStatus = "fault" if kind.id in faults else "untested" if run.untested else "ok"
        detail = run.untested or _filled(said, lookup, knowledge)
        checks.append(JudgedCheck(kind.id, kind.title, status, detail, run.requests))
    return EndpointVerdict(tuple(checks), tuple(causes), _facts(lookup, knowledge))


def _cause(kind: FindingKind, probed: Probed, lookup: Lookup, knowledge: Knowledge) -> Cause | None:
    if kind.subject != "endpoint" or all(holding(when, lookup) is None for when in kind.alternatives):
        return None
    case = next(case for case in kind.cases if holding(case.when, lookup) is not None)
    finding = Finding(
        kind.id,
        _filled(f"{kind.message} {case.adds}".strip(), lookup, knowledge),
        case.level,
        kind.title,
        Fix(_filled(kind.fix, lookup, knowledge)),
        (Location(probed.url),),
        sources=tuple(kind.sources),
        confidence=case.confidence or kind.confidence,
        why=kind.why,
        url=f"{PAGE}#{kind.id}",
    )
    return Cause(finding, kind.probability)


def _facts(lookup: Lookup, knowledge: Knowledge) -> dict[str, bool | int | float | str]:
    found: dict[str, bool | int | float | str] = {}
    for implied in knowledge.implied_facts:
        if implied.id in found or holding(implied.when, lookup) is None:
            continue
        name = PLACEHOLDER.fullmatch(str(implied.value))
        fact = lookup(name[1]) if name else None
        value = fact.value if fact is not None else implied.value
        if isinstance(value, (bool, int, float, str)):
            found[implied.id] = value
    return found


def _filled(text: str, lookup: Lookup, knowledge: Knowledge) -> str:
    def word(name: str) -> str:
        fact = lookup(name)
        if fact is None:
            return knowledge.phrases["audit.unknown"]
        value: Any = fact.value
        if isinstance(value, bool):
            return knowledge.phrases["audit.yes" if value else "audit.no"]
        if knowledge.observations[name.partition(".")[2]].type == "seconds":
            return f"{value:g} s"
        return listed(list(value)) if isinstance(value, Sequence) and not isinstance(value, str) else str(value)

    return PLACEHOLDER.sub(lambda match: word(match[1]), text)
