"""A decision as the JSON document `mcp-advisor/decision/1`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

from advisor.decision.core import Core, Flags, difference
from advisor.decision.model import Decision, FeatureRow, PathStep, Tier, UnsureNeed
from advisor.decision.other_release import OtherRelease
from advisor.decision.trace import TableTrace, Trace
from advisor.documents import document, plain
from advisor.engine.table import RuleAttempt
from advisor.errors import InputError
from advisor.knowledge.space import UNKNOWN
from advisor.report.decision_document import (
    AffinityRecord,
    AlternativeRecord,
    AttemptRecord,
    DecisionDocument,
    DecisionOfFile,
    DecisionsDocument,
    FeatureRecord,
    FileErrors,
    ModesRecord,
    OtherReleaseRecord,
    StepRecord,
    SwitchRecord,
    TierRecord,
    TraceRecord,
    UnsureRecord,
)
from advisor.report.finding_record import ProblemRecord, WarningRecord, finding_record


def decision_dict(decision: Decision, trace: Trace | None = None) -> DecisionDocument:
    """Return the decision as JSON types, with the keys in the order of the public contract.

    The same input gives the same document.

    Args:
        decision: the decision.
        trace: the rules that were checked, if the document has the key `trace`.
    """
    asked, core = decision.requirements, decision.core
    optional: dict[str, Any] = mode_keys(core.flags, decision.kind) if core.feasible else {}
    if decision.settings:
        optional["switches"] = [document(SwitchRecord, switch) for switch in decision.settings]
    if decision.assumption:
        optional["assumption"] = decision.assumption
    if trace:
        optional["trace"] = _trace(trace)
    return document(
        DecisionDocument,
        decision,
        service=asked["service"],
        pattern=core.pattern,
        affinity=document(AffinityRecord, core, because=decision.because),
        tiers=[_tier(tier, decision.kind) for tier in decision.tiers],
        features=[feature_record(row, decision) for row in decision.features],
        path=[_step(step) for step in decision.path],
        counterfactuals=[
            {"change": plain(decision.edits(other.change)), "then": then}
            for other in decision.counterfactuals
            if (then := _difference(other.core, core, decision.kind_after(other.change)))
        ],
        alternatives=[
            document(
                AlternativeRecord,
                way,
                change=decision.edits(way.change),
                **_core(way.core, decision.kind_after(way.change)),
            )
            for way in decision.alternatives
        ],
        warnings=[finding_record(WarningRecord, warning) for warning in decision.warnings],
        defaults=asked.defaults,
        inferred={name: {"value": plain(asked.values[name]), "because": why} for name, why in asked.inferred.items()},
        unsure=[_unsure(need, decision) for need in decision.unsure],
        releases=[_release(other, decision) for other in decision.releases],
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
    problems = [finding_record(ProblemRecord, problem) for problem in error.problems]
    return document(FileErrors, file=error.name, problems=problems)


def batch_dict(decisions: Iterable[tuple[str, DecisionDocument]], errors: list[FileErrors]) -> DecisionsDocument:
    """Return a document with the decisions of several files, and the errors of the invalid files."""
    found: list[DecisionOfFile] = [{"file": name, **decision} for name, decision in decisions]
    return {"schema": "mcp-advisor/decisions/1", "decisions": found, "errors": errors}


def _trace(trace: Trace) -> list[TraceRecord]:
    return [
        document(TraceRecord, table, rules=[_attempt(attempt) for attempt in table.attempts], **_of_tier(table))
        for table in trace
    ]


def _of_tier(table: TableTrace) -> dict[str, Any]:
    return {"tier": table.tier} if table.tier else {}


def _attempt(attempt: RuleAttempt) -> AttemptRecord:
    return document(AttemptRecord, attempt, rule=attempt.rule.id, title=attempt.rule.title)


def _core(core: Core, kind: str) -> dict[str, Any]:
    """Return the keys of a core, which several objects of the document have."""
    return {"pattern": core.pattern, **mode_keys(core.flags, kind), "affinity": document(AffinityRecord, core)}


def mode_keys(flags: Flags, kind: str) -> dict[str, Any]:
    """Return the key of the flags of a Python server, or of the modes of another server; nothing for HTTP+SSE."""
    if kind == "python":
        return {"flags": flags}
    if kind == "http+sse":
        return {}
    response: Literal["json", "sse"] = "json" if flags.json_response else "sse"
    return {"modes": document(ModesRecord, sessions=not flags.stateless_http, response=response)}


def _difference(then: Core, now: Core, kind: str) -> dict[str, Any]:
    """Return the parts of `then` that differ from `now`, with the modes instead of the flags for other languages."""
    differs: dict[str, Any] = {}
    for name, value in difference(then, now).items():
        differs |= {name: value} if name != "flags" or kind == "python" else mode_keys(Flags(**value), kind)
    return differs


def feature_record(row: FeatureRow, decision: Decision) -> FeatureRecord:
    """Return a row of the feature table, with the need as the requirements state it."""
    if all(need.feature != row.feature for need in decision.unsure):
        return document(FeatureRecord, row)
    return document(FeatureRecord, row, need=UNKNOWN, counted_as=row.need)


def _release(other: OtherRelease, decision: Decision) -> OtherReleaseRecord:
    optional: dict[str, Any] = {"before": other.before} if other.before else {}
    if differs := _difference(other.core, decision.core, decision.kind):
        optional["then"] = differs
    return document(OtherReleaseRecord, other, **optional)


def _unsure(need: UnsureNeed, decision: Decision) -> UnsureRecord:
    if need.price is None:
        return document(UnsureRecord, need)
    kind = decision.kind_after(need.price.change)
    return document(UnsureRecord, need, then=_difference(need.price.core, decision.core, kind))


def _tier(tier: Tier, kind: str) -> TierRecord:
    affinity = document(AffinityRecord, tier.core, because=tier.means)
    own = [document(SwitchRecord, switch) for switch in tier.settings]
    optional = {"switches": own} if own else {}
    return document(TierRecord, tier, **{**_core(tier.core, kind), "affinity": affinity, **optional})


def _step(step: PathStep) -> StepRecord:
    return document(
        StepRecord, step.rule, question=step.question, rule=step.rule.id, facts=step.facts, table=step.table
    )
