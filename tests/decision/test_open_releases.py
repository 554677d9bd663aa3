"""Requirements that leave the SDK release open: what other releases change, and which mcp release is assumed."""

from __future__ import annotations

from typing import Any

import pytest

from advisor.console.canvas import Screen
from advisor.decision.advisor import Advisor
from advisor.decision.model import Decision
from advisor.report.decision_json import decision_dict
from advisor.report.first_screen import first_screen
from advisor.report.release_wording import release_texts

FLEET = {"scale.instances": 3, "clients.protocol": "legacy", "environment.proxy.kind": "haproxy"}
ELICITS = FLEET | {"needs.elicitation": "required"}
PROGRESS = FLEET | {"needs.progress": "required", "sdk": "mcp-1"}


def test_another_line_changes_calls_and_warnings(decide: Any) -> None:
    decision: Decision = decide(ELICITS)
    (other,) = (other for other in decision.releases if not other.before)
    assert other.release.startswith("mcp==1.")
    assert (other.changes_core, other.calls, other.loses, other.keeps) == (False, ("elicitation",), (), ())
    assert {"shared-sealing-keys", "elicitation-error-is-not-consent"} <= set(other.removes)
    assert "; with 1." in first_screen(decision, Screen(80))


def test_older_releases_of_the_line_change_the_pattern(decide: Any) -> None:
    decision: Decision = decide(PROGRESS)
    (other,) = decision.releases
    assert (other.before, other.core.pattern) == ("1.29.0", "sticky-fleet")
    assert "; before 1.29.0: session affinity" in first_screen(decision, Screen(80))
    (record,) = decision_dict(decision)["releases"]
    assert (record["before"], record["then"]["pattern"]) == ("1.29.0", "sticky-fleet")


@pytest.mark.parametrize("facts", [ELICITS, PROGRESS, FLEET | {"sdk": "fastmcp-2", "needs.progress": "preferred"}])
def test_each_release_has_the_decision_that_it_announces(facts: dict[str, Any], decide: Any) -> None:
    decision: Decision = decide(facts)
    for other in decision.releases:
        then: Decision = decide(facts | {"sdk": other.release})
        assert then.core == other.core
        lost, lost_now = ({row.feature for row in found.features if row.lost} for found in (then, decision))
        assert (set(other.loses), set(other.keeps)) == (lost - lost_now, lost_now - lost)


@pytest.mark.parametrize("sdk", ["mcp==2.3.0", "mcp==1.28.1", "other"])
def test_a_stated_release_has_no_other_release(sdk: str, decide: Any) -> None:
    assert decide(ELICITS | {"sdk": sdk}).releases == ()


def test_a_decision_that_no_release_changes_names_none(decide: Any) -> None:
    assert release_texts(decide(FLEET | {"sdk": "mcp-2"})) == []


def test_the_reason_is_that_of_the_table_which_decides(advisor: Advisor, decide: Any) -> None:
    decision: Decision = decide({"scale.instances": 1, "clients.apps": ["vscode"], "environment.platform": "compose"})
    assert (decision.verdict.rule.id, decision.reason.id) == ("SES-094", "ONE-060")
    assert "(ONE-060)" in first_screen(decision, Screen(80))
    assert decide(FLEET).reason == decide(FLEET).verdict.rule


@pytest.mark.parametrize(
    ("facts", "assumed"),
    [
        ({"needs.elicitation": "required"}, "1.30.0"),
        ({"current.stateless_http": False}, "unknown"),
        ({"needs.elicitation": "required", "mcp_release": "1.28.1"}, ""),
        ({"current.stateless_http": True}, ""),
        ({"needs.elicitation": "required", "sdk": "mcp-1"}, ""),
    ],
)
def test_the_mcp_release_is_assumed_where_sessions_depend_on_it(
    facts: dict[str, Any], assumed: str, decide: Any
) -> None:
    single = {"sdk": "fastmcp-3", "scale.instances": 1, "clients.protocol": "legacy", "environment.platform": "compose"}
    decision: Decision = decide(single | facts)
    assert decision.assumed_mcp == assumed
    assert (f"mcp_release: {assumed}" in " ".join(first_screen(decision, Screen(80)).split())) == bool(assumed)
