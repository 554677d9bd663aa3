"""Writes measured rows into rules/topology.yaml; what people wrote (the head, the phrases, other rows) stays."""

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
from advisor.knowledge.topology import Conditions, Figures, Share, Way, verdict
from advisor.lab.rule_text import item

_START = "topology:\n"
_END = "\nphrases:\n"
_KEYS = (
    *("id", "title", "program", "mechanism", "requirements", "template", "directives"),
    *("keeps", "because", "runs", "window", "measured", "evidence"),
)
# The rates first, what the SDK's clients saw behind them, as the head of the file explains them.
_FIGURES = ("whole", "answered", "wrong", "sampling", "over_get", "crossed", "progress", "spread")


def write(knowledge: Knowledge, measured: Sequence[Way]) -> str:
    """Rewrite rules/topology.yaml; the diff.

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
    """The knowledge as it is now: a person can have corrected a sentence in the minutes that the measurement took.

    Where it is not valid at this moment, `knowledge`: no measurement is lost for that.
    """
    try:
        return compile_rules(rules_dir())
    except KnowledgeError:
        return knowledge


def rewritten(text: str, ways: Iterable[Way]) -> str:
    """The file with these rows instead of its own.

    Args:
        text: the file, with a head, the rows and the phrases, in this order.
        ways: every row, in order.

    Raises:
        ValueError: it is not laid out so.
    """
    head, found, rest = text.partition(_START)
    _, ended, tail = rest.rpartition(_END)
    if not found or not ended:
        raise ValueError("rules/topology.yaml has no head, rows and phrases, in this order")
    block, folded = ("requirements", "directives"), ("because", "evidence")
    rows = "\n".join(item(_entry(way), block=block, folded=folded) for way in ways)
    return f"{head}{_START}{rows}{_END}{tail}"


def updated(ways: Iterable[Way], measured: Iterable[Way]) -> list[Way]:
    """The rows with the figures of those that were measured; what a person writes is that of `ways`."""
    new = {way.id: way for way in measured}
    return [_updated(way, new[way.id]) if way.id in new else way for way in ways]


def _updated(way: Way, new: Way) -> Way:
    taken = replace(way, runs=new.runs, window=new.window, measured=new.measured, evidence=new.evidence)
    return replace(taken, keeps=verdict(taken) or way.keeps)


def _entry(way: Way) -> dict[str, Any]:
    """A row as the file has it."""
    parts = {key: _plain(getattr(way, key)) for key in _KEYS}
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
