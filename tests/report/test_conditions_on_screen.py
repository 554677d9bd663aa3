"""The first screen states the condition of each feature that works, and the release that the results belong to."""

from __future__ import annotations

from typing import Any

import pytest

from advisor.console.canvas import Screen
from advisor.report.first_screen import first_screen

ONE = {"scale.instances": 1, "clients.protocol": "legacy", "environment.proxy.sse": True}
STATE = ONE | {"needs.session_state": "required", "workload.state_by": "session", "workload.longest_call_s": 3}
RAILWAY = {"environment.platform": "serverless", "environment.proxy.kind": "railway"}
FLEET = STATE | {"scale.instances": 3, "environment.proxy.kind": "haproxy", "operations.shared_store": "redis"}
TYPESCRIPT = {"sdk": "other", "language": "typescript"}


def _screen(decision: Any, width: int = 80) -> str:
    return " ".join(first_screen(decision, Screen(width)).split())


@pytest.mark.parametrize("server", [{"sdk": "mcp==1.28.1"}, TYPESCRIPT])
def test_state_in_the_sessions_of_one_process_stays_there_on_a_platform(decide: Any, server: dict[str, Any]) -> None:
    decision = decide(STATE | RAILWAY | server | {"current.stateless_http": False})
    assert decision.verdict.rule.id == "SES-093"
    assert not decision.core.flags.stateless_http
    shown = _screen(decision)
    assert "Lost no required or preferred feature while the instance runs" in shown
    assert "state-ends-when-the-platform-stops-the-instance" in shown
    assert "use a state handle" not in shown
    stored = decide(STATE | RAILWAY | server | {"operations.shared_store": "redis"})
    assert stored.core.flags.stateless_http


@pytest.mark.parametrize("server", [{"sdk": "mcp-1"}, {"sdk": "mcp-2"}, TYPESCRIPT])
@pytest.mark.parametrize("current", [False, "unknown"])
def test_the_verdict_says_first_that_tools_must_be_rewritten(
    decide: Any, server: dict[str, Any], current: bool | str
) -> None:
    shown = _screen(decide(FLEET | server | {"current.stateless_http": current}))
    assert "Lost no required or preferred feature, if the tools store their state by a state handle" in shown
    of_user = _screen(decide(FLEET | server | {"workload.state_by": "user"}))
    assert "Lost no required or preferred feature, if no tool stores its state in the session" in of_user


def test_sessions_that_keep_the_state_need_no_condition(decide: Any) -> None:
    shown = _screen(decide(STATE | {"sdk": "mcp==1.28.1", "environment.platform": "compose"}))
    assert "Lost no required or preferred feature Assumed" in shown


@pytest.mark.parametrize("sdk", ["mcp-1", "mcp-2", "fastmcp-2"])
def test_state_that_is_not_stated_is_the_first_warning(decide: Any, sdk: str) -> None:
    for kind in ("fly", "azure-container-apps"):
        facts = {"scale.instances": 3, "clients.protocol": "legacy", "environment.platform": "serverless"}
        decision = decide(facts | {"environment.proxy.kind": kind, "sdk": sdk, "current.stateless_http": False})
        assert decision.warnings[0].id == "session-state-is-not-stated"
        for width in (80, 60):
            assert decision.warnings[0].title in _screen(decision, width)


@pytest.mark.parametrize("language", ["rust", "csharp", "typescript", "go", "unknown"])
def test_no_feature_of_another_language_works_without_a_note(decide: Any, language: str) -> None:
    facts = ONE | {"sdk": "other", "language": language, "clients.protocol": "mixed"}
    needs = {f"needs.{name}": "preferred" for name in ("elicitation", "progress", "session_state", "list_changed")}
    decision = decide(facts | needs)
    works = [
        cell.words
        for row in decision.needed
        if row.feature != "plain"
        for _, cell in row.cells
        if cell.outcome == "works"
    ]
    assert works
    assert "works" not in works
    rows = {row.feature: row for row in decision.features}
    assert rows["session_state"].modern.words == "works if the tool uses a state handle"
    assert rows["elicitation"].modern.words == "works if the tool uses InputRequiredResult"
    assert rows["elicitation"].legacy.words == "works (not measured)"
    assert rows["plain"].legacy.words == "works"


@pytest.mark.parametrize("width", [80, 60])
@pytest.mark.parametrize("needs", [{}, {"needs.elicitation": "required"}, {"needs.session_state": "required"}])
def test_an_unmeasured_release_is_named_with_the_command_that_measures_it(
    decide: Any, width: int, needs: dict[str, str]
) -> None:
    shown = _screen(decide(ONE | needs | {"sdk": "mcp==1.27.3"}), width)
    assert "mcp==1.27.3 is not measured; the decision uses mcp 1.28.1" in shown
    assert "mcp-advisor capabilities measure --sdk mcp==1.27.3" in shown
    assert ("(assumed)" in shown) is bool(needs)
    measured = _screen(decide(ONE | needs | {"sdk": "mcp==1.28.1"}), width)
    assert "capabilities measure" not in measured
    assert "(assumed)" not in measured


def test_a_feature_that_is_kept_for_a_doubt_has_its_condition(decide: Any) -> None:
    facts = ONE | {"sdk": "fastmcp==3.4.3", "current.stateless_http": True, "needs.session_state": "unknown"}
    assert "kept at no cost: session_state (with a state handle)" in _screen(decide(facts))


@pytest.mark.parametrize("sdk", ["mcp-2", "mcp==1.12.4"])
def test_the_verdict_says_first_that_json_clients_get_406(decide: Any, sdk: str) -> None:
    call_s = 1 if sdk != "mcp-2" else 20  # before mcp 1.20.0, JSON answers do not help either
    shown = _screen(
        decide({"sdk": sdk, "scale.instances": 3, "clients.plain_http": True, "workload.longest_call_s": call_s})
    )
    assert "clients that accept only application/json get 406" in shown.partition("Needed")[0]
