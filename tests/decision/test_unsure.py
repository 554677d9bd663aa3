"""Needs that a file states as `unknown`: they never lead to sessions, and a feature that costs nothing is kept."""

from __future__ import annotations

import random
from typing import Any

import pytest
from cases import drawn, read, unsure

from advisor.console.canvas import Screen
from advisor.decision.advisor import Advisor
from advisor.decision.model import Decision, UnsureNeed
from advisor.questionnaire.saved_answers import stated, to_yaml
from advisor.report.decision_json import decision_dict
from advisor.report.decision_text import decision_text
from advisor.report.first_screen import first_screen
from advisor.requirements import load_bytes
from advisor.team_documents.decision import written_decision

FLEET = {"scale.instances": 3, "environment.proxy.kind": "haproxy", "clients.protocol": "legacy"}


def decide(advisor: Advisor, **flat: Any) -> Decision:
    return advisor.decide(read(flat, advisor.space))


def found(decision: Decision) -> dict[str, UnsureNeed]:
    return {need.feature: need for need in decision.unsure}


def deployment(decision: Decision) -> tuple[Any, ...]:
    return decision.core, [(tier.core, tier.tools) for tier in decision.tiers]


def test_a_doubt_does_not_change_the_deployment_and_kept_features_work(advisor: Advisor) -> None:
    draw = random.Random(1)
    outcomes = set()
    for flat in drawn(advisor.space)[:80]:
        doubts = {name: value for name, value in unsure(flat, advisor.space, draw).items() if value == "unknown"}
        doubts = {name: value for name, value in doubts.items() if name not in flat}
        sure = decide(advisor, **flat, **dict.fromkeys(doubts, "none"))
        decision = decide(advisor, **flat, **doubts)
        assert deployment(decision) == deployment(sure), flat
        assert {f"needs.{need.feature}" for need in decision.unsure} == set(doubts)
        lost = {row.feature for row in decision.features if row.lost}
        for need in decision.unsure:
            outcomes.add(need.kept)
            if need.price is None:
                assert need.feature not in lost, flat
            else:
                priced = decide(advisor, **{**flat, **doubts, f"needs.{need.feature}": "required"})
                assert need.price.core == priced.core, (flat, need)
    assert outcomes == {True, False}


def test_a_feature_that_needs_sessions_is_not_kept_in_a_fleet_and_has_its_price(advisor: Advisor) -> None:
    decision = decide(advisor, **FLEET, **{"needs.sampling": "unknown", "needs.progress": "unknown"})
    needs = found(decision)
    assert decision.core.pattern == "stateless-fleet"
    assert needs["progress"] == UnsureNeed("progress", True, None)
    assert needs["sampling"].price is not None
    assert needs["sampling"].price.core.pattern == "sticky-fleet"
    record = {entry["feature"]: entry for entry in decision_dict(decision)["unsure"]}
    assert record["progress"] == {"feature": "progress", "kept": True}
    assert record["sampling"]["then"]["affinity"] == {"mechanism": "haproxy-stick-table"}
    for text in (decision_text(decision, Screen(200, False, True)), written_decision(decision)):
        assert "Not sure" in text
        assert "Kept, because this needs no other configuration: progress." in text
        assert "Counted as not needed: sampling. If a tool needs it, the result is sticky-fleet" in text


def test_one_process_keeps_every_feature_that_sessions_keep(advisor: Advisor) -> None:
    decision = decide(advisor, **{"scale.instances": 1, "needs.sampling": "unknown", "clients.protocol": "legacy"})
    assert found(decision)["sampling"].kept
    assert not decision.core.flags.stateless_http


def test_a_feature_that_nothing_keeps_says_so(advisor: Advisor) -> None:
    flat = {**FLEET, "scale.affinity": "unavailable", "needs.sampling": "unknown"}
    decision = decide(advisor, **flat)
    price = found(decision)["sampling"].price
    assert price is not None
    assert not price.core.feasible
    assert "no configuration keeps every required feature" in written_decision(decision)


def test_a_tool_can_be_unsure_and_another_tool_settles_the_doubt(advisor: Advisor) -> None:
    unsure = {"name": "a", "needs": {"sampling": "unknown"}}
    sure = {"name": "b", "needs": {"sampling": "required"}}
    assert "sampling" in found(decide(advisor, tools=[unsure]))
    decision = decide(advisor, tools=[unsure, sure])
    assert not decision.unsure
    assert decision.requirements["needs.sampling"] == "required"
    decision = decide(advisor, tools=[sure], **{"needs.sampling": "unknown"})
    assert not decision.unsure
    assert "needs.sampling" in decision.requirements.inferred


def test_saved_answers_keep_a_doubt(advisor: Advisor) -> None:
    requirements = read({"needs.sampling": "unknown", "needs.roots": "none"}, advisor.space)
    text = to_yaml(stated(requirements), advisor.space, "test")
    assert "sampling: unknown" in text
    assert load_bytes(text.encode(), "again.yaml", advisor.space).unsure == requirements.unsure


@pytest.mark.parametrize(
    ("flat", "warned"),
    [
        ({}, True),
        ({"needs.session_state": "unknown"}, True),
        ({"needs.session_state": "none"}, False),
        ({"tools": [{"name": "a"}]}, False),  # a list of tools states what the tools need
    ],
)
def test_a_change_to_no_sessions_asks_for_session_state(advisor: Advisor, flat: dict[str, Any], warned: bool) -> None:
    decision = decide(advisor, **FLEET, **{"current.stateless_http": False}, **flat)
    assert decision.core.flags.stateless_http
    assert any(warning.id == "session-state-is-not-stated" for warning in decision.warnings) == warned


def test_the_json_document_has_the_need_as_stated_and_as_counted(advisor: Advisor) -> None:
    stated = {"needs.elicitation": "unknown", "needs.progress": "unknown", "needs.roots": "none"}
    decision = decide(advisor, **{"scale.instances": 3, "clients.protocol": "legacy", **stated})
    rows = {row["feature"]: row for row in decision_dict(decision)["features"]}
    counted = {
        name: (rows[name]["need"], rows[name].get("counted_as")) for name in ("elicitation", "progress", "roots")
    }
    assert counted == {
        "elicitation": ("unknown", "none"),
        "progress": ("unknown", "preferred"),
        "roots": ("none", None),
    }


ALL = {f"needs.{name}": "unknown" for name in ("sampling", "elicitation", "progress", "logging", "roots")}


@pytest.mark.parametrize(("flat", "reason"), [(ALL, "SES-100"), ({**ALL, "needs.sampling": "preferred"}, "SES-092")])
def test_a_doubt_is_no_reason_and_no_needed_feature(advisor: Advisor, flat: dict[str, Any], reason: str) -> None:
    """The reason of the decision is that of the requirements without the doubt. `--explain` agrees."""
    decision = decide(advisor, **flat)
    assert decision.verdict.rule.id == reason
    fired = {attempt.rule.id for table in advisor.trace(decision) for attempt in table.attempts if attempt.fired}
    assert reason in fired
    assert len({"SES-100", "SES-092"} & fired) == 1
    screen = first_screen(decision, Screen(80, False, True))
    assert ("needed feature works only with sessions" in f"{decision.because} {screen}") is (reason == "SES-092")
    assert "kept at no cost: elicitation" in " ".join(screen.split())
    assert ("Sampling *" in screen) is (reason == "SES-092")
    assert "Elicitation *" not in screen


@pytest.mark.parametrize(
    ("flat", "warned"),
    [
        ({"needs.elicitation": "unknown", "needs.roots": "none"}, [("medium", "elicitation")]),
        ({"needs.elicitation": "preferred", "needs.roots": "unknown"}, [("high", "")]),
        ({"needs.elicitation": "none", "needs.roots": "unknown"}, []),
        ({"tools": [{"name": "a", "needs": {"elicitation": "unknown"}}]}, [("medium", "elicitation")]),
    ],
)
def test_a_warning_about_a_doubt_says_so_and_is_at_most_medium(
    advisor: Advisor, flat: dict[str, Any], warned: list[tuple[str, str]]
) -> None:
    decision = decide(advisor, **{"scale.instances": 1, "clients.protocol": "mixed", "sdk": "mcp==2.3.0", **flat})
    found = [warning for warning in decision.warnings if warning.id == "elicitation-error-is-not-consent"]
    assert [warning.severity for warning in found] == [severity for severity, _ in warned]
    for warning, (_, feature) in zip(found, warned, strict=True):
        said = f"The requirements are not sure of the need for {feature}. If a tool needs it: "
        assert warning.message.startswith(said) == bool(feature)


def test_a_doubt_changes_no_other_warning(advisor: Advisor) -> None:
    draw = random.Random(2)
    lowered = 0
    for flat in drawn(advisor.space)[:60]:
        doubts = {name: "unknown" for name, value in unsure(flat, advisor.space, draw).items() if value == "unknown"}
        doubts = {name: value for name, value in doubts.items() if name not in flat}
        sure = {warning.id: warning for warning in decide(advisor, **flat, **dict.fromkeys(doubts, "none")).warnings}
        decision = decide(advisor, **flat, **doubts)
        kept = {f"needs.{feature}": "preferred" for feature in decision.doubted}
        needed = {warning.id: warning for warning in decide(advisor, **{**flat, **kept}).warnings}
        for warning in decision.warnings:
            if warning.message.startswith("The requirements are not sure of the need"):
                lowered += 1
                assert warning.id not in sure, flat
                assert warning.severity != "high"
                assert warning.message.endswith(needed[warning.id].message)
            elif warning.id in sure:
                assert warning.severity == sure[warning.id].severity, flat
    assert lowered
