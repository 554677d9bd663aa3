"""The check of goals never rules out a result that two revisions reach together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from models import Model, models, rule

from advisor.engine.goals import Goals
from advisor.engine.network import Network, TableNode
from advisor.engine.revisions import Combiner, Revision
from advisor.engine.rules import RuleTable
from advisor.engine.table import DecisionTable


def revision(network: Network, combiner: Combiner, facts: Mapping[str, Any], change: Mapping[str, Any]) -> Revision:
    revised = dict(facts)
    return combiner.revision(revised, network.revise(revised, change))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(models(), st.data())
def test_no_result_that_two_revisions_reach_is_ruled_out(model: Model, data: st.DataObject) -> None:
    network = model.network
    outputs = sorted({name for node in network.nodes for name in node.outputs})
    targets = data.draw(st.lists(st.sampled_from(outputs), min_size=1, unique=True))
    base = data.draw(st.permutations(network.base))
    middle = max(1, len(base) // 2)
    facts = data.draw(st.fixed_dictionaries({name: st.sampled_from(model.domains[name]) for name in base}))
    network.evaluate(facts)
    goals, combiner = Goals(network, targets), Combiner(network, targets, facts)
    changes = [
        data.draw(st.fixed_dictionaries({}, optional={name: st.sampled_from(model.domains[name]) for name in names}))
        for names in (base[:middle], base[middle:])
    ]
    first, second = (revision(network, combiner, facts, change) for change in changes)
    reached = {**facts, **changes[0], **changes[1]}
    network.evaluate(reached)
    known = goals.conditions(facts).then(goals.conditions(first.facts, first.values))
    more = goals.conditions(second.facts, second.values)
    search = goals.search([{name: reached[name] for name in targets}])
    assert search.reachable(known, more, first.reading & second.reading)


def test_a_result_is_ruled_out_if_no_rule_for_it_can_apply() -> None:
    rules = [rule(1, {"a": "yes", "b": "yes"}, {"x": "both"}), rule(2, {}, {"x": "no"})]
    domains = dict.fromkeys(("a", "b", "c"), ("no", "yes"))
    table = DecisionTable(RuleTable("x", "", "", "first", ["a", "b", "c"], {"x": ["both", "no"]}, rules), domains)
    network = Network([TableNode(table)])
    facts: dict[str, Any] = {"a": "no", "b": "no", "c": "no"}
    network.evaluate(facts)
    goals, combiner = Goals(network, ["x"]), Combiner(network, ["x"], facts)
    now = goals.conditions(facts)

    def reachable(result: str, fact: str, other: str) -> bool:
        first, second = (revision(network, combiner, facts, {name: "yes"}) for name in (fact, other))
        known = now.then(goals.conditions(first.facts, first.values))
        more = goals.conditions(second.facts, second.values)
        return goals.search([{"x": result}]).reachable(known, more, first.reading & second.reading)

    assert reachable("both", "a", "b")
    assert not reachable("both", "a", "c")
    assert reachable("no", "a", "c")
