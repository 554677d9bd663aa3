"""Readers of docs/facts.md and of `rules show` find what each value means and how to answer each question."""

from __future__ import annotations

import re

import pytest

from advisor.knowledge import Knowledge
from advisor.knowledge.space import UNKNOWN, FactSpace
from advisor.knowledge.types import NEEDS

CLEAR = {*NEEDS, UNKNOWN, "some", "yes", "no"}
"""Values that docs/facts.md explains for all derived facts, or that need no explanation."""
PLANNED = re.compile(r"\b(?:several|instances?|workers?|proxy|waypoint|timeout)\b")
"""Words of the plan. The requirements do not state how many instances and which proxies run today."""


def test_the_meaning_of_a_derived_fact_explains_each_of_its_values(knowledge: Knowledge) -> None:
    unexplained = [
        (derived.id, value)
        for derived in knowledge.derived
        for value in derived.values
        if value not in CLEAR and value not in knowledge.mechanisms and value not in derived.means.lower()
    ]
    assert unexplained == []


def test_each_value_of_a_property_of_the_sdk_can_occur(knowledge: Knowledge) -> None:
    space = FactSpace(knowledge)
    kinds = {space.releases[str(name)].kind for name in space.domains["sdk"]}
    assert set(space.domains["sdk.kind"]) == kinds


def test_the_help_of_each_feature_says_when_a_service_needs_it(knowledge: Knowledge) -> None:
    features = [feature for feature in knowledge.features.values() if feature.need]
    assert [feature.id for feature in features if not feature.help.startswith("You need this feature if ")] == []


def test_a_fact_without_a_fixed_default_says_what_mcp_advisor_assumes(knowledge: Knowledge) -> None:
    facts = FactSpace(knowledge).facts.values()
    without = {fact.id for fact in facts if not fact.required and fact.default in (None, [])}
    assert {fact.id for fact in facts if fact.absent} == without


def test_the_figures_in_the_texts_of_facts_are_those_of_the_rules(knowledge: Knowledge) -> None:
    space = FactSpace(knowledge)
    room = next(derived for derived in knowledge.derived if derived.id == "sessions.room")
    assert f"{knowledge.memory.budget_mi:,} MiB" in room.means
    assert f"for calls of {knowledge.figure('call.assumed_s'):g} s" in space.facts["workload.longest_call_s"].absent


def test_a_value_that_a_derived_fact_never_has_is_the_range_of_no_release(knowledge: Knowledge) -> None:
    space = FactSpace(knowledge)
    derived = {fact.id: fact for fact in knowledge.derived if fact.never}
    assert set(derived) == {"sdk.alike", "server"}
    for fact in derived.values():
        assert set(fact.never) < set(space.domains[fact.id])
    assert not {space.alike[str(name)] for name in space.domains["sdk"]} & set(derived["sdk.alike"].never)


def _stated_of_today(text: str) -> list[str]:
    """Return the sentences of a text that state the plan, such as its instances or its proxy, as a fact of today."""
    of_today = re.compile(r"\btoday\b|\bcurrent deployment\b|\bThe server runs\b")
    sentences = re.split(r"(?<=[.:]) ", text)
    return [s for s in sentences if of_today.search(s) and PLANNED.search(s) and not s.startswith("If ")]


def test_no_warning_takes_the_plan_as_the_deployment_of_today(knowledge: Knowledge) -> None:
    """The file states the flags of today, but the instances, the workers and the path of the plan."""
    about_today = [r for _, r in knowledge.rules.values() if any(fact.startswith("current.") for fact in r.when)]
    assert len(about_today) > 10
    texts = {rule.id: f"{rule.title}. {rule.because} {rule.fix}" for rule in about_today}
    assert {name: found for name, text in texts.items() if (found := _stated_of_today(text))} == {}


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("Your current deployment can lose sessions in several processes.", 1),
        ("Sessions work today only if the proxy has session affinity.", 1),
        ("The server runs with stateless_http=False in several processes.", 1),
        ("The server keeps sessions today. With several instances, each session exists in one process.", 0),
        ("If one instance runs today, do this before you start more instances.", 0),
    ],
)
def test_a_plan_stated_as_a_fact_of_today_is_found(text: str, count: int) -> None:
    assert len(_stated_of_today(text)) == count
