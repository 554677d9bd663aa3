"""The filled table of exercise 1 as `exercise --format json` prints it."""

from __future__ import annotations

from typing import Any

from advisor.knowledge.catalogue import FlagUse
from advisor.lab.exercise.table import PAIRS, Exercise, Sight
from advisor.lab.probes.observation import Observation
from advisor.report.lab_schemas import EXERCISE


def exercise_dict(found: Exercise) -> dict[str, Any]:
    """The document of `exercise --format json`."""
    return {
        "schema": EXERCISE,
        "sdk": found.sdk,
        "cases": [_case(found, pair, use) for pair, use in zip(PAIRS, found.uses, strict=True)],
        "rows": [_row(one) for one in found.sights],
        "curl": [
            {**_pair(one.stateless_http, one.json_response), "request": one.request, "answer": one.answer}
            for one in found.bare
        ],
        "published": [
            {
                **_pair(one.stateless_http, one.json_response),
                "feature": one.feature.id,
                "says": one.documented.says,
                "documented": one.documented.outcome,
                "observed": dict(one.seen),
                "sources": list(one.documented.sources),
            }
            for one in found.claims
        ],
        "seconds": round(found.seconds, 1),
    }


def _case(found: Exercise, pair: tuple[bool, bool], use: FlagUse) -> dict[str, Any]:
    seen = [one for one in found.sights if one.under(pair)]
    return {
        **_pair(*pair),
        "progress": {one.era: one.progress.outcome == "works" for one in seen},
        "log": {one.era: one.logs.outcome == "works" for one in seen},
        "result": {one.era: one.research.outcome == "works" for one in seen},
        "use": use.use,
        "because": use.because,
        "sources": list(use.sources),
    }


def _row(one: Sight) -> dict[str, Any]:
    return {
        **_pair(one.stateless_http, one.json_response),
        "era": one.era,
        "add": _cell(one.add),
        "research": _cell(one.research),
        "progress": {"outcome": one.progress.outcome, "arrived": one.progress.count, "live": one.progress.live},
        "logging": {"outcome": one.logs.outcome, "arrived": one.logs.count, "live": one.logs.live},
        "sampling": [{"call": call, **_cell(seen)} for call, seen in one.sampling.items()],
        "content_type": dict(one.content_types),
        "session_header": one.session_header,
    }


def _pair(stateless_http: bool, json_response: bool) -> dict[str, bool]:
    return {"stateless_http": stateless_http, "json_response": json_response}


def _cell(one: Observation) -> dict[str, str]:
    return {"outcome": one.outcome, "message": one.message}
