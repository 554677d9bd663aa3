"""The shapes of a decision table and its rules.

They are plain frozen dataclasses, and the only declaration of these shapes: the reader of the files validates against
them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

Value: TypeAlias = str | bool
"""A value of a finite domain: what rules compare."""

# pydantic reads this attribute from a standard dataclass; it forbids keys that the shape does not name.
STRICT = {"extra": "forbid"}


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of a decision table."""

    __pydantic_config__ = STRICT
    id: str
    title: str
    when: dict[str, Value | dict[str, Value | list[Value]]]
    then: dict[str, Value]
    because: str
    sources: list[str]
    examples: dict[Literal["hit", "miss"], dict[str, Any]]
    fix: str = ""


@dataclass(frozen=True, slots=True)
class RuleTable:
    """A decision table in DMN's sense: inputs, outputs, rules and a hit policy."""

    __pydantic_config__ = STRICT
    table: str
    title: str
    question: str
    hit_policy: Literal["first", "unique", "collect"]
    inputs: list[str]
    outputs: dict[str, list[Value]]
    rules: list[Rule]
    role: Literal["decision", "cell", "finding"] = "decision"
    domains: dict[str, list[Value]] = field(default_factory=dict)
