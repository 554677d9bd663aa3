"""Whether a feature works is the same with the short way and with the complete outcome."""

from __future__ import annotations

from itertools import product

from advisor.decision.advisor import Advisor
from advisor.decision.feature_outcomes import Configuration
from advisor.knowledge.types import ERAS


def test_a_feature_works_if_its_outcome_is_works(advisor: Advisor) -> None:
    tried = []
    for sdk in [*advisor.space.measured][::4]:
        for stateless, json, processes, owner, store, sse in product(
            (True, False),
            (True, False),
            ("one", "many"),
            ("any", "single", "proxy"),
            ("none", "redis"),
            ("passes", "blocked"),
        ):
            at = Configuration(sdk, stateless, json, processes, owner, store, sse)
            for feature, era in product(advisor.cells.features, ERAS):
                tried.append(advisor.cells.works(feature, era, at))
                assert tried[-1] == (advisor.cells.observe(feature, era, at).outcome == "works"), (feature, era, at)
    assert {True, False} == set(tried)
