"""Relevance is exact: held against brute force on sub-spaces that are enumerated completely."""

from __future__ import annotations

import random
from itertools import product
from typing import Any

import pytest

from advisor.decision.advisor import Advisor
from advisor.decision.core import core_of
from advisor.decision.tiers import SEPARABLE
from advisor.questionnaire.reachability import Reachability
from advisor.questionnaire.relevance import COMPLETIONS, Relevance
from advisor.requirements import Requirements
from advisor.requirements.completion import complete
from advisor.requirements.model import Tool

MOST_COMBINATIONS = 6_000
KIND = "environment.proxy.kind"
SEEDS = [*range(20), *(pytest.param(seed, marks=pytest.mark.thorough) for seed in range(20, 60))]


@pytest.fixture(scope="module")
def askable(advisor: Advisor) -> list[str]:
    read = Reachability(advisor).domains
    return [name for name, fact in advisor.space.facts.items() if fact.ask != "never" and name in read]


def requirements_of(advisor: Advisor, values: dict[str, Any]) -> Requirements:
    return complete({"service": "svc", **values}, (), advisor.space, "<test>")


def brute_force(advisor: Advisor, fact: str, values: dict[str, Any], open_facts: list[str]) -> bool:
    """Whether any completion of the open facts gives two outcomes for two values of `fact`."""
    domains = dict(advisor.space.domains)
    # The questionnaire does not ask for the proxy only because an MCP gateway can refuse clients.
    proxies = advisor.knowledge.proxies
    domains[KIND] = tuple(kind for kind in domains[KIND] if not proxies[str(kind)].refuses)
    base = advisor.facts(requirements_of(advisor, values))
    for completion in product(*(domains[name] for name in open_facts)):
        facts = dict(base)
        advisor.network.revise(facts, dict(zip(open_facts, completion, strict=True)))
        outcomes = set()
        for value in domains[fact]:
            varied = dict(facts)
            advisor.network.revise(varied, {SEPARABLE: facts[SEPARABLE], fact: value})
            core = core_of(varied)
            outcomes.add(core if core.feasible else "contradiction")
        if len(outcomes) > 1:
            return True
    return False


def some_case(advisor: Advisor, askable: list[str], seed: int) -> tuple[str, dict[str, Any], set[str], list[str]]:
    """A fact, values for most facts and a few that stay open (with whether single tools carry the needs)."""
    rng = random.Random(seed)
    domains = advisor.space.domains
    fact = rng.choice(askable)
    order = rng.sample([name for name in askable if name != fact], len(askable) - 1)
    open_facts, size = [SEPARABLE], 2 * len(domains[fact])
    for name in order:
        if len(open_facts) < 5 and size * len(domains[name]) <= MOST_COMBINATIONS:
            open_facts.append(name)
            size *= len(domains[name])
    # Half of the values are the defaults: a deployment in which everything is odd is soon a contradiction.
    values = {
        name: advisor.space.typical(name, rng.choice(domains[name]))
        for name in order
        if name not in open_facts and rng.random() < 0.5
    }
    known = {"service", *(name for name in order if name not in open_facts)}
    return fact, values, known, open_facts


@pytest.mark.parametrize("seed", SEEDS)
def test_relevance_agrees_with_brute_force(advisor: Advisor, askable: list[str], seed: int) -> None:
    fact, values, known, open_facts = some_case(advisor, askable, seed)
    expected = brute_force(advisor, fact, values, open_facts)
    for completions in (0, COMPLETIONS):  # by proof alone, and by witness first
        found = Relevance(advisor, completions).matters(fact, requirements_of(advisor, values), known)
        assert found is expected, (completions, fact, values, open_facts)


def test_the_brute_force_cases_have_relevant_and_irrelevant_facts(advisor: Advisor, askable: list[str]) -> None:
    cases = [some_case(advisor, askable, seed) for seed in range(60)]
    relevance = Relevance(advisor)
    found = [relevance.matters(fact, requirements_of(advisor, values), known) for fact, values, known, _ in cases]
    assert min(found.count(True), found.count(False)) >= 10


@pytest.mark.thorough
def test_a_cached_result_does_not_change_the_answer(advisor: Advisor, askable: list[str]) -> None:
    remembering = Relevance(advisor)
    for seed in range(40):
        fact, values, known, _ = some_case(advisor, askable, seed)
        asked = (fact, requirements_of(advisor, values), known)
        assert remembering.matters(*asked) is Relevance(advisor).matters(*asked)


@pytest.mark.parametrize(
    ("fact", "values", "matters"),
    [
        ("scale.affinity", {"scale.instances": 1, "scale.workers": 1, "environment.platform": "kubernetes"}, False),
        ("scale.workers", {"scale.instances": 1, "environment.platform": "kubernetes"}, True),
        pytest.param(
            "environment.proxy.version", {"environment.proxy.kind": "haproxy"}, False, marks=pytest.mark.thorough
        ),
        ("clients.keep_cookies", {"environment.proxy.kind": "alb"}, True),
        ("preference", {"clients.protocol": "modern"}, False),
        ("environment.hosts", {}, False),
        ("service", {}, False),
    ],
)
def test_known_cases_of_relevance(advisor: Advisor, fact: str, values: dict[str, Any], matters: bool) -> None:
    assert Relevance(advisor).matters(fact, requirements_of(advisor, values), set(values)) is matters


def test_tools_matter_only_while_a_session_can_be_needed(advisor: Advisor) -> None:
    relevance = Relevance(advisor)
    assert relevance.matters("tools", requirements_of(advisor, {}), set())
    # With a shared store, every feature of modern clients works in several processes.
    modern = {"clients.protocol": "modern", "sdk": "mcp-2", "operations.shared_store": "redis"}
    assert not relevance.matters("tools", requirements_of(advisor, modern), set(modern))


def test_in_tiers_the_stateless_part_keeps_its_questions(advisor: Advisor) -> None:
    # Progress of one tool needs SSE for the service. The tier of the other tools can still answer in plain JSON.
    tools = (Tool("ask", {"elicitation": "required", "progress": "required"}), Tool("get"))
    needs = {name: "none" for name in advisor.space.facts if name.startswith("needs.")}
    needs |= {"needs.elicitation": "required", "needs.progress": "required"}
    values = {
        "service": "svc",
        "sdk": "mcp-1",
        "clients.protocol": "legacy",
        "scale.instances": 3,
        "scale.affinity": "unavailable",
        "environment.platform": "kubernetes",
        **needs,
    }
    stated = complete(values, tools, advisor.space, "<test>")
    if advisor.core(stated).pattern != "tiered":
        pytest.fail("the case is meant to come out in tiers")
    assert Relevance(advisor).matters("workload.longest_call_s", stated, {*values, "tools"})
    short = complete({**values, "workload.longest_call_s": 1}, tools, advisor.space, "<test>")
    assert advisor.decide(short).core != advisor.decide(stated).core


def test_rules_named_as_a_reason_fire(advisor: Advisor) -> None:
    values = {"scale.instances": 1, "scale.workers": 1, "environment.platform": "kubernetes"}
    rules = Relevance(advisor).rules("environment.proxy.kind", requirements_of(advisor, values), set(values))
    assert [rule.id for rule in rules] == ["PRO-040", "AFF-010"]
