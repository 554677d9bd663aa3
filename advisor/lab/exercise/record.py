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
        "rows": [_row(sight) for sight in found.sights],
        "curl": [
            {**_pair(answer.stateless_http, answer.json_response), "request": answer.request, "answer": answer.answer}
            for answer in found.bare
        ],
        "published": [
            {
                **_pair(claim.stateless_http, claim.json_response),
                "feature": claim.feature.id,
                "says": claim.documented.says,
                "documented": claim.documented.outcome,
                "observed": dict(claim.seen),
                "sources": list(claim.documented.sources),
            }
            for claim in found.claims
        ],
        "seconds": round(found.seconds, 1),
    }


def _case(found: Exercise, pair: tuple[bool, bool], use: FlagUse) -> dict[str, Any]:
    seen = [sight for sight in found.sights if sight.under(pair)]
    return {
        **_pair(*pair),
        "progress": {sight.era: sight.progress.outcome == "works" for sight in seen},
        "log": {sight.era: sight.logs.outcome == "works" for sight in seen},
        "result": {sight.era: sight.research.outcome == "works" for sight in seen},
        "use": use.use,
        "because": use.because,
        "sources": list(use.sources),
    }


def _row(sight: Sight) -> dict[str, Any]:
    return {
        **_pair(sight.stateless_http, sight.json_response),
        "era": sight.era,
        "add": _cell(sight.add),
        "research": _cell(sight.research),
        "progress": {"outcome": sight.progress.outcome, "arrived": sight.progress.count, "live": sight.progress.live},
        "logging": {"outcome": sight.logs.outcome, "arrived": sight.logs.count, "live": sight.logs.live},
        "sampling": [{"call": call, **_cell(seen)} for call, seen in sight.sampling.items()],
        "content_type": dict(sight.content_types),
        "session_header": sight.session_header,
    }


def _pair(stateless_http: bool, json_response: bool) -> dict[str, bool]:
    return {"stateless_http": stateless_http, "json_response": json_response}


def _cell(observation: Observation) -> dict[str, str]:
    return {"outcome": observation.outcome, "message": observation.message}
