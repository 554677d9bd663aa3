"""The capacity of the instances of a decision, and the warning if they are not enough."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import ceil
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from advisor.console.canvas import Screen
from advisor.decision.advisor import Advisor
from advisor.decision.checks.consistency import contradictions, sources
from advisor.errors import KnowledgeError
from advisor.knowledge import Knowledge
from advisor.knowledge.capacity import Allowance, memory_plan
from advisor.knowledge.types import FLAG_PAIRS, Era, flag_key
from advisor.report.decision_json import decision_dict
from advisor.report.decision_text import decision_text
from advisor.sentences import inside
from advisor.team_documents.decision import written_decision

STICKY = {"needs.sampling": "required", "environment.proxy.kind": "haproxy", "clients.protocol": "legacy"}
WARNING = "more-clients-than-sessions"
MEMORY = "more-sessions-than-memory"


def warned(decision: Any) -> set[str]:
    return {warning.id for warning in decision.warnings}


def test_sessions_are_spread_over_the_fleet_and_use_the_measured_memory(decide: Any, knowledge: Knowledge) -> None:
    decision = decide(STICKY | {"scale.instances": 3, "clients.concurrent": 1200})
    measured = knowledge.capacity["mcp-2"]
    each, process = measured.stream_session_bytes.median, measured.process_bytes.median
    found = decision.capacity
    assert (found.sessions_per_instance, found.session_bytes) == (400, each)
    assert (found.process_bytes, found.memory_mb) == (process, round((process + 400 * each) / 1e6, 1))
    assert f": {process / 1e6:.0f} MB for the process itself" in found.because
    assert (found.enough, found.advice_instances, found.session_limit) == (True, 1, 10_000)
    assert "1,200 clients on 3 instances, each instance holds 400 sessions" in found.because
    assert f"and {each / 1000:,.0f} kB for each session with an open GET stream" in found.because
    assert "measured on mcp 2." in found.because
    assert set(found.sources) <= set(knowledge.sources)
    assert WARNING not in warned(decision)


@pytest.mark.parametrize(
    "facts",
    [
        {"scale.instances": 3, "clients.protocol": "legacy"},
        {"scale.instances": 3, "clients.protocol": "mixed", "needs.progress": "required"},
        {"scale.instances": 1, "clients.protocol": "modern"},
    ],
    ids=["stateless", "stateless, both eras", "modern clients"],
)
def test_without_sessions_clients_use_no_memory(decide: Any, facts: dict[str, Any]) -> None:
    decision = decide(facts | {"clients.concurrent": 90_000})
    found = decision.capacity
    assert (found.sessions_per_instance, found.memory_mb, found.session_limit) == (0, 0.0, None)
    assert found.enough
    assert "memory does not grow" in found.because
    assert WARNING not in warned(decision)


@pytest.mark.parametrize(("clients", "enough"), [(20_000, True), (20_001, False)])
def test_the_limit_of_the_sdk_decides_whether_the_instances_suffice(decide: Any, clients: int, enough: bool) -> None:
    decision = decide(STICKY | {"scale.instances": 2, "clients.concurrent": clients})
    assert decision.capacity.enough is enough
    assert decision.capacity.advice_instances == ceil(clients / 10_000)
    assert (WARNING in warned(decision)) is not enough
    message = next((warning.message for warning in decision.warnings if warning.id == WARNING), "")
    assert enough or ("20,001 clients" in message and "10,000" in message)


def test_a_range_has_the_load_of_its_minimum_and_the_capacity_of_its_maximum(decide: Any) -> None:
    facts = STICKY | {"scale.instances": {"min": 2, "max": 5}}
    small = decide(facts | {"clients.concurrent": 44_000})
    assert (small.capacity.sessions_per_instance, small.capacity.advice_instances) == (22_000, 5)
    assert small.capacity.enough
    assert WARNING not in warned(small)
    large = decide(facts | {"clients.concurrent": 50_001})
    assert not large.capacity.enough
    assert WARNING in warned(large)


def test_the_stateful_tier_holds_the_sessions_of_all_clients_in_one_process(decide: Any, requirements: Any) -> None:
    tools = [{"name": "ask", "needs": {"sampling": "required"}}, {"name": "get"}]
    facts = {"scale.instances": 4, "scale.affinity": "unavailable", "clients.protocol": "legacy", "tools": tools}
    decision = decide(facts | {"clients.concurrent": 900})
    assert decision.core.pattern == "tiered"
    assert decision.capacity.sessions_per_instance == 900
    assert "stateful tier" in decision.capacity.because
    many = decide(facts | {"clients.concurrent": 10_001})
    assert not many.capacity.enough
    message = next(warning.message for warning in many.warnings if warning.id == WARNING)
    assert message.startswith("In the stateful tier: 10,001 clients")


@pytest.mark.parametrize(
    ("sdk", "limit"), [("mcp==1.28.1", None), ("mcp==1.30.0", 10_000), ("mcp==2.1.0", None), ("mcp==2.2.0", 10_000)]
)
def test_older_releases_have_no_limit(decide: Any, sdk: str, limit: int | None) -> None:
    decision = decide(STICKY | {"sdk": sdk, "scale.instances": 2, "clients.concurrent": 90_000})
    assert decision.core.pattern == "sticky-fleet"
    assert decision.capacity.session_limit == limit
    assert not decision.capacity.enough
    assert {WARNING, MEMORY} & warned(decision) == {MEMORY if limit is None else WARNING}
    assert ("does not limit the number of sessions" in decision.capacity.because) is (limit is None)


def test_without_a_limit_memory_decides(decide: Any, knowledge: Knowledge) -> None:
    facts = STICKY | {"sdk": "mcp==1.28.1", "scale.instances": 3}
    found = decide(facts | {"clients.concurrent": 1_000_000})
    fits = knowledge.capacity["mcp-1"].sessions_in(knowledge.memory.budget_bytes)
    assert (found.capacity.enough, found.capacity.advice_instances) == (False, ceil(1_000_000 / fits))
    for said in (
        "memory is the limit. The memory budget of one instance is 1 GiB",
        f"enough for {fits:,} sessions. This number of sessions needs at least {ceil(1_000_000 / fits)} instances",
        "the requirements plan at most 3.",
    ):
        assert said in found.capacity.because
    (message,) = (warning.message for warning in found.warnings if warning.id == MEMORY)
    assert message.startswith("With a session for each of 1,000,000 clients")
    assert f"(3) needs {found.capacity.memory_mb:,.0f} MB of memory" in message
    enough = decide(facts | {"clients.concurrent": 3 * fits})
    assert (enough.capacity.enough, enough.capacity.advice_instances) == (True, 3)
    assert MEMORY not in warned(enough)


def test_memory_decides_where_it_is_tighter_than_the_limit(decide: Any) -> None:
    """A process of this SDK line accepts all 10,000 sessions, but its planned memory is too small for them."""
    decision = decide(STICKY | {"sdk": "fastmcp-2", "scale.instances": 2, "clients.concurrent": 20_000})
    found = decision.capacity
    assert (found.session_limit, found.enough, found.advice_instances) == (10_000, False, 3)
    assert (
        "The SDK accepts at most 10,000 sessions in one process. The memory budget of one instance is 1 GiB"
        in found.because
    )
    assert {WARNING, MEMORY} & warned(decision) == {MEMORY}
    both = decide(STICKY | {"sdk": "fastmcp-2", "scale.instances": 2, "clients.concurrent": 20_001})
    assert {WARNING, MEMORY} & warned(both) == {WARNING}


def test_the_memory_warning_says_that_there_is_one_process(decide: Any) -> None:
    single = STICKY | {"sdk": "mcp==1.28.1", "scale.instances": 1, "clients.concurrent": 9_000}
    tools = [{"name": "ask", "needs": {"sampling": "required"}}, {"name": "get"}]
    tiers = {"scale.instances": 4, "scale.affinity": "unavailable", "tools": tools}
    for facts, pattern in ((single, "single-instance"), (single | tiers, "tiered")):
        decision = decide(facts)
        assert decision.core.pattern == pattern
        assert (decision.capacity.enough, decision.capacity.advice_instances) == (False, 2)
        assert "but the requirements plan at most 1." in decision.capacity.because
        assert MEMORY in warned(decision)


def test_a_range_is_shown_in_words_and_its_maximum_is_used(decide: Any) -> None:
    facts = STICKY | {"sdk": "mcp==1.28.1", "scale.instances": {"min": 2, "max": 5}}
    assert decide(facts | {"clients.concurrent": 40_000}).capacity.enough
    decision = decide(facts | {"clients.concurrent": 50_000})
    assert not decision.capacity.enough
    (message,) = (warning.message for warning in decision.warnings if warning.id == MEMORY)
    assert "planned instances (2 to 5) needs 1,308 MB" in message


def test_clients_of_both_eras_are_counted_as_if_all_were_legacy(decide: Any) -> None:
    decision = decide({"needs.subscriptions": "none", "clients.protocol": "mixed", "clients.concurrent": 70})
    assert decision.core.pattern == "single-instance"
    assert decision.capacity.sessions_per_instance == 70
    assert "if all clients are legacy clients" in decision.capacity.because


def test_the_call_rate_is_that_of_the_flag_pair_and_of_the_slower_era(decide: Any, knowledge: Knowledge) -> None:
    protocols: tuple[Literal["legacy", "modern", "mixed"], ...] = ("legacy", "modern", "mixed")
    for protocol in protocols:
        for facts in ({"scale.instances": 1}, {"scale.instances": 3}):
            decision = decide(facts | {"clients.protocol": protocol})
            eras: tuple[Era, ...] = ("legacy", "modern") if protocol == "mixed" else (protocol,)
            measured = knowledge.capacity["mcp-2"].calls_per_s
            key = flag_key(*decision.core.flags)
            assert decision.capacity.calls_per_s == min(measured[era][key].median for era in eras)


def test_a_contradiction_has_no_capacity(decide: Any, advisor: Advisor) -> None:
    decision = decide({"scale.instances": 3, "scale.affinity": "unavailable", "needs.sampling": "required"})
    assert not decision.feasible
    assert decision.capacity is None
    assert decision_dict(decision)["capacity"] is None
    assert "Capacity" not in decision_text(decision, Screen(80))


def test_text_markdown_and_data_explain_the_capacity(decide: Any, advisor: Advisor) -> None:
    decision = decide(STICKY | {"scale.instances": 3, "clients.concurrent": 1200})
    text = " ".join(decision_text(decision, Screen(120)).split())
    assert f"Capacity {decision.capacity.because}" in text
    markdown = written_decision(decision)
    assert f"|\n\nCapacity: {inside(decision.capacity.because)}\n" in markdown, "below the table"
    whole: Mapping[str, Any] = decision_dict(decision)
    document = whole["capacity"]
    assert document["because"] == decision.capacity.because
    assert document["sessions_per_instance"] == 400
    assert isinstance(document["sources"], list)


@given(clients=st.integers(1, 10**6), least=st.integers(2, 50), more=st.integers(0, 50))
def test_every_client_has_an_instance(decide: Any, clients: int, least: int, more: int) -> None:
    facts = STICKY | {"scale.instances": {"min": least, "max": least + more}, "clients.concurrent": clients}
    found = decide(facts).capacity
    assert found.sessions_per_instance * least >= clients > (found.sessions_per_instance - 1) * least
    assert found.advice_instances * 10_000 >= clients > (found.advice_instances - 1) * 10_000
    assert found.enough == (found.advice_instances <= least + more)


@given(
    clients=st.integers(1, 10**6),
    least=st.integers(2, 50),
    more=st.integers(0, 50),
    sdk=st.sampled_from(["mcp-1", "mcp==1.28.1", "mcp==2.1.0", "fastmcp-2", "fastmcp-3", "fastmcp-4"]),
)
def test_the_advice_is_the_smallest_sufficient_number_of_instances(
    decide: Any, knowledge: Knowledge, clients: int, least: int, more: int, sdk: str
) -> None:
    """The advised number fits the limit and the memory plan; one instance less does not. `enough` sets the warnings."""
    facts = STICKY | {"sdk": sdk, "scale.instances": {"min": least, "max": least + more}}
    decision = decide(facts | {"clients.concurrent": clients})
    found, budget = decision.capacity, knowledge.memory.budget_bytes

    def holds(instances: int) -> bool:
        each = ceil(clients / instances)
        within: bool = found.session_limit is None or each <= found.session_limit
        fits: bool = found.process_bytes + each * found.session_bytes <= budget
        return within and fits

    assert holds(found.advice_instances)
    assert found.advice_instances == 1 or not holds(found.advice_instances - 1)
    assert found.enough == holds(least + more) == (not {WARNING, MEMORY} & warned(decision))


def test_every_line_has_measurements_for_all_eras_and_flag_pairs(knowledge: Knowledge) -> None:
    assert contradictions(knowledge) == []
    keys = [flag_key(*pair) for pair in FLAG_PAIRS]
    for line in knowledge.capacity.values():
        for pairs in line.calls_per_s.values():
            assert list(pairs) == keys
            assert all(0 < figures.min <= figures.median <= figures.max for figures in pairs.values())
        # A session uses memory, and its stream uses more memory.
        assert 5_000 < line.session_bytes.median < line.stream_session_bytes.median < 1_000_000
        assert line.process_bytes.min > 10_000_000


def test_a_line_without_measurements_is_a_fault(knowledge: Knowledge) -> None:
    without = {name: line for name, line in knowledge.capacity.items() if name != "mcp-2"}
    faults = contradictions(replace(knowledge, capacity=without))
    assert [(fault.key, fault.message) for fault in faults] == [
        ("capacity: mcp-2", "rules/capacity.yaml has no measurement for this SDK line")
    ]
    wrong = knowledge.capacity["mcp-2"]._replace(release="mcp 1.30.0")
    faults = contradictions(replace(knowledge, capacity={**knowledge.capacity, "mcp-2": wrong}))
    assert "which is not a release of this SDK line" in faults[0].message


PLAN: dict[Literal["budget", "headroom", "grain", "request", "limit"], Literal["MiB", "percent"]] = {
    "budget": "MiB",
    "headroom": "percent",
    "grain": "MiB",
    "request": "MiB",
    "limit": "MiB",
}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda entries: entries[1:], "there is no budget"),
        (
            lambda entries: [entries[0]._replace(unit="percent"), *entries[1:]],
            r"\(budget\): the value must be at least 1, and the unit must be MiB",
        ),
        (
            lambda entries: [*entries[:2], entries[2]._replace(value=0), *entries[3:]],
            r"\(grain\): the value must be at least 1",
        ),
    ],
    ids=["missing", "wrong unit", "nothing"],
)
def test_an_invalid_memory_plan_is_refused(change: Any, said: str) -> None:
    entries = [Allowance(name, 64, unit, "", ["measured-memory"]) for name, unit in PLAN.items()]
    assert memory_plan(entries).budget_bytes == 64 * 1024 * 1024
    with pytest.raises(KnowledgeError, match=said):
        memory_plan(change(entries))


def test_every_figure_of_the_memory_plan_has_a_reason_and_sources(knowledge: Knowledge) -> None:
    assert {allowance.id: allowance.unit for allowance in knowledge.memory.allowances} == PLAN
    assert all(allowance.because and allowance.sources for allowance in knowledge.memory.allowances)
    first, *rest = knowledge.memory.allowances
    unknown = knowledge.memory._replace(allowances=(first._replace(sources=["no-such"]), *rest))
    assert [fault.key for fault in sources(replace(knowledge, memory=unknown))] == [f"memory: {first.id}"]
