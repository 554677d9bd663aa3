"""The fold gives the same result as a walk over every combination."""

from __future__ import annotations

from collections import Counter
from math import prod
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from models import Model, models, run

from advisor.engine.fold import fold
from advisor.engine.network import NodeStep

quick = settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))


def targets_of(model: Model, data: st.DataObject) -> list[str]:
    outputs = sorted({name for node in model.network.nodes for name in node.outputs})
    return data.draw(st.lists(st.sampled_from(outputs), min_size=1, max_size=3, unique=True))


def base_of(steps: list[NodeStep]) -> list[str]:
    written = {name for step in steps for name in step.writes}
    return sorted({name for step in steps for name in step.reads} - written)


@quick
@given(models(), st.data())
def test_the_classes_and_their_counts_match_brute_force(model: Model, data: st.DataObject) -> None:
    keep = targets_of(model, data)
    steps = model.network.steps(keep)
    folded = fold(steps, model.domains, keep)
    walked = Counter(tuple(facts[name] for name in folded.names) for facts in model.walk())
    # The fold leaves out base facts that do not affect the targets. Each value of such a fact repeats all combinations.
    repeats = prod(len(model.domains[name]) for name in model.network.base if name not in base_of(steps))
    assert set(folded.names) == set(keep)
    assert {row: group.count * repeats for row, group in folded.classes.items()} == walked
    assert sum(group.count for group in folded.classes.values()) == prod(len(model.domains[n]) for n in base_of(steps))


@quick
@given(models(), st.data())
def test_each_witness_leads_to_its_class(model: Model, data: st.DataObject) -> None:
    keep = targets_of(model, data)
    steps = model.network.steps(keep)
    folded = fold(steps, model.domains, keep)
    for row, group in folded.classes.items():
        example = group.example()
        assert sorted(example) == base_of(steps)
        after = run(steps, example)
        assert tuple(after[name] for name in folded.names) == row


@quick
@given(models(), st.data())
def test_base_facts_can_be_targets_and_can_have_a_fixed_value(model: Model, data: st.DataObject) -> None:
    targets = targets_of(model, data)
    steps = model.network.steps(targets)
    known = data.draw(st.sampled_from(base_of(steps)))
    value = data.draw(st.sampled_from(model.domains[known]))
    folded = fold(steps, {**model.domains, known: (value,)}, [known, *targets])
    walked = {tuple(facts[n] for n in folded.names) for facts in model.walk() if facts[known] == value}
    assert set(folded.classes) == walked
    assert folded.names[0] == known


@quick
@given(models(), st.data())
def test_lanes_say_whether_a_fact_can_still_change_anything(model: Model, data: st.DataObject) -> None:
    targets = targets_of(model, data)
    steps = model.network.steps(targets)
    base = base_of(steps)
    asked = data.draw(st.sampled_from(base))
    fixed = {n: data.draw(st.sampled_from(model.domains[n])) for n in base if n != asked and data.draw(st.booleans())}
    domains = {**model.domains, **{name: (value,) for name, value in fixed.items()}}
    folded = fold(steps, domains, targets, lanes=(asked, model.domains[asked]))

    seen: dict[Any, set[Any]] = {}
    for facts in model.walk():
        if all(facts[name] == value for name, value in fixed.items()):
            others = tuple(facts[name] for name in model.network.base if name != asked)
            seen.setdefault(others, set()).add(tuple(facts[name] for name in targets))
    assert bool(folded.classes) is any(len(outcomes) > 1 for outcomes in seen.values())

    for (
        rows,
        group,
    ) in folded.classes.items():  # one row of targets for each value of `asked`, and an example of the other facts
        for value, row in zip(model.domains[asked], rows, strict=True):
            after = run(steps, {**group.example(), asked: value})
            assert tuple(after[name] for name in folded.names) == row


def test_a_step_that_fails_gives_the_facts_that_made_it_fail() -> None:
    def refuse(row: Any) -> Any:
        if row == ("b", True):
            raise ValueError("not both")
        return ("fine",)

    steps = [NodeStep(("x",), ("y",), lambda row: row), NodeStep(("y", "z"), ("out",), refuse)]
    folded = fold(steps, {"x": ("a", "b"), "z": (True, False)}, ["out"], stop_on=ValueError)
    assert [(str(error), facts) for error, facts in folded.failures] == [("not both", {"x": "b", "z": True})]
    assert {row: group.count for row, group in folded.classes.items()} == {("fine",): 3}


def test_a_step_that_fails_is_not_hidden() -> None:
    def refuse(row: Any) -> Any:
        raise ValueError(row[0])

    with pytest.raises(ValueError, match="a"):
        fold([NodeStep(("x",), ("y",), refuse)], {"x": ("a", "b")}, ["y"])


def test_indistinguishable_combinations_are_folded_together() -> None:
    """Twenty facts with three values have 3,486,784,401 combinations. The fold needs at most three classes."""
    steps = [NodeStep((), ("level",), lambda row: (0,))]
    steps += [NodeStep(("level", f"f{i}"), ("level",), lambda row: (max(row),)) for i in range(20)]
    folded = fold(steps, {f"f{i}": (0, 1, 2) for i in range(20)}, ["level"])  # type: ignore[misc]
    assert sum(group.count for group in folded.classes.values()) == 3**20
    assert folded.classes[(0,)].count == 1
    assert folded.classes[(1,)].count == 2**20 - 1
    assert folded.peak == 3
