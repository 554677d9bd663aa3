"""A decision as plain data: the document that scripts read (schema `mcp-advisor/decision/1`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, TypeAlias

from advisor.decision.model import (
    SCHEMA,
    Alternative,
    CapacityAdvice,
    Core,
    Decision,
    EraCell,
    FeatureRow,
    PathStep,
    Tier,
    Trace,
)
from advisor.errors import InputError
from advisor.findings import Finding
from advisor.knowledge.types import Raw

BATCH_SCHEMA = "mcp-advisor/decisions/1"

Document: TypeAlias = dict[str, Any]


def decision_dict(decision: Decision) -> Document:
    """The decision as JSON types, keys in the order of the public contract, the same for the same input."""
    asked, core = decision.requirements, decision.core
    document: Document = {"schema": SCHEMA, "service": asked["service"], "feasible": core.feasible}
    if core.feasible:
        document["flags"] = _flags(core)
    document["pattern"] = core.pattern
    document["affinity"] = {"mechanism": core.mechanism, "because": decision.because}
    document["tiers"] = [_tier(tier) for tier in decision.tiers]
    document["instances"] = decision.instances
    document["capacity"] = _capacity(decision.capacity)
    document["features"] = [_feature(row) for row in decision.features]
    document["path"] = [_step(step) for step in decision.path]
    document["counterfactuals"] = [
        {"change": plain(other.change), "then": then}
        for other in decision.counterfactuals
        if (then := difference(other.core, core))
    ]
    document["alternatives"] = [_alternative(way) for way in decision.alternatives]
    document["warnings"] = [_warning(warning) for warning in decision.warnings]
    document["defaults"] = {name: plain(value) for name, value in asked.defaults.items()}
    document["inferred"] = {
        name: {"value": plain(asked.values[name]), "because": why} for name, why in asked.inferred.items()
    }
    document["substitute"] = core.substitute
    document["sdk"] = {"asked": asked["sdk"], "release": decision.release.exact}
    if decision.code:
        document["code"] = decision.code
    return document


def difference(then: Core, now: Core) -> Document:
    """What of `then` is not as in `now`: pattern, flags, affinity, substitute, feasible."""
    differs: Document = {}
    if then.pattern != now.pattern:
        differs["pattern"] = then.pattern
    if then.feasible != now.feasible:
        differs["feasible"] = then.feasible
    if not then.feasible:
        return differs
    # A contradiction has neither flags nor affinity to be the same as. The flags of a tiered deployment are those of
    # its parts, so two of them cannot be compared by their whole.
    if not now.feasible or (then.flags != now.flags and not then.pattern == now.pattern == "tiered"):
        differs["flags"] = _flags(then)
    if not now.feasible or then.mechanism != now.mechanism:
        differs["affinity"] = {"mechanism": then.mechanism}
    if then.substitute != now.substitute:
        differs["substitute"] = then.substitute
    return differs


def trace_list(trace: Trace) -> list[Document]:
    """Every rule tried, table by table, with each condition (`--explain`)."""
    return [
        {
            "table": table,
            "rules": [
                {
                    "rule": attempt.rule.id,
                    "title": attempt.rule.title,
                    "matched": attempt.matched,
                    "fired": attempt.fired,
                    "conditions": [
                        {
                            "fact": tried.fact,
                            "value": plain(tried.value),
                            "condition": tried.condition,
                            "passed": tried.passed,
                        }
                        for tried in attempt.conditions
                    ],
                }
                for attempt in attempts
            ],
        }
        for table, attempts in trace.items()
    ]


def error_dict(error: InputError) -> Document:
    """An input that could not be used, with every problem found in it."""
    problems = [{"key": p.key, "line": p.line, "message": p.message, "hint": p.fix.text} for p in error.problems]
    return {"file": error.name, "problems": problems}


def batch_dict(decisions: list[Document], errors: list[Document]) -> Document:
    """The decisions of several files, and the files that could not be used, as one document."""
    return {"schema": BATCH_SCHEMA, "decisions": decisions, "errors": errors}


def plain(value: Raw) -> Raw:
    """A value of the requirements as JSON types: what the reader adds to numbers is left behind."""
    kind = type(value)
    if kind is str or kind is bool or kind is int or value is None:
        return value
    if isinstance(value, float):
        return float(value)
    if isinstance(value, Mapping):
        return {str(key): plain(entry) for key, entry in value.items()}
    return [plain(entry) for entry in value]


def _capacity(advice: CapacityAdvice | None) -> Document | None:
    return None if advice is None else {**asdict(advice), "sources": list(advice.sources)}


def _flags(core: Core) -> Document:
    return {"stateless_http": core.flags.stateless_http, "json_response": core.flags.json_response}


def _tier(tier: Tier) -> Document:
    return {
        "name": tier.name,
        "flags": _flags(tier.core),
        "pattern": tier.core.pattern,
        "tools": list(tier.tools),
        "instances": tier.instances,
        "affinity": {"mechanism": tier.core.mechanism, "because": tier.means},
        "code": tier.code,
    }


def _feature(row: FeatureRow) -> Document:
    return {
        "feature": row.feature,
        "need": row.need,
        "legacy": _cell(row.legacy),
        "modern": _cell(row.modern),
        "documented": row.documented,
        "instead": row.instead,
        "substituted": row.substituted,
    }


def _cell(cell: EraCell) -> Document:
    return {
        "outcome": cell.outcome,
        "call": cell.call or None,
        "how": cell.how,
        "evidence": cell.evidence,
        "named": cell.named,
        "status": cell.status,
    }


def _step(step: PathStep) -> Document:
    return {
        "question": step.question,
        "rule": step.rule.id,
        "facts": dict(step.facts),
        "because": step.rule.because,
        "sources": list(step.rule.sources),
        "table": step.table,
    }


def _alternative(way: Alternative) -> Document:
    return {
        "pattern": way.core.pattern,
        "flags": _flags(way.core),
        "affinity": {"mechanism": way.core.mechanism},
        "change": plain(way.change),
        "gives_up": list(way.gives_up),
        "how": way.how,
        "because": way.because,
    }


def _warning(warning: Finding) -> Document:
    return {
        "id": warning.id,
        "severity": warning.severity,
        "message": warning.message,
        "fix": warning.fix.text,
        "sources": list(warning.sources),
    }
