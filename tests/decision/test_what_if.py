"""What other facts or another file change: the facts, the decision, the warnings and the cells."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from cases import drawn, edited, read

from advisor.decision.advisor import Advisor
from advisor.decision.what_if import MOST_VARIANTS, Variant, combinations, variant, with_facts
from advisor.errors import UsageError

FLEET = {"scale.instances": 3, "clients.protocol": "legacy", "environment.proxy.kind": "haproxy", "sdk": "mcp-2"}
TOOLS = [{"name": "ask", "needs": {"sampling": "required"}}, {"name": "get"}]


@pytest.fixture
def after(advisor: Advisor) -> Callable[..., Variant]:
    """The variant of a file with other facts."""

    def change(flat: dict[str, Any], facts: dict[str, Any]) -> Variant:
        stated = read(flat, advisor.space)
        return variant(advisor.decide(stated), advisor.decide(with_facts(stated, facts, advisor.space)))

    return change


def test_every_cell_that_differs_is_a_change(after: Callable[..., Variant]) -> None:
    found = after({**FLEET, "needs.sampling": "required"}, {"operations.shared_store": "redis", "scale.instances": 1})
    cells = {(change.row.feature, change.era) for change in found.cells}
    assert found.facts.keys() == {"operations.shared_store", "scale.instances"}
    for row in found.decision.features:
        for era, cell in row.cells:
            change = next((c for c in found.cells if (c.row.feature, c.era) == (row.feature, era)), None)
            assert ((row.feature, era) in cells) == (change is not None)
            assert change is None or (change.after == cell and change.before != cell)


def test_without_a_difference_nothing_changes(after: Callable[..., Variant]) -> None:
    found = after(FLEET, {"sdk": "mcp-2"})
    assert (found.facts, found.cells, found.warnings, found.differs(found.decision)) == ({}, (), ((), ()), False)


def test_the_clients_after_the_change_are_asked(after: Callable[..., Variant]) -> None:
    found = after({**FLEET, "needs.sampling": "required"}, {"clients.protocol": "modern"})
    assert found.differs(found.decision) is False
    assert {change.era for change in found.cells if change.asked} <= {"modern"}
    assert found.decision.core.pattern == "stateless-fleet"


def test_other_applications_have_other_eras(after: Callable[..., Variant]) -> None:
    found = after({"scale.instances": 3, "clients.apps": ["claude-code"]}, {"clients.apps": ["vscode"]})
    assert found.facts["clients.apps"] == (["claude-code"], ["vscode"])


@pytest.mark.parametrize("level", ["none", "unknown", "preferred"])
def test_a_weaker_need_applies_to_the_tools(level: str, after: Callable[..., Variant]) -> None:
    found = after({**FLEET, "scale.affinity": "unavailable", "tools": TOOLS}, {"needs.sampling": level})
    assert found.facts == {"needs.sampling": ("required", level)}
    tools = found.decision.requirements.tools
    assert dict(tools[0].needs) == ({"sampling": "preferred"} if level == "preferred" else {})


def test_a_stronger_need_does_not_change_the_tools(after: Callable[..., Variant]) -> None:
    tools = [{"name": "ask", "needs": {"sampling": "preferred"}}]
    found = after({**FLEET, "tools": tools}, {"needs.sampling": "required"})
    assert dict(found.decision.requirements.tools[0].needs) == {"sampling": "preferred"}
    assert found.decision.requirements["needs.sampling"] == "required"


def test_tools_with_other_needs_are_a_difference(advisor: Advisor) -> None:
    two = [
        {**FLEET, "tools": TOOLS},
        {**FLEET, "tools": [TOOLS[1], {"name": "ask", "needs": {"sampling": "required"}}]},
    ]
    here, there = (advisor.decide(read(flat, advisor.space)) for flat in two)
    assert variant(here, there).facts == {"tools": (["ask", "get"], ["get", "ask"])}
    moved = [{"name": "ask"}, {"name": "get", "needs": {"sampling": "required"}}]
    other = advisor.decide(read({**FLEET, "tools": moved}, advisor.space))
    assert variant(here, other).facts["tools"][1] == ["ask", "get (sampling required)"]


def test_a_fact_without_a_meaning_is_refused(advisor: Advisor) -> None:
    stated = read({**FLEET, "environment.platform": "kubernetes"}, advisor.space)
    with pytest.raises(
        UsageError, match=r"environment\.function_adapter: this key needs environment\.platform: serverless"
    ):
        with_facts(stated, {"environment.function_adapter": "web"}, advisor.space)


def test_combinations_are_the_product_of_the_values() -> None:
    assert combinations({"a": [1, 2], "b": [3]}) == [{"a": 1, "b": 3}, {"a": 2, "b": 3}]
    with pytest.raises(UsageError, match=f"At most {MOST_VARIANTS}"):
        combinations({name: [1, 2, 3] for name in "abcd"})


def test_other_values_decide_as_in_an_edited_file(advisor: Advisor) -> None:
    space, tried = advisor.space, 0
    for flat in drawn(space)[:60]:
        stated = read(flat, space)
        decision = advisor.decide(stated)
        for other in decision.counterfactuals[:5]:
            if stated.unsure:
                continue
            there = advisor.core(with_facts(stated, dict(other.change), space))
            assert there == advisor.core(read(edited(flat, decision.edits(other.change)), space)), (flat, other.change)
            tried += 1
    assert tried > 50
