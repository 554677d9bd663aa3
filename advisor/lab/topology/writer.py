"""Writes measurements into rules/topology.yaml. The head, the phrases and strategies without new figures stay."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any

from advisor.errors import KnowledgeError, UsageError
from advisor.files import reason, write_atomically
from advisor.knowledge import Knowledge
from advisor.knowledge.compiler import compile_rules
from advisor.knowledge.paths import rules_dir
from advisor.knowledge.topology import BalancingStrategy, Conditions, Figures, Share, verdict
from advisor.lab.rule_yaml import item

_START = "topology:\n"
_END = "\nphrases:\n"
_KEYS = (
    *("id", "title", "program", "mechanism", "requirements", "template", "directives"),
    *("keeps", "because", "runs", "window", "measured", "evidence"),
)
# The figures of raw clients come first, then those of SDK clients. The head of the file explains them in this order.
_FIGURES = ("whole", "answered", "wrong", "sampling", "over_get", "crossed", "progress", "spread")


def write(knowledge: Knowledge, measured: Sequence[BalancingStrategy]) -> str:
    """Rewrite rules/topology.yaml. Returns the diff.

    Raises:
        UsageError: the file cannot be rewritten.
    """
    path = rules_dir() / "topology.yaml"
    try:
        before = path.read_text(encoding="utf-8")
        after = rewritten(before, updated(_reread(knowledge).topology.values(), measured))
        write_atomically(path, after)
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} cannot be rewritten: {reason(error)}.") from None
    lines = difflib.unified_diff(before.splitlines(True), after.splitlines(True), "before", "after", n=1)
    return "".join(lines)


def _reread(knowledge: Knowledge) -> Knowledge:
    """Read the rules again, because a person can have edited them during the measurement.

    If the rules are invalid at this moment, return `knowledge`, so that the measurement is not lost.
    """
    try:
        return compile_rules(rules_dir())
    except KnowledgeError:
        return knowledge


def rewritten(text: str, strategies: Iterable[BalancingStrategy]) -> str:
    """The text of the file with new strategies.

    Args:
        text: the file, which has a head, the strategies and the phrases, in this order.
        strategies: all strategies, in order.

    Raises:
        ValueError: the file does not have these three parts in this order.
    """
    head, found, rest = text.partition(_START)
    _, ended, tail = rest.rpartition(_END)
    if not found or not ended:
        raise ValueError("rules/topology.yaml must have a head, `topology` and `phrases`, in this order")
    block, folded = ("requirements", "directives"), ("because", "evidence")
    rows = "\n".join(item(_entry(strategy), block=block, folded=folded) for strategy in strategies)
    return f"{head}{_START}{rows}{_END}{tail}"


def updated(strategies: Iterable[BalancingStrategy], measured: Iterable[BalancingStrategy]) -> list[BalancingStrategy]:
    """The strategies of `strategies` with the figures of `measured`. All other fields come from `strategies`."""
    new = {strategy.id: strategy for strategy in measured}
    return [_updated(strategy, new[strategy.id]) if strategy.id in new else strategy for strategy in strategies]


def _updated(strategy: BalancingStrategy, new: BalancingStrategy) -> BalancingStrategy:
    taken = replace(strategy, runs=new.runs, window=new.window, measured=new.measured, evidence=new.evidence)
    return replace(taken, keeps=verdict(taken) or strategy.keeps)


def _entry(strategy: BalancingStrategy) -> dict[str, Any]:
    """A strategy in the form of the file."""
    parts = {key: _plain(getattr(strategy, key)) for key in _KEYS}
    return {key: part for key, part in parts.items() if part}


def _plain(value: Any) -> Any:
    if isinstance(value, Share):
        return str(value)
    if isinstance(value, Conditions):
        return {name: int(word) if word.isdigit() else word for name, word in value.unusual.items()}
    if is_dataclass(value):
        keys = _FIGURES if isinstance(value, Figures) else [field.name for field in fields(value)]
        value = {key: getattr(value, key) for key in keys if getattr(value, key) not in (None, {})}
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items()}
    return [_plain(part) for part in value] if isinstance(value, list) else value
