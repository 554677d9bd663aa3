"""The search for pairs of changes finds the same pairs as a search that decides for each pair."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from cases import PARTS, drawn, read

from advisor.decision.advisor import Advisor
from advisor.decision.change_lists import Move
from advisor.decision.core import Core, core_of
from advisor.decision.wins import Wins, target_of

_EVERY = 20
"""Of so many drawn files, one is searched."""


def decided(advisor: Advisor, facts: Mapping[str, Any], move: Move) -> dict[str, Any]:
    after = {**facts, **advisor.changes.consequences(move, facts)}
    advisor.network.evaluate(after)
    return after


def every_pair(advisor: Advisor, facts: Mapping[str, Any]) -> Iterator[tuple[Move, Core]]:
    options = [*advisor.changes.options(facts)]
    for index, option in enumerate(options):
        there = decided(advisor, facts, option.moves[0])
        for other in options[index + 1 :]:
            if other.name not in option.moves[0]:
                core = core_of(decided(advisor, there, other.moves[0]))
                yield {**option.moves[0], **other.moves[0]}, core


@pytest.mark.parametrize("part", PARTS)
def test_pairs_are_those_of_a_search_that_decides_for_each_pair(advisor: Advisor, part: slice) -> None:
    wins = Wins(advisor.changes, advisor.network, advisor.space)
    for flat in drawn(advisor.space)[part][::_EVERY]:
        facts = advisor.facts(read(flat, advisor.space))
        expected: Counter[str] = Counter()
        wanted = set()
        for move, core in every_pair(advisor, facts):
            raw = {name: advisor.space.typical(name, value) for name, value in move.items()}
            wanted.add(target_of(core))
            expected[str((target_of(core), raw))] += 1
        found = wins.pairs(facts, wanted)
        assert Counter(str((target, way.change)) for target, ways in found.items() for way in ways) == expected, flat


def test_only_wanted_targets_are_found(advisor: Advisor) -> None:
    wins = Wins(advisor.changes, advisor.network, advisor.space)
    facts = advisor.facts(read({"scale.instances": 3, "clients.protocol": "legacy"}, advisor.space))
    targets = {target_of(core) for _, core in every_pair(advisor, facts)}
    assert len(targets) > 3
    for target in targets:
        assert wins.pairs(facts, {target}).keys() == {target}
    assert wins.pairs(facts, set()) == {}
