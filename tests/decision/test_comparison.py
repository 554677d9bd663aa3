"""The comparison of every configuration: its first option is the decision, and each change makes its option win."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from cases import PARTS, drawn, edited, read

from advisor.decision.advisor import Advisor
from advisor.decision.checks.options import option_faults
from advisor.decision.comparison import Comparison, DeploymentOption
from advisor.decision.model import Decision
from advisor.decision.options import Comparer
from advisor.decision.wins import target_of
from advisor.knowledge import Knowledge
from advisor.requirements import Requirements

FLEET = {"scale.instances": 3, "clients.protocol": "legacy", "environment.proxy.kind": "haproxy"}
ASKING = {"name": "ask", "needs": {"sampling": "required"}}


@pytest.fixture(scope="module")
def comparer(advisor: Advisor) -> Comparer:
    return Comparer(advisor)


@pytest.fixture(scope="module", params=PARTS)
def compared(advisor: Advisor, comparer: Comparer, request: pytest.FixtureRequest) -> list[tuple[dict[str, Any], Any]]:
    """Files, each with its comparison."""
    files = drawn(advisor.space)[request.param]
    return [(flat, comparer.compare(advisor.decide(read(flat, advisor.space)))) for flat in files]


@pytest.fixture
def compare(advisor: Advisor, comparer: Comparer) -> Callable[..., Comparison]:
    return lambda flat, **given: comparer.compare(advisor.decide(read(flat, advisor.space)), **given)


def named(comparison: Comparison, kind: str) -> DeploymentOption:
    """The best option of a kind."""
    return next(option for option in comparison.options if option.kind == kind)


def test_the_best_option_is_the_decision(compared: list[tuple[dict[str, Any], Comparison]]) -> None:
    feasible = [(flat, comparison) for flat, comparison in compared if comparison.decision.feasible]
    assert len(feasible) > 50
    for flat, comparison in feasible:
        first, *others = comparison.options
        assert first.chosen, flat
        assert not any(option.chosen for option in others), flat
        assert target_of(first.core) == target_of(comparison.decision.core)
        assert first.features == comparison.decision.features
        assert first.standing <= min(option.standing for option in comparison.options), flat


def test_without_a_decision_no_possible_option_keeps_every_required_feature(
    compared: list[tuple[dict[str, Any], Comparison]],
) -> None:
    infeasible = [comparison for _, comparison in compared if not comparison.decision.feasible]
    assert len(infeasible) > 20
    for comparison in infeasible:
        assert not any(option.chosen for option in comparison.options)
        for option in comparison.options:
            assert option.barriers or any(row.lost for row in option.features)
            assert option.reason
            assert option.loses_by


def test_after_a_change_the_option_is_the_decision(
    advisor: Advisor, compared: list[tuple[dict[str, Any], Comparison]]
) -> None:
    tried = 0
    for flat, comparison in compared:
        for option in comparison.options:
            if option.wins is None or not option.wins.change or comparison.decision.requirements.unsure:
                continue
            after = edited(flat, comparison.decision.edits(option.wins.change))
            core = advisor.core(read(after, advisor.space))
            assert target_of(core) == target_of(option.core), (flat, option.wins)
            tried += 1
    assert tried > 200


def test_each_option_has_every_estimate_and_a_reason(compared: list[tuple[dict[str, Any], Comparison]]) -> None:
    for _, comparison in compared:
        for option in comparison.options:
            assert list(option.estimates) == ["operation", "users", "timeline", "cost", "reversibility"]
            assert option.chosen or (option.reason and option.plain)
            assert "{" not in option.reason + option.plain


def test_two_options_never_have_the_same_configuration_and_flags(
    compared: list[tuple[dict[str, Any], Comparison]],
) -> None:
    for _, comparison in compared:
        found = [(option.configuration, option.core.flags) for option in comparison.options]
        assert len(found) == len(set(found))


def test_every_flag_pair_of_a_configuration_is_an_option(compare: Callable[..., Comparison]) -> None:
    flags = {
        option.core.flags for option in compare({"scale.instances": 1}).options if option.kind == "single-instance"
    }
    assert sorted(flags) == [(False, False), (False, True), (True, False), (True, True)]


def test_the_facts_that_forbid_an_option_are_named(compare: Callable[..., Comparison]) -> None:
    comparison = compare({**FLEET, "scale.affinity": "unavailable", "needs.sampling": "required"})
    sticky = named(comparison, "sticky-fleet")
    assert [(barrier.fact, barrier.value) for barrier in sticky.barriers] == [("affinity.candidate", "none")]
    assert sticky.reason == "Not possible: the requirements or this environment exclude session affinity."
    assert sticky.wins
    assert sticky.wins.change == {"scale.affinity": "available"}


def test_an_option_that_is_not_possible_shows_its_features_without_the_barriers(
    compare: Callable[..., Comparison],
) -> None:
    comparison = compare({**FLEET, "scale.affinity": "unavailable", "needs.sampling": "required"})
    for kind in ("sticky-fleet", "shared-state", "tiered", "single-instance"):
        option = named(comparison, kind)
        assert option.barriers, kind
        assert not option.lost("required"), kind
    assert [row.feature for row in named(comparison, "stateless-fleet").lost("required")] == ["sampling"]


def test_a_change_that_keeps_every_need_is_smaller_than_a_dropped_need(compare: Callable[..., Comparison]) -> None:
    comparison = compare({**FLEET, "scale.affinity": "unavailable", "needs.sampling": "required"})
    wins = named(comparison, "stateless-fleet").wins
    assert wins
    assert wins.change == {"clients.protocol": "modern"}


def test_a_stronger_need_is_no_advice(compare: Callable[..., Comparison]) -> None:
    wins = named(compare({**FLEET, "tools": [{"name": "get", "needs": {}}]}), "tiered").wins
    assert wins is None or (wins.effort is None and "work without" not in wins.how)


def test_tiers_win_after_the_tools_are_listed(compare: Callable[..., Comparison]) -> None:
    flat = {**FLEET, "scale.affinity": "unavailable", "needs.sampling": "required"}
    wins = named(compare(flat), "tiered").wins
    assert wins
    assert not wins.change
    assert "List the tools" in wins.how
    assert compare({**flat, "tools": [ASKING, {"name": "get"}]}).options[0].kind == "tiered"


def test_two_facts_are_changed_only_if_one_is_not_enough(compare: Callable[..., Comparison]) -> None:
    flat = {**FLEET, "scale.affinity": "unavailable"}
    narrow, wide = (named(compare(flat, searched=most), "sticky-fleet").wins for most in (1, 2))
    assert narrow is None
    assert wide
    assert len(wide.change) == 2
    assert wide.change["scale.affinity"] == "available"


def test_without_a_search_no_option_has_a_change(compare: Callable[..., Comparison]) -> None:
    options = compare(FLEET, searched=0).options
    assert all(option.wins is None and option.searched == 0 for option in options)


def test_a_tiered_option_has_the_flags_of_each_tier(compare: Callable[..., Comparison]) -> None:
    flat = {**FLEET, "scale.affinity": "unavailable", "tools": [ASKING, {"name": "get", "duration_s": 1}]}
    tiers = compare(flat).options[0].tiers
    assert [(tier.name, tier.flags.stateless_http, tier.tools) for tier in tiers] == [
        ("stateless", True, ("get",)),
        ("stateful", False, ("ask",)),
    ]


def test_a_model_of_the_server_is_an_option_only_if_a_tool_uses_sampling(compare: Callable[..., Comparison]) -> None:
    assert not any(option.core.substitute != "none" for option in compare(FLEET).options)
    kinds = [option.kind for option in compare({**FLEET, "needs.sampling": "preferred"}).options]
    assert "stateless-fleet+direct-llm" in kinds


def test_the_leading_options_have_at_most_one_model_of_the_server(
    compared: list[tuple[dict[str, Any], Comparison]],
) -> None:
    for _, comparison in compared:
        leading = comparison.leading
        assert leading[0] is comparison.options[0]
        assert sum(option.core.substitute != "none" for option in leading) <= 1
        assert len(leading) <= 6


def test_the_leading_options_have_different_words(compared: list[tuple[dict[str, Any], Comparison]]) -> None:
    for asked, comparison in compared:
        words = [option.means for option in comparison.leading]
        assert len(set(words)) == len(words), asked


def test_flags_that_stay_the_same_take_no_time(compare: Callable[..., Comparison]) -> None:
    today = {"current.stateless_http": True, "current.json_response": False}
    timeline = {
        option.core.flags: option.estimates["timeline"].level
        for option in compare({**FLEET, **today}).options
        if option.kind == "stateless-fleet"
    }
    assert timeline == {(True, False): "none", (True, True): "days"}


def test_clients_that_cannot_connect_lose_everything(compare: Callable[..., Comparison]) -> None:
    comparison = compare({**FLEET, "clients.protocol": "modern", "sdk": "mcp==1.30.0"})
    assert {option.estimates["users"].id for option in comparison.options} == {"users-unreached"}


def test_an_added_proxy_takes_weeks(compare: Callable[..., Comparison]) -> None:
    levels = {}
    for kind in ("haproxy", "alb"):
        flat = {**FLEET, "environment.proxy.kind": kind, "scale.affinity": "unavailable", "needs.sampling": "required"}
        sticky = named(compare(flat), "sticky-fleet")
        levels[kind] = (sticky.estimates["timeline"].level, sticky.estimates["operation"].level)
    assert levels == {"haproxy": ("days", "medium"), "alb": ("weeks", "high")}


def test_servers_without_flags_are_compared_without_the_names_of_flags(compare: Callable[..., Comparison]) -> None:
    comparison = compare({**FLEET, "sdk": "other", "needs.sampling": "required"})
    texts = [cell.how for option in comparison.options for row in option.features for _, cell in row.cells]
    assert not any("stateless_http" in text or "json_response" in text for text in texts)


def test_the_deprecated_transport_has_its_own_options(compare: Callable[..., Comparison]) -> None:
    comparison = compare({"transport": "sse", "scale.instances": 1, "sdk": "mcp-1", "clients.protocol": "legacy"})
    assert [option.configuration for option in comparison.options] == [
        "one-process-old-transport",
        "old-transport-session-affinity",
    ]


# --- the check of the data ------------------------------------------------------------------------------------------


def test_the_rules_have_no_fault(advisor: Advisor) -> None:
    assert [*option_faults(advisor)] == []


def faults_of(knowledge: Knowledge, **changes: Any) -> list[tuple[str, str]]:
    return [(fault.id, fault.key) for fault in option_faults(Advisor(replace(knowledge, **changes)))]


def test_a_criterion_that_the_program_does_not_have_is_a_fault(knowledge: Knowledge) -> None:
    order = {**knowledge.order, "mood": knowledge.order["effort"]}
    assert faults_of(knowledge, order=order) == [("data", "order: mood")]


def test_a_subject_without_a_general_estimate_is_a_fault(knowledge: Knowledge) -> None:
    estimates = {name: entry for name, entry in knowledge.estimates.items() if name != "cost-low"}
    assert faults_of(knowledge, estimates=estimates) == [("gap", "estimate: cost")]


def test_an_estimate_after_the_general_estimate_is_a_fault(knowledge: Knowledge) -> None:
    last = replace(knowledge.estimates["cost-proxy"], id="cost-never")
    assert faults_of(knowledge, estimates={**knowledge.estimates, last.id: last}) == [("dead", "estimate: cost-low")]


def test_an_estimate_with_an_unknown_value_is_a_fault(knowledge: Knowledge) -> None:
    wrong = replace(knowledge.estimates["cost-proxy"], when={"pattern": "many-servers"})
    found = faults_of(knowledge, estimates={**knowledge.estimates, wrong.id: wrong})
    assert found == [("data", "estimates")]


def test_a_barrier_without_a_sentence_is_a_fault(knowledge: Knowledge) -> None:
    phrases = {name: text for name, text in knowledge.phrases.items() if name != "option.barrier.scale.workers"}
    assert faults_of(knowledge, phrases=phrases) == [("data", "scale.workers is many")]


def test_a_decision_with_doubts_is_compared_like_its_certain_part(
    compare: Callable[..., Comparison], requirements: Callable[..., Requirements], advisor: Advisor
) -> None:
    decision: Decision = advisor.decide(read({**FLEET, "needs.sampling": "unknown"}, advisor.space))
    assert compare({**FLEET, "needs.sampling": "unknown"}).options[0].core.pattern == decision.core.pattern


def test_the_only_server_has_more_impact_on_users_than_the_end_of_a_session(compare: Callable[..., Comparison]) -> None:
    found = [*compare(FLEET).options, *compare(FLEET | {"needs.sampling": "required"}).options]
    levels = {option.estimates["users"].id: option.estimates["users"].level for option in found}
    assert levels["users-one-server"] == levels["users-one-server-of-group"] == "medium"
    assert levels["users-reconnect"] == "low"
