"""The result of a probe as a JSON document, and its facts as a partial requirements file."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypedDict

import yaml

from advisor.documents import OPTIONAL, document
from advisor.endpoint.statistics import ConfidenceInterval
from advisor.findings import Confidence, Finding, Severity
from advisor.probe.judging import CheckStatus, EndpointVerdict
from advisor.probe.run import Probed
from advisor.requirements.template import comment


class IntervalRecord(TypedDict):
    """A rate with its interval of 99 % confidence."""

    rate: float
    low: float
    high: float


class InstancesRecord(TypedDict):
    """The number of instances that the rate of loss means. `high` is null if there is no bound."""

    estimate: int
    low: int
    high: int | None


class SessionLossRecord(TypedDict):
    """How the endpoint treats sessions.

    Attributes:
        sessions: The number of sessions of clients without cookies.
        lost: How many of them were lost at their first use.
        looks_like: How the requests of a session find their instance.
    """

    sessions: int
    lost: int
    loss: Annotated[IntervalRecord, OPTIONAL]
    instances: Annotated[InstancesRecord, OPTIONAL]
    looks_like: str


class CheckRecord(TypedDict):
    """A check. `detail` is the observation in words, or why there is none."""

    id: str
    status: CheckStatus
    detail: str
    requests: list[str]


class CauseRecord(TypedDict):
    """A finding as a cause. `confidence` is the probability that it is what users see."""

    id: str
    confidence: float
    fix: str


class EndpointFindingRecord(TypedDict):
    """A finding about the endpoint."""

    id: str
    severity: Severity
    confidence: Confidence
    message: str
    why: str
    fix: str
    sources: list[str]
    url: str


class ProbeDocument(TypedDict):
    """The result of a probe of a live endpoint, version 1.

    Attributes:
        url: The endpoint, without its query.
        seconds: The duration of the run.
        requests: The number of requests of the run.
        eras: The protocol eras that the endpoint serves.
        session_mode: Whether legacy clients get a session.
        response_mode: The media type of answers.
        affinity: Missing if no session was tried.
        causes: The findings, the most important first.
        observations: The values, by the names of rules/observations.yaml.
        facts: Facts for a requirements file.
    """

    schema: Literal["mcp-advisor/probe/1"]
    url: str
    seconds: float
    requests: int
    eras: list[str]
    session_mode: Annotated[str, OPTIONAL]
    response_mode: Annotated[str, OPTIONAL]
    affinity: Annotated[SessionLossRecord, OPTIONAL]
    checks: list[CheckRecord]
    causes: list[CauseRecord]
    findings: list[EndpointFindingRecord]
    observations: dict[str, bool | int | float | str | list[str]]
    facts: dict[str, bool | int | float | str]


def probe_document(probed: Probed, judgement: EndpointVerdict) -> ProbeDocument:
    """Return the result as JSON types."""
    seen = probed.seen
    more: dict[str, Any] = {name: seen[name] for name in ("session_mode", "response_mode") if name in seen}
    if probed.affinity is not None:
        found = probed.affinity
        more["affinity"] = {
            "sessions": found.sessions,
            "lost": found.lost,
            **({"loss": _rate(found.loss)} if found.loss else {}),
            **({"instances": _count(found.instances)} if found.instances else {}),
            "looks_like": found.looks_like,
        }
    return document(
        ProbeDocument,
        url=probed.url,
        seconds=round(probed.seconds, 2),
        requests=probed.requests,
        eras=seen.get("eras", []),
        checks=[
            {"id": check.id, "status": check.status, "detail": check.detail, "requests": list(check.requests)}
            for check in judgement.checks
        ],
        causes=[
            {"id": cause.finding.id, "confidence": cause.probability, "fix": cause.finding.fix.text}
            for cause in judgement.causes
        ],
        findings=[_finding(cause.finding) for cause in judgement.causes],
        observations=dict(seen),
        facts=dict(judgement.facts),
        **more,
    )


def probe_requirements(judgement: EndpointVerdict, head: str) -> str:
    """Return the facts as a partial requirements file.

    Args:
        judgement: has the facts.
        head: the comment in the first line.
    """
    data: dict[str, Any] = {"version": 1}
    for name, value in judgement.facts.items():
        *sections, key = name.split(".")
        branch = data
        for section in sections:
            branch = branch.setdefault(section, {})
        branch[key] = value
    return f"{comment(head, 0)}\n{yaml.safe_dump(data, sort_keys=False)}"


def _finding(finding: Finding) -> Mapping[str, Any]:
    return document(EndpointFindingRecord, finding, fix=finding.fix.text)


def _rate(interval: ConfidenceInterval) -> IntervalRecord:
    return {"rate": round(interval.estimate, 3), "low": round(interval.low, 3), "high": round(interval.high, 3)}


def _count(interval: ConfidenceInterval) -> InstancesRecord:
    high = math.ceil(interval.high) if math.isfinite(interval.high) else None
    return {"estimate": round(min(interval.estimate, 1e6)), "low": math.floor(interval.low), "high": high}
