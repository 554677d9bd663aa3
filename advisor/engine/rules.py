"""The shapes of a decision table and its rules.

They are named tuples, which take less time to declare than dataclasses, and the only declaration of these shapes: the
reader of the files validates against them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple, TypeAlias

Value: TypeAlias = str | bool
"""A value of a finite domain: what rules compare."""

# pydantic reads this attribute from a standard dataclass; it forbids keys that the shape does not name. A named tuple
# forbids them anyway.
STRICT = {"extra": "forbid"}


class Rule(NamedTuple):
    """One row of a decision table."""

    id: str
    title: str
    when: dict[str, Value | dict[str, Value | list[Value]]]
    then: dict[str, Value]
    because: str
    sources: list[str]
    examples: dict[Literal["hit", "miss"], dict[str, Any]]
    fix: str = ""


class RuleTable(NamedTuple):
    """A decision table in DMN's sense: inputs, outputs, rules and a hit policy."""

    table: str
    title: str
    question: str
    hit_policy: Literal["first", "unique", "collect"]
    inputs: list[str]
    outputs: dict[str, list[Value]]
    rules: list[Rule]
    role: Literal["decision", "cell", "finding"] = "decision"
    domains: Mapping[str, list[Value]] = {}
