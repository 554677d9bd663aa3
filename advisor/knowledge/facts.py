"""The shapes of rules/facts.yaml: what is asked, and what is derived from it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from advisor.engine.rules import STRICT, Value
from advisor.knowledge.types import Raw

FactType = Literal[
    "choice",
    "flag",
    "integer",
    "seconds",
    "instances",
    "version",
    "release",
    "name",
    "hosts",
    "origins",
    "apps",
    "tools",
    "need",
]


@dataclass(frozen=True, slots=True)
class Choice:
    """One value of a choice and what it means."""

    __pydantic_config__ = STRICT
    value: str
    means: str


@dataclass(frozen=True, slots=True)
class Bin:
    """One bin of a number or a version; a bin without a bound takes the rest."""

    __pydantic_config__ = STRICT
    bin: str
    typical: int | float | str
    at_most: float | None = None
    below: str | None = None


@dataclass(frozen=True, slots=True)
class FactChange:
    """What it takes to change a fact: effort 1 to 5, and how (`{value}` is the new value)."""

    __pydantic_config__ = STRICT
    effort: Literal[1, 2, 3, 4, 5]
    how: str


@dataclass(frozen=True, slots=True)
class OnlyWhen:
    """A fact that means something only for some values of another."""

    __pydantic_config__ = STRICT
    fact: str
    any_of: list[Value]


@dataclass(frozen=True, slots=True)
class Fact:
    """A fact that the requirements file states."""

    __pydantic_config__ = STRICT
    id: str
    type: FactType
    question: str
    why: str
    help: str
    ask: Literal["always", "when-it-matters", "never"]
    default: Raw = None
    required: bool = False
    unknown: bool = False
    minimum: int | None = None
    maximum: int | None = None
    values: list[Choice] = field(default_factory=list)
    values_from: Literal["proxies", ""] = ""
    bins: list[Bin] = field(default_factory=list)
    only_when: OnlyWhen | None = None
    change: FactChange | None = None


@dataclass(frozen=True, slots=True)
class DerivedCase:
    """One case of a `pick`: the value of `fact`, or `value`."""

    __pydantic_config__ = STRICT
    when: Value
    fact: str = ""
    value: Value = ""


@dataclass(frozen=True, slots=True)
class Pick:
    """Take a value by the value of another fact."""

    __pydantic_config__ = STRICT
    by: str
    cases: list[DerivedCase]


@dataclass(frozen=True, slots=True)
class Derived:
    """A fact computed from others before the tables see it; exactly one of the mechanisms is set."""

    __pydantic_config__ = STRICT
    id: str
    means: str
    values: list[str] = field(default_factory=list)
    lookup: dict[str, str] | None = None
    compare: dict[str, str] | None = None
    strongest: list[str] | None = None
    lacking: dict[str, str] | None = None
    contradicted: dict[str, str] | None = None
    room: dict[str, str] | None = None
    separable: dict[str, str] | None = None
    lost: dict[str, list[str]] | None = None
    pick: Pick | None = None
