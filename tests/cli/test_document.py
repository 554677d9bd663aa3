"""The command `document`."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from example_files import EXAMPLES, change, copied_example
from running import run_command


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return copied_example(tmp_path)


def document(*arguments: str | Path, code: int = 0) -> tuple[str, str]:
    done = run_command("document", *arguments)
    assert done.returncode == code, done.stderr.decode()
    return done.stdout.decode(), done.stderr.decode()


def test_a_document_is_written_and_checked(file: Path) -> None:
    doc = file.parent / "docs" / "decision.md"
    document(file, "-o", doc)
    assert document(file, "--check", doc) == ("", f"{doc} is up to date.\n")
    change(doc, "## Decision Drivers", "Our words.\n\n## Drivers")
    assert document(file, "--check", doc)[0] == ""


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("concurrent: 1200", "concurrent: 1300", "facts: clients.concurrent changes from 1200 to 1300"),
        ("can_operate_affinity: false", "can_operate_affinity: true", "decision: pattern changes from tiered"),
        ("team_size: 3", "team_size: 30", "warnings: small-team-complex-deployment is gone (low severity)"),
        ("progress: preferred", "progress: required", "features: progress changes from preferred to required"),
    ],
)
def test_a_check_says_in_what_the_decision_differs(file: Path, old: str, new: str, line: str) -> None:
    doc = file.parent / "decision.md"
    document(file, "-o", doc)
    change(file, old, new)
    shown, said = document(file, "--check", doc, code=1)
    assert line in shown
    assert "is out of date" in said


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        ("concurrent: 1200", "concurrent: 1300", True),
        ("team_size: 3", "team_size: 30", True),
        ("progress: preferred", "progress: required", False),
    ],
)
def test_a_check_says_when_the_decision_stays_the_same(file: Path, old: str, new: str, same: bool) -> None:
    doc = file.parent / "decision.md"
    document(file, "-o", doc)
    change(file, old, new)
    said = document(file, "--check", doc, code=1)[1]
    assert ("although the decision stays the same" in said) is same


def test_a_runbook_depends_on_facts_that_leave_the_decision_as_it_is(file: Path) -> None:
    doc = file.parent / "runbook.md"
    document(file, "-o", doc, "--format", "runbook")
    before = doc.read_text(encoding="utf-8")
    assert re.search(r"^\| stateful .* 100 s +\|$", before, re.MULTILINE)
    change(file, "duration_s: 40", "duration_s: 50")
    assert "although the decision stays the same" in document(file, "--check", doc, code=1)[1]
    document(file, "-o", doc, "--format", "runbook")
    assert re.search(r"^\| stateful .* 120 s +\|$", doc.read_text(encoding="utf-8"), re.MULTILINE)


def test_the_document_has_the_commands_that_work(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(file.parent)
    document("a.yaml", "-o", "it's a doc.md", "--informed", "Ada, Bob")
    text = Path("it's a doc.md").read_text(encoding="utf-8")
    assert """```sh\nmcp-advisor document a.yaml -o 'it'"'"'s a doc.md' --informed Ada,Bob\n""" in text
    assert """```sh\nmcp-advisor document a.yaml --check 'it'"'"'s a doc.md'\n""" in text
    assert 'informed: ["Ada", "Bob"]' in text


def test_the_output_of_recommend_and_the_page_of_a_kit_are_checked(file: Path) -> None:
    printed = file.parent / "printed.md"
    warned = file.parent / "accepted.txt"
    warned.write_text("small-team-complex-deployment\n", encoding="utf-8")
    for options in ((), ("--explain",), ("--accepted", warned)):
        done = run_command("recommend", file, "--format", "markdown", *options)
        printed.write_bytes(done.stdout)
        assert document(file, "--check", printed) == ("", f"{printed} is up to date.\n")
        assert f"```sh\nmcp-advisor recommend {file} --format markdown{''.join(f' {each}' for each in options)}\n" in (
            done.stdout.decode()
        )
    kit = file.parent / "kit"
    assert run_command("generate", file, "-o", kit).returncode == 0
    written = file.parent / "written.md"
    document(file, "-o", written, "--format", "decision")
    change(file, "can_operate_affinity: false", "can_operate_affinity: true")
    for page in (printed, kit / "DECISION.md", written):
        assert "decision: pattern changes from tiered" in document(file, "--check", page, code=1)[0]
    assert "DECISION.md has the form 'kit'." in document(file, "-o", kit / "DECISION.md", code=2)[1]


def test_each_decision_in_the_output_of_recommend_for_several_files_is_checked(file: Path) -> None:
    printed, accepted = file.parent / "printed.md", file.parent / "accepted.txt"
    accepted.write_text("small-team-complex-deployment\n", encoding="utf-8")
    other = EXAMPLES / "saas-b2b.yaml"
    for options in ((), ("--accepted", accepted)):
        printed.write_bytes(run_command("recommend", file, other, "--format", "markdown", *options).stdout)
        for each in (file, other):
            assert document(each, "--check", printed) == ("", f"{printed} is up to date.\n")
    said = document(file, "-o", printed, "--format", "decision", code=2)[1]
    assert "has the decisions of several services" in said
    change(file, "can_operate_affinity: false", "can_operate_affinity: true")
    assert "decision: pattern changes from tiered" in document(file, "--check", printed, code=1)[0]
    document(other, "--check", printed)
    stranger = EXAMPLES / "payment-provider.yaml"
    assert "is about several other services" in document(stranger, "--check", printed, code=2)[1]
    same = shutil.copy(other, file.parent / "same.yaml")
    printed.write_bytes(run_command("recommend", other, same, "--format", "markdown").stdout)
    assert "has several decisions about the service 'tickets'" in document(other, "--check", printed, code=2)[1]


def test_new_rules_with_the_same_decision_are_no_difference(file: Path) -> None:
    doc = file.parent / "decision.md"
    document(file, "-o", doc)
    change(doc, '"rules": "', '"rules": "0')
    assert "also with the rules and measurements of today" in document(file, "--check", doc)[1]


def test_the_text_of_a_person_is_never_replaced(file: Path) -> None:
    doc = file.parent / "decision.md"
    document(file, "-o", doc)
    change(doc, "## Decision Drivers", "Our words.\n\n## Decision Drivers")
    before = doc.read_bytes()
    document(file, "-o", doc)
    change(file, "can_operate_affinity: false", "can_operate_affinity: true")
    assert "has your edits" in document(file, "-o", doc, code=1)[1]
    assert doc.read_bytes() == before
    new = doc.with_name("decision.md.new")
    new.replace(doc)
    document(file, "--check", doc)


def test_a_contradiction_is_written_as_a_proposal(file: Path) -> None:
    doc = file.parent / "decision.md"
    contradiction = EXAMPLES / "sampling-on-a-stateless-fleet.yaml"
    document(contradiction, "-o", doc, code=3)
    assert 'status: "proposed"' in doc.read_text(encoding="utf-8")
    document(contradiction, "--check", doc)


def test_a_resolved_contradiction_is_accepted_in_the_same_file(file: Path) -> None:
    doc = file.parent / "decision.md"
    shutil.copy(EXAMPLES / "sampling-on-a-stateless-fleet.yaml", file)
    document(file, "-o", doc, "--decision-makers", "Ada", "--date", "2026-01-01", code=3)
    change(file, "sampling: required", "sampling: preferred")
    document(file, "-o", doc, "--date", "2026-02-02")
    assert doc.read_text(encoding="utf-8").split("\n")[1:4] == [
        'status: "accepted"',
        "date: 2026-02-02",
        'decision-makers: ["Ada"]',
    ]


def test_a_verification_is_read(file: Path) -> None:
    doc, result = file.parent / "decision.md", file.parent / "result.json"
    data = {
        "schema": "mcp-advisor/verification/1",
        "ok": True,
        "service": "customer-service-agent",
        "date": "2026-11-28",
        "proxy": "nginx 1.31.3",
        "instances": 4,
        "cells": [{"tier": None, "era": "legacy", "feature": "plain", "predicted": "works", "observed": "works"}],
        "problems": [],
    }
    result.write_text(json.dumps(data), encoding="utf-8")
    document(file, "-o", doc)
    document(file, "-o", doc, "--verification", result)
    assert "ran on 2026-11-28 with 4 instances, nginx 1.31.3." in doc.read_text(encoding="utf-8")
    result.write_text(json.dumps({**data, "service": "other"}), encoding="utf-8")
    assert "is about the service 'other'" in document(file, "-o", doc, "--verification", result, code=2)[1]
    for wrong in ("{", "[]", "null", "{}", '{"schema": "mcp-advisor/verification/1"}', "[" * 100_000):
        result.write_text(wrong, encoding="utf-8")
        assert "is not a result of" in document(file, "-o", doc, "--verification", result, code=2)[1]


def test_wrong_usage(file: Path, tmp_path: Path) -> None:
    other = tmp_path / "README.md"
    other.write_text("# Ours\n", encoding="utf-8")
    assert "has no fingerprint" in document(file, "-o", other, code=2)[1]
    assert "has no fingerprint" in document(file, "--check", other, code=2)[1]
    assert other.read_text(encoding="utf-8") == "# Ours\n"
    assert "Did you mean 'adr'?" in document(file, "-o", "x.md", "--format", "adrs", code=2)[1]
    assert "-o PATH" in document(file, code=2)[1]
    assert "--check DOC" in document(file, "-o", "x.md", "--check", "x.md", code=2)[1]
    assert "is not a day" in document(file, "-o", "x.md", "--date", "today", code=2)[1]
    assert "no such file" in document(file, "--check", tmp_path / "none.md", code=2)[1]
    document(file, "-o", tmp_path / "a.md")
    assert "is about the service" in document(EXAMPLES / "saas-b2b.yaml", "--check", tmp_path / "a.md", code=2)[1]
    assert "has no record about" in document(file, "--check", tmp_path, code=2)[1]


@pytest.mark.parametrize("form", ["adr", "one-page", "runbook", "html"])
def test_on_another_day_a_document_of_the_same_decision_stays(file: Path, form: str) -> None:
    doc = file.parent / "document"
    document(file, "-o", doc, "--format", form, "--date", "2026-01-01")
    written = doc.read_text(encoding="utf-8")
    assert document(file, "-o", doc, "--format", form)[1] == f"{doc} is up to date.\n"
    assert doc.read_text(encoding="utf-8") == written


@pytest.mark.parametrize("form", ["one-page", "html"])
def test_a_changed_decision_has_a_new_day(file: Path, form: str) -> None:
    doc = file.parent / "document"
    document(file, "-o", doc, "--format", form, "--date", "2026-01-01")
    change(file, "concurrent: 1200", "concurrent: 1300")
    document(file, "-o", doc, "--format", form)
    assert "2026-01-01" not in doc.read_text(encoding="utf-8")
    document(file, "-o", doc, "--format", form, "--date", "2026-02-02")
    assert "Date: 2026-02-02" in doc.read_text(encoding="utf-8")
