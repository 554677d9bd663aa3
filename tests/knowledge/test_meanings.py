"""Readers of docs/facts.md and of `rules show` find what each value means and how to answer each question."""

from __future__ import annotations

from advisor.knowledge import Knowledge
from advisor.knowledge.space import UNKNOWN, FactSpace
from advisor.knowledge.types import NEEDS

CLEAR = {*NEEDS, UNKNOWN, "some", "yes", "no"}
"""Values that docs/facts.md explains for all derived facts, or that need no explanation."""


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
