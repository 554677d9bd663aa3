"""The shapes of rules/features.yaml: how features are asked for, and on what they travel."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from advisor.engine.rules import STRICT
from advisor.knowledge.types import Outcome

Scope = Literal["any", "session", "keys", "bus", "store"]
Channel = Literal["response", "request-stream", "server-request", "get-stream", "listen"]


@dataclass(frozen=True, slots=True)
class Carriage:
    """What a call needs beyond the SDK in an era."""

    __pydantic_config__ = STRICT
    scope: Scope
    channel: Channel


@dataclass(frozen=True, slots=True)
class FeatureCall:
    """A way of asking for a feature, as written in server code; an era without an entry does not know it.

    `partial` says why a call that was measured is not counted as the feature.
    """

    __pydantic_config__ = STRICT
    call: str
    legacy: Carriage | None = None
    modern: Carriage | None = None
    partial: str = ""


@dataclass(frozen=True, slots=True)
class Instead:
    """What to do without a feature, under a condition on the decision."""

    __pydantic_config__ = STRICT
    when: dict[str, bool]
    text: str


@dataclass(frozen=True, slots=True)
class Documented:
    """What published guides say a feature does under some flags."""

    __pydantic_config__ = STRICT
    when: dict[str, bool]
    outcome: Outcome
    says: str
    sources: list[str]


@dataclass(frozen=True, slots=True)
class Feature:
    """A feature of the protocol that a deployment can lose."""

    __pydantic_config__ = STRICT
    id: str
    title: str
    calls: list[FeatureCall]
    documented: list[Documented]
    instead: list[Instead] = field(default_factory=list)
    need: bool = True
    question: str = ""
    why: str = ""
    help: str = ""
    substitute: str = ""
