"""Every rendering of representative requirements, compared with plain files.

`MCP_ADVISOR_UPDATE_SNAPSHOTS=1 pytest tests/report` writes the files again after a change of wording or rules.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from advisor.console.canvas import Screen
from advisor.decision.advisor import default_advisor
from advisor.decision.model import Decision
from advisor.decision.trace import Trace
from advisor.report.decision_json import decision_dict
from advisor.report.decision_text import decision_text
from advisor.report.first_screen import first_screen
from advisor.report.serialization import Document, json_text, yaml_text
from advisor.requirements import load_bytes
from advisor.team_documents.decision import written_decision

HERE = Path(__file__).parent
UPDATE = os.environ.get("MCP_ADVISOR_UPDATE_SNAPSHOTS") == "1"
PATTERNS = {
    "contradiction": "contradiction",
    "shared-state": "shared-state",
    "stateless": "stateless-fleet",
    "sticky": "sticky-fleet",
    "tiered": "tiered",
}
RENDERINGS: dict[str, Callable[[Decision], str]] = {
    "screen.txt": lambda decision: first_screen(decision, Screen(80)),
    "80.txt": lambda decision: decision_text(decision, Screen(80)),
    "120.txt": lambda decision: decision_text(decision, Screen(120)),
    "md": written_decision,
    "json": lambda decision: json_text(decision_dict(decision)),
}


def decide(name: str) -> Decision:
    advisor = default_advisor()
    raw = (HERE / "requirements" / f"{name}.yaml").read_bytes()
    return advisor.decide(load_bytes(raw, f"{name}.yaml", advisor.space))


def trace(decision: Decision) -> Trace:
    return default_advisor().trace(decision)


@pytest.mark.parametrize("kind", RENDERINGS)
@pytest.mark.parametrize("name", PATTERNS)
def test_each_rendering_matches_its_snapshot(name: str, kind: str) -> None:
    rendered = RENDERINGS[kind](decide(name))
    path = HERE / "snapshots" / f"{name}.{kind}"
    if UPDATE:
        path.write_text(rendered, encoding="utf-8")
    assert rendered == path.read_text(encoding="utf-8")


@pytest.mark.parametrize(("name", "pattern"), PATTERNS.items())
def test_each_fixture_has_the_pattern_of_its_name(name: str, pattern: str) -> None:
    assert decide(name).core.pattern == pattern


@pytest.mark.parametrize("width", [60, 100])  # the snapshots have the widths 80 and 120
@pytest.mark.parametrize("name", PATTERNS)
def test_no_line_is_wider_than_the_screen(name: str, width: int) -> None:
    decision = decide(name)
    text = decision_text(decision, Screen(width), trace(decision))
    # Code that users copy is never wrapped.
    code = "\n".join([decision.code, *(tier.code for tier in decision.tiers)]).splitlines()
    assert [line for line in text.splitlines() if len(line) > width and line not in code] == []


@pytest.mark.parametrize("name", PATTERNS)
def test_colour_adds_nothing_but_escape_sequences(name: str) -> None:
    import re

    plain = decision_text(decide(name), Screen(80))
    coloured = decision_text(decide(name), Screen(80, colour=True))
    assert "\x1b" not in plain
    assert "\x1b[" in coloured
    bare = re.sub(r"\x1b\[[0-9;]*m", "", coloured)
    assert [line.rstrip() for line in bare.splitlines()] == plain.splitlines()


@pytest.mark.parametrize("name", PATTERNS)
def test_without_unicode_no_box_character_is_drawn(name: str) -> None:
    text = decision_text(decide(name), Screen(80, unicode=False))
    assert not set(text) & set("─├└│")
    assert "+-- " in text


@pytest.mark.parametrize("name", PATTERNS)
def test_every_feature_and_warning_is_in_text_and_markdown(name: str) -> None:
    decision = decide(name)
    for rendered in (decision_text(decision, Screen(120)), written_decision(decision)):
        for row in decision.features:
            assert row.title in rendered
        for warning in decision.warnings:
            assert warning.id in rendered


@pytest.mark.parametrize("name", PATTERNS)
def test_yaml_is_the_same_data_without_aliases(name: str) -> None:
    document = decision_dict(decide(name))
    text = yaml_text(document)
    assert yaml.safe_load(text) == document == json.loads(json_text(document))
    assert list(yaml.safe_load(text)) == list(document)
    assert "&id" not in text


def test_a_contradiction_has_no_flags_and_each_alternative_lists_its_lost_features() -> None:
    document = decision_dict(decide("contradiction"))
    assert document["feasible"] is False
    assert "flags" not in list(document)
    assert document["alternatives"]
    assert all("gives_up" in alternative for alternative in document["alternatives"])


def test_a_counterfactual_lists_only_differences() -> None:
    for name in PATTERNS:
        document = decision_dict(decide(name))
        for change in document["counterfactuals"]:
            assert change["then"]
            for key in ("pattern", "feasible"):
                assert change["then"].get(key) != document[key]
            if "flags" in document and document["pattern"] != "tiered":
                assert change["then"].get("flags") != document["flags"]


@pytest.mark.parametrize("name", ["sticky", "tiered"])
def test_explain_shows_every_rule_tried_with_its_conditions(name: str) -> None:
    decision = decide(name)
    text = decision_text(decision, Screen(120), trace(decision))
    markdown = written_decision(decision, trace(decision))
    for table in trace(decision):
        for attempt in table.attempts:
            assert attempt.rule.id in text
            assert f"`{attempt.rule.id}`" in markdown
    assert "All rules" in text
    assert "All rules" not in decision_text(decision, Screen(120))


@pytest.mark.parametrize("name", ["contradiction", "shared-state", "stateless", "sticky", "tiered"])
def test_code_can_be_pasted(name: str) -> None:
    document: Document = decision_dict(decide(name))
    snippets = [document] if "code" in document else document["tiers"]
    for snippet in snippets:
        if "code" in snippet:
            compile(snippet["code"], "snippet", "exec")
            assert f"stateless_http={snippet['flags']['stateless_http']}" in snippet["code"]
            assert snippet["code"] in decision_text(decide(name), Screen(80))
