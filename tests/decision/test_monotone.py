"""A weaker need never makes a deployment impossible, and a further capability never makes the outcome worse."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from cases import cases, changed, read
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from advisor.decision.advisor import Advisor
from advisor.decision.model import Decision

PHASES = [phase for phase in Phase if phase is not Phase.shrink]
many = settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck), phases=PHASES)
LEVELS = ("none", "preferred", "required")


@pytest.fixture(scope="module")
def files(advisor: Advisor) -> st.SearchStrategy[dict[str, Any]]:
    """Files of several instances, in which `needs` forbids no need of a tool."""
    return cases(advisor.space).map(
        lambda flat: (
            {name: value for name, value in flat.items() if not (name.startswith("needs.") and value == "none")}
            | {"scale.instances": 3}
        )
    )


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


@many
@given(data=st.data())
def test_making_a_need_stronger_never_makes_a_contradiction_feasible(
    advisor: Advisor, files: Any, data: st.DataObject
) -> None:
    flat = data.draw(files)
    feature = data.draw(st.sampled_from(advisor.lost.features))
    place = data.draw(st.sampled_from([None, *range(len(flat.get("tools", ())))]))
    files_of_levels = (with_need(flat, feature, place, level) for level in LEVELS)
    feasible = [advisor.core(read(file, advisor.space)).feasible for file in files_of_levels]
    assert feasible == sorted(feasible, reverse=True), (flat, feature, place)
    assert feasible[0] == feasible[1], (flat, feature, place)


@many
@given(data=st.data())
def test_a_preferred_need_does_not_affect_required_features(advisor: Advisor, files: Any, data: st.DataObject) -> None:
    flat = data.draw(files)
    feature = data.draw(st.sampled_from(advisor.lost.features))
    if "required" in levels(flat, feature):
        return
    place = data.draw(st.sampled_from([None, *range(len(flat.get("tools", ())))]))
    without, wanted = (decided(advisor, with_need(flat, feature, place, level)) for level in LEVELS[:2])
    assert wanted.feasible == without.feasible
    if wanted.feasible:
        assert lost(wanted, "required") == lost(without, "required")


CAPABILITIES = {
    "operations.shared_store": ("none", "redis"),
    "operations.direct_llm": (False, True),
    "operations.can_operate_affinity": (False, True),
    "scale.affinity": ("unavailable", "available"),
    "environment.proxy.sse": (False, True),
    "clients.keep_cookies": (False, True),
}


@pytest.mark.parametrize("examples", [400, pytest.param(4000, marks=pytest.mark.thorough)])
def test_a_capability_never_makes_the_outcome_worse(advisor: Advisor, files: Any, examples: int) -> None:
    @settings(many, max_examples=examples)
    @given(flat=files, name=st.sampled_from(sorted(CAPABILITIES)))
    def holds(flat: dict[str, Any], name: str) -> None:
        without, having = (decided(advisor, changed(flat, {name: value})) for value in CAPABILITIES[name])
        assert without.feasible <= having.feasible, (flat, name)
        if without.feasible:
            assert lost(having, "required") <= lost(without, "required"), (flat, name)
            # If the proxy passes SSE streams, more features work in sessions. Every tool can then prefer a session, so
            # that no tool is left for a stateless tier, and the decision drops the preferred features of all tools.
            if name != "environment.proxy.sse":
                assert lost(having, "preferred") <= lost(without, "preferred"), (flat, name)

    holds()


@many
@given(data=st.data())
def test_every_tier_is_feasible_and_of_its_kind(advisor: Advisor, files: Any, data: st.DataObject) -> None:
    flat = data.draw(files)
    flat["scale.affinity"] = "unavailable"
    decision = decided(advisor, flat)
    if decision.tiers:
        stateless, stateful = decision.tiers
        assert (stateless.core.pattern, stateful.core.pattern) == ("stateless-fleet", "single-instance"), flat
        assert stateless.core.flags.stateless_http
        assert not stateful.core.flags.stateless_http
        assert stateless.tools
