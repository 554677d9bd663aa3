"""Checks rules/diagnoses.yaml: each alert, failure and warning has a diagnosis, and no two diagnoses are the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from advisor.decision.checks.fault import fault
from advisor.findings import Finding
from advisor.knowledge import Knowledge


def diagnoses(knowledge: Knowledge) -> Iterator[Finding]:
    """Yield all faults."""
    groups = [entry.warnings for entry in knowledge.diagnoses.values()]
    groups += [entry.warnings for entry in knowledge.silent_warnings.values()]
    named = Counter(name for group in groups for name in group)
    warnings = {rule.id for rule in knowledge.table_of_role("finding").rules}
    for name in sorted(warnings - named.keys()):
        yield fault("data", name, "rules/diagnoses.yaml has no diagnosis of this warning, and does not say why")
    for name, count in named.items():
        if name not in warnings:
            yield fault("data", name, "rules/diagnoses.yaml names a warning that does not exist")
        elif count > 1:
            yield fault("data", name, f"rules/diagnoses.yaml names this warning {count} times")
    for event in knowledge.events:
        if event.id not in knowledge.diagnoses:
            yield fault("data", event.id, "rules/diagnoses.yaml has no diagnosis of this failure")
    known: dict[tuple[str, ...], str] = {}
    for entry in knowledge.diagnoses.values():
        if bool(entry.title) != bool(entry.warnings):
            yield fault("data", entry.id, "a diagnosis of warnings needs a title, and other diagnoses have none")
        commands = tuple(step.promql or step.sh for step in entry.steps)
        if (other := known.setdefault(commands, entry.id)) != entry.id:
            yield fault("data", entry.id, f"the commands are the same as those of {other}")
        for step in entry.steps:
            if bool(step.promql) == bool(step.sh):
                yield fault("data", entry.id, f"the step {step.do!r} needs either a query or a command")
