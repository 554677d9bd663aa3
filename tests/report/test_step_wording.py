"""The steps of a decision show their answers, and words instead of names that only tables use."""

from __future__ import annotations

import re
from typing import Any

import pytest
from cases import drawn, read

from advisor.decision.advisor import Advisor
from advisor.knowledge.facts import Fact
from advisor.report.step_wording import answer_text, fact_texts
from advisor.team_documents.decision import written_decision

TIERED = {
    "scale.instances": 3,
    "scale.affinity": "unavailable",
    "tools": [{"name": "ask", "needs": {"elicitation": "required", "list_changed": "preferred"}}, {"name": "get"}],
}


@pytest.mark.no_cover
def test_every_fact_that_no_file_can_state_is_in_words(advisor: Advisor) -> None:
    for flat in drawn(advisor.space)[:150]:
        decision = advisor.decide(read(flat, advisor.space))
        for step in decision.steps:
            answer = answer_text(step, decision)
            assert answer.endswith("."), step
            assert not re.search(r"\b[a-z_]+\.[a-z_]+ is ", answer), answer  # the fallback for a fact without words
            named = [fact.text.partition(": ")[0] for fact in fact_texts(step, decision) if fact.named]
            assert [name for name in named if name not in decision.requirements.values] in (
                [],
                ["server"],
                ["sessions"],
            )


def _values(fact: Fact, number: int) -> set[int]:
    """The smallest and the largest integer of a bin, from 1 to 10,000."""
    below = max((int(other.at_most) for other in fact.bins[:number] if other.at_most), default=0)
    return {below + 1, int(fact.bins[number].at_most or 10_000)}


@pytest.mark.no_cover
def test_every_bin_has_words_unless_it_has_one_value(advisor: Advisor) -> None:
    phrases, silent = advisor.knowledge.phrases, []
    for fact in advisor.space.facts.values():
        for number, found in enumerate(fact.bins):
            alone = found.below is None and len(_values(fact, number)) == 1
            words = phrases.get(f"fact.{fact.id}.{found.bin}", "")
            assert alone != bool(words), (fact.id, found.bin)
            silent += [fact.id] if alone else []
    assert "scale.instances" in silent


@pytest.mark.parametrize(
    ("instances", "text"),
    [({"min": 3, "max": 9}, "scale.instances: 3-9 (more than one)"), (1, "scale.instances: 1")],
)
def test_a_step_explains_a_value_only_if_the_value_does_not_explain_itself(
    decide: Any, instances: Any, text: str
) -> None:
    decision = decide({"scale.instances": instances})
    assert text in {fact.text for step in decision.steps for fact in fact_texts(step, decision)}


@pytest.mark.parametrize(
    ("kind", "answer"),
    [
        ("haproxy", "The session affinity mechanism of"),
        ("nginx", "The session affinity mechanism is session-ID rewriting in nginx"),
        ("none", "The decision uses no session affinity"),
    ],
)
def test_the_step_of_the_affinity_names_the_mechanism(decide: Any, kind: str, answer: str) -> None:
    decision = decide({"scale.instances": 3, "needs.elicitation": "required", "environment.proxy.kind": kind})
    (step,) = [step for step in decision.steps if step.table == "affinity"]
    said = answer_text(step, decision)
    assert said.startswith(answer.removesuffix(" of"))
    assert f"Answer: {said}" in written_decision(decision).replace("\\", "")


def test_the_rows_of_tiers_speak_of_the_tier(decide: Any) -> None:
    decision = decide(TIERED)
    assert decision.core.pattern == "tiered"
    hows = " ".join(cell.how + cell.words for row in decision.features for _, cell in row.cells)
    assert "this tier has no other process" in hows
    assert "only one process runs" not in hows
    assert "no other process runs" not in hows
    alone = decide({"scale.instances": 1, "needs.elicitation": "required"})
    assert "no other process runs" in " ".join(cell.how for row in alone.features for _, cell in row.cells)


@pytest.mark.parametrize(
    ("facts", "rule", "cause"),
    [
        ({"sdk": "mcp==1.30.0"}, "SES-009", "this SDK release"),
        ({"sdk": "mcp-2", "transport": "sse"}, "SES-008", "HTTP+SSE"),
        ({"sdk": "mcp-2", "environment.proxy.kind": "contextforge"}, "SES-010", "MCP gateway"),
    ],
)
def test_a_decision_without_a_client_names_the_cause(decide: Any, facts: Any, rule: str, cause: str) -> None:
    decision = decide({"clients.protocol": "modern", **facts})
    assert decision.verdict.rule.id == rule
    assert cause in decision.verdict.rule.because
    assert decision.means == "no client in the requirements can connect"
    first = decision.alternatives[0]
    assert decide({"clients.protocol": "modern", **facts, **first.change}).feasible
    if rule == "SES-009":
        assert list(first.change) == ["sdk"]
