"""A weaker need never makes a deployment impossible, and a further capability never makes the outcome worse."""

from __future__ import annotations

import copy
from random import Random
from typing import Any

import pytest
from cases import PARTS, cases, drawn, edited, read
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from advisor.decision.advisor import Advisor
from advisor.decision.model import Decision
from advisor.requirements.edits import edits

pytestmark = pytest.mark.no_cover  # these tests only repeat decisions

PHASES = [phase for phase in Phase if phase is not Phase.shrink]
many = settings(deadline=None, suppress_health_check=list(HealthCheck), phases=PHASES)
LEVELS = ("none", "preferred", "required")


def several(flat: dict[str, Any]) -> dict[str, Any]:
    """The file with several instances, and with nothing in `needs` that forbids a need of a tool."""
    kept = {name: value for name, value in flat.items() if not (name.startswith("needs.") and value == "none")}
    return kept | {"scale.instances": 3}


@pytest.fixture(scope="module", params=PARTS)
def files(advisor: Advisor, request: pytest.FixtureRequest) -> list[dict[str, Any]]:
    """Files with several instances."""
    return [several(flat) for flat in drawn(advisor.space)[request.param]]


@pytest.fixture(scope="module")
def asked(advisor: Advisor, files: list[dict[str, Any]]) -> list[tuple[dict[str, Any], str, int | None]]:
    """Each file, with a feature and with the place of its need: the index of a tool, or None for the file."""
    random = Random(0)
    return [
        (flat, random.choice(advisor.lost.features), random.choice([None, *range(len(flat.get("tools", ())))]))
        for flat in files
    ]


def decided(advisor: Advisor, flat: dict[str, Any]) -> Decision:
    return advisor.decide(read(flat, advisor.space))


def levels(flat: dict[str, Any], feature: str) -> list[str]:
    return [
        flat.get(f"needs.{feature}", "none"),
        *(tool["needs"].get(feature, "none") for tool in flat.get("tools", ())),
    ]


def with_need(flat: dict[str, Any], feature: str, place: int | None, level: str) -> dict[str, Any]:
    """The file with another need for the tool with index `place`, or for the file if `place` is None."""
    after = copy.deepcopy(flat)
    if place is None:
        after[f"needs.{feature}"] = level
        if level == "none":
            del after[f"needs.{feature}"]
    else:
        after["tools"][place]["needs"].pop(feature, None)
        if level != "none":
            after["tools"][place]["needs"][feature] = level
    return after


def lost(decision: Decision, need: str) -> set[tuple[str, str]]:
    return {
        (row.feature, era)
        for row in decision.features
        for era, cell in (("legacy", row.legacy), ("modern", row.modern))
        if row.need == need and cell.named and cell.outcome != "works" and not row.substituted
    }


def test_making_a_need_stronger_never_makes_a_contradiction_feasible(advisor: Advisor, asked: Any) -> None:
    for flat, feature, place in asked:
        files_of_levels = (with_need(flat, feature, place, level) for level in LEVELS)
        feasible = [advisor.core(read(file, advisor.space)).feasible for file in files_of_levels]
        assert feasible == sorted(feasible, reverse=True), (flat, feature, place)
        assert feasible[0] == feasible[1], (flat, feature, place)


def test_a_preferred_need_does_not_affect_required_features(advisor: Advisor, asked: Any) -> None:
    for flat, feature, place in asked:
        if "required" in levels(flat, feature):
            continue
        without, wanted = (decided(advisor, with_need(flat, feature, place, level)) for level in LEVELS[:2])
        assert wanted.feasible == without.feasible, (flat, feature, place)
        if wanted.feasible:
            assert lost(wanted, "required") == lost(without, "required"), (flat, feature, place)


CAPABILITIES = {
    "operations.shared_store": ("none", "redis"),
    "operations.direct_llm": (False, True),
    "operations.can_operate_affinity": (False, True),
    "scale.affinity": ("unavailable", "available"),
    "environment.proxy.sse": (False, True),
    "clients.keep_cookies": (False, True),
}


def never_worse(advisor: Advisor, flat: dict[str, Any], name: str) -> None:
    """Fail if a capability makes the outcome for a file worse."""
    asked = read(flat, advisor.space)
    printed = (edits(asked, {name: value}, advisor.space.facts) for value in CAPABILITIES[name])
    without, having = (decided(advisor, edited(flat, change)) for change in printed)
    assert without.feasible <= having.feasible, (flat, name)
    if without.feasible:
        assert lost(having, "required") <= lost(without, "required"), (flat, name)
        # If the proxy passes SSE streams, more features work in sessions. Every tool can then prefer a session, so
        # that no tool is left for a stateless tier, and the decision drops the preferred features of all tools.
        # If a store makes tiers possible, required sampling works itself, without a substitute. A preferred feature
        # can be lost in exchange.
        regained = without.core.substitute != "none" and having.core.substitute == "none"
        if name != "environment.proxy.sse" and not regained:
            assert lost(having, "preferred") <= lost(without, "preferred"), (flat, name)


def test_a_capability_never_makes_the_outcome_worse(advisor: Advisor, files: list[dict[str, Any]]) -> None:
    random = Random(0)
    for flat in files:
        never_worse(advisor, flat, random.choice(sorted(CAPABILITIES)))


@pytest.mark.thorough
def test_a_capability_never_makes_the_outcome_of_many_other_files_worse(advisor: Advisor) -> None:
    @settings(many, max_examples=700)
    @given(flat=cases(advisor.space).map(several), name=st.sampled_from(sorted(CAPABILITIES)))
    def holds(flat: dict[str, Any], name: str) -> None:
        never_worse(advisor, flat, name)

    holds()


LIKED = {"elicitation": "preferred"}
KEEPING = {"session_state": "required", **LIKED}
TOOLS = {
    "one requires sampling": [LIKED, KEEPING, {"sampling": "required"}],
    "others prefer": [{"roots": "preferred"}, KEEPING],
}


@pytest.mark.parametrize("needs", TOOLS.values(), ids=TOOLS)
def test_a_store_leaves_a_tool_in_the_tier_with_the_features_that_it_prefers(advisor: Advisor, needs: Any) -> None:
    tools = [{"name": f"t{index}", "needs": of_tool} for index, of_tool in enumerate(needs)]
    flat = {"sdk": "mcp==1.30.0", "clients.protocol": "legacy", "scale.workers": 4, "tools": tools}
    without, having = (
        decided(advisor, {**flat, "operations.shared_store": store})
        for store in CAPABILITIES["operations.shared_store"]
    )
    assert [tier.tools for tier in having.tiers] == [tier.tools for tier in without.tiers]
    assert "t1" in having.tiers[1].tools


def test_without_a_tool_for_the_stateless_tier_only_required_features_decide(advisor: Advisor) -> None:
    tools = [{"name": "t0", "needs": KEEPING}, {"name": "t1", "needs": {"sampling": "required"}}]
    flat = {"sdk": "mcp==1.30.0", "clients.protocol": "legacy", "scale.workers": 4, "tools": tools}
    assert not decided(advisor, flat).feasible
    assert [tier.tools for tier in decided(advisor, {**flat, "operations.shared_store": "redis"}).tiers] == [
        ("t0",),
        ("t1",),
    ]


def test_every_tier_is_feasible_and_of_its_kind(advisor: Advisor, files: list[dict[str, Any]]) -> None:
    found = 0
    for file in files:
        flat = {**file, "scale.affinity": "unavailable"}
        decision = decided(advisor, flat)
        if not decision.tiers:
            continue
        found += 1
        stateless, stateful = decision.tiers
        assert (stateless.core.pattern, stateful.core.pattern) == ("stateless-fleet", "single-instance"), flat
        assert stateless.core.flags.stateless_http
        assert not stateful.core.flags.stateless_http
        assert stateless.tools
    assert found
