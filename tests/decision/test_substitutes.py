"""What to do instead of a lost feature fits the clients that lose the feature, and the pattern."""

from __future__ import annotations

import random
import re
from typing import Any

import pytest

from advisor.decision.advisor import Advisor

MODERN_ONLY = re.compile(r"ttlMs|round.trip|Resolve\(|subscriptions/listen")


def test_no_substitute_for_legacy_clients_needs_the_modern_protocol(decide: Any) -> None:
    names = ("sampling", "subscriptions", "list_changed", "progress", "session_state")
    decision = decide(
        {
            **{f"needs.{name}": "preferred" for name in names},
            "clients.protocol": "legacy",
            "scale.instances": 3,
            "scale.affinity": "unavailable",
        }
    )
    lost = [row for row in decision.needed if row.lost and row.instead]
    assert {"sampling", "subscriptions"} <= {row.feature for row in lost}
    for row in lost:
        for sentence in row.instead.split(". "):
            assert not MODERN_ONLY.search(sentence) or "modern clients" in sentence, row.instead
        assert not row.instead.startswith("Write the tool with"), row.instead


def test_a_direct_call_is_the_replacement_with_and_without_sessions(decide: Any) -> None:
    """One process keeps sessions, and several do not. In both, the server calls a language model."""
    patterns = set()
    for instances in (1, 3):
        facts = {"clients.apps": ["cursor"], "needs.sampling": "required", "operations.direct_llm": True}
        decision = decide({**facts, "scale.instances": instances})
        (row,) = [row for row in decision.features if row.substituted]
        assert row.instead.startswith("The server calls a language model")
        patterns.add(decision.core.flags.stateless_http)
    assert patterns == {True, False}


PLATFORMS = ("kubernetes", "compose", "systemd", "serverless")


def _drawn(advisor: Advisor, seed: int) -> dict[str, Any]:
    """Requirements of a production deployment, drawn at random."""
    draw = random.Random(seed)
    needs = ("sampling", "elicitation", "progress", "session_state", "resumability", "list_changed")
    return {
        **{f"needs.{name}": draw.choice(("none", "preferred", "required")) for name in needs},
        "transport": draw.choice(("streamable-http", "streamable-http", "sse")),
        "clients.protocol": draw.choice(("legacy", "mixed", "modern", "unknown")),
        "scale.instances": draw.choice((1, 3)),
        "scale.workers": draw.choice((1, 1, 4)),
        "scale.affinity": draw.choice(("available", "unavailable", "unknown")),
        "environment.platform": draw.choice(PLATFORMS),
        "environment.proxy.kind": draw.choice(sorted(advisor.knowledge.proxies)),
        "environment.proxy.total_timeout_s": draw.choice((30, 900)),
        "workload.longest_call_s": draw.choice((2, 600)),
        "operations.direct_llm": draw.choice((True, False)),
    }


@pytest.mark.parametrize("seeds", [range(start, start + 30) for start in (0, 30)], ids=str)
def test_no_substitute_is_offered_where_plain_calls_fail(decide: Any, advisor: Advisor, seeds: range) -> None:
    """A job id, a second tool or another argument needs a call that reaches the right process."""
    failing = working = 0
    for seed in seeds:
        decision = decide(_drawn(advisor, seed))
        plain = next(row for row in decision.features if row.feature == "plain")
        texts = [row.instead for row in decision.features if row.instead]
        texts += [warning.fix.text for warning in decision.warnings if "job id" in warning.fix.text]
        if plain.lost:
            failing += 1
            assert not texts, (seed, texts)
        working += bool(texts)
    assert failing
    assert working


def test_a_job_of_several_processes_needs_a_shared_store(decide: Any, advisor: Advisor) -> None:
    """A second call can reach another process, so the id of a job alone does not find the job."""
    texts: dict[int, set[str]] = {1: set(), 3: set()}
    for instances, found in texts.items():
        for need in ("progress", "resumability"):
            facts = {"scale.instances": instances, "clients.protocol": "legacy", f"needs.{need}": "preferred"}
            limits = {"environment.proxy.total_timeout_s": 5, "workload.longest_call_s": 60}
            for also in ({}, {"environment.proxy.sse": False}, {"scale.affinity": "unavailable"}):
                decision = decide({**facts, **limits, **also})
                several = decision.facts["processes"] == "many"
                assert several is (instances == 3)
                found |= {row.instead for row in decision.features if row.instead and "job id" in row.instead}
                found |= {warning.fix.text for warning in decision.warnings if "job id" in warning.fix.text}
    assert texts[1]
    assert texts[3]
    assert all("that all processes share" in text for text in texts[3])
    assert not any("that all processes share" in text for text in texts[1])


@pytest.mark.parametrize("seeds", [range(start, start + 30) for start in (60, 90)], ids=str)
def test_each_change_says_something_new(decide: Any, advisor: Advisor, seeds: range) -> None:
    """No possible fix repeats another one, and no change moves a production service to a developer's machine."""
    fixes = 0
    for seed in seeds:
        decision = decide(_drawn(advisor, seed))
        changes = [*decision.alternatives, *decision.counterfactuals]
        assert not [change for change in changes if change.change.get("environment.platform") == "local"], seed
        hows = [way.how for way in decision.alternatives if way.change]
        assert len(set(hows)) == len(hows), (seed, hows)
        results = [
            (way.core, {fact: value for fact, value in way.change.items() if fact != "environment.platform"})
            for way in decision.alternatives
            if "environment.platform" in way.change
        ]
        assert all(results.count(result) == 1 for result in results), (seed, results)
        fixes += len(hows)
    assert fixes


def test_clients_without_a_required_feature_get_a_substitute(decide: Any) -> None:
    """Sampling does not work for Claude Code. A direct call of a model is a substitute for every client."""
    facts = {"clients.apps": ["claude-code"], "needs.sampling": "required", "scale.instances": 3}
    for direct, words in (
        (False, "Or let the server call a language model"),
        (True, "The server calls a language model"),
    ):
        decision = decide({**facts, "operations.direct_llm": direct})
        (fix,) = [warning.fix.text for warning in decision.warnings if warning.id == "client-lacks-feature"]
        assert words in fix
    progress = decide({"clients.apps": ["claude-ai"], "needs.progress": "required", "scale.instances": 1})
    (fix,) = [warning.fix.text for warning in progress.warnings if warning.id == "client-lacks-feature"]
    assert "Return a job id" in fix
    assert "model" not in fix
