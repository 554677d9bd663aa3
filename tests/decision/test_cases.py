"""Single decisions: mechanisms for affinity, tiers, alternatives, warnings, and facts that client applications set."""

from __future__ import annotations

from typing import Any

import pytest

from advisor.decision.advisor import Advisor, default_advisor
from advisor.decision.core import Flags
from advisor.decision.model import Decision
from advisor.decision.tiers import stateful_part, stateless_part
from advisor.requirements import load_bytes
from advisor.requirements.completion import changed

FLEET = {"scale.instances": 3, "needs.sampling": "required", "clients.protocol": "legacy"}
STUCK = FLEET | {"scale.affinity": "unavailable"}


# --- patterns -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("facts", "pattern", "flags"),
    [
        ({"scale.instances": 1}, "single-instance", (False, False)),
        ({"scale.instances": {"min": 1, "max": 1}}, "single-instance", (False, False)),
        ({"scale.instances": 3}, "stateless-fleet", (True, False)),
        ({"scale.instances": {"min": 1, "max": 3}}, "stateless-fleet", (True, False)),
        ({"scale.workers": 4}, "stateless-fleet", (True, False)),
        ({"environment.platform": "serverless"}, "stateless-fleet", (True, False)),
        ({"scale.instances": 3, "workload.longest_call_s": 1}, "stateless-fleet", (True, True)),
        (
            {"scale.instances": 3, "workload.longest_call_s": 1, "needs.progress": "preferred"},
            "stateless-fleet",
            (True, False),
        ),
        (FLEET, "sticky-fleet", (False, False)),
        (STUCK | {"operations.shared_store": "redis"}, "shared-state", (False, False)),
        (STUCK | {"needs.sampling": "preferred"}, "stateless-fleet", (True, False)),
        (STUCK | {"operations.direct_llm": True}, "stateless-fleet", (True, False)),
        (
            FLEET | {"clients.protocol": "modern", "needs.sampling": "none", "needs.elicitation": "required"},
            "stateless-fleet",
            (True, False),
        ),
        ({"scale.instances": 3, "preference": "full-features"}, "sticky-fleet", (False, False)),
    ],
)
def test_the_pattern_and_the_flags(decide: Any, facts: Any, pattern: str, flags: tuple[bool, bool]) -> None:
    assert decide(facts).core[:2] == (pattern, Flags(*flags))


@pytest.mark.parametrize(
    ("facts", "mechanism"),
    [
        ({"environment.proxy.version": "1.31"}, "nginx-sticky-learn"),
        ({"environment.proxy.version": "1.29.6"}, "nginx-sticky-learn"),
        ({"environment.proxy.version": "1.29.5"}, "nginx-session-envelope"),
        ({"environment.proxy.version": "1.9"}, "nginx-session-envelope"),
        ({}, "nginx-session-envelope"),
        ({"environment.proxy.version": "1.31", "environment.proxy.replicas": 2}, "nginx-session-envelope"),
        (
            {"environment.proxy.version": "1.31", "environment.proxy.replicas": 2, "clients.keep_cookies": True},
            "nginx-sticky-cookie",
        ),
        ({"environment.proxy.kind": "haproxy"}, "haproxy-stick-table"),
        ({"environment.proxy.kind": "haproxy", "environment.proxy.replicas": 2}, "haproxy-session-envelope"),
        (
            {"environment.proxy.kind": "haproxy", "environment.proxy.replicas": 3, "clients.keep_cookies": True},
            "haproxy-session-envelope",
        ),
        ({"environment.proxy.kind": "envoy"}, "envoy-session-envelope"),
        ({"environment.proxy.kind": "alb", "clients.keep_cookies": True}, "platform-cookie"),
        ({"environment.proxy.kind": "alb", "scale.affinity": "available"}, "nginx-session-envelope"),
        ({"environment.proxy.kind": "none", "clients.addresses": "stable"}, "kubernetes-client-ip"),
    ],
)
def test_the_mechanism_fits_the_environment(decide: Any, facts: Any, mechanism: str) -> None:
    decision = decide(FLEET | facts)
    assert (decision.core.pattern, decision.core.mechanism) == ("sticky-fleet", mechanism)
    affinity = next(step for step in decision.path if step.table == "affinity")
    assert decision.because == affinity.rule.because


@pytest.mark.parametrize(
    "facts",
    [
        {"environment.proxy.kind": "alb"},
        {"scale.workers": 4},
        {"environment.platform": "serverless"},
        {"scale.affinity": "unavailable"},
        {"operations.can_operate_affinity": False},
        {"environment.proxy.kind": "none"},
    ],
)
def test_a_required_session_without_any_mechanism_is_a_contradiction(decide: Any, facts: Any) -> None:
    decision = decide(FLEET | facts)
    assert not decision.feasible
    assert decision.because == next(step for step in decision.path if step.table == "session").rule.because


def test_the_version_of_another_proxy_is_not_one_of_nginx(decide: Any) -> None:
    """A counterfactual that replaces HAProxy 2.8 by nginx does not keep the version 2.8."""
    decision = decide(FLEET | {"environment.proxy.kind": "haproxy", "environment.proxy.version": "2.8"})
    assert decision.facts["environment.proxy.version"] == "unknown"
    (nginx,) = [change for change in decision.counterfactuals if change.change == {"environment.proxy.kind": "nginx"}]
    assert nginx.core.mechanism == "nginx-session-envelope"
    assert not any("environment.proxy.version" in change.change for change in decision.counterfactuals)


def test_a_range_of_instances_starts_at_its_minimum(decide: Any) -> None:
    assert decide({"scale.instances": {"min": 2, "max": 10}}).instances == 2


def test_lost_preferred_features_have_a_substitute(decide: Any) -> None:
    decision = decide(STUCK | {"needs.sampling": "preferred"})
    row = next(row for row in decision.features if row.feature == "sampling")
    assert (row.lost, row.legacy.outcome) == (True, "error")
    assert row.instead
    assert not row.substituted


def test_a_substitute_is_marked_as_one(decide: Any) -> None:
    decision = decide(STUCK | {"operations.direct_llm": True})
    row = next(row for row in decision.features if row.feature == "sampling")
    assert (decision.core.substitute, row.substituted) == ("direct-llm", True)
    assert row.instead is not None
    assert "calls a language model" in row.instead


def test_a_different_statement_of_published_guides_is_shown(decide: Any) -> None:
    """Published guides say that stateless mode loses progress; since mcp 1.29.0 it does not."""
    new, old = (
        decide(
            {
                "scale.instances": 3,
                "needs.progress": "preferred",
                "sdk": sdk,
                "clients.protocol": "legacy",
                "scale.affinity": "unavailable",
            }
        )
        for sdk in ("mcp==1.30.0", "mcp==1.28.1")
    )
    new_row, old_row = (next(row for row in d.features if row.feature == "progress") for d in (new, old))
    assert (new_row.legacy.outcome, old_row.legacy.outcome) == ("works", "dropped")
    assert new_row.documented is not None
    assert new_row.documented.startswith("Stateless mode loses progress.")
    assert old_row.documented is None


# --- alternatives -------------------------------------------------------------------------------------------------


def test_an_upgrade_is_the_first_alternative_for_progress_on_an_old_release(decide: Any) -> None:
    facts = {
        "sdk": "mcp==1.28.1",
        "needs.progress": "required",
        "scale.instances": 3,
        "scale.affinity": "unavailable",
        "clients.protocol": "legacy",
    }
    decision = decide(facts)
    assert not decision.feasible
    first = decision.alternatives[0]
    assert list(first.change) == ["sdk"]
    assert first.change["sdk"].startswith("mcp==")
    assert first.gives_up == ()
    assert first.change["sdk"] in first.how
    assert decide(facts | first.change).feasible


def test_alternatives_that_lose_nothing_come_first(decide: Any) -> None:
    decision = decide(STUCK)
    assert [bool(alternative.gives_up) for alternative in decision.alternatives] == sorted(
        bool(alternative.gives_up) for alternative in decision.alternatives
    )
    changes = [alternative.change for alternative in decision.alternatives]
    assert {"operations.shared_store": "redis"} in changes
    assert {"needs.sampling": "preferred"} in changes
    assert not any("sdk" in change for change in changes)


def test_an_alternative_never_adds_requirements(decide: Any) -> None:
    for alternative in decide(STUCK | {"needs.progress": "preferred"}).alternatives:
        assert alternative.change.get("needs.progress") is None
        assert alternative.change.get("scale.instances", 1) == 1


def test_alternatives_have_two_changes_if_one_is_not_enough(decide: Any) -> None:
    """The SDK does not support the clients, and the protocol era of the clients does not have the feature."""
    decision = decide(
        STUCK
        | {"clients.protocol": "modern", "sdk": "mcp-1", "needs.sampling": "none", "needs.resumability": "required"}
    )
    assert not decision.feasible
    assert {len(alternative.change) for alternative in decision.alternatives} == {2}


def test_if_two_changes_are_not_enough_every_need_becomes_preferred(decide: Any) -> None:
    facts = {
        "needs.resumability": "required",
        "clients.protocol": "modern",
        "needs.session_state": "required",
        "needs.subscriptions": "required",
        "scale.instances": 3,
        "environment.proxy.sse": False,
    }
    decision = decide(facts)
    assert not decision.feasible
    assert decision.alternatives
    assert all(decide(facts | alternative.change).feasible for alternative in decision.alternatives)


def test_every_alternative_serves_clients_that_the_sdk_does_not_support(decide: Any) -> None:
    """Preferred needs do not help unsupported clients, so each alternative changes the SDK or the protocol."""
    needs = {f"needs.{name}": "required" for name in ("resumability", "session_state", "subscriptions", "progress")}
    facts = {
        "scale.instances": 3,
        "sdk": "mcp-1",
        "clients.protocol": "modern",
        "environment.proxy.sse": False,
        **needs,
    }
    decision = decide(facts)
    assert not decision.feasible
    assert decision.alternatives
    assert all({"sdk", "clients.protocol"} & set(alternative.change) for alternative in decision.alternatives)
    assert all(decide(facts | alternative.change).feasible for alternative in decision.alternatives)


def test_other_feasible_patterns_are_alternatives(decide: Any) -> None:
    decision = decide(
        FLEET | {"environment.proxy.kind": "haproxy", "operations.shared_store": "redis", "operations.direct_llm": True}
    )
    assert decision.core.pattern == "sticky-fleet"
    found = {alternative.core.pattern: alternative for alternative in decision.alternatives}
    assert set(found) == {"shared-state", "stateless-fleet"}
    assert found["shared-state"].gives_up == ()
    assert "sampling" in found["stateless-fleet"].gives_up


# --- counterfactuals ----------------------------------------------------------------------------------------------


def test_changes_are_sorted_by_effort_and_unchangeable_facts_are_last(decide: Any) -> None:
    decision = decide(STUCK | {"scale.workers": 4})
    efforts = [change.effort or 9 for change in decision.counterfactuals]
    assert efforts == sorted(efforts)
    assert all(change.how for change in decision.counterfactuals if change.effort)
    assert all(not change.how for change in decision.counterfactuals if not change.effort)


def test_no_counterfactual_makes_a_fact_unknown(decide: Any) -> None:
    assert not any("unknown" in change.change.values() for change in decide(STUCK).counterfactuals)


def test_an_older_release_is_not_a_counterfactual(decide: Any) -> None:
    """A newer release that changes the decision is shown; an older release is not."""

    def shown(sdk: str) -> list[str]:
        facts = {"scale.instances": 3, "needs.progress": "required", "clients.protocol": "legacy", "sdk": sdk}
        changes = [change.change.get("sdk", "") for change in decide(facts).counterfactuals]
        return [change for change in changes if change.startswith("mcp==1.")]

    assert "mcp==1.30.0" in shown("mcp==1.28.1")
    assert shown("mcp==1.30.0") == []


# --- tiers --------------------------------------------------------------------------------------------------------

TOOLS = [
    {"name": "suggest", "needs": {"sampling": "required", "progress": "preferred"}, "duration_s": 40},
    {"name": "lookup", "duration_s": 0.4},
    {"name": "orders", "needs": {"logging": "preferred"}, "duration_s": 1},
]
TIERED = {"scale.instances": 3, "scale.affinity": "unavailable", "clients.protocol": "legacy", "tools": TOOLS}


def test_tools_that_need_a_session_get_a_tier_of_their_own(decide: Any) -> None:
    decision = decide(TIERED)
    stateless, stateful = decision.tiers
    assert decision.core.pattern == "tiered"
    assert (stateless.tools, stateful.tools) == (("lookup", "orders"), ("suggest",))
    assert (stateless.core.pattern, stateful.core.pattern) == ("stateless-fleet", "single-instance")
    assert (stateless.instances, stateful.instances) == (3, 1)
    assert (stateless.core.mechanism, stateful.core.mechanism) == ("none", "none")
    assert decision.core.flags == stateless.core.flags
    assert not any(row.lost for row in decision.features)


def test_a_tier_has_the_response_mode_of_its_own_tools(decide: Any) -> None:
    short = [TOOLS[0], TOOLS[1]]
    stateless, stateful = decide(TIERED | {"tools": short}).tiers
    assert (stateless.core.flags, stateful.core.flags) == (Flags(True, True), Flags(False, False))
    assert decide(TIERED).tiers[0].core.flags == Flags(True, False)  # the tool `orders` logs on the stream


def test_a_tier_has_the_needs_of_its_own_tools(requirements: Any) -> None:
    all_tools = requirements(TIERED | {"needs.elicitation": "preferred", "needs.progress": "required"})
    outside = stateless_part(all_tools, {"lookup", "orders"}, {"sampling", "elicitation"})
    inside = stateful_part(all_tools, {"suggest"}, {"sampling", "elicitation"})
    needs = ["sampling", "progress", "logging", "elicitation"]
    # No tool requires progress as the file does, so a tool that is not listed can require it in both tiers.
    assert [outside[f"needs.{name}"] for name in needs] == ["none", "required", "preferred", "none"]
    assert [inside[f"needs.{name}"] for name in needs] == ["required", "required", "none", "none"]
    assert (outside["scale.instances"], inside["scale.instances"], inside["scale.workers"]) == (3, 1, 1)


def test_a_tier_has_the_longest_call_of_its_own_tools(requirements: Any) -> None:
    all_tools = requirements(TIERED)
    assert stateless_part(all_tools, {"lookup", "orders"}, {"sampling"})["workload.longest_call_s"] == 1
    assert stateful_part(all_tools, {"suggest"}, {"sampling"})["workload.longest_call_s"] == 40


def test_a_tier_with_a_tool_of_unknown_duration_keeps_the_longest_call_of_the_file(requirements: Any) -> None:
    all_tools = requirements(TIERED | {"tools": [TOOLS[0], {"name": "lookup"}]})
    assert stateless_part(all_tools, {"lookup"}, {"sampling"})["workload.longest_call_s"] == 40


def test_a_changed_longest_call_is_one_of_every_tool(requirements: Any, advisor: Advisor) -> None:
    after = changed(requirements(TIERED), {"workload.longest_call_s": 4}, advisor.space)
    assert after["workload.longest_call_s"] == 4
    assert {tool.duration_s for tool in after.tools} == {None}
    assert changed(requirements(TIERED), {"scale.instances": 5}, advisor.space).tools == requirements(TIERED).tools


@pytest.mark.parametrize(
    "facts",
    [
        {"tools": [TOOLS[0]]},  # every tool needs a session
        {"environment.platform": "serverless"},  # this platform cannot run exactly one instance
        {"clients.protocol": "modern", "tools": [{"name": "a", "needs": {"resumability": "required"}}, {"name": "b"}]},
    ],
    ids=["all", "serverless", "impossible"],
)
def test_tools_that_cannot_be_split_into_tiers(decide: Any, facts: Any) -> None:
    assert decide(TIERED | facts).core.pattern == "contradiction"


def test_a_preferred_feature_never_prevents_tiers(decide: Any) -> None:
    """The feature is lost for the tools of the stateless tier, and the decision says so."""
    decision = decide(TIERED | {"needs.elicitation": "preferred"})
    assert decision.core.pattern == "tiered"
    (row,) = [row for row in decision.features if row.feature == "elicitation"]
    assert (row.need, row.legacy.outcome) == ("preferred", "error")


def test_a_required_feature_that_no_listed_tool_requires_is_for_the_stateful_tier(decide: Any) -> None:
    decision = decide(TIERED | {"needs.elicitation": "required"})
    (row,) = [row for row in decision.features if row.feature == "elicitation"]
    assert (decision.core.pattern, row.need, row.legacy.outcome) == ("tiered", "required", "works")
    (warning,) = [warning for warning in decision.warnings if warning.id == "feature-without-a-tool"]
    assert "require elicitation, but no listed tool" in warning.message


def test_counterfactuals_speak_of_the_flags_of_the_stateless_tier(decide: Any) -> None:
    """Without affinity this fleet gets tiers, and the stateless tier answers in JSON."""
    facts = TIERED | {"tools": [TOOLS[0], TOOLS[1]], "environment.proxy.kind": "haproxy", "scale.affinity": "available"}
    (lost,) = [change for change in decide(facts).counterfactuals if change.change == {"scale.affinity": "unavailable"}]
    assert (lost.core.pattern, lost.core.flags) == ("tiered", Flags(True, True))
    assert decide(facts | lost.change).core == lost.core


# --- warnings -----------------------------------------------------------------------------------------------------


def message(decision: Decision, rule: str) -> str:
    return next(warned.message for warned in decision.warnings if warned.id == rule)


def test_warnings_name_the_numbers_of_the_file(decide: Any) -> None:
    facts = {"environment.proxy.sse": False, "workload.longest_call_s": 90, "environment.proxy.idle_timeout_s": 45}
    assert "The longest call takes 90 s, but a proxy closes a silent connection after 45 s" in message(
        decide(facts), "answer-outlives-idle-timeout"
    )


def test_warnings_name_the_default_of_the_proxy(decide: Any, advisor: Advisor) -> None:
    facts = {"environment.proxy.kind": "envoy", "workload.longest_call_s": 40}
    default = advisor.knowledge.proxies["envoy"].total_timeout_s
    assert default is not None
    assert f"Envoy ends every response after {default:g} s" in message(decide(facts), "call-outlives-total-timeout")


def test_a_call_shorter_than_a_timeout_gives_no_warning(decide: Any) -> None:
    facts = {"environment.proxy.kind": "envoy", "workload.longest_call_s": 40, "environment.proxy.total_timeout_s": 41}
    decision = decide(facts)
    assert (
        decision.facts["call.total"],
        decide(facts | {"environment.proxy.total_timeout_s": 40}).facts["call.total"],
    ) == ("within", "beyond")
    assert "call-outlives-total-timeout" not in [warned.id for warned in decision.warnings]


def test_clients_that_lack_a_needed_feature_are_named(decide: Any, advisor: Advisor) -> None:
    client = next(client for client in advisor.knowledge.clients.values() if client.features.get("sampling") is False)
    decision = decide({"clients.apps": [client.id], "needs.sampling": "preferred"})
    assert f"{client.name}: sampling (preferred)." in message(decision, "client-lacks-preferred-feature")
    assert decide({"clients.apps": [client.id]}).facts["clients.missing"] == "none"


# --- client applications ------------------------------------------------------------------------------------------


def test_client_applications_set_the_era_and_the_cookies_of_a_decision(decide: Any, advisor: Advisor) -> None:
    clients = advisor.knowledge.clients.values()
    legacy = next(client.id for client in clients if client.protocol == "legacy" and client.keep_cookies is True)
    decision = decide(
        {"clients.apps": [legacy], "scale.instances": 3, "needs.sampling": "required", "environment.proxy.kind": "alb"}
    )
    assert (decision.facts["era.legacy"], decision.facts["era.modern"]) == ("named", "not-named")
    assert decision.core.mechanism == "platform-cookie"
    assert set(decision.requirements.inferred) == {"clients.protocol", "clients.keep_cookies"}


# --- the advisor --------------------------------------------------------------------------------------------------


def test_the_advisor_is_built_once() -> None:
    assert default_advisor() is default_advisor()


def test_a_release_is_decided_by_the_range_that_holds_it(advisor: Advisor) -> None:
    """1.29.0 is the release in which progress moved to the stream of its request."""
    fleet = b"service: a\nscale: {instances: 3, affinity: unavailable}\nclients: {protocol: legacy}\n"
    fleet += b"needs: {progress: required}\nsdk: mcp=="
    feasible = {
        v: advisor.decide(load_bytes(fleet + v.encode(), "r", advisor.space)).feasible
        for v in ("1.28.99", "1.29.0", "1.29")
    }
    assert feasible == {"1.28.99": False, "1.29.0": True, "1.29": True}
