"""Properties of every decision, tested on random requirements files and independent of the proof."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any, TypeAlias

import pytest
from cases import PARTS, drawn, edited, read, unsure

from advisor.decision.advisor import Advisor
from advisor.decision.core import Core
from advisor.decision.feature_outcomes import Configuration
from advisor.decision.losses import configuration_of
from advisor.decision.model import Decision
from advisor.knowledge.unable import features_of
from advisor.report.decision_json import decision_dict
from advisor.requirements.edits import edits

pytestmark = pytest.mark.no_cover  # these tests only repeat decisions

Decided: TypeAlias = "list[tuple[dict[str, Any], Decision]]"


@pytest.fixture(scope="module", params=PARTS)
def decided(advisor: Advisor, request: pytest.FixtureRequest) -> Decided:
    """Files, each with its decision."""
    return [(flat, decide_file(advisor, flat)) for flat in drawn(advisor.space)[request.param]]


def decide_file(advisor: Advisor, flat: dict[str, Any]) -> Decision:
    return advisor.decide(read(flat, advisor.space))


def core_after(advisor: Advisor, flat: dict[str, Any], change: Mapping[str, Any]) -> Core:
    """The core of the decision for the file with the edits that a report prints for a change."""
    printed = edits(read(flat, advisor.space), change, advisor.space.facts)
    after = read(edited(flat, printed), advisor.space)
    core = advisor.core(after)
    return advisor.decide(after).core if core.pattern == "tiered" else core  # the flags are then those of a tier


# --- features and flags -------------------------------------------------------------------------------------------


def test_a_feasible_decision_loses_no_required_feature(decided: Decided) -> None:
    for flat, decision in decided:
        lost = [row.feature for row in decision.features if row.need == "required" and row.lost and not row.substituted]
        assert lost == [] or not decision.feasible, flat


def test_the_feature_table_has_the_needs_of_the_file(advisor: Advisor, decided: Decided) -> None:
    for flat, decision in decided:
        for row in decision.features:
            assert row.need == decision.requirements.values.get(f"needs.{row.feature}", "required"), flat
            assert (row.legacy.named, row.modern.named) == tuple(
                decision.facts[f"era.{era}"] == "named" for era in ("legacy", "modern")
            ), flat


def test_the_feature_table_has_the_outcomes_of_the_capability_cells(advisor: Advisor, decided: Decided) -> None:
    for flat, decision in decided:
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
                refused = decision.facts["path.eras"] not in ("both", era)
                unable = cell.named and row.feature in features_of(decision.facts["clients.unable"])
                unserved = {"unsupported"} if refused or unable or (falls_back and era == "modern") else set()
                assert cell.outcome in seen | unserved, flat


PATTERNS = {
    "single-instance": ({False, True}, {"none"}),
    "stateless-fleet": ({True}, {"none"}),
    "tiered": ({True}, {"none"}),
    "shared-state": ({False}, {"redis-session-directory"}),
}


def test_flags_and_mechanism_fit_the_pattern(advisor: Advisor, decided: Decided) -> None:
    for flat, decision in decided:
        core, facts = decision.core, decision.facts
        if core.pattern == "sticky-fleet":
            assert not core.flags.stateless_http, flat
            assert core.mechanism not in ("none", "redis-session-directory"), flat
            assert facts["scale.affinity"] != "unavailable", flat
            assert facts["operations.can_operate_affinity"] is not False, flat
        elif core.feasible:
            stateless, mechanisms = PATTERNS[core.pattern]
            assert core.flags.stateless_http in stateless, flat
            assert core.mechanism in mechanisms, flat
        if core.pattern == "shared-state":
            assert facts["operations.shared_store"] == "redis", flat
        if core.substitute == "direct-llm":
            assert facts["operations.direct_llm"] is True, flat
        assert (core.pattern == "single-instance") <= (decision.instances == 1), flat
        assert bool(decision.tiers) is (core.pattern == "tiered"), flat
        if core.flags.json_response and not decision.tiers:
            assert facts["need.stream"] == "none", flat


def test_the_path_explains_the_decision(advisor: Advisor, decided: Decided) -> None:
    """The path has one rule for each table, and every condition of the rule is true for the facts shown with it."""
    for flat, decision in decided:
        assert [step.table for step in decision.path] == list(advisor.tables), flat
        for step in decision.path:
            # A server in another language has no flags; its path tells whether it keeps sessions.
            told = {"stateless_http"} if "sessions" in step.facts else set()
            assert set(step.rule.when) <= set(step.facts) | told, flat
            assert step.facts, flat
        tables = [table for table in advisor.trace(decision) if table.table != "warnings"]
        # The trace of the table `eras` has all of its rules. All other traces end with the rule that decides.
        assert all(table.attempts[-1].fired for table in tables if table.table != "eras"), flat


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
    assert not {"sessions-without-affinity", "change-to-stateless-needs-tests"} & {
        found.id for found in decision.warnings
    }


def test_the_trace_has_the_rules_that_decide_and_no_other_warnings(advisor: Advisor, decided: Decided) -> None:
    """The trace of a tiered deployment has the rules of its tiers."""
    for flat, decision in decided:
        trace = advisor.trace(decision)
        warned = {
            attempt.rule.id
            for table in trace
            if table.table == "warnings"
            for attempt in table.attempts
            if attempt.fired
        }
        assert warned == {warning.id for warning in decision.warnings}, flat
        for tier in decision.tiers:
            (framing,) = (table for table in trace if (table.table, table.tier) == ("framing", tier.name))
            (fired,) = (attempt.rule for attempt in framing.attempts if attempt.fired)
            assert fired.then["json_response"] == tier.core.flags.json_response, flat


def test_warnings_are_filled_in_and_sorted(advisor: Advisor, decided: Decided) -> None:
    for flat, decision in decided:
        for warned in decision.warnings:
            assert not any(mark in warned.message for mark in ("{", "}", "None", "?", "[", "unknown s")), flat
        order = [("high", "medium", "low").index(warned.severity) for warned in decision.warnings]
        assert order == sorted(order), flat


def test_the_same_requirements_give_the_same_decision_twice(advisor: Advisor, decided: Decided) -> None:
    """Cached results of other decisions do not change a decision."""
    for flat, decision in decided[:15]:
        assert decide_file(Advisor(advisor.knowledge), flat) == decision, flat


# --- counterfactuals and alternatives -----------------------------------------------------------------------------


def test_every_counterfactual_is_true(advisor: Advisor, decided: Decided) -> None:
    """After the change of a counterfactual, the new decision is the decision that the counterfactual states.

    Every third file is unsure of some needs.
    """
    draw = Random(2)
    files = [
        (unsure(flat, advisor.space, draw), None) if n % 3 == 0 else (flat, d) for n, (flat, d) in enumerate(decided)
    ]
    for flat, known in files[:150]:
        decision = known or decide_file(advisor, flat)
        for change in decision.counterfactuals:
            after = core_after(advisor, flat, change.change)
            assert after == change.core, (change.change, flat)
            assert after != decision.core, (change.change, flat)
        efforts = [change.effort or 9 for change in decision.counterfactuals]
        assert efforts == sorted(efforts), flat


def test_a_change_is_printed_with_every_key_that_it_edits(advisor: Advisor, decide: Any) -> None:
    tools = [{"name": "ask", "needs": {"sampling": "required"}, "duration_s": 40}, {"name": "get"}]
    hops = [{"kind": "cloudflare"}, {"kind": "nginx", "version": "1.31"}]
    flat = {"scale.instances": 3, "clients.protocol": "legacy", "tools": tools, "environment.hops": hops}
    printed = [record["change"] for record in decision_dict(decide(flat))["counterfactuals"]]
    assert {"needs.sampling": "none", "tools[0].needs.sampling": "none"} in printed
    assert {"environment.hops[1].kind": "envoy", "environment.hops[1].version": None} in printed


def test_every_alternative_of_a_contradiction_is_feasible(advisor: Advisor, decided: Decided) -> None:
    random = Random(0)
    for file, _ in decided:
        flat = {**file, "scale.instances": 3, f"needs.{random.choice(advisor.lost.features)}": "required"}
        flat = unsure(flat, advisor.space, random) if random.random() < 0.4 else flat
        decision = decide_file(advisor, flat)
        if decision.feasible:
            continue
        assert decision.alternatives, flat
        for alternative in decision.alternatives:
            after = core_after(advisor, flat, alternative.change)
            assert after == alternative.core, (alternative.change, flat)
            assert after.feasible, (alternative.change, flat)
            assert alternative.how, (alternative.change, flat)
            demoted = {name.removeprefix("needs.") for name in alternative.change if name.startswith("needs.")}
            assert demoted <= set(alternative.gives_up), (alternative.change, flat)
        given_up = [len(alternative.gives_up) for alternative in decision.alternatives]
        assert given_up == sorted(given_up), flat


@pytest.mark.parametrize("facts", [{"clients.protocol": "modern", "sdk": "mcp==1.30.0"}, {"transport": "sse"}])
def test_the_remedies_of_a_file_with_unsure_needs_give_what_they_print(advisor: Advisor, facts: dict[str, Any]) -> None:
    """No client connects, so each unsure need seems to work. After the remedy, some of the needs depend on sessions."""
    doubts = dict.fromkeys([f"needs.{name}" for name in advisor.lost.features], "unknown")
    for instances in (1, 3):
        flat = {**facts, **doubts, "scale.instances": instances, "clients.protocol": "modern"}
        decision = decide_file(advisor, flat)
        assert not decision.feasible
        assert decision.alternatives
        for alternative in decision.alternatives:
            printed = edits(read(flat, advisor.space), alternative.change, advisor.space.facts)
            after = decide_file(advisor, edited(flat, printed))
            assert after.core == alternative.core, (alternative.change, flat)
            assert tuple(tier.core.flags for tier in after.tiers) == alternative.tier_flags


def test_alternatives_of_a_feasible_decision_are_other_decisions(advisor: Advisor, decided: Decided) -> None:
    for flat, decision in decided:
        if not decision.feasible:
            continue
        needed = {row.feature for row in decision.features if row.need != "none"}
        for alternative in decision.alternatives:
            assert alternative.core.feasible, flat
            assert alternative.core.pattern != decision.core.pattern, flat
            assert alternative.change == {}, flat
            assert set(alternative.gives_up) <= needed, flat


def test_the_server_calls_a_model_only_where_sampling_is_needed(decide: Any) -> None:
    facts = {
        "scale.instances": 3,
        "scale.affinity": "unavailable",
        "operations.direct_llm": True,
        "clients.protocol": "legacy",
    }
    assert decide(facts | {"needs.sampling": "preferred"}).core.substitute == "direct-llm"
    assert decide(facts | {"needs.elicitation": "preferred"}).core.substitute == "none"
