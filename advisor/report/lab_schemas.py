"""The JSON Schemas of the lab's tables: `topology` and `exercise` with `--format json`.

Like those of `schemas` they describe every key and stay open.
"""

from __future__ import annotations

from dataclasses import fields
from typing import get_args, get_type_hints

from advisor.knowledge.space import FactSpace
from advisor.knowledge.topology import KINDS, Conditions, Keeps
from advisor.knowledge.types import ERAS
from advisor.report.schema_parts import COUNT, FLAG, OUTCOME, TEXT, TEXTS, Schema, about, document, items, record

TOPOLOGY = "mcp-advisor/topology/1"
EXERCISE = "mcp-advisor/exercise/1"

_SHARE = record({"count": COUNT, "of": COUNT})
_COUNTS = items(COUNT)


def topology_schema(space: FactSpace) -> Schema:
    """The schema of `topology --format json` and of `topology measure --format json`."""
    way = {
        "id": TEXT,
        "title": TEXT,
        "mechanism": about(
            {"enum": [*space.domains["affinity.mechanism"], None]}, "As decisions name it; null: never chosen."
        ),
        "keeps": about({"enum": list(get_args(Keeps))}, "Under which condition every session stays whole."),
        "because": TEXT,
        "source": about(TEXT, "The id by which rules cite it, if it was measured."),
        "rules": about(TEXTS, "Rules that cite it."),
        "measured": about(_or_null(_measured()), "On what, with what and when; null: not yet."),
        "runs": items(_run()),
        "window": about(_or_null(_window()), "Of two proxies that share a table; null: there is no table to share."),
        "evidence": about(TEXT, "How requests of legacy sessions failed, with how often; empty: none did."),
    }
    title = "What ways of balancing do to sessions, version 1"
    return document(TOPOLOGY, title, {"ways": items(record(way))})


def _measured() -> Schema:
    return record({"proxy": TEXT, "sdk": TEXT, "tool": TEXT, "date": {"type": "string", "format": "date"}})


def _window() -> Schema:
    return record(
        {
            "at_once": about(_SHARE, "Sessions that the second proxy knew when it was asked at once."),
            "longest_us": about(COUNT, "Microseconds until it knew all of them."),
            "started_us": about(_COUNTS, "The same in the first seconds after each of its starts."),
        }
    )


def _run() -> Schema:
    hints = get_type_hints(Conditions)
    under = {one.name: {"enum": list(get_args(hints[one.name]))} for one in fields(Conditions)}
    figures: Schema = {kind: _figures(kind) for kind in KINDS}
    return record({"under": record(under), **figures}, optional=KINDS)


def _figures(kind: str) -> Schema:
    sessions = kind == "stateful+legacy"
    shares = {
        "whole": "Sessions (clients, where there are none) in which every request was answered.",
        "answered": "Calls that were answered with their result.",
        "wrong": "Calls that another instance served than the owner of the session.",
        "sampling": "Clients whose model was asked and whose call then ended.",
        "progress": "Notifications that arrived.",
    }
    if sessions:
        shares["over_get"] = "Clients that were asked over the stream they opened with GET."
    if kind.endswith("modern"):
        shares["crossed"] = "Second rounds that another instance took than the first."
    spread = about(_COUNTS, f"{'Sessions' if sessions else 'Calls'} by instance, most first.")
    return record({**{name: about(_SHARE, text) for name, text in shares.items()}, "spread": spread})


def exercise_schema(space: FactSpace) -> Schema:
    """The schema of `exercise --format json`."""
    pair = {"stateless_http": FLAG, "json_response": FLAG}
    answers = {"type": "object", "properties": dict.fromkeys(ERAS, FLAG), "additionalProperties": False}
    case = {
        **pair,
        "progress": about(answers, "Whether the progress of research showed while it ran, by era of the clients."),
        "log": about(answers, "The same of its log message."),
        "result": about(answers, "Whether it returned the right result."),
        "use": about(TEXT, "What the flag pair is for."),
        "because": TEXT,
        "sources": about(TEXTS, "Ids that `rules show` explains."),
    }
    said = {"outcome": OUTCOME, "message": TEXT}
    notices = record({"outcome": OUTCOME, "arrived": COUNT, "live": about(COUNT, "Those that came before the answer.")})
    row = {
        **pair,
        "era": {"enum": list(ERAS)},
        "add": about(record(said), "The quick call."),
        "research": about(record(said), "The call of three seconds."),
        "progress": notices,
        "logging": notices,
        "sampling": items(record({"call": about(TEXT, "The way of asking, as written in server code."), **said})),
        "content_type": about(record({"add": TEXT, "research": TEXT}), "Of the answers."),
        "session_header": about(FLAG, "Whether the server gave a session id."),
    }
    published = {
        **pair,
        "feature": {"enum": list(space.knowledge.features)},
        "says": about(TEXT, "What guides say."),
        "documented": OUTCOME,
        "observed": about({"type": "object", "additionalProperties": OUTCOME}, "What was seen instead, by era."),
        "sources": TEXTS,
    }
    whole = {
        "sdk": about(TEXT, "The release, such as mcp==2.3.0."),
        "cases": about({**items(record(case)), "minItems": 4, "maxItems": 4}, "The table that the exercise asks for."),
        "rows": about(items(record(row)), "Everything that clients saw, by flag pair and era."),
        "curl": about(items(record({**pair, "request": TEXT, "answer": TEXT})), "Requests without a handshake."),
        "published": about(items(record(published)), "Where guides say something else."),
        "seconds": {"type": "number", "minimum": 0},
    }
    return document(EXERCISE, "The filled table of exercise 1, version 1", whole)


def _or_null(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}
