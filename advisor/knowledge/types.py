"""The shapes of everything under rules/, as plain frozen dataclasses.

They are the only declaration of those shapes: pydantic validates the YAML files against them (`compiler`), and the
program works with them. Shapes follow the files; see the comments at the head of each file for meanings.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from advisor.knowledge.behaviour import Behaviour

Value: TypeAlias = str | bool
"""A value of a finite domain: what rules compare."""

Raw: TypeAlias = Any
"""A value as the requirements file has it, before binning."""

Need = Literal["none", "preferred", "required"]
NEEDS: tuple[Need, ...] = ("none", "preferred", "required")
"""The levels of need, weakest first."""

Era = Literal["legacy", "modern"]
ERAS: tuple[Era, ...] = ("legacy", "modern")

Outcome = Literal["works", "dropped", "error", "hang", "unreachable", "unsupported"]

FLAG_PAIRS: tuple[tuple[bool, bool], ...] = ((False, False), (False, True), (True, False), (True, True))
"""Every (stateless_http, json_response)."""

# pydantic reads this attribute from a standard dataclass; it forbids keys that the shape does not name.
_STRICT = {"extra": "forbid"}


def flag_key(stateless_http: bool, json_response: bool) -> str:
    """The flag pair as capability files write it, for example `stateless+sse`."""
    return f"{'stateless' if stateless_http else 'stateful'}+{'json' if json_response else 'sse'}"


@dataclass(frozen=True, slots=True)
class Choice:
    """One value of a choice and what it means."""

    __pydantic_config__ = _STRICT
    value: str
    means: str


@dataclass(frozen=True, slots=True)
class Bin:
    """One bin of a number or a version; a bin without a bound takes the rest."""

    __pydantic_config__ = _STRICT
    bin: str
    typical: int | float | str
    at_most: float | None = None
    below: str | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """What it takes to change a fact: effort 1 to 5, and how (`{value}` is the new value)."""

    __pydantic_config__ = _STRICT
    effort: Literal[1, 2, 3, 4, 5]
    how: str


@dataclass(frozen=True, slots=True)
class OnlyWhen:
    """A fact that means something only for some values of another."""

    __pydantic_config__ = _STRICT
    fact: str
    any_of: list[Value]


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
class Fact:
    """A fact that the requirements file states."""

    __pydantic_config__ = _STRICT
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
    change: Change | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """One case of a `pick`: the value of `fact`, or `value`."""

    __pydantic_config__ = _STRICT
    when: Value
    fact: str = ""
    value: Value = ""


@dataclass(frozen=True, slots=True)
class Pick:
    """Take a value by the value of another fact."""

    __pydantic_config__ = _STRICT
    by: str
    cases: list[Case]


@dataclass(frozen=True, slots=True)
class Derived:
    """A fact computed from others before the tables see it; exactly one of the mechanisms is set."""

    __pydantic_config__ = _STRICT
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


Scope = Literal["any", "session", "keys", "bus", "store"]
Channel = Literal["response", "request-stream", "server-request", "get-stream", "listen"]


@dataclass(frozen=True, slots=True)
class Carriage:
    """What a call needs beyond the SDK in one era."""

    __pydantic_config__ = _STRICT
    scope: Scope
    channel: Channel


@dataclass(frozen=True, slots=True)
class Call:
    """A way of asking for a feature, as written in server code; an era without an entry does not know it.

    `partial` says why a call that was measured is not counted as the feature.
    """

    __pydantic_config__ = _STRICT
    call: str
    legacy: Carriage | None = None
    modern: Carriage | None = None
    partial: str = ""


@dataclass(frozen=True, slots=True)
class Instead:
    """What to do without a feature, under a condition on the decision."""

    __pydantic_config__ = _STRICT
    when: dict[str, bool]
    text: str


@dataclass(frozen=True, slots=True)
class Documented:
    """What published guides say a feature does under some flags."""

    __pydantic_config__ = _STRICT
    when: dict[str, bool]
    outcome: Outcome
    says: str
    sources: list[str]


@dataclass(frozen=True, slots=True)
class Feature:
    """A feature of the protocol that a deployment can lose."""

    __pydantic_config__ = _STRICT
    id: str
    title: str
    calls: list[Call]
    documented: list[Documented]
    instead: list[Instead] = field(default_factory=list)
    need: bool = True
    question: str = ""
    why: str = ""
    help: str = ""
    substitute: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of a decision table."""

    __pydantic_config__ = _STRICT
    id: str
    title: str
    when: dict[str, Value | dict[str, Value | list[Value]]]
    then: dict[str, Value]
    because: str
    sources: list[str]
    examples: dict[Literal["hit", "miss"], dict[str, Raw]]
    fix: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A decision table in DMN's sense: inputs, outputs, rules and a hit policy."""

    __pydantic_config__ = _STRICT
    table: str
    title: str
    question: str
    hit_policy: Literal["first", "unique", "collect"]
    inputs: list[str]
    outputs: dict[str, list[Value]]
    rules: list[Rule]
    role: Literal["decision", "cell", "finding"] = "decision"
    domains: dict[str, list[Value]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Range:
    """A half-open range of releases, `start` included and `before` not."""

    start: str
    before: str


@dataclass(frozen=True, slots=True)
class Line:
    """A line of SDK releases (a major), how it treats modern clients, and the first release that kits are made for."""

    __pydantic_config__ = _STRICT
    id: str
    start: str
    before: str
    newest: str
    modern: Literal["served", "falls-back"]
    kit_from: str = ""


@dataclass(frozen=True, slots=True)
class Cell:
    """What one way of calling was seen to do, for a range of releases, per era and flag pair."""

    __pydantic_config__ = _STRICT
    feature: str
    call: str
    start: str
    before: str
    legacy: dict[str, Outcome]
    modern: dict[str, Outcome]
    status: Literal["reported", "measured"]
    observed_on: list[str]
    date: str
    evidence: str
    sources: list[str]
    changed: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Capabilities:
    """The capability data of one package; `measured_by` names the program that wrote it and its clients."""

    __pydantic_config__ = _STRICT
    package: str
    lines: list[Line]
    cells: list[Cell]
    behaviour: list[Behaviour] = field(default_factory=list)
    measured_by: str = ""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a statement comes from."""

    __pydantic_config__ = _STRICT
    id: str
    title: str
    kind: str
    ref: str
    date: str
    says: str


@dataclass(frozen=True, slots=True)
class Client:
    """A known client application."""

    __pydantic_config__ = _STRICT
    id: str
    name: str
    protocol: Literal["legacy", "modern", "mixed", "unknown"]
    keep_cookies: bool | Literal["unknown"]
    features: dict[str, bool]
    as_of: str
    notes: str
    sources: list[str]


@dataclass(frozen=True, slots=True)
class Proxy:
    """A value of `environment.proxy.kind`."""

    __pydantic_config__ = _STRICT
    id: str
    name: str
    idle_timeout_s: float | None
    total_timeout_s: float | None
    operated: Literal["own", "managed", "cluster"]
    affinity: str
    streaming: str
    sources: list[str]


@dataclass(frozen=True, slots=True)
class Snippet:
    """How the flags are set in the code of an SDK line."""

    __pydantic_config__ = _STRICT
    line: str
    code: str
    sources: list[str]


@dataclass(frozen=True, slots=True)
class FlagUse:
    """What a pair of flags is for.

    Attributes:
        id: the pair, as `flag_key` writes it.
        use: what to use it for, in one sentence.
        because: why.
        sources: ids of sources.
        example: requirements that are decided so.
    """

    __pydantic_config__ = _STRICT
    id: Literal["stateful+sse", "stateless+sse", "stateful+json", "stateless+json"]
    use: str
    because: str
    sources: list[str]
    example: dict[str, Raw]


@dataclass(frozen=True, slots=True)
class Phrase:
    """Wording for something that the program computes."""

    __pydantic_config__ = _STRICT
    id: str
    text: str
