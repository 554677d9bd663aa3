"""`mcp-advisor diagnose`: words, logs, findings and answers lead to ranked causes."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import pytest
from running import run_command_for_text

from advisor.console.canvas import Screen
from advisor.diagnosis.causes import Evidence, diagnose
from advisor.diagnosis.logs import read_log
from advisor.knowledge import load
from advisor.knowledge.failure_causes import LogSign
from advisor.report.diagnosis_text import diagnosis_text
from advisor.report.screen_parts import LINES

KNOWLEDGE = load()
SCENARIO = (
    "Our MCP server behind AWS ALB randomly fails with 'session not found' errors. ALB without sticky sessions. "
    "Random failures, not consistent per tool"
)


def first(text: str = "", **more: object) -> list[str]:
    """The ids of the first three causes."""
    found = diagnose(Evidence(text, **more), KNOWLEDGE)  # type: ignore[arg-type]
    return [cause.cause.id for cause in found.causes[:3]]


@pytest.mark.parametrize("name", KNOWLEDGE.failure_causes)
def test_the_phrases_of_a_cause_lead_to_it(name: str) -> None:
    for phrase in KNOWLEDGE.failure_causes[name].wordings:
        assert name in first(phrase), phrase


def test_there_are_at_least_60_causes_with_sources() -> None:
    assert len(KNOWLEDGE.failure_causes) >= 60
    known = {*KNOWLEDGE.sources}
    assert all(set(cause.sources) <= known for cause in KNOWLEDGE.failure_causes.values())


def test_the_model_case_is_explained_on_a_screen() -> None:
    done = run_command_for_text("diagnose", SCENARIO, COLUMNS="80")
    text = " ".join(done.stdout.split())
    assert done.returncode == 0
    assert "Several instances keep sessions" in text
    assert "about 1/n of the later requests reach this instance and work" in text
    assert "stateless_http=True" in text
    assert "check: mcp-advisor probe URL" in text
    assert len(done.stdout.splitlines()) <= LINES


@pytest.mark.parametrize("columns", ["60", "80", "120"])
@pytest.mark.parametrize("name", KNOWLEDGE.failure_causes)
def test_the_screen_of_each_cause_fits_a_terminal(name: str, columns: str) -> None:
    found = diagnose(Evidence(KNOWLEDGE.failure_causes[name].wordings[0]), KNOWLEDGE)
    text = diagnosis_text(found, KNOWLEDGE.phrases, Screen(width=int(columns)))
    assert len(text.splitlines()) <= LINES
    assert f"({found.causes[0].cause.id})" in text


def test_spelling_errors_do_little_harm() -> None:
    assert first("Sesion not foud on random requests")[0] == "sessions-without-affinity"


def test_an_unknown_symptom_says_so_and_asks() -> None:
    done = run_command_for_text("diagnose", "it is purple")
    assert done.returncode == 5
    assert "This symptom is not known" in done.stdout
    assert "--answer" in done.stdout


def test_answers_change_the_order_and_are_not_asked_again() -> None:
    text = "session not found"
    before = diagnose(Evidence(text), KNOWLEDGE)
    after = diagnose(Evidence(text, answers={"after-restart": True, "several-instances": False}), KNOWLEDGE)
    assert before.causes[0].cause.id == "sessions-without-affinity"
    assert after.causes[0].cause.id in ("session-lost-on-restart", "client-does-not-reinitialize")
    assert after.question is None or after.question.id not in ("after-restart", "several-instances")


def test_the_next_question_tells_the_remaining_causes_apart() -> None:
    found = diagnose(Evidence("502 Bad Gateway"), KNOWLEDGE)
    assert found.question is not None
    shares = {cause.cause.answers.get(found.question.id) for cause in found.causes[:4]}
    assert len(shares) > 1


def test_findings_raise_a_cause_and_observations_lower_it(tmp_path: Path) -> None:
    text = "sessions are lost"
    assert first(text, findings={"endpoint-session-id-hash": "high"})[0] == "hash-of-session-id"
    kept = diagnose(Evidence(text, observations={"balancing": "kept"}), KNOWLEDGE)
    lowered = next(cause for cause in kept.causes if cause.cause.id == "sessions-without-affinity")
    assert lowered.against == ("endpoint.balancing",)
    assert kept.causes[0].cause.id != "sessions-without-affinity"


def test_documents_of_other_commands_are_evidence(tmp_path: Path) -> None:
    file = tmp_path / "probe.json"
    file.write_text(
        json.dumps({"findings": [{"id": "endpoint-refuses-host", "severity": "high"}], "observations": {"status": 421}})
    )
    done = run_command_for_text("diagnose", "--evidence", str(file), "--format", "json")
    document = json.loads(done.stdout)
    assert document["causes"][0]["id"] == "host-refused"
    assert document["causes"][0]["support"] == ["endpoint-refuses-host"]
    assert sum(cause["probability"] for cause in document["causes"]) == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("sign", KNOWLEDGE.log_signs.values(), ids=lambda sign: sign.id)
def test_a_line_of_a_log_leads_to_its_cause(sign: LogSign) -> None:
    literal, pattern = sign.literal, sign.pattern
    words = {"(?i)invalid|expired": "invalid", "(?i)timed out": "timed out"}[pattern] if pattern else ""
    log = f"2026-11-26 12:00:00 noise\n2026-11-26 12:00:01 x{literal} {words}\n".encode()
    seen = read_log(io.BytesIO(log), KNOWLEDGE.log_signs.values())
    assert sign in [each.sign for each in seen]
    assert sign.causes[0] in first(signs=seen)


def test_a_large_log_is_read_in_parts_and_each_line_once() -> None:
    line = b"2026/11/29 [error] upstream timed out (110: Connection timed out) while reading response header\n"
    seen = read_log(io.BytesIO(line * 30_000), KNOWLEDGE.log_signs.values())
    assert {each.sign.id: each.count for each in seen} == {"upstream-timed-out": 30_000}
    assert len(seen[0].lines) == 3


@pytest.mark.parametrize(
    "content", [b"", b"\x00\xff" * 5000, b"x" * 3_000_000, b"\n" * 100_000, b"\x1b[2J Session not found"]
)
def test_a_strange_log_is_no_problem(content: bytes, tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(content)
    done = run_command_for_text("diagnose", "session", "--log", str(log), "--full")
    assert done.returncode in (0, 5)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", done.stdout)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "Describe the symptom"),
        (("--log", "/nowhere"), "cannot be read"),
        (("--evidence", "/nowhere"), "cannot be read"),
        (("x", "--answer", "several-instance=yes"), "Did you mean 'several-instances'?"),
        (("x", "--answer", "workers=maybe"), "allowed are yes and no"),
    ],
)
def test_wrong_usage_is_a_message(arguments: tuple[str, ...], message: str) -> None:
    done = run_command_for_text("diagnose", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in " ".join(done.stderr.split())


def test_evidence_must_be_a_document_of_this_program(tmp_path: Path) -> None:
    file = tmp_path / "other.json"
    file.write_text("[" * 100_000)
    assert run_command_for_text("diagnose", "--evidence", str(file)).returncode == 2
    file.write_text("{}")
    assert (
        "allowed is the output of scan, audit or probe"
        in run_command_for_text("diagnose", "--evidence", str(file)).stderr
    )
