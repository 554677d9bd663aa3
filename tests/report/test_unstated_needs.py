"""A decision that loses a feature says so next to the verdict if the requirements do not state the need."""

from __future__ import annotations

from typing import Any

import pytest

from advisor.decision.model import Decision
from advisor.report.decision_wording import assumed_unused
from advisor.report.feature_wording import need_text

STATELESS = {"sdk": "mcp-2", "clients.protocol": "legacy", "scale.instances": 3}


def needs(decision: Decision) -> dict[str, str]:
    return {row.feature: need_text(decision, row) for row in decision.features}


def test_lost_features_without_a_stated_need_are_named(decide: Any) -> None:
    decision = decide(STATELESS)
    said = assumed_unused(decision)
    assert said.startswith("sampling, elicitation, roots, ")
    assert "progress" not in said  # it works with this flag pair
    assert said.endswith("the feature does not work for some or all clients (see the feature table).")
    assert needs(decision)["sampling"] == "not stated"


@pytest.mark.parametrize("stated", [{"needs.sampling": "none"}, {"tools": [{"name": "ask", "needs": {}}]}])
def test_a_stated_need_is_not_assumed(decide: Any, stated: Any) -> None:
    """A list of tools states what the tools need, so a feature that it does not name is not needed."""
    decision = decide(STATELESS | stated)
    assert "sampling" not in assumed_unused(decision)
    assert needs(decision)["sampling"] == "-"


def test_without_a_loss_nothing_is_said(decide: Any) -> None:
    kept = {f"needs.{name}": "none" for name in ("resumability", "session_state")}
    assert assumed_unused(decide({"sdk": "mcp-2", "clients.protocol": "legacy", "scale.instances": 1} | kept)) == ""
