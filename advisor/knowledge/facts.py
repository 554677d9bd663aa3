"""The shapes of rules/facts.yaml: what is asked, and what is derived from it."""

from __future__ import annotations

from typing import Literal, NamedTuple

from advisor.engine.rules import Value
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


class Choice(NamedTuple):
    """One value of a choice and what it means."""

    value: str
    means: str


class Bin(NamedTuple):
    """One bin of a number or a version; a bin without a bound takes the rest."""

    bin: str
    typical: int | float | str
    at_most: float | None = None
    below: str | None = None


class FactChange(NamedTuple):
    """What it takes to change a fact: effort 1 to 5, and how (`{value}` is the new value)."""

    effort: Literal[1, 2, 3, 4, 5]
    how: str


class OnlyWhen(NamedTuple):
    """A fact that means something only for some values of another."""

    fact: str
    any_of: list[Value]


class Fact(NamedTuple):
    """A fact that the requirements file states."""

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
    values: tuple[Choice, ...] = ()
    values_from: Literal["proxies", ""] = ""
    bins: tuple[Bin, ...] = ()
    only_when: OnlyWhen | None = None
    change: FactChange | None = None


class DerivedCase(NamedTuple):
    """One case of a `pick`: the value of `fact`, or `value`."""

    when: Value
    fact: str = ""
    value: Value = ""


class Pick(NamedTuple):
    """Take a value by the value of another fact."""

    by: str
    cases: list[DerivedCase]


class Derived(NamedTuple):
    """A fact computed from others before the tables see it; exactly one of the mechanisms is set."""

    id: str
    means: str
    values: tuple[str, ...] = ()
    lookup: dict[str, str] | None = None
    compare: dict[str, str] | None = None
    strongest: list[str] | None = None
    lacking: dict[str, str] | None = None
    contradicted: dict[str, str] | None = None
    room: dict[str, str] | None = None
    separable: dict[str, str] | None = None
    lost: dict[str, list[str]] | None = None
    pick: Pick | None = None
