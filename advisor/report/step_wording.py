"""Words around the steps of a decision: the facts that a step uses, and what its rule decides."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from advisor.decision.model import Decision, PathStep
from advisor.engine.rules import Rule
from advisor.engine.table import show
from advisor.knowledge.types import Raw
from advisor.report.change_wording import value_text
from advisor.report.condition_wording import outcome, sentence
from advisor.sentences import inside


class FactText(NamedTuple):
    """A fact that a step uses. `named` says whether the text is a key of the requirements file with its value."""

    text: str
    named: bool


def fact_texts(step: PathStep, decision: Decision) -> list[FactText]:
    """Return the facts that a step uses. A fact that no requirements file can state is in words only.

    In parentheses: what the value of the requirements means, or the words for its bin. A bin of one value has no words.
    """
    phrases, texts = decision.phrases, []
    for name, value in step.facts.items():
        shown = show(value)
        words = phrases.get(f"fact.{name}.{shown}") or phrases.get(f"{name} is {shown}")
        if words and name not in decision.requirements.values:
            texts.append(FactText(inside(words), named=False))
        else:
            texts.append(FactText(_fact_text(name, shown, step.stated.get(name), phrases), named=True))
    return texts


def answer_text(step: PathStep, decision: Decision) -> str:
    """Return what the rule of a step decides, in sentences."""
    return rule_answer(step.rule, decision.kind, decision.phrases)


def rule_answer(rule: Rule, kind: str, phrases: Mapping[str, str]) -> str:
    """Return what a rule decides for a kind of server, in sentences."""
    pattern = str(rule.then.get("pattern", ""))
    # Only Python servers have this flag. For other servers, the pattern says whether the server keeps sessions.
    left_out = "" if kind == "python" else "stateless_http"
    then = {name: value for name, value in outcome(rule.then).items() if name != left_out}
    return " ".join(f"{sentence(phrases, name, value, pattern)}." for name, value in then.items())


def _fact_text(name: str, shown: str, stated: Raw, phrases: Mapping[str, str]) -> str:
    text = f"{name}: {shown if stated is None else value_text(stated)}"
    means = phrases.get(f"fact.{name}.{shown}")
    return f"{text} ({means})" if means else text
