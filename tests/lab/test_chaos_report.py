"""The report of `verify --chaos`, as text and as data."""

from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from chaos_calls import BAD, EVENT, GONE, OK, call, promise, verdict

from advisor.cli.schema_registry import schema_of
from advisor.console.canvas import Canvas, Screen
from advisor.decision.advisor import Advisor
from advisor.kit.expected_failures import ExpectedFailure
from advisor.knowledge import Knowledge
from advisor.knowledge.types import Era
from advisor.lab.chaos.evidence import ChaosRow, HandleJudgement, HandleNumbers, Judgement
from advisor.lab.chaos.report import chaos_data, chaos_text

SNAPSHOTS = Path(__file__).parent / "snapshots"
UPDATE = os.environ.get("MCP_ADVISOR_UPDATE_SNAPSHOTS") == "1"


def rows(knowledge: Knowledge) -> list[ChaosRow]:
    fine = verdict(promise(knowledge), call(GONE, OK, name="1"), call(OK, owner="b", name="2"))
    broken = verdict(
        promise(knowledge, keeping="stateless", era="modern"), call(BAD, BAD, era="modern", owner=""), event=EVENT
    )
    name = "instances-replaced"  # the longest name of an event
    event = next(event for event in knowledge.events if event.id == name)
    cases: list[tuple[Era, str, Judgement]] = [
        ("legacy", "nginx-sticky-learn", fine),
        ("modern", "stateless", broken),
    ]
    made = []
    for era, keeping, judged in cases:
        tier: Any = None  # a row has the name of its tier only
        failure = ExpectedFailure(tier, event, era, keeping, promise(knowledge, keeping=keeping, era=era), "")
        made.append(ChaosRow(None, failure, judged.problems, judged, seconds=4.2))
    return made


@pytest.mark.parametrize("width", [80, 120])
def test_the_text_matches_its_snapshot(knowledge: Knowledge, width: int) -> None:
    canvas = Canvas(Screen(width))
    chaos_text(canvas, rows(knowledge), knowledge.phrases)
    path = SNAPSHOTS / f"chaos.{width}.txt"
    if UPDATE:
        path.parent.mkdir(exist_ok=True)
        path.write_text(canvas.text())
    assert canvas.text() == path.read_text()
    assert max(map(len, canvas.text().splitlines())) <= width
    for word in ("instances-replaced", "404-then-initialize", "Longest", "Retry"):
        assert word in canvas.text(), "cut off"


def test_the_data_follows_the_schema(advisor: Advisor, knowledge: Knowledge) -> None:
    schema = schema_of("verification", advisor.space)["properties"]["chaos"]
    data = json.loads(json.dumps(chaos_data(rows(knowledge))))
    jsonschema.validate(data, schema)
    assert [row["agrees"] for row in data] == [True, False]
    assert set(data[0]) == set(schema["items"]["properties"])
    assert {field.name for field in dataclasses.fields(rows(knowledge)[0].judged.numbers)} <= set(data[0])


def test_the_report_shows_an_event_that_did_not_happen_and_state_handles(
    advisor: Advisor, knowledge: Knowledge
) -> None:
    made, other = rows(knowledge)
    handles = HandleJudgement("fails-then-gone", (), HandleNumbers(40, 12, 2))
    failure = dataclasses.replace(made.failure, handles="fails-then-gone")
    made = dataclasses.replace(made, failure=failure, judged=Judgement(), handles=handles)
    canvas = Canvas(Screen(80))
    chaos_text(canvas, [made, other], knowledge.phrases)
    assert "Calls with a state handle: 40. Failed: 12. State lost: 2." in " ".join(canvas.text().split())
    data = json.loads(json.dumps(chaos_data([made])))
    jsonschema.validate(data, schema_of("verification", advisor.space)["properties"]["chaos"])
    assert data[0]["seen"] is None
    assert data[0]["handles"] == {
        "promised": "fails-then-gone",
        "seen": "fails-then-gone",
        "calls": 40,
        "failed": 12,
        "gone": 2,
    }
