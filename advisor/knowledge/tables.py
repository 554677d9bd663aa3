"""The shapes of rules/tables: decision tables and their rules."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from advisor.knowledge.types import STRICT, Raw, Value


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
    examples: dict[Literal["hit", "miss"], dict[str, Raw]]
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
