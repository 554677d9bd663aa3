"""Networks: the order of nodes, `revise` instead of `evaluate`, and steps that give the same facts."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from models import Model, models, rule, run

from advisor.decision.advisor import Advisor
from advisor.decision.core import CORE_FACTS
from advisor.decision.derived_facts import TOOL_NEEDS
from advisor.engine.network import FunctionNode, Network, TableNode
from advisor.engine.rules import RuleTable
from advisor.engine.table import DecisionTable
from advisor.errors import KnowledgeError

quick = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


def node(inputs: str, outputs: str, function: Any = None) -> FunctionNode:
    return FunctionNode(
        inputs.split(), outputs.split(), function or (lambda row: ("|".join(row),) * len(outputs.split()))
    )


# --- order --------------------------------------------------------------------------------------------------------


def test_nodes_run_after_the_nodes_whose_outputs_they_read() -> None:
    last, first, middle = node("m", "z"), node("a", "f"), node("f b", "m")
    network = Network([last, first, middle])
    assert network.nodes == [first, middle, last]
    assert network.base == ("a", "b")
    facts = {"a": "A", "b": "B"}
    network.evaluate(facts)
    assert facts == {"a": "A", "b": "B", "f": "A", "m": "A|B", "z": "A|B"}


def test_nodes_that_depend_on_each_other_are_refused_by_name() -> None:
    circle = [node("x", "y"), node("y", "z"), node("z a", "x"), node("a", "free"), node("x", "behind")]
    with pytest.raises(KnowledgeError) as caught:
        Network(circle)
    assert str(caught.value) == "these facts depend on each other: x, y, z"


def test_a_node_that_reads_its_own_output_is_refused() -> None:
    with pytest.raises(KnowledgeError, match=r"these facts depend on each other: x$"):
        Network([node("x a", "x")])


def test_two_setters_of_one_fact_are_refused() -> None:
    with pytest.raises(KnowledgeError, match="two nodes set 'x'"):
        Network([node("a", "x"), node("b", "y x")])


def test_a_table_with_a_gap_raises_an_error_when_it_is_evaluated() -> None:
    spec = RuleTable("t", "", "", "first", ["a"], {"x": ["1"]}, [rule(1, {"a": True}, {"x": "1"})])
    network = Network([TableNode(DecisionTable(spec, {"a": (True, False)}))])
    with pytest.raises(KnowledgeError, match=r"table t: no rule applies to \(False,\)"):
        network.evaluate({"a": False})


def test_a_table_with_an_overlap_raises_an_error_when_it_is_evaluated() -> None:
    rules = [rule(1, {"a": True}, {"x": "1"}), rule(2, {}, {"x": "1"})]
    spec = RuleTable("t", "", "", "unique", ["a"], {"x": ["1"]}, rules)
    network = Network([TableNode(DecisionTable(spec, {"a": (True, False)}))])
    with pytest.raises(KnowledgeError, match=r"table t: several rules apply to \(True,\)"):
        network.evaluate({"a": True})


def test_the_dependencies_of_a_fact_include_indirect_ones() -> None:
    network = Network([node("a", "f"), node("f b", "m"), node("c", "other")])
    assert network.dependencies_of(["m"]) == {"m", "f", "a", "b"}
    assert network.dependencies_of(["other"]) == {"other", "c"}


# --- revise -------------------------------------------------------------------------------------------------------


def test_revise_computes_only_what_depends_on_the_change_and_can_be_undone() -> None:
    seen: list[str] = []

    def noted(name: str) -> Any:
        def read(row: tuple[str, ...]) -> tuple[str]:
            seen.append(name)
            return ("|".join(row),)

        return read

    network = Network([node("a", "f", noted("f")), node("b", "g", noted("g")), node("f", "h", noted("h"))])
    facts = {"a": "1", "b": "2"}
    network.evaluate(facts)
    before = dict(facts)
    seen.clear()
    old = network.revise(facts, {"a": "9"})
    assert facts == {"a": "9", "b": "2", "f": "9", "g": "2", "h": "9"}
    assert seen == ["f", "h"]
    assert old == {"a": "1", "f": "1", "h": "1"}
    facts.update(old)
    assert facts == before


def test_revise_stops_at_nodes_with_unchanged_outputs() -> None:
    network = Network([node("a", "f", lambda row: ("same",)), node("f", "g")])
    facts = {"a": "1"}
    network.evaluate(facts)
    assert network.revise(facts, {"a": "2"}) == {"a": "1"}


def test_a_given_output_is_not_computed() -> None:
    network = Network([node("a", "f"), node("f", "g"), node("g", "h")])
    facts = {"a": "1"}
    network.evaluate(facts)
    network.revise(facts, {"a": "2", "f": "forced"})
    assert facts == {"a": "2", "f": "forced", "g": "forced", "h": "forced"}


@quick
@given(models(), st.data())
def test_revise_gives_the_same_facts_as_evaluate(model: Model, data: st.DataObject) -> None:
    base = model.network.base
    draw = {name: st.sampled_from(model.domains[name]) for name in base}
    before = data.draw(st.fixed_dictionaries(draw))
    changes = data.draw(st.fixed_dictionaries({}, optional=draw))
    scratch = {**before, **changes}
    model.network.evaluate(before)
    model.network.evaluate(scratch)
    revised = dict(before)
    old = model.network.revise(revised, changes)
    assert revised == scratch
    assert {**revised, **old} == before


@quick
@given(models(), st.data())
def test_a_plan_updates_its_targets(model: Model, data: st.DataObject) -> None:
    outputs = sorted({name for node in model.network.nodes for name in node.outputs})
    targets = data.draw(st.lists(st.sampled_from(outputs), min_size=1, unique=True))
    source = data.draw(st.sampled_from(model.network.base))
    plan = model.network.between(source, targets)
    for facts in model.walk():
        for value in model.domains[source]:
            revised, scratch = dict(facts), {**facts, source: value}
            model.network.revise(revised, {source: value}, plan)
            model.network.evaluate(scratch)
            assert [revised[name] for name in targets] == [scratch[name] for name in targets]


# --- the real network ---------------------------------------------------------------------------------------------


def base_facts(advisor: Advisor) -> st.SearchStrategy[dict[str, Any]]:
    """Any values of the base facts of the real network, possible in a requirements file or not."""
    need = st.sampled_from(["preferred", "required"])
    features = st.dictionaries(st.sampled_from(advisor.lost.features), need, max_size=3).map(
        lambda needs: tuple(needs.items())
    )
    special = {TOOL_NEEDS: st.lists(features, max_size=3).map(tuple)}
    domains = {
        name: st.sampled_from(advisor.space.domains[name]) for name in advisor.network.base if name not in special
    }
    return st.fixed_dictionaries({**domains, **special})


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_revising_the_real_network_gives_the_same_facts_as_evaluating_it(advisor: Advisor, data: st.DataObject) -> None:
    facts, other = data.draw(base_facts(advisor)), data.draw(base_facts(advisor))
    names = data.draw(st.sets(st.sampled_from(advisor.network.base), max_size=4))
    changes = {name: other[name] for name in names}
    revised, scratch = dict(facts), {**facts, **changes}
    advisor.network.evaluate(revised)
    advisor.network.revise(revised, changes)
    advisor.network.evaluate(scratch)
    assert revised == scratch


# --- steps --------------------------------------------------------------------------------------------------------


@quick
@given(models(), st.data())
def test_steps_give_the_same_facts_as_evaluate(model: Model, data: st.DataObject) -> None:
    outputs = sorted({name for node in model.network.nodes for name in node.outputs})
    targets = data.draw(st.lists(st.sampled_from(outputs), min_size=1, unique=True))
    steps = model.network.steps(targets)
    for facts in model.walk():
        after = run(steps, {name: facts[name] for name in model.network.base})
        assert {name: after[name] for name in targets} == {name: facts[name] for name in targets}


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_the_steps_of_the_real_network_give_the_same_facts(advisor: Advisor, data: st.DataObject) -> None:
    facts = data.draw(base_facts(advisor))
    advisor.network.evaluate(facts)
    # The proof tries both values, because a file can list any tools. This test uses the value of the evaluation.
    known = {name: facts[name] for name in (*advisor.network.base, "tools.separable")}
    after = run(advisor.network.steps(CORE_FACTS), known)
    assert {name: after[name] for name in CORE_FACTS} == {name: facts[name] for name in CORE_FACTS}


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_the_steps_of_the_lost_needs_give_the_same_facts_as_the_node(advisor: Advisor, data: st.DataObject) -> None:
    facts = data.draw(base_facts(advisor))
    advisor.network.evaluate(facts)
    before = {name: value for name, value in facts.items() if name not in advisor.lost.outputs}
    after = run(advisor.lost.steps(), before)
    assert {name: after[name] for name in advisor.lost.outputs} == {name: facts[name] for name in advisor.lost.outputs}


def test_a_rule_that_is_certain_to_fire_ends_the_search_in_later_rules() -> None:
    rules = [rule(1, {"a": True}, {"x": "1"}), rule(2, {"b": True}, {"x": "2"}), rule(3, {}, {"x": "3"})]
    spec = RuleTable("t", "", "", "first", ["a", "b"], {"x": ["1", "2", "3"]}, rules)
    domains = {"a": (True, False), "b": (True, False)}
    table = TableNode(DecisionTable(spec, domains))
    read_a = table.narrow("a", ["b"])
    assert read_a.run((0b111, True)) == (0b001,)  # R1 has no other condition, so the value of b does not matter
    assert read_a.run((0b111, False)) == (0b110,)  # R2 can still fail


def test_with_hit_policy_unique_every_rule_that_could_overlap_is_kept() -> None:
    rules = [rule(1, {"a": True}, {"x": "1"}), rule(2, {"b": True}, {"x": "2"})]
    spec = RuleTable("t", "", "", "unique", ["a", "b"], {"x": ["1", "2"]}, rules)
    table = TableNode(DecisionTable(spec, {"a": (True, False), "b": (True, False)}))
    with pytest.raises(KnowledgeError, match="several rules"):
        run(table.steps(), {"a": True, "b": True})
