"""The JSON Schemas of what the program prints: decisions and capabilities; those of the lab have modules of their own.

They describe every key and stay open: a later version may add keys without a new schema version.
"""

from __future__ import annotations

from typing import get_args

from advisor.decision.model import SCHEMA as DECISION
from advisor.knowledge.failures import HANDLES, KEEPING, Felt, Others, Running, Then
from advisor.knowledge.space import FactSpace
from advisor.knowledge.types import ERAS, NEEDS
from advisor.report.schema_parts import COUNT as _COUNT
from advisor.report.schema_parts import FLAG as _FLAG
from advisor.report.schema_parts import OUTCOME as _OUTCOME
from advisor.report.schema_parts import TEXT as _TEXT
from advisor.report.schema_parts import TEXTS as _TEXTS
from advisor.report.schema_parts import Schema
from advisor.report.schema_parts import about as _about
from advisor.report.schema_parts import record as _object
from advisor.requirements.schema import DIALECT

CAPABILITIES = "mcp-advisor/capabilities/1"

_FACTS: Schema = {"type": "object", "description": "Facts of the requirements file by their dotted names."}


def decision_schema(space: FactSpace) -> Schema:
    """The schema of `recommend --format json` for one requirements file."""
    return {
        "$schema": DIALECT,
        "$id": "urn:" + DECISION.replace("/", ":"),
        "title": "A decision of mcp-advisor, version 1",
        **_object(
            {
                "schema": {"const": DECISION},
                "service": _TEXT,
                "feasible": _about(_FLAG, "Whether every required feature is kept."),
                "flags": _reference("flags"),
                "pattern": _reference("pattern"),
                "affinity": _reference("affinity"),
                "tiers": {"type": "array", "items": _tier()},
                "instances": {"type": "integer", "minimum": 1},
                "capacity": _capacity(),
                "features": {"type": "array", "items": _feature(space)},
                "path": {"type": "array", "items": _step()},
                "counterfactuals": {"type": "array", "items": _counterfactual()},
                "alternatives": {"type": "array", "items": _alternative()},
                "warnings": {"type": "array", "items": _warning()},
                "defaults": _about(_FACTS, "What was assumed because the file does not say it."),
                "inferred": _about(_inferred(), "What tools and client applications that the file names imply."),
                "substitute": _about(_reference("substitute"), "What stands in for a feature that is lost."),
                "sdk": _object({"asked": _TEXT, "release": _TEXT}),
                "code": _about(_TEXT, "The Python that sets the flags; a tiered deployment has it in each tier."),
                "trace": _about({"type": "array"}, "Every rule that was tried (--explain)."),
                "expected_failures": _about(
                    {"type": "array", "items": _expected_failure()}, "What clients of the kit see when something fails."
                ),
            },
            optional=("flags", "code", "trace", "expected_failures"),
        ),
        # A contradiction has no flags; every other decision has them.
        "if": {"properties": {"feasible": {"const": True}}},
        "then": {"required": ["flags"]},
        "else": {"properties": {"flags": False, "code": False}},
        "$defs": {
            "flags": _object({"stateless_http": _FLAG, "json_response": _FLAG}),
            "pattern": {"enum": list(space.domains["pattern"])},
            "substitute": {"enum": list(space.domains["substitute"])},
            "affinity": _object(
                {"mechanism": {"enum": list(space.domains["affinity.mechanism"])}, "because": _TEXT},
                optional=("because",),
            ),
        },
    }


def capabilities_schema(space: FactSpace) -> Schema:
    """The schema of `capabilities --format json`."""
    packages = list(dict.fromkeys(one.package for one in space.releases.values()))
    cell = {
        "sdk": {"enum": packages},
        "version": _about(_TEXT, "The newest observed release of the range that behaves alike."),
        "stateless_http": _FLAG,
        "json_response": _FLAG,
        "era": {"enum": list(ERAS)},
        "feature": {"enum": list(space.knowledge.features)},
        "call": _about(_TEXT, "The way of asking, as written in server code."),
        "outcome": _OUTCOME,
        "evidence": _TEXT,
        "measured": {"type": "string", "format": "date", "description": "When it was last observed."},
        "status": _about(
            {"enum": ["reported", "measured"]}, "reported: read or told; measured: seen by this program's own lab"
        ),
        "releases": _about(_object({"from": _TEXT, "before": _TEXT}), "The releases that it holds for."),
        "observed_on": _about(_TEXTS, "The releases on which it was seen."),
        "sources": _about(_TEXTS, "Ids that `rules show` explains."),
    }
    shared = ("sdk", "version", "stateless_http", "json_response", "era", "measured", "releases", "observed_on")
    behaviour = {
        **{name: cell[name] for name in shared},
        "name": _about(_TEXT, "What was tried, for example `GET without a session`."),
        "seen": _about({"type": ["string", "null"]}, "In words; null only in a measurement that did not try it."),
    }
    return {
        "$schema": DIALECT,
        "$id": "urn:" + CAPABILITIES.replace("/", ":"),
        "title": "What SDK releases do with each feature, version 1",
        **_object(
            {
                "schema": {"const": CAPABILITIES},
                "cells": {"type": "array", "items": _object(cell)},
                "behaviours": _about(
                    {"type": "array", "items": _object(behaviour)},
                    "What servers do beside the table: cancellation, broken connections, bare HTTP.",
                ),
            }
        ),
    }


def _reference(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}


def _expected_failure() -> Schema:
    return _object(
        {
            "event": _about(_TEXT, "What happens: an id of rules/failures.yaml."),
            "title": _about(_TEXT, "The same in words."),
            "tier": _about({"type": ["string", "null"]}, "null in a deployment of one tier."),
            "era": {"enum": list(ERAS)},
            "keeping": _about({"enum": list(KEEPING)}, "How the requests of a session find its owner."),
            "clients": _about(_TEXT, "What clients see, in words."),
            "then": _about({"enum": list(get_args(Then))}, "What calls see from the event on."),
            "running": _about({"enum": list(get_args(Running))}, "What becomes of a call that runs there."),
            "others": _about({"enum": list(get_args(Others))}, "What sessions of other instances see."),
            "felt": _about({"type": "array", "items": {"enum": list(get_args(Felt))}}, "What clients see at least."),
            "lost_at_most": {"type": "number", "minimum": 0, "maximum": 1, "description": "Share of lost sessions."},
            "handles": _about(
                {"enum": [*HANDLES, None]}, "What becomes of state handles in the shared store; null without a store."
            ),
        }
    )


def _inferred() -> Schema:
    return {"type": "object", "additionalProperties": _object({"value": {}, "because": _TEXT})}


def _tier() -> Schema:
    return _object(
        {
            "name": _TEXT,
            "flags": _reference("flags"),
            "pattern": _reference("pattern"),
            "tools": _TEXTS,
            "instances": {"type": "integer", "minimum": 1},
            "affinity": _reference("affinity"),
            "code": _TEXT,
        }
    )


def _capacity() -> Schema:
    figures = {
        "sessions_per_instance": _about(_COUNT, "Legacy sessions of one process when every client has one."),
        "session_bytes": _about(_COUNT, "Memory of each, its GET stream open."),
        "process_bytes": _about(_COUNT, "Memory of the process itself, before any session."),
        "memory_mb": _about(
            {"type": "number", "minimum": 0}, "Memory of one process with all its sessions, 10^6 bytes; 0 without any."
        ),
        "memory_budget_mib": _about(_COUNT, "Memory that is planned for one instance at most, mebibytes."),
        "session_limit": {"type": ["integer", "null"], "description": "Sessions that the SDK takes in one process."},
        "calls_per_s": _about(_COUNT, "Calls of a trivial tool that one process answers under these flags."),
        "enough": _about(_FLAG, "Whether the instances planned take all sessions, by that limit and by that memory."),
        "advice_instances": _about({"type": "integer", "minimum": 1}, "How many it takes for that."),
        "because": _about(_TEXT, "How it was computed."),
        "sources": _TEXTS,
    }
    whole = {"anyOf": [_object(figures), {"type": "null"}]}
    return _about(whole, "What the instances carry; null for a contradiction.")


def _feature(space: FactSpace) -> Schema:
    status = {"enum": ["measured", "reported", "derived"], "description": "derived: the topology decided"}
    named = _about(_FLAG, "Whether the requirements name this era.")
    call = {"type": ["string", "null"], "description": "The way of asking that fares best, as written in server code."}
    era = _object(
        {"outcome": _OUTCOME, "call": call, "how": _TEXT, "evidence": _TEXT, "named": named, "status": status}
    )
    return _object(
        {
            "feature": {"enum": list(space.knowledge.features)},
            "need": {"enum": list(NEEDS)},
            "legacy": era,
            "modern": era,
            "documented": _about({"type": ["string", "null"]}, "What guides say, where it differs from what was seen."),
            "instead": _about({"type": ["string", "null"]}, "What to do without it, where it is needed and lost."),
            "substituted": _about(_FLAG, "Whether the decision replaces it."),
        }
    )


def _step() -> Schema:
    step = {"question": _TEXT, "rule": _TEXT, "facts": _FACTS, "because": _TEXT, "sources": _TEXTS, "table": _TEXT}
    return _object(step)


def _core() -> Schema:
    return {"pattern": _reference("pattern"), "flags": _reference("flags"), "affinity": _reference("affinity")}


def _counterfactual() -> Schema:
    differing = {**_core(), "feasible": _FLAG, "substitute": _reference("substitute")}
    then = {**_object(differing, optional=tuple(differing)), "minProperties": 1}
    return _object({"change": _FACTS, "then": _about(then, "Only what differs from this decision.")})


def _alternative() -> Schema:
    return _object({"change": _FACTS, **_core(), "gives_up": _TEXTS, "how": _TEXT, "because": _TEXT})


def _warning() -> Schema:
    severity = {"enum": ["high", "medium", "low"]}
    return _object({"id": _TEXT, "severity": severity, "message": _TEXT, "fix": _TEXT, "sources": _TEXTS})
