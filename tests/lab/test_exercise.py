"""Exercise 1: the statements about guides, the renderings, and the table measured on real servers."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from causes import BUSY_SERVERS

from advisor.cli.schema_registry import schema_of
from advisor.console.canvas import Screen
from advisor.decision.advisor import Advisor
from advisor.decision.checks.proof import example_requirements
from advisor.knowledge import Knowledge
from advisor.knowledge.space import FactSpace
from advisor.knowledge.types import flag_key
from advisor.lab.exercise.document import PAIRS, BareAnswer, exercise_dict
from advisor.lab.exercise.report import case_rows, exercise_markdown, exercise_text
from advisor.lab.exercise.table import EraResults, Exercise, Notices, claims, judged, notices
from advisor.lab.probes.observation import ProbeResult

retried = BUSY_SERVERS

ROOT = Path(__file__).parents[2]
WORKS = ProbeResult("works", "the client answered the request: ok")
CALL = "ctx.session.create_message"


def sight(stateless: bool, json_response: bool, era: Any, **other: Any) -> EraResults:
    """The measurements of a client with mcp 2, except for the values in `other`."""
    streams = Notices(0, 0) if json_response else Notices(1, 1)
    legacy = era == "legacy"
    sampling = {CALL: ProbeResult("error", "no back-channel") if stateless or not legacy else WORKS}
    if not legacy:
        sampling["Resolve(Sample)"] = WORKS
    kind = "application/json" if json_response else "text/event-stream"
    seen: dict[str, Any] = {
        "add": WORKS,
        "research": WORKS,
        "progress": streams,
        "logging": streams,
        "sampling": sampling,
        "content_type": {"add": kind, "research": kind},
        "session_header": legacy and not stateless,
    }
    return EraResults(stateless, json_response, era, **{**seen, **other})


def exercise(knowledge: Knowledge) -> Exercise:
    sights = tuple(sight(*pair, era) for pair in PAIRS for era in ("legacy", "modern"))
    answers = ["HTTP 406: Not Acceptable: no", "HTTP 200 text/event-stream", "HTTP 200 application/json", "?"]
    bare = tuple(BareAnswer(*pair, "POST", answer) for pair, answer in zip(PAIRS, answers, strict=True))
    uses = tuple(knowledge.flags[flag_key(*pair)] for pair in PAIRS)
    return Exercise("mcp==2.3.0", ("legacy", "modern"), sights, uses, bare, tuple(claims(sights, knowledge)), 8.4)


def test_guides_are_contradicted_where_measurements_differ(knowledge: Knowledge) -> None:
    found = {
        (claim.feature.id, claim.documented.outcome, claim.stateless_http, claim.json_response): dict(claim.seen)
        for claim in exercise(knowledge).claims
    }
    # Clients of both eras, if the answer is an SSE stream.
    assert found["progress", "dropped", True, False] == {"legacy": "works", "modern": "works"}
    assert ("progress", "dropped", True, True) not in found
    assert found["progress", "works", False, True] == {"legacy": "dropped", "modern": "dropped"}
    # For modern clients, sampling in a second request is a success. An error differs from a missing answer.
    assert found["sampling", "dropped", True, True] == {"legacy": "error", "modern": "works"}
    assert not [key for key in found if key[0] == "plain"]


def test_a_guide_that_is_right_is_not_listed(knowledge: Knowledge) -> None:
    lost = [sight(*pair, "legacy", progress=Notices(0, 0)) for pair in PAIRS if pair[0]]
    assert not [claim for claim in claims(lost, knowledge) if claim.feature.id == "progress"]


def test_a_notification_that_arrives_with_the_answer_is_not_live() -> None:
    assert notices([1.0, 3.95, 4.2], 4.0) == Notices(3, 1)
    assert notices([3.95], 4.0).outcome == "dropped"
    assert notices([], 4.0) == Notices(0, 0)


def test_a_wrong_result_is_not_a_success() -> None:
    assert judged(False, "all about flags").outcome == "works"
    assert (judged(False, "all about pages").outcome, judged(False, "").outcome) == ("error", "error")
    assert judged(True, "all about flags").outcome == "error"


def test_the_table_of_the_exercise_answers_its_questions(knowledge: Knowledge) -> None:
    rows = {row.name: row.cells for row in case_rows(exercise(knowledge))}
    assert list(rows) == ["False / False", "True / False", "False / True", "True / True"]
    lost = ["no", "no", "yes"]
    assert [cells[:3] for cells in rows.values()] == [["yes"] * 3, ["yes"] * 3, lost, lost]
    assert len({cells[3] for cells in rows.values()}) == 4


def test_eras_with_different_outcomes_have_separate_rows(knowledge: Knowledge) -> None:
    found = exercise(knowledge)
    lost, late, hangs = Notices(0, 0), Notices(1, 0), ProbeResult("hang", "no answer")
    first = replace(found.sights[0], progress=lost, logging=late, research=hangs)
    cells = case_rows(replace(found, sights=(first, *found.sights[1:])))[0].cells
    assert cells[:3] == ["legacy: no, modern: yes", "legacy: too late, modern: yes", "legacy: hangs, modern: yes"]


def test_each_flag_pair_lists_the_deployments_that_the_rules_give_it(knowledge: Knowledge, advisor: Advisor) -> None:
    assert set(knowledge.flags) == {flag_key(*pair) for pair in PAIRS}
    for name, use in knowledge.flags.items():
        flags = advisor.decide(example_requirements(advisor, use.example)).core.flags
        assert flag_key(flags.stateless_http, flags.json_response) == name


@pytest.mark.parametrize("width", [80, 120])
def test_the_text_has_a_column_for_each_flag_pair(knowledge: Knowledge, width: int) -> None:
    text = exercise_text(exercise(knowledge), Screen(width))
    assert max(map(len, text.splitlines())) <= width
    assert [line.split() for line in text.splitlines() if line.startswith(" progress of research")] == [
        ["progress", "of", "research", "1", "live", "1", "live", "none", "none"]
    ] * 2
    assert "Stateless mode loses progress." in text
    assert "\x1b" not in text
    assert "\x1b[" in exercise_text(exercise(knowledge), Screen(width, colour=True))


def test_markdown_and_data_have_the_same_rows(knowledge: Knowledge) -> None:
    found = exercise(knowledge)
    markdown = exercise_markdown(found)
    assert f"| False / True | no | no | yes | {knowledge.flags['stateful+json'].use} |" in markdown
    assert "| progress of research | 1 live | 1 live | none | none |" in markdown
    assert "| Mcp-Session-Id | yes | no | yes | no |" in markdown
    assert "| POST | 406 | 200 SSE | 200 JSON | ? |" in markdown
    assert "- 406: Not Acceptable: no" in markdown
    document = exercise_dict(found)
    assert json.loads(json.dumps(document)) == document
    assert document["schema"] == "mcp-advisor/exercise/1"
    assert len(document["rows"]) == 8
    assert document["cases"][2]["progress"] == {"legacy": False, "modern": False}
    assert document["cases"][2]["use"] == knowledge.flags["stateful+json"].use
    assert {"documented", "observed", "says", "sources"} <= set(document["published"][0])


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "advisor", "exercise", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)


@pytest.mark.parametrize("sdk", ["mcp-7", "mcp==banana", "flask==1.0"])
def test_an_unknown_sdk_is_bad_usage(sdk: str) -> None:
    done = run("--sdk", sdk)
    assert (done.returncode, done.stdout) == (2, "")
    assert sdk in done.stderr
    assert "Traceback" not in done.stderr


@pytest.fixture(scope="module")
def document() -> Any:
    done = run("--format", "json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.programs
@retried
def test_the_table_of_the_installed_sdk_matches_the_data(document: dict[str, Any]) -> None:
    assert document["sdk"] == f"mcp=={metadata.version('mcp')}"
    seen = [[set(case[asked].values()) for asked in ("progress", "log", "result")] for case in document["cases"]]
    assert seen == [[{True}] * 3, [{True}] * 3, [{False}, {False}, {True}], [{False}, {False}, {True}]]
    rows = {(row["era"], row["stateless_http"], row["json_response"]): row for row in document["rows"]}
    assert len(rows) == 8
    for (era, stateless, json_response), row in rows.items():
        assert row["add"]["outcome"] == row["research"]["outcome"] == "works"
        # Guides say that the session decides. The stream decides.
        assert row["progress"] == row["logging"]
        assert row["progress"]["live"] == row["progress"]["arrived"] == (0 if json_response else 1)
        assert row["content_type"]["research"] == ("application/json" if json_response else "text/event-stream")
        assert row["session_header"] is (era == "legacy" and not stateless)
        by_call = {call["call"]: call["outcome"] for call in row["sampling"]}
        assert by_call[CALL] == ("works" if era == "legacy" and not stateless else "error")
        if era == "modern":
            assert by_call["Resolve(Sample)"] == "works"


@pytest.mark.programs
@retried
def test_the_schema_describes_every_key(document: dict[str, Any], knowledge: Knowledge) -> None:
    schema = _closed(schema_of("exercise", FactSpace(knowledge)))
    jsonschema.validate(document, schema)
    with pytest.raises(jsonschema.ValidationError, match="'stateless_http' is a required property"):
        jsonschema.validate({**document, "cases": [{}, *document["cases"][1:]]}, schema)


def _closed(schema: Any) -> Any:
    """The schema, changed so that a key without a description is an error."""
    if not isinstance(schema, dict):
        return [_closed(part) for part in schema] if isinstance(schema, list) else schema
    found = {key: _closed(part) for key, part in schema.items()}
    return {"additionalProperties": False, **found} if "required" in schema else found


@pytest.mark.programs
@retried
def test_the_document_has_curl_answers_and_published_statements(document: dict[str, Any]) -> None:
    curl = {
        (command["request"], command["stateless_http"], command["json_response"]): command["answer"]
        for command in document["curl"]
    }
    plain = "POST, Accept: application/json"
    assert curl[plain, True, True] == "HTTP 200 application/json"
    assert curl[plain, True, False].startswith("HTTP 406")
    assert curl["POST", False, False].startswith("HTTP 400")
    assert "an open stream without messages" in curl["GET, Accept: text/event-stream", True, False]
    said = {(entry["feature"], entry["documented"]) for entry in document["published"]}
    assert {("progress", "dropped"), ("progress", "works"), ("sampling", "dropped")} <= said
