"""Decision tables: the operators, the hit policies, the trace, and errors in tables."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from advisor.engine.rules import Rule, RuleTable, Value
from advisor.engine.table import DecisionTable, admitted, phrase, show
from advisor.errors import KnowledgeError

SIZES = ("small", "medium", "large")
DOMAINS: dict[str, tuple[Value, ...]] = {"size": SIZES, "open": (True, False, "unknown"), "colour": ("red", "green")}


def rule(name: str, when: dict[str, Any], **then: Value) -> Rule:
    return Rule(
        name,
        f"{name}-alias",
        name.title(),
        when,
        then or {"price": "low"},
        "Because.",
        ["source"],
        {"hit": {}, "miss": {}},
    )


def table(policy: Any, *rules: Rule, inputs: tuple[str, ...] = ("size", "open")) -> RuleTable:
    return RuleTable(
        "prices", "Prices", "What is the price?", policy, list(inputs), {"price": ["low", "high"]}, list(rules)
    )


def compiled(policy: Any, *rules: Rule, **more: Any) -> DecisionTable:
    return DecisionTable(table(policy, *rules, **more), DOMAINS)


# --- operators ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("condition", "values"),
    [
        ("small", {"small"}),
        ({"is": "small"}, {"small"}),
        ({"not": "small"}, {"medium", "large"}),
        ({"in": ["small", "large"]}, {"small", "large"}),
        ({"in": ["large"]}, {"large"}),
        ({"in": "large"}, {"large"}),
        ({"not_in": ["small", "large"]}, {"medium"}),
        ({"at_least": "medium"}, {"medium", "large"}),
        ({"at_least": "small"}, {"small", "medium", "large"}),
        ({"at_most": "medium"}, {"small", "medium"}),
        ({"at_most": "small"}, {"small"}),
    ],
)
def test_an_operator_admits_values_of_the_domain(condition: Any, values: set[str]) -> None:
    assert admitted(condition, SIZES, "here") == values


@pytest.mark.parametrize(
    ("condition", "values"),
    [
        (True, {True}),
        (False, {False}),
        ({"not": True}, {False, "unknown"}),
        ({"in": [True, "unknown"]}, {True, "unknown"}),
    ],
)
def test_a_flag_can_be_true_false_or_unknown(condition: Any, values: set[Value]) -> None:
    assert admitted(condition, DOMAINS["open"], "here") == values


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ("huge", "here: 'huge' is not one of small, medium, large"),
        ({"not": "huge"}, "here: 'huge' is not one of small, medium, large"),
        ({"in": ["small", "huge"]}, "here: 'huge' is not one of small, medium, large"),
        ({"like": "small"}, "here: unknown operator 'like'. Operators: is, not, in, not_in, at_least, at_most"),
        ({"at_least": ["small", "large"]}, "here: 'at_least' takes one value"),
        ({"is": ["small", "large"]}, "here: 'is' takes one value"),
        ({"is": []}, "here: 'is' takes one value"),
        ({"in": []}, "here: 'in' takes at least one value"),
        ({"is": "small", "not": "large"}, "here: a condition has exactly one operator"),
        ({}, "here: a condition has exactly one operator"),
    ],
)
def test_a_wrong_condition_is_refused_with_its_place(condition: Any, message: str) -> None:
    with pytest.raises(KnowledgeError) as caught:
        admitted(condition, SIZES, "here")
    assert str(caught.value) == message


@pytest.mark.parametrize("number", [1, 0, 1.0])
def test_a_number_is_not_accepted_as_a_flag(number: Any) -> None:
    with pytest.raises(KnowledgeError, match=f"{number!r} is not one of True, False, unknown"):
        admitted({"is": number}, DOMAINS["open"], "here")


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ("small", "is small"),
        (True, "is true"),
        ({"not": "small"}, "not small"),
        ({"at_least": "medium"}, "at least medium"),
        ({"not_in": ["small", False]}, "not in small, false"),
    ],
)
def test_a_condition_in_words(condition: Any, words: str) -> None:
    assert phrase(condition) == words


def test_values_are_shown_as_yaml_writes_them() -> None:
    assert [show(value) for value in (True, False, "large", 3)] == ["true", "false", "large", "3"]


# --- hit policies -------------------------------------------------------------------------------------------------

OPEN, LARGE, ANY = rule("open", {"open": True}), rule("large", {"size": "large"}, price="high"), rule("any", {})


def test_first_takes_the_first_rule_that_matches() -> None:
    hit = compiled("first", OPEN, LARGE, ANY).evaluate({"size": "large", "open": True})
    assert (hit.rules, hit.matching, hit.outputs) == ((OPEN,), (OPEN, LARGE, ANY), {"price": "low"})


def test_first_falls_through_to_later_rules() -> None:
    prices = compiled("first", OPEN, LARGE, ANY)
    assert prices.evaluate({"size": "large", "open": "unknown"}).rules == (LARGE,)
    assert prices.evaluate({"size": "small", "open": False}).rules == (ANY,)


@pytest.mark.parametrize("policy", ["first", "unique"])
def test_a_gap_has_no_rule_and_no_outputs(policy: str) -> None:
    hit = compiled(policy, OPEN, LARGE).evaluate({"size": "small", "open": False})
    assert (hit.rules, hit.matching, hit.outputs) == ((), (), {})


def test_unique_has_no_result_if_two_rules_match() -> None:
    prices = compiled("unique", OPEN, LARGE)
    assert prices.evaluate({"size": "small", "open": True}).rules == (OPEN,)
    hit = prices.evaluate({"size": "large", "open": True})
    assert (hit.rules, hit.matching, hit.outputs) == ((), (OPEN, LARGE), {})


def test_collect_takes_every_rule_in_order() -> None:
    prices = compiled("collect", ANY, LARGE, OPEN)
    assert prices.evaluate({"size": "large", "open": True}).rules == (ANY, LARGE, OPEN)
    assert prices.evaluate({"size": "small", "open": False}).rules == (ANY,)
    assert compiled("collect", LARGE, OPEN).evaluate({"size": "small", "open": False}).rules == ()


def test_every_condition_of_a_rule_must_hold() -> None:
    both = rule("both", {"size": {"at_least": "medium"}, "open": {"not": "unknown"}})
    prices = compiled("collect", both)
    fires = {
        (size, is_open)
        for size, is_open in product(SIZES, DOMAINS["open"])
        if prices.evaluate({"size": size, "open": is_open}).rules
    }
    assert fires == {("medium", True), ("medium", False), ("large", True), ("large", False)}


def test_a_table_can_have_one_input() -> None:
    prices = compiled("first", LARGE, ANY, inputs=("size",))
    assert prices.evaluate({"size": "large"}).rules == (LARGE,)


def test_facts_that_are_not_inputs_are_ignored() -> None:
    prices = compiled("first", LARGE, ANY, inputs=("size",))
    assert prices.evaluate({"size": "small", "open": True, "colour": "red"}).rules == (ANY,)


# --- the trace ----------------------------------------------------------------------------------------------------


def test_the_trace_names_the_failed_condition_and_the_value() -> None:
    both = rule("both", {"size": {"at_least": "medium"}, "open": True})
    attempts = compiled("first", both, ANY).trace({"size": "small", "open": True})
    shown = [
        (
            attempt.rule.id,
            attempt.matched,
            attempt.fired,
            [(t.fact, t.value, t.condition, t.passed) for t in attempt.conditions],
        )
        for attempt in attempts
    ]
    assert shown == [
        ("both", False, False, [("size", "small", "at least medium", False), ("open", True, "is true", True)]),
        ("any", True, True, []),
    ]


def test_the_trace_of_first_ends_with_the_rule_that_fires() -> None:
    attempts = compiled("first", OPEN, LARGE, ANY).trace({"size": "large", "open": True})
    assert [(attempt.rule.id, attempt.fired) for attempt in attempts] == [("open", True)]


def test_the_trace_of_collect_shows_every_rule() -> None:
    attempts = compiled("collect", OPEN, LARGE, ANY).trace({"size": "small", "open": True})
    assert [(attempt.rule.id, attempt.matched, attempt.fired) for attempt in attempts] == [
        ("open", True, True),
        ("large", False, False),
        ("any", True, True),
    ]


def test_the_trace_of_an_overlap_shows_matches_that_do_not_fire() -> None:
    attempts = compiled("unique", OPEN, LARGE).trace({"size": "large", "open": True})
    assert [(attempt.matched, attempt.fired) for attempt in attempts] == [(True, False), (True, False)]


# --- errors in tables ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (rule("r", {"size": "huge"}), "table prices, rule r, size: 'huge' is not one of small, medium, large"),
        (rule("r", {"size": {"like": "small"}}), "table prices, rule r, size: unknown operator 'like'"),
        (rule("r", {"size": {}}), "table prices, rule r, size: a condition has exactly one operator"),
        (rule("r", {"open": 1}), "table prices, rule r, open: 1 is not one of True, False, unknown"),
        (rule("r", {"colour": "red"}), "table prices, rule r: 'colour' is not an input of the table"),
        (rule("r", {}, cost="low"), "table prices, rule r: 'cost' is not an output of the table"),
        (rule("r", {}, price="free"), "table prices, rule r: 'free' is not a value of price"),
    ],
)
def test_the_error_for_a_wrong_rule_names_table_and_rule(bad: Rule, message: str) -> None:
    with pytest.raises(KnowledgeError) as caught:
        compiled("first", ANY, bad)
    assert str(caught.value).startswith(message)


def test_a_rule_must_set_every_output() -> None:
    spec = table("first", ANY)._replace(outputs={"price": ["low"], "discount": [True, False]})
    with pytest.raises(KnowledgeError, match="table prices, rule any: the rule does not set 'discount'"):
        DecisionTable(spec, DOMAINS)


def test_a_number_is_not_a_value_of_a_flag_output() -> None:
    spec = table("first", rule("r", {}, cheap=1))._replace(outputs={"cheap": [True, False]})  # type: ignore[arg-type]
    with pytest.raises(KnowledgeError, match="table prices, rule r: 1 is not a value of cheap"):
        DecisionTable(spec, DOMAINS)


def test_an_unknown_input_is_refused() -> None:
    with pytest.raises(KnowledgeError, match="table prices: input 'weight' is not a known fact"):
        compiled("first", ANY, inputs=("weight",))


def test_a_table_without_inputs_is_refused() -> None:
    with pytest.raises(KnowledgeError, match="table prices: has no inputs"):
        compiled("first", ANY, inputs=())


def test_two_rules_with_one_id_are_refused() -> None:
    with pytest.raises(KnowledgeError, match="table prices: two rules have the id 'open'"):
        compiled("first", OPEN, OPEN)
