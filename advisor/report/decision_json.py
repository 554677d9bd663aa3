"""A decision as the JSON document `mcp-advisor/decision/1`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from advisor.decision.model import Core, Decision, PathStep, Tier, Trace, difference
from advisor.documents import document, plain
from advisor.engine.table import RuleAttempt
from advisor.errors import InputError
from advisor.report.decision_document import (
    AffinityRecord,
    AlternativeRecord,
    AttemptRecord,
    DecisionDocument,
    DecisionOfFile,
    DecisionsDocument,
    FileErrors,
    ProblemRecord,
    StepRecord,
    TierRecord,
    TraceRecord,
    WarningRecord,
)


def decision_dict(decision: Decision, trace: Trace | None = None) -> DecisionDocument:
    """Return the decision as JSON types, with the keys in the order of the public contract.

    The same input gives the same document.

    Args:
        decision: the decision.
        trace: the rules that were checked, if the document has the key `trace`.
    """
    asked, core = decision.requirements, decision.core
    optional: dict[str, Any] = {"flags": core.flags} if core.feasible else {}
    if trace:
        optional["trace"] = _trace(trace)
    return document(
        DecisionDocument,
        decision,
        service=asked["service"],
        pattern=core.pattern,
        affinity=document(AffinityRecord, core, because=decision.because),
        tiers=[_tier(tier) for tier in decision.tiers],
        path=[_step(step) for step in decision.path],
        counterfactuals=[
            {"change": plain(other.change), "then": then}
            for other in decision.counterfactuals
            if (then := difference(other.core, core))
        ],
        alternatives=[document(AlternativeRecord, way, **_core(way.core)) for way in decision.alternatives],
        warnings=[document(WarningRecord, warning, fix=warning.fix.text) for warning in decision.warnings],
        defaults=asked.defaults,
        inferred={name: {"value": plain(asked.values[name]), "because": why} for name, why in asked.inferred.items()},
        substitute=core.substitute,
        sdk={
            "asked": asked["sdk"],
            "release": decision.release.exact,
            "measured": decision.facts["sdk.measured"] == "yes",
        },
        **optional,
    )


def error_dict(error: InputError) -> FileErrors:
    """Return the record of an invalid file, with all of its problems."""
    problems = [document(ProblemRecord, problem, hint=problem.fix.text) for problem in error.problems]
    return document(FileErrors, file=error.name, problems=problems)


def batch_dict(decisions: Iterable[tuple[str, DecisionDocument]], errors: list[FileErrors]) -> DecisionsDocument:
    """Return a document with the decisions of several files, and the errors of the invalid files."""
    found: list[DecisionOfFile] = [{"file": name, **decision} for name, decision in decisions]
    return {"schema": "mcp-advisor/decisions/1", "decisions": found, "errors": errors}


def _trace(trace: Trace) -> list[TraceRecord]:
    return [{"table": table, "rules": [_attempt(attempt) for attempt in attempts]} for table, attempts in trace.items()]


def _attempt(attempt: RuleAttempt) -> AttemptRecord:
    return document(AttemptRecord, attempt, rule=attempt.rule.id, title=attempt.rule.title)


def _core(core: Core) -> dict[str, Any]:
    """Return the keys of a core, which several objects of the document have."""
    return {"pattern": core.pattern, "flags": core.flags, "affinity": document(AffinityRecord, core)}


def _tier(tier: Tier) -> TierRecord:
    affinity = document(AffinityRecord, tier.core, because=tier.means)
    return document(TierRecord, tier, **{**_core(tier.core), "affinity": affinity})


def _step(step: PathStep) -> StepRecord:
    return document(
        StepRecord, step.rule, question=step.question, rule=step.rule.id, facts=step.facts, table=step.table
    )
