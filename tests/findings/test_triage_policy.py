"""The configuration file: changed severities, ignored paths, patterns and invalid files."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from finding_reports import KNOWN, PARTS, STATE, finding, report
from jsonschema_rs import Draft202012Validator
from running import run_command_for_text
from test_baseline import SERVER

from advisor.cli.schema_registry import schema_of
from advisor.decision.advisor import Advisor
from advisor.errors import InputError
from advisor.triage.configuration import IgnoreEntry, SeverityEntry, TriagePolicy, read_configuration
from advisor.triage.path_patterns import matches


@pytest.mark.parametrize(
    ("pattern", "path", "covers"),
    [
        ("legacy", "legacy/a.py", True),
        ("legacy/", "legacy/b/a.py", True),
        ("legacy/**", "legacy/b/a.py", True),
        ("./legacy/*.py", "legacy/a.py", True),
        ("legacy/*.py", "legacy/b/a.py", False),
        ("**/a.py", "a.py", True),
        ("**/a.py", "b/c/a.py", True),
        ("**/b/**/a.py", "x/b/y/z/a.py", True),
        ("**/b/**/a.py", "x/y/z/a.py", False),
        ("**", "a.py", True),
        ("*", "b/a.py", True),
        ("a.p?", "a.py", True),
        ("a.[!p]y", "a.py", False),
        ("legacy", "legacy2/a.py", False),
        ("", "a.py", False),
    ],
)
def test_a_pattern_covers_a_path(pattern: str, path: str, covers: bool) -> None:
    assert matches(pattern, path) is covers


def test_no_pattern_takes_long() -> None:
    started = time.process_time()
    for pattern in ("**/" * 160 + "x", "*a" * 250, "**/a*b*c*/" * 40):
        matches(pattern, "a/" * 400 + "a" * 255)
    assert time.process_time() - started < 1


def test_the_last_entry_changes_the_severity(tmp_path: Path) -> None:
    policy = TriagePolicy(
        severity=(
            SeverityEntry(STATE, "low", "one instance"),
            SeverityEntry(STATE, "high", "orders get lost", "tools/**"),
            SeverityEntry(PARTS, "info", "other"),
        )
    )
    found = report(tmp_path, [finding("a.py"), finding("tools/b.py")], policy)
    shown = [(each.finding.severity, each.override) for each in found.findings]
    assert shown == [("high", ("medium", "orders get lost")), ("low", ("medium", "one instance"))]


def test_ignored_paths_are_counted_with_their_reason(tmp_path: Path) -> None:
    policy = TriagePolicy(ignore=(IgnoreEntry("old", "not deployed", PARTS), IgnoreEntry("old", "removed soon")))
    found = report(tmp_path, [finding("old/a.py"), finding("old/a.py", id=PARTS), finding("a.py")], policy)
    assert len(found.findings) == 1
    reasons = sorted((each.finding.id, each.suppression) for each in found.suppressed)
    assert [(name, why.kind, why.reason) for name, why in reasons if why] == [
        (PARTS, "configuration", "not deployed"),
        (STATE, "configuration", "removed soon"),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("ignroe: []", ["1: ignroe: unknown key. Did you mean 'ignore'?"]),
        ("version: 2", ["1: version: 2 is not a version of this file. Allowed: 1."]),
        ("version: true", ["1: version: true is not a version"]),
        ("severity: {}", ["1: severity: {} is not a list."]),
        ("severity:\n  - 3", ["2: severity[0]: 3 is not a mapping. Keys: id, severity, reason, path."]),
        (
            "severity:\n  - id: state-in-proces\n    severity: hihg\n    reason: '  '\n",
            [
                "2: severity[0].id: 'state-in-proces' is not allowed. Did you mean 'state-in-process'?",
                "3: severity[0].severity: 'hihg' is not allowed. Did you mean 'high'?",
                "4: severity[0].reason: '  ' is not a text.",
            ],
        ),
        ("severity:\n  - {id: state-in-process, severity: low}", ["2: severity[0].reason: the key is missing."]),
        ("ignore:\n  - {path: a}", ["2: ignore[0].reason: the key is missing."]),
        ("ignore:\n  - {path: [a], reason: b}", ["2: ignore[0].path: ['a'] is not a text."]),
        ("x: \x1b", ["is not allowed"]),
        ("- " * 200, ["the nesting is deeper than 32 levels"]),
    ],
)
def test_a_wrong_key_or_value_is_an_error_with_line_and_key(text: str, said: list[str], tmp_path: Path) -> None:
    file = tmp_path / "c.yaml"
    file.write_text(text)
    with pytest.raises(InputError) as caught:
        read_configuration(str(file), KNOWN.findings)
    for part in said:
        assert part in str(caught.value)


def test_the_schema_accepts_the_same_files(advisor: Advisor) -> None:
    schema = Draft202012Validator(schema_of("configuration", advisor.space))
    entry = {"id": STATE, "severity": "low", "reason": "r"}
    assert schema.is_valid({"version": 1, "severity": [entry], "ignore": [{"path": "a", "reason": "r"}]})
    wrong_files: tuple[dict[str, Any], ...] = (
        {"ignroe": []},
        {"version": 2},
        {"severity": [{**entry, "id": "x"}]},
        {"severity": [{**entry, "more": 1}]},
        {"severity": [{**entry, "reason": ""}]},
        {"ignore": [{"path": "a"}]},
    )
    for wrong in wrong_files:
        assert not schema.is_valid(wrong)


def test_the_command_finds_the_file_in_the_examined_folder(tmp_path: Path) -> None:
    (tmp_path / "server.py").write_text(SERVER)
    own = tmp_path / ".mcp-advisor.yaml"
    own.write_text(f"severity: [{{id: {STATE}, severity: info, reason: one instance}}]\n")
    for path in (tmp_path, tmp_path / "server.py"):
        shown = " ".join(run_command_for_text("scan", path).stdout.split())
        assert "info `add` changes `orders`" in shown
        assert "medium without the configuration file: one instance" in shown
    data = json.loads(run_command_for_text("scan", tmp_path, "-f", "json").stdout)
    assert data["findings"][0]["severity"] == "info"
    assert data["findings"][0]["overridden"] == {"severity": "medium", "reason": "one instance"}
    other = tmp_path / "other.yaml"
    other.write_text("ignore: [{path: server.py, reason: an example}]\n")
    done = run_command_for_text("scan", tmp_path, "--config", other)
    assert done.returncode == 0
    assert "1 accepted finding is left out" in done.stdout
    own.write_text("ignroe: []\n")
    done = run_command_for_text("scan", tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"{own}:1: ignroe: unknown key." in done.stderr


def test_a_link_to_another_folder_is_no_configuration_file(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (root / "server.py").write_text(SERVER)
    (tmp_path / "secret").write_text("password: hunter2\n")
    (root / ".mcp-advisor.yaml").symlink_to(tmp_path / "secret")
    done = run_command_for_text("scan", root)
    assert done.returncode == 1
    assert "password" not in done.stderr
