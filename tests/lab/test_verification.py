"""The report of a verification: text at two widths, data, and the results that make it fail."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from advisor.cli.schema_registry import schema_of
from advisor.console.canvas import Screen
from advisor.decision.advisor import Advisor
from advisor.knowledge import Knowledge
from advisor.knowledge.types import Era, Need, Outcome
from advisor.lab.fleet.log_excerpts import LogLine
from advisor.lab.fleet.session_traffic import SessionTraffic
from advisor.lab.process.steps import TimedStep
from advisor.lab.verify.document import verification_dict
from advisor.lab.verify.prediction import PredictedCell
from advisor.lab.verify.report import verification_text
from advisor.lab.verify.result import Behaved, Checked, Trial, Verification

HERE = Path(__file__).parent
UPDATE = os.environ.get("MCP_ADVISOR_UPDATE_SNAPSHOTS") == "1"


def cell(
    feature: str,
    call: str,
    predicted: Outcome,
    *,
    era: Era = "legacy",
    tier: str | None = None,
    need: Need = "none",
    tool: str = "",
) -> PredictedCell:
    return PredictedCell(tier, era, feature, call, predicted, need, "session", tool)


FINE = Verification(
    service="demo",
    proxy="nginx 1.31.3",
    instances={"stateless": 3, "stateful": 1},
    cells=(
        Checked(cell("plain", "tools/call", "works", tier="stateless", need="required", tool="look"), "works", "look"),
        Checked(
            cell("sampling", "Resolve(Sample)", "error", tier="stateless"),
            "error",
            "This client cannot be asked (on the lab's lab_resolve_sample)",
        ),
        Checked(cell("subscriptions", "session.send_resource_updated", "works", tier="stateful"), "works", "arrived"),
        Checked(
            cell("session_state", "handle argument", "unreachable", era="modern", tier="stateless"),
            "unreachable",
            "the next call reached another instance",
        ),
    ),
    traffic=(
        SessionTraffic("stateless", "legacy", 20, 0, 100, 0, 0, 0, (34, 33, 33)),
        SessionTraffic("stateful", "legacy", 20, 20, 100, 0, 0, 0, (20,)),
        SessionTraffic("stateless", "modern", 20, 0, 100, 0, 0, 0, (33, 33, 34)),
    ),
    problems=(),
    notes=("5 of the 10 instances of the tier stateless run; --instances sets another number.",),
    steps=(TimedStep("start of 4 instances", 6.25), TimedStep("cells side by side", 3.5)),
    seconds=14.04,
    floor_seconds=6.2,
    behaviours=(
        Behaved("stateless", "legacy", "GET", "HTTP 405", "HTTP 405", "HTTP 405: Method Not Allowed"),
        Behaved("stateless", "legacy", "DELETE", "HTTP 405", "HTTP 405", "HTTP 405: Method Not Allowed"),
        Behaved("stateful", "legacy", "GET", "HTTP 200", "HTTP 200", "HTTP 200 text/event-stream, silent so far"),
    ),
    trials=(
        Trial(
            "session limit of an instance",
            "MCP_MAX_SESSIONS=3",
            "HTTP 503 after 3 sessions",
            "HTTP 503 after 3 sessions",
            True,
        ),
        Trial("open session of a full instance", "MCP_MAX_SESSIONS=3", "HTTP 200", "HTTP 200", True),
    ),
    unknown=2,
)
WRONG = replace(
    FINE,
    instances={"main": 3},
    cells=(
        Checked(
            cell("plain", "tools/call", "works", need="required", tool="look"),
            "unreachable",
            "404 for a session that another instance owns: Session not found",
            (LogLine("proxy", '{"status":404,"session":"5d1a","upstream":"main-2"}'),),
        ),
        *[replace(cell, cell=replace(cell.cell, tier=None)) for cell in FINE.cells[1:2]],
    ),
    traffic=(SessionTraffic(None, "legacy", 20, 20, 100, 66, 0, 20, (7, 7, 6), "HTTP 404: Session not found"),),
    behaviours=(
        Behaved(None, "legacy", "cancellation", "the tool was stopped", "the tool ran to its end", "it ran to its end"),
        Behaved(None, "legacy", "foreign Host", "HTTP 421", "HTTP 421", "HTTP 421: Invalid Host header"),
        Behaved(
            None,
            "modern",
            "foreign Host",
            "HTTP 421",
            "HTTP 200",
            "HTTP 200 application/json",
            (LogLine("proxy", "GET"),),
        ),
    ),
    trials=(
        FINE.trials[0],
        Trial(
            "session limit of a client address",
            "proxy: nginx",
            "HTTP 429 before 8,935 sessions",
            "8,942 sessions open",
            False,
        ),
    ),
    unknown=0,
    problems=("20 of 20 legacy clients had failed calls: HTTP 404: Session not found\n    proxy: a line",),
    logs="/tmp/logs",
)
RESULTS = {"fine": FINE, "wrong": WRONG}


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("name", RESULTS)
def test_the_text_matches_its_snapshot(knowledge: Knowledge, name: str, width: int) -> None:
    rendered = verification_text(RESULTS[name], Screen(width), knowledge.phrases)
    path = HERE / "snapshots" / f"verification-{name}.{width}.txt"
    if UPDATE:
        path.parent.mkdir(exist_ok=True)
        path.write_text(rendered, encoding="utf-8")
    assert rendered == path.read_text(encoding="utf-8")
    assert all(len(line) <= width for line in rendered.splitlines())


@pytest.mark.parametrize("name", RESULTS)
def test_the_data_follows_its_schema(advisor: Advisor, name: str) -> None:
    document = json.loads(json.dumps(verification_dict(RESULTS[name])))
    schema = schema_of("verification", advisor.space)
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(document)
    assert document["ok"] == RESULTS[name].ok == all(cell["agrees"] for cell in document["cells"])
    assert len(document["behaviours"]) == 3
    assert document["ok"] == all(behaviour["agrees"] for behaviour in document["behaviours"])


def test_the_data_has_the_keys_of_the_contract() -> None:
    document = verification_dict(FINE)
    assert document["schema"] == "mcp-advisor/verification/1"
    assert {"schema", "ok", "proxy", "instances", "cells", "sessions", "seconds"} <= document.keys()
    assert document["instances"] == 4
    assert document["sessions"]["opened"] == 20
    assert document["sessions"]["lost"] == 0
    assert document["sessions"]["per_instance"] == [20]
    keys = {"tier", "era", "feature", "call", "predicted", "observed", "agrees", "detail"}
    assert all(keys <= cell.keys() for cell in document["cells"])
    assert verification_dict(WRONG)["sessions"]["wrong_instance_rate"] == 0.66


@pytest.mark.parametrize(
    "change",
    [
        {"cells": WRONG.cells},
        {"behaviours": WRONG.behaviours},
        {"traffic": WRONG.traffic},
        {"problems": ("The process main-2 ended (exit code 1)",)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_each_kind_of_problem_makes_the_verification_fail(change: dict[str, Any]) -> None:
    assert FINE.ok
    assert not replace(FINE, **change).ok


def test_the_schema_is_printed() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "advisor", "schema", "verification"], capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout)["$id"] == "urn:mcp-advisor:verification:1"
