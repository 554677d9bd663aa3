"""Properties of every decision, tested on random requirements files and independent of the proof."""

from __future__ import annotations

from typing import Any

import pytest
from cases import cases, changed, read
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from advisor.decision.advisor import Advisor
from advisor.decision.feature_outcomes import Configuration
from advisor.decision.losses import configuration_of
from advisor.decision.model import Decision

# No shrinking: the files are small, and each step of shrinking needs hundreds of decisions.
PHASES = [phase for phase in Phase if phase is not Phase.shrink]
some = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck), phases=PHASES)


@pytest.fixture(scope="module")
def files(advisor: Advisor) -> st.SearchStrategy[dict[str, Any]]:
    return cases(advisor.space)


def decided(advisor: Advisor, flat: dict[str, Any]) -> Decision:
    return advisor.decide(read(flat, advisor.space))


# --- features and flags -------------------------------------------------------------------------------------------


@settings(some, max_examples=400)
@given(data=st.data())
def test_a_feasible_decision_loses_no_required_feature(advisor: Advisor, files: Any, data: st.DataObject) -> None:
    decision = decided(advisor, data.draw(files))
    lost = [row.feature for row in decision.features if row.need == "required" and row.lost and not row.substituted]
    assert lost == [] or not decision.feasible


@some
@given(data=st.data())
def test_the_feature_table_has_the_needs_of_the_file(advisor: Advisor, files: Any, data: st.DataObject) -> None:
    decision = decided(advisor, data.draw(files))
    for row in decision.features:
        assert row.need == decision.requirements.values.get(f"needs.{row.feature}", "required")
        assert (row.legacy.named, row.modern.named) == tuple(
            decision.facts[f"era.{era}"] == "named" for era in ("legacy", "modern")
        )


@some
@given(data=st.data())
def test_the_feature_table_has_the_outcomes_of_the_capability_cells(
    advisor: Advisor, files: Any, data: st.DataObject
) -> None:
    decision = decided(advisor, data.draw(files))
    at = configuration_of(decision.facts)
    inside = at._replace(stateless_http=False, json_response=False, processes="one", owner="single")
    falls_back = advisor.space.releases[at.sdk].line.modern == "falls-back"
    for row in decision.features:
        places: list[Configuration] = [at]
        if decision.tiers:
            flags = decision.tiers[0].core.flags
            places = [at._replace(stateless_http=flags.stateless_http, json_response=flags.json_response), inside]
        for era, cell in (("legacy", row.legacy), ("modern", row.modern)):
            seen = {advisor.cells.observe(row.feature, era, place).outcome for place in places}  # type: ignore[arg-type]
            assert cell.outcome in seen | ({"unsupported"} if falls_back and era == "modern" else set())


PATTERNS = {
    "single-instance": ({False, True}, {"none"}),
    "stateless-fleet": ({True}, {"none"}),
    "tiered": ({True}, {"none"}),
    "shared-state": ({False}, {"redis-session-directory"}),
}


@settings(some, max_examples=400)
@given(data=st.data())
def test_flags_and_mechanism_fit_the_pattern(advisor: Advisor, files: Any, data: st.DataObject) -> None:
    decision = decided(advisor, data.draw(files))
    core, facts = decision.core, decision.facts
    if core.pattern == "sticky-fleet":
        assert not core.flags.stateless_http
        assert core.mechanism not in ("none", "redis-session-directory")
        assert facts["scale.affinity"] != "unavailable"
        assert facts["operations.can_operate_affinity"] is not False
    elif core.feasible:
        stateless, mechanisms = PATTERNS[core.pattern]
        assert core.flags.stateless_http in stateless
        assert core.mechanism in mechanisms
    if core.pattern == "shared-state":
        assert facts["operations.shared_store"] == "redis"
    if core.substitute == "direct-llm":
        assert facts["operations.direct_llm"] is True
    assert (core.pattern == "single-instance") <= (decision.instances == 1)
    assert bool(decision.tiers) is (core.pattern == "tiered")
    if core.flags.json_response and not decision.tiers:
        assert facts["need.stream"] == "none"


@some
@given(data=st.data())
def test_the_path_explains_the_decision(advisor: Advisor, files: Any, data: st.DataObject) -> None:
    """The path has one rule for each table, and every condition of the rule is true for the facts shown with it."""
    decision = decided(advisor, data.draw(files))
    assert [step.table for step in decision.path] == list(advisor.tables)
    for step in decision.path:
        assert set(step.rule.when) <= set(step.facts)
        assert step.facts
    assert [attempts[-1].fired for attempts in list(advisor.trace(decision).values())[1:-1]] == [True] * (
        len(advisor.tables) - 1
    )
    fired = {warning.rule.id for warning in advisor.trace(decision)["warnings"] if warning.fired}
    warned = {warning.id for warning in decision.warnings}
    if not decision.feasible:
        assert warned <= fired
    elif not decision.tiers:  # the warnings of a tiered deployment are those of its tiers
        assert warned == fired


def test_the_warnings_of_a_tier_follow_its_own_flags_and_needs(decide: Any) -> None:
    decision = decide(
        {
            "scale.instances": {"min": 2, "max": 10},
            "scale.affinity": "unavailable",
            "clients.protocol": "mixed",
            "clients.plain_http": True,
            "tools": [
                {"name": "a", "needs": {"sampling": "required"}, "duration_s": 40},
                {"name": "b", "duration_s": 0.4},
            ],
        }
    )
    assert [tier.core.flags.json_response for tier in decision.tiers] == [True, False]
    warned = {warning.id: warning.message for warning in decision.warnings}
    # The only tool that needs a second round trip runs in one process.
    assert "shared-sealing-keys" not in warned
    assert warned["plain-clients-get-406"].startswith("In the stateful tier: ")
    assert warned["answer-405-to-legacy-get"].startswith("In the stateless tier: ")


def test_a_contradiction_has_no_warnings_of_a_feasible_decision(decide: Any) -> None:
    decision = decide(
        {
            "needs.sampling": "required",
            "scale.instances": 3,
            "scale.affinity": "unavailable",
            "clients.protocol": "legacy",
            "current.stateless_http": False,
        }
    )
    assert not decision.feasible
    assert not {"sessions-without-affinity", "flip-needs-the-matrix"} & {found.id for found in decision.warnings}


@some
@given(data=st.data())
def test_warnings_are_filled_in_and_sorted(advisor: Advisor, files: Any, data: st.DataObject) -> None:
    decision = decided(advisor, data.draw(files))
    for warned in decision.warnings:
        assert not any(mark in warned.message for mark in ("{", "}", "None", "?", "[", "unknown s"))
    order = [("high", "medium", "low").index(warned.severity) for warned in decision.warnings]
    assert order == sorted(order)


@settings(some, max_examples=40)
@given(data=st.data())
def test_the_same_requirements_give_the_same_decision_twice(advisor: Advisor, files: Any, data: st.DataObject) -> None:
    """Cached results of other decisions do not change a decision."""
    flat = data.draw(files)
    assert decided(advisor, flat) == decided(Advisor(advisor.knowledge), flat)


# --- counterfactuals and alternatives -----------------------------------------------------------------------------


@some
@given(data=st.data())
def test_every_counterfactual_is_true(advisor: Advisor, files: Any, data: st.DataObject) -> None:
    """After the change of a counterfactual, the new decision is the decision that the counterfactual states."""
    flat = data.draw(files)
    decision = decided(advisor, flat)
    for change in decision.counterfactuals:
        after = decided(advisor, changed(flat, change.change)).core
        assert after == change.core, (change.change, flat)
        assert after != decision.core, (change.change, flat)
    assert sorted(decision.counterfactuals, key=lambda change: change.effort or 9) == list(decision.counterfactuals)


@some
@given(data=st.data())
def test_every_alternative_of_a_contradiction_is_feasible(advisor: Advisor, files: Any, data: st.DataObject) -> None:
    flat = data.draw(files)
    flat.update({"scale.instances": 3, f"needs.{data.draw(st.sampled_from(advisor.lost.features))}": "required"})
    decision = decided(advisor, flat)
    if decision.feasible:
        return
    assert decision.alternatives
    for alternative in decision.alternatives:
        after = decided(advisor, changed(flat, alternative.change))
        assert after.core == alternative.core, (alternative.change, flat)
        assert after.feasible
        assert alternative.how
        demoted = {name.removeprefix("needs.") for name in alternative.change if name.startswith("needs.")}
        assert demoted <= set(alternative.gives_up)
    given_up = [len(alternative.gives_up) for alternative in decision.alternatives]
    assert given_up == sorted(given_up)


@some
@given(data=st.data())
def test_alternatives_of_a_feasible_decision_are_other_decisions(
    advisor: Advisor, files: Any, data: st.DataObject
) -> None:
    flat = data.draw(files)
    decision = decided(advisor, flat)
    if not decision.feasible:
        return
    needed = {row.feature for row in decision.features if row.need != "none"}
    for alternative in decision.alternatives:
        assert alternative.core.feasible
        assert alternative.core.pattern != decision.core.pattern
        assert alternative.change == {}
        assert set(alternative.gives_up) <= needed


def test_the_server_calls_a_model_only_where_sampling_is_needed(decide: Any) -> None:
    facts = {
        "scale.instances": 3,
        "scale.affinity": "unavailable",
        "operations.direct_llm": True,
        "clients.protocol": "legacy",
    }
    assert decide(facts | {"needs.sampling": "preferred"}).core.substitute == "direct-llm"
    assert decide(facts | {"needs.elicitation": "preferred"}).core.substitute == "none"
