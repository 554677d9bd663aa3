"""A feature that no stated client application supports never leads to sessions or streams."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import pytest
from cases import drawn, read

from advisor.decision.advisor import Advisor
from advisor.decision.facts import base_facts
from advisor.knowledge.unable import features_of, unable, unable_values

FLEET = {"scale.instances": 3, "environment.proxy.kind": "haproxy"}
SAMPLING, NOTHING = {"clients.apps": ["codex-cli"]}, {"clients.apps": ["gemini-cli"], "clients.protocol": "legacy"}


def test_the_values_are_those_of_every_selection_of_clients(advisor: Advisor) -> None:
    # Applications that lack the same features are one case, because all selections of 20 applications take seconds.
    known = advisor.knowledge.clients.values()
    clients = list({tuple(sorted(client.features.items())): client for client in known}.values())
    selections = (chosen for size in range(len(clients) + 1) for chosen in combinations(clients, size))
    assert sorted(unable_values(known)) == sorted({unable(chosen) for chosen in selections})


@pytest.mark.parametrize("feature", ["sampling", "elicitation", "roots"])
def test_a_preferred_feature_without_a_client_buys_no_sessions(decide: Any, feature: str) -> None:
    wanted = FLEET | {f"needs.{feature}": "preferred"}
    assert decide(wanted | {"clients.apps": ["inspector"]}).core.pattern == "sticky-fleet"
    decision = decide(wanted | NOTHING)
    assert decision.core == decide(FLEET | NOTHING).core
    assert decision.core.flags.stateless_http
    (row,) = [row for row in decision.features if row.feature == feature]
    assert row.lost
    assert row.legacy.words == "no client supports it"
    assert "client-lacks-preferred-feature" in [warning.id for warning in decision.warnings]


def test_one_client_with_the_feature_keeps_the_sessions(decide: Any) -> None:
    decision = decide(FLEET | {"clients.apps": ["codex-cli", "copilot-cli"], "needs.sampling": "required"})
    assert decision.core.pattern == "sticky-fleet"
    assert "client-lacks-feature" in [warning.id for warning in decision.warnings]


def test_no_configuration_satisfies_a_required_feature_without_a_client(decide: Any) -> None:
    for instances in (1, 3):
        decision = decide(FLEET | SAMPLING | {"scale.instances": instances, "needs.sampling": "required"})
        assert not decision.feasible
        assert [row.feature for row in decision.unmet] == ["sampling"]
        ways = [way.change for way in decision.alternatives]
        assert {"operations.direct_llm": True} in ways
        assert {"needs.sampling": "preferred"} in ways
        for change in ways:
            after = decide({**FLEET, **SAMPLING, "scale.instances": instances, "needs.sampling": "required", **change})
            assert after.feasible
    form = decide(FLEET | NOTHING | {"needs.elicitation": "required", "operations.direct_llm": True})
    assert form.verdict.rule.id == "SES-020"


@pytest.mark.parametrize("transport", ["streamable-http", "sse"])
def test_a_direct_call_replaces_sampling_that_no_client_supports(decide: Any, transport: str) -> None:
    facts = FLEET | SAMPLING | {"needs.sampling": "required", "operations.direct_llm": True, "transport": transport}
    decision = decide(facts | {"clients.keep_cookies": True})
    assert decision.core.substitute == "direct-llm"
    assert decision.core.pattern == ("stateless-fleet" if transport == "streamable-http" else "sticky-fleet")


def test_tools_that_no_client_can_answer_need_no_tier(decide: Any) -> None:
    tools = [{"name": "ask", "needs": {"sampling": "preferred"}}, {"name": "get"}]
    facts: dict[str, Any] = {"scale.instances": 3, "scale.affinity": "unavailable", "operations.shared_store": "none"}
    assert decide(facts | {"tools": tools, "clients.protocol": "legacy"}).core.pattern == "tiered"
    assert decide(facts | SAMPLING | {"tools": tools}).core.pattern == "stateless-fleet"


@pytest.mark.no_cover
def test_the_decision_is_that_without_the_feature(advisor: Advisor) -> None:
    """For drawn files: a preferred need that no client supports has no effect on the deployment."""
    compared = 0
    for flat in drawn(advisor.space)[:150]:
        asked = flat | NOTHING
        asked.pop("tools", None)
        lacking = features_of(str(base_facts(read(asked, advisor.space), advisor.space)["clients.unable"]))
        with_needs = asked | {f"needs.{name}": "preferred" for name in lacking}
        without = asked | {f"needs.{name}": "none" for name in lacking}
        assert advisor.core(read(with_needs, advisor.space)) == advisor.core(read(without, advisor.space)), asked
        compared += 1
    assert compared
