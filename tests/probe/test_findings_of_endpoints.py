"""Each finding about an endpoint has observations with it, and observations without it."""

from __future__ import annotations

from typing import Any

import pytest

from advisor.knowledge import load
from advisor.probe.judging import judge
from advisor.probe.run import CHECKS, Probed

KNOWLEDGE = load()
KINDS = sorted(kind.id for kind in KNOWLEDGE.findings.values() if kind.about == "endpoint")


def _found(seen: dict[str, Any]) -> set[str]:
    return {cause.finding.id for cause in judge(Probed("http://127.0.0.1/mcp", (), seen), KNOWLEDGE).causes}


@pytest.mark.parametrize("name", KINDS)
def test_the_examples_have_the_finding_or_not(name: str) -> None:
    examples = dict(KNOWLEDGE.findings[name].examples)
    assert name in _found(examples["hit"])
    assert name not in _found(examples["miss"])


@pytest.mark.parametrize("name", KINDS)
def test_the_message_needs_only_observations_of_the_conditions(name: str) -> None:
    examples = dict(KNOWLEDGE.findings[name].examples)
    judgement = judge(Probed("http://127.0.0.1/mcp", (), examples["hit"]), KNOWLEDGE)
    message = next(cause.finding.message for cause in judgement.causes if cause.finding.id == name)
    assert KNOWLEDGE.phrases["audit.unknown"] not in message


def test_every_check_has_words_and_every_word_a_check() -> None:
    assert set(CHECKS) == set(KNOWLEDGE.endpoint_checks)


def test_every_way_to_treat_sessions_has_words() -> None:
    values = KNOWLEDGE.observations["balancing"].values
    assert {f"probe.balancing.{value}" for value in values} <= set(KNOWLEDGE.phrases)
