"""The JSON Schema of `verify --format json`. It describes every key and stays open, as the others do."""

from __future__ import annotations

from typing import get_args

from advisor.knowledge.failures import HANDLES, KEEPING, Running, Then
from advisor.knowledge.space import FactSpace
from advisor.knowledge.types import ERAS, NEEDS
from advisor.report.schema_parts import COUNT, FLAG, OUTCOME, TEXT, TEXTS, Schema, about, record
from advisor.requirements.schema import DIALECT

VERIFICATION = "mcp-advisor/verification/1"


def verification_schema(space: FactSpace) -> Schema:
    """The schema of `verify --format json`."""
    tier = about({"type": ["string", "null"]}, "null in a deployment of one tier.")
    text_or_none = {"type": ["string", "null"]}
    cell = {
        "tier": tier,
        "era": {"enum": list(ERAS)},
        "feature": {"enum": list(space.knowledge.features)},
        "need": {"enum": list(NEEDS)},
        "call": about(text_or_none, "The way of asking, as written in server code; null where there is none."),
        "tool": about(text_or_none, "The kit's tool that was called; null for one of the lab's with the bare call."),
        "predicted": OUTCOME,
        "observed": OUTCOME,
        "agrees": FLAG,
        "detail": about(TEXT, "The message behind what was observed."),
        "evidence": about(
            {"type": "array", "items": record({"process": TEXT, "line": TEXT})}, "What was logged meanwhile."
        ),
    }
    behaviour = {
        "tier": tier,
        "era": {"enum": list(ERAS)},
        "name": about(TEXT, "What was tried, as `capabilities` names it."),
        "predicted": about(TEXT, "The status of an answer (HTTP 405), or words."),
        "observed": TEXT,
        "agrees": FLAG,
        "detail": about(TEXT, "The whole message."),
        "evidence": cell["evidence"],
    }
    calls = about(COUNT, "Calls made.")
    wrong = about(COUNT, "Calls of a session that reached an instance which does not know it.")
    lost = about(COUNT, "Clients with at least one call that failed.")
    spread = about({"type": "array", "items": COUNT}, "Sessions held by each instance, or calls answered.")
    sessions = {
        "opened": COUNT,
        "lost": lost,
        "per_instance": spread,
        "calls": calls,
        "wrong_instance": wrong,
        "wrong_instance_rate": {"type": "number", "minimum": 0, "maximum": 1},
    }
    traffic = {
        "tier": tier,
        "era": {"enum": list(ERAS)},
        "clients": COUNT,
        "sessions": COUNT,
        "calls": calls,
        "wrong_instance": wrong,
        "failed": COUNT,
        "lost": lost,
        "per_instance": spread,
        "example": about(text_or_none, "The first failure."),
    }
    seconds = {"type": "number", "minimum": 0}
    whole = {
        "schema": {"const": VERIFICATION},
        "ok": about(FLAG, "Whether everything was as predicted and no call was lost."),
        "service": TEXT,
        "proxy": about(TEXT, "What stood in front, with its version."),
        "instances": {"type": "integer", "minimum": 1},
        "tiers": about({"type": "object", "additionalProperties": COUNT}, "Instances by tier."),
        "cells": {"type": "array", "items": record(cell)},
        "behaviours": about({"type": "array", "items": record(behaviour)}, "What is no cell, such as a bare GET."),
        "behaviours_unknown": about(COUNT, "Tried, but nobody measured what this release does."),
        "sessions": about(record(sessions), "All clients together."),
        "traffic": {"type": "array", "items": record(traffic)},
        "chaos": about({"type": "array", "items": _chaos()}, "Promises for failures (--chaos); empty without it."),
        "load": about({"anyOf": [_load(), {"type": "null"}]}, "What one instance carries (--load); null without it."),
        "problems": about(TEXTS, "What is wrong beside the cells."),
        "notes": about(TEXTS, "How it was run, where that is not as in the requirements."),
        "steps": {"type": "array", "items": record({"name": TEXT, "seconds": seconds})},
        "seconds": seconds,
        "floor_seconds": about(seconds, "How long the instances took to start, side by side."),
        "ratio": about(seconds, "seconds / floor_seconds"),
        "logs": about(text_or_none, "Where the logs were kept."),
    }
    return {
        "$schema": DIALECT,
        "$id": "urn:" + VERIFICATION.replace("/", ":"),
        "title": "What a verification of mcp-advisor observed, version 1",
        **record(whole),
    }


def _load() -> Schema:
    number = {"type": "number", "minimum": 0}
    memory = {
        "process_bytes": about(COUNT, "Memory of the server before any session."),
        "session_bytes": about({"type": "integer"}, "Memory of an idle session without a connection."),
        "stream_session_bytes": about({"type": ["integer", "null"]}, "The same with its GET stream open."),
        "sessions": about(COUNT, "Sessions held at the same time."),
        "streams": about(COUNT, "Those of them with their GET stream."),
        "refusal": about(TEXT, "Why not as many as asked for."),
    }
    rate = {
        "stateless_http": FLAG,
        "json_response": FLAG,
        "era": {"enum": list(ERAS)},
        "calls_per_s": about(number, "Calls in a second of the clock."),
        "calls_per_processor_s": about(number, "Calls in a second of processor time of the server."),
        "median_ms": number,
        "p95_ms": number,
        "bound": about({"enum": ["server", "client", "machine"]}, "What kept it from more."),
    }
    return record(
        {
            "asked": about(COUNT, "Sessions asked for."),
            "machine": TEXT,
            "memory": {"type": "array", "items": record(memory)},
            "rates": {"type": "array", "items": record(rate)},
            "seconds": number,
            "load_average": about({"type": "array", "items": number}, "Of the machine, before and after."),
        }
    )


def _chaos() -> Schema:
    then = {"enum": list(get_args(Then))}
    running = {"enum": [*get_args(Running), None]}
    return record(
        {
            "tier": about({"type": ["string", "null"]}, "null in a deployment of one tier."),
            "event": TEXT,
            "era": {"enum": list(ERAS)},
            "keeping": about({"enum": list(KEEPING)}, "How the requests of a session find its owner."),
            "promised": about(then, "What DECISION.md says that calls see from the event on."),
            "seen": about({"enum": [*get_args(Then), None]}, "null where the event was not made to happen."),
            "running_call": about(
                record({"promised": running, "seen": running}), "A call that ran where the event struck; null: none."
            ),
            "handles": about(
                record(
                    {
                        "promised": {"enum": [*HANDLES, None]},
                        "seen": {"enum": [*HANDLES, "gone", None]},
                        "calls": COUNT,
                        "failed": COUNT,
                        "gone": about(COUNT, "Calls whose handle was not known any more."),
                    }
                ),
                "State that tools keep behind handles in the shared store; null where there is no such store.",
            ),
            "agrees": FLAG,
            "detail": about(TEXT, "What is not as promised."),
            "calls": COUNT,
            "failed_first": about(COUNT, "Calls whose first request failed."),
            "failed_after_retry": about(COUNT, "Calls that were not done in the end."),
            "sessions_lost": COUNT,
            "lost_elsewhere": about(COUNT, "Those of them whose owner was not struck."),
            "executed_twice": about(COUNT, "Requests that were executed more than once."),
            "run_again": about(COUNT, "Calls that ran again because their client repeated them."),
            "longest_wait_s": {"type": "number", "minimum": 0},
            "seconds": {"type": "number", "minimum": 0},
        }
    )
