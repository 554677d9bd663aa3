"""The types of rules/options.yaml: the order of options, and coarse estimates of each option."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from advisor.engine.rules import STRICT, Value

EstimateSubject: TypeAlias = Literal["operation", "users", "timeline", "cost", "reversibility"]
"""A subject of an estimate."""

EstimateLevel: TypeAlias = Literal["none", "low", "medium", "high", "days", "weeks", "easy"]
"""The result of an estimate. The head of rules/options.yaml says which subject has which levels."""


@dataclass(frozen=True, slots=True)
class RankingCriterion:
    """A criterion of the order of options; the head of rules/options.yaml explains the keys."""

    __pydantic_config__ = STRICT
    id: str
    loses: str
    plain: str
    because: str


@dataclass(frozen=True, slots=True)
class OptionEstimate:
    """A coarse estimate; the head of rules/options.yaml explains the keys."""

    __pydantic_config__ = STRICT
    id: str
    about: EstimateSubject
    level: EstimateLevel
    when: dict[str, Value | dict[str, Value | list[Value]]]
    text: str
    because: str
    sources: list[str]
