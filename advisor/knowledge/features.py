"""The shapes of rules/features.yaml: how features are asked for, and on what they travel."""

from __future__ import annotations

from typing import Literal, NamedTuple

from advisor.knowledge.types import Outcome

Scope = Literal["any", "session", "keys", "bus", "store"]
Channel = Literal["response", "request-stream", "server-request", "get-stream", "listen"]


class Carriage(NamedTuple):
    """What a call needs beyond the SDK in an era."""

    scope: Scope
    channel: Channel


class FeatureCall(NamedTuple):
    """A way of asking for a feature, as written in server code; an era without an entry does not know it.

    `partial` says why a call that was measured is not counted as the feature.
    """

    call: str
    legacy: Carriage | None = None
    modern: Carriage | None = None
    partial: str = ""


class Instead(NamedTuple):
    """What to do without a feature, under a condition on the decision."""

    when: dict[str, bool]
    text: str


class Documented(NamedTuple):
    """What published guides say a feature does under some flags."""

    when: dict[str, bool]
    outcome: Outcome
    says: str
    sources: list[str]


class Feature(NamedTuple):
    """A feature of the protocol that a deployment can lose."""

    id: str
    title: str
    calls: list[FeatureCall]
    documented: list[Documented]
    instead: tuple[Instead, ...] = ()
    need: bool = True
    question: str = ""
    why: str = ""
    help: str = ""
    substitute: str = ""
