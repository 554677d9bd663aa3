"""A decision as a runbook: a section for each alert and each failure of the kit. The words are in runbook.md.j2."""

# Without the __future__ import: NamedTuple compiles each annotation that is a string, at every start of the program.

from collections.abc import Sequence
from typing import Any, NamedTuple

import yaml

from advisor.decision.model import Decision
from advisor.errors import AdvisorError, NoDocumentError
from advisor.findings import Finding
from advisor.kit.context import kit_context
from advisor.kit.expected_failures import failure_records
from advisor.kit.model import KitContext
from advisor.kit.parts import kubernetes, monitoring
from advisor.kit.parts.documents import FailureRow, failure_rows
from advisor.kit.parts.duties import duties
from advisor.knowledge.kits import SERVERS
from advisor.report import change_wording
from advisor.report.decision_document import ExpectedFailureRecord
from advisor.sections.rendering import render
from advisor.team_documents.diagnosis import Diagnostician
from advisor.team_documents.operations import operations
from advisor.team_documents.pictures import topology
from advisor.team_documents.sequences import sequences
from advisor.team_documents.subject import Subject

_PLANNED = ("instance-stopped", "instances-replaced", "proxy-reloaded")
"""The events of rules/failures.yaml that belong to a rollout."""

_ENDS_SESSIONS = ("404-then-initialize", "5xx-then-initialize")

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # The loader of libyaml is several times faster.

_MODERN = {"clients.protocol": "modern"}


class Alert(NamedTuple):
    """An alert of the kit.

    Attributes:
        name: the name of the alert.
        severity: critical or warning.
        lasts: how long the condition holds before the alert, such as `5m`; "" for no wait.
        query: the condition in PromQL.
        summary: what is wrong.
        description: what to look at.
    """

    name: str
    severity: str
    lasts: str
    query: str
    summary: str
    description: str


class Problem(NamedTuple):
    """A problem that warnings of the decision describe.

    Attributes:
        id: its id in rules/diagnoses.yaml.
        title: the problem, as users report it.
        causes: the warnings.
    """

    id: str
    title: str
    causes: Sequence[Finding]


class Failure(NamedTuple):
    """An event of the table of failures.

    Attributes:
        id: the event.
        title: the event in words.
        target: instance, proxy or redis.
        is_planned: whether the team causes the event itself.
        rows: what clients notice, by tier and protocol era.
        ends_sessions: whether sessions end.
        breaks_calls: whether running calls fail.
        holds_calls: whether calls wait.
    """

    id: str
    title: str
    target: str
    is_planned: bool
    rows: Sequence[FailureRow]
    ends_sessions: bool
    breaks_calls: bool
    holds_calls: bool


def runbook_markdown(subject: Subject) -> str:
    """Return the runbook without its fingerprint.

    Raises:
        NoDocumentError: there is no kit for the requirements, or the kit is for a developer's machine.
    """
    decision, phrases = subject.decision, subject.decision.phrases
    try:
        kit = kit_context(decision)
    except AdvisorError as error:  # The requirements contradict each other, or no kit is possible.
        why = phrases["runbook.none"].format(service=decision.requirements["service"], why=error)
        raise NoDocumentError(why, error.code) from None
    if kit.plain:
        raise NoDocumentError(phrases["runbook.local"])
    records = failure_records(kit)
    alerts = kit_alerts(kit)
    job = kubernetes.fit(kit).service if kit.platform == "kubernetes" else kit.service
    return render(
        "runbook.md.j2",
        subject=subject,
        decision=decision,
        kit=kit,
        picture=topology(decision),
        sessions=sequences(decision),
        alerts=alerts,
        problems=_problems(decision),
        solved=duties(kit, decision).solved,
        diagnosis=Diagnostician(kit, job, monitored=bool(alerts)),
        failures=_failures(records, kit),
        job=job,
        crash=_rows_of(records, "instance-killed"),
        proxy_crash=_rows_of(records, "proxy-killed"),
        run=operations(kit),
        modern=_when_modern(decision),
        dropped=_dropped(decision, kit),
    )


def kit_alerts(kit: KitContext) -> list[Alert]:
    """Return the alerts of monitoring/alerts.yaml; nothing on a platform whose servers Prometheus cannot reach."""
    files = {file.path: file.content for file in monitoring.files(kit)}
    document = yaml.load(files.get("monitoring/alerts.yaml", "{}"), _LOADER)  # noqa: S506 (a safe loader)
    groups = document.get("spec", document).get("groups", ())
    return [
        Alert(
            rule["alert"],
            rule["labels"]["severity"],
            rule.get("for", ""),
            rule["expr"],
            rule["annotations"]["summary"],
            rule["annotations"]["description"],
        )
        for group in groups
        for rule in group["rules"]
    ]


def _problems(decision: Decision) -> list[Problem]:
    """Return the problems of the warnings, in the order of rules/diagnoses.yaml."""
    entries = decision.knowledge.diagnoses.values()
    found = [
        Problem(entry.id, entry.title, [warning for warning in decision.warnings if warning.id in entry.warnings])
        for entry in entries
    ]
    return [problem for problem in found if problem.causes]


def _failures(records: Sequence[ExpectedFailureRecord], kit: KitContext) -> list[Failure]:
    """Return the events of the kit in the order of rules/failures.yaml, each with all tiers and eras."""
    found = []
    for event in kit.knowledge.events:
        of_event = [record for record in records if record["event"] == event.id]
        if of_event:
            found.append(
                Failure(
                    event.id,
                    event.title,
                    event.strikes,
                    event.id in _PLANNED,
                    failure_rows(of_event),
                    any(record["then"] in _ENDS_SESSIONS for record in of_event),
                    any(record["running"] == "breaks" for record in of_event),
                    any("waits" in (record["running"], record["then"]) for record in of_event),
                )
            )
    return found


def _rows_of(records: Sequence[ExpectedFailureRecord], event: str) -> list[FailureRow]:
    return failure_rows([record for record in records if record["event"] == event])


def _when_modern(decision: Decision) -> str:
    """Return the decision after the end of the legacy clients, in words; "" if the decision stays the same."""
    found = next((each for each in decision.counterfactuals if each.change == _MODERN), None)
    return change_wording.result_text(decision, found) if found else ""


def _dropped(decision: Decision, kit: KitContext) -> list[str]:
    """Return the ids of the parts that only sessions of legacy clients need."""
    keeps = [tier for tier in kit.tiers if tier.keeps_sessions]
    found = ["sessions"] if keeps else []
    found += ["affinity"] if any(mechanism.done_by != SERVERS for mechanism in kit.mechanisms) else []
    found += ["directory"] if any(tier.pattern == "shared-state" for tier in keeps) else []
    return [*found, *(["tier"] if kit.tiered else [])]
