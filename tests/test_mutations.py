"""Faults in rules/ are found, and each example of a rule has its recorded outcome."""

from __future__ import annotations

import json
import os

import pytest
from mutations import EQUIVALENT, GOLDEN, equivalent, mutations, outcomes, run, sample

from advisor.decision.advisor import Advisor
from advisor.knowledge import Knowledge

SIZE = 40


def test_each_example_of_a_rule_has_its_recorded_outcome(advisor: Advisor) -> None:
    found = outcomes(advisor)
    if os.environ.get("MCP_ADVISOR_UPDATE_SNAPSHOTS") == "1":
        lines = [f"{json.dumps(name)}: {json.dumps(value)}" for name, value in found.items()]
        GOLDEN.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
    assert found == json.loads(GOLDEN.read_text(encoding="utf-8"))


def test_the_names_of_mutations_are_unique(knowledge: Knowledge) -> None:
    names = [mutation.name for mutation in mutations(knowledge)]
    assert len(names) == len(set(names)) > 1000
    assert set(EQUIVALENT) <= set(names)


def test_a_mutation_that_changes_no_output_is_equivalent(knowledge: Knowledge) -> None:
    every = {mutation.name: mutation for mutation in mutations(knowledge)}
    assert equivalent(every["drop ONE-060 era.legacy"], knowledge)  # ONE-015 decides before
    assert equivalent(every["drop SES-490 need.session"], knowledge)
    assert not equivalent(every["drop SES-400 environment.platform"], knowledge)


@pytest.mark.thorough
def test_a_sample_of_mutations_is_killed(knowledge: Knowledge) -> None:
    """The sample covers each operator and each table. `python -m tests.mutations` judges all mutations."""
    count, _, survivors = run(sample(mutations(knowledge), SIZE, seed=7))
    assert count == SIZE
    assert [name for name in survivors if name not in EQUIVALENT] == []
