"""`rules check` finds decisions that are impossible, contradictions that are not true, and needs that act backwards.

Most of these tests prove damaged rules again and are marked `thorough`. The default tests prove the real rules once.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import product
from typing import Any

import pytest

from advisor.decision.advisor import Advisor
from advisor.decision.checks.comparisons import capability_faults, tier_faults
from advisor.decision.checks.decisions import decision_faults
from advisor.decision.checks.division import FILES, separable, stronger, values
from advisor.decision.checks.mechanisms import mechanism_faults
from advisor.decision.checks.needs import levels, raised
from advisor.decision.checks.preferences import Deployment, ToolGroups, moves
from advisor.decision.checks.situations import Model
from advisor.engine.rules import Rule
from advisor.findings import Finding
from advisor.knowledge import Knowledge


@pytest.fixture(scope="module", autouse=True)
def _without_collecting_garbage() -> Iterator[None]:
    """Turn off the garbage collector: a proof makes many objects and no cycles."""
    gc.disable()
    yield
    gc.enable()


def with_rules(knowledge: Knowledge, name: str, change: Callable[[list[Rule]], list[Rule]]) -> Knowledge:
    table = knowledge.tables[name]._replace(rules=change(list(knowledge.tables[name].rules)))
    return replace(knowledge, tables={**knowledge.tables, name: table})


def without(knowledge: Knowledge, rule: str) -> Knowledge:
    table = knowledge.rules[rule][0]
    return with_rules(knowledge, table.table, lambda rules: [found for found in rules if found.id != rule])


def when(knowledge: Knowledge, rule: str, **changes: Any) -> Knowledge:
    """The knowledge with other conditions of a rule; None removes a condition. Keys have _ for a dot."""
    table, old = knowledge.rules[rule]
    names = {name.replace(".", "_"): name for name in table.inputs}
    stated = {**old.when, **{names[key]: value for key, value in changes.items()}}
    new = old._replace(when={name: value for name, value in stated.items() if value is not None})
    return with_rules(knowledge, table.table, lambda rules: [new if found.id == rule else found for found in rules])


def decided(knowledge: Knowledge) -> list[Finding]:
    model = Model(Advisor(knowledge))
    return list(decision_faults(model, model.situations()))


def places(faults: list[Finding], kind: str) -> set[str]:
    return {fault.key for fault in faults if fault.id == kind}


# --- decisions ----------------------------------------------------------------------------------------------------


@pytest.mark.thorough
def test_a_contradiction_that_a_tiered_deployment_solves_is_untrue(knowledge: Knowledge) -> None:
    (fault,) = decided(without(knowledge, "SES-037"))
    assert (fault.id, fault.key) == ("untrue", "SES-038")
    assert fault.message == "this rule decides for a contradiction, but tiers-direct-llm keeps every required feature"
    assert fault.example["tools.separable"] == "without-sampling"


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("rule", "place"), [("SES-300", "SES-490"), ("SES-410", "SES-490"), ("SES-420", "SES-490"), ("SES-040", "SES-050")]
)
def test_a_contradiction_is_untrue_without_the_rule_of_its_solution(
    knowledge: Knowledge, rule: str, place: str
) -> None:
    assert place in places(decided(without(knowledge, rule)), "untrue")


@pytest.mark.thorough
def test_a_session_directory_of_processes_without_address_is_impossible(knowledge: Knowledge) -> None:
    assert places(decided(when(knowledge, "SES-410", addressable=None)), "impossible") == {"SES-410"}


@pytest.mark.thorough
def test_a_sticky_fleet_without_a_mechanism_is_impossible(knowledge: Knowledge) -> None:
    assert "SES-300" in places(decided(when(knowledge, "SES-300", affinity_candidate=None)), "impossible")


@pytest.mark.thorough
def test_owners_and_patterns_fit(knowledge: Knowledge) -> None:
    def change(rules: list[Rule]) -> list[Rule]:
        return [
            rule._replace(then={**rule.then, "owner": "single"}) if rule.id == "SES-410" else rule for rule in rules
        ]

    assert "SES-410" in places(decided(with_rules(knowledge, "session", change)), "impossible")


@pytest.mark.thorough
def test_plain_calls_are_never_lost(knowledge: Knowledge) -> None:
    packages = []
    for package in knowledge.capabilities:
        cells = [
            replace(cell, legacy={**cell.legacy, "stateless+json": "error"}) if cell.feature == "plain" else cell
            for cell in package.cells
        ]
        packages.append(package._replace(cells=cells))
    assert places(decided(replace(knowledge, capabilities=packages)), "lost") == {"plain"}


@pytest.mark.thorough
def test_a_preferred_need_that_causes_a_contradiction_is_found(knowledge: Knowledge) -> None:
    broken = when(without(knowledge, "SES-430"), "SES-490", need_session={"not": "none"})
    faults = [fault for fault in decided(broken) if fault.id == "monotone"]
    messages = [fault.message for fault in faults if fault.key == "SES-490"]
    assert len(messages) == 1
    assert messages[0].startswith("a preferred need for ")
    assert messages[0].endswith("makes a feasible decision a contradiction")


# --- mechanisms ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "changes"),
    [
        ("AFF-170", {"clients_keep_cookies": None}),
        ("AFF-080", {"clients_keep_cookies": {"not": False}}),
        ("AFF-180", {"clients_addresses": {"not": "shared"}}),
        ("AFF-110", {"environment_proxy_version": None}),
        ("AFF-110", {"environment_proxy_replicas": None}),
    ],
)
def test_a_mechanism_that_does_not_work_is_found(knowledge: Knowledge, rule: str, changes: Any) -> None:
    assert [fault.key for fault in mechanism_faults(Advisor(when(knowledge, rule, **changes)))][:1] == [rule]


def test_a_mechanism_without_a_setting_is_found(knowledge: Knowledge) -> None:
    """A cookie of ALB is no setting of NLB, and NLB has no other setting for a cookie."""
    broken = when(knowledge, "AFF-170", environment_proxy_kind={"in": ["alb", "aws-nlb"]})
    messages = [fault.message for fault in mechanism_faults(Advisor(broken)) if fault.key == "AFF-170"]
    assert "this rule selects platform-cookie, but aws-nlb has no affinity_settings for cookie" in messages


def test_the_real_mechanisms_work(advisor: Advisor) -> None:
    assert list(mechanism_faults(advisor)) == []


# --- tiers and capabilities ---------------------------------------------------------------------------------------


def test_a_tier_that_is_a_contradiction_is_found(knowledge: Knowledge) -> None:
    def change(rules: list[Rule]) -> list[Rule]:
        return [
            rule._replace(then={**rule.then, "pattern": "contradiction"}) if rule.id == "SES-092" else rule
            for rule in rules
        ]

    faults = list(tier_faults(Model(Advisor(with_rules(knowledge, "session", change)))))
    assert "SES-400" in places(faults, "tier")
    assert faults[0].message == "for the stateful tier, the rule SES-092 decides for contradiction"


@pytest.mark.thorough
def test_a_capability_that_makes_the_outcome_worse_is_found(knowledge: Knowledge) -> None:
    broken = when(knowledge, "SES-410", operations_direct_llm=False)
    faults = list(capability_faults(Model(Advisor(broken))))
    assert {fault.message for fault in faults} == {
        "operations.direct_llm: true makes a feasible decision a contradiction"
    }


@pytest.mark.thorough
def test_a_capability_that_takes_a_preferred_feature_from_a_tool_is_found(knowledge: Knowledge) -> None:
    broken = when(knowledge, "SES-415", need_session_firm="required")
    faults = list(capability_faults(Model(Advisor(broken))))
    assert [(fault.locations[0].key, fault.message) for fault in faults] == [
        ("SES-420", "operations.shared_store: redis makes a tool lose a preferred feature")
    ]
    assert faults[0].example is not None
    assert "preferred" in faults[0].example["tools"]


YES, NO, TIERED = (Deployment(sessions, False) for sessions in ("yes", "no", "tiered"))


def test_the_changes_that_take_a_preferred_feature_from_a_tool() -> None:
    stored = moves(ToolGroups((2, 2, 0), (False, False)))
    assert ("yes", "yes", TIERED, TIERED) not in stored  # the store does not move a tool out of the stateful tier
    assert ("yes", "yes", TIERED, NO) in stored
    assert ("no", "yes", YES, NO) in stored
    assert ("no", "yes", NO, YES) not in stored
    assert (
        moves(ToolGroups((2, 0, 2), (True, True))).keys() & {("with-sampling", "with-sampling", TIERED, TIERED)}
        == set()
    )


# --- the parts ----------------------------------------------------------------------------------------------------


def test_the_levels_of_needs_match_brute_force() -> None:
    counted = (0b011, 0b110, 0b010)
    walked: dict[tuple[int, ...], list[tuple[int, ...]]] = {}
    for needs in product((0, 1, 2), repeat=3):
        level: tuple[int, ...] = (0, 0, 0)
        for feature, need in enumerate(needs):
            level = raised(level, counted, 1 << feature, need)
        walked.setdefault(level, []).append(needs)
    found = levels(counted, 3)
    assert found.keys() == walked.keys()
    for level, every in walked.items():
        assert found[level].combinations == len(every)
        for attribute, least in (("most", 2), ("wanted", 1)):
            bits = sum(1 << i for i in range(3) if any(needs[i] >= least for needs in every))
            assert getattr(found[level], attribute) == bits
        required = [sum(1 << i for i in range(3) if needs[i]) for needs in every if 1 not in needs]
        least_sets = {
            needs for needs in required if not any(other != needs and other & needs == other for other in required)
        }
        assert set(found[level].least) == least_sets


def test_the_divisions_of_tools() -> None:
    assert separable((2, 0), frozenset([(2, 0, 0), (0, 0, 0)])) == "yes"
    assert separable((2, 0), frozenset([(2, 0, 0)])) == "no"
    assert separable((2, 2), frozenset([(2, 0, 0), (0, 2, 0)])) == "without-sampling"
    assert separable((0, 2), frozenset([(0, 2, 0), (0, 0, 0)])) == "with-sampling"
    assert {value for file in FILES for value in values(file)} == {"yes", "no", "with-sampling", "without-sampling"}
    assert all(pairs for pairs in stronger().values())
