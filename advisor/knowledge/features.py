"""The types of rules/features.yaml: the features of the protocol, their calls, and the transport of each call."""

from __future__ import annotations

from typing import Literal, NamedTuple

from advisor.knowledge.types import Era, Outcome

Scope = Literal["any", "session", "keys", "bus", "store"]
Channel = Literal["response", "request-stream", "server-request", "get-stream", "listen"]


class Carriage(NamedTuple):
    """The requirements of a call in a protocol era: who can answer (scope), and on which stream (channel)."""

    scope: Scope
    channel: Channel


class ClientCondition(NamedTuple):
    """What a client of an era must do so that a call works for it.

    Attributes:
        era: the era of the client.
        behaviour: a behaviour of rules/capabilities, which was measured with a client that does not do it.
        seen: the start of the measured text if the condition applies to a release.
        text: the condition.
        otherwise: the result for all other clients.
    """

    era: Era
    behaviour: str
    seen: str
    text: str
    otherwise: str


class FeatureCall(NamedTuple):
    """A call of a feature, as written in server code.

    The call does not exist in an era without an entry. If a measured call does not give the complete feature, `partial`
    has the reason, and decisions do not use the call. If the call works only for some clients, `condition` says which.
    `short` is the name of the call in a narrow table; "" for the call itself. `rewrite` is the phrase about tools that
    must be changed for the call; "" without such a phrase. `elsewhere` lists the eras in which SDKs of other languages
    have the call.
    """

    call: str
    legacy: Carriage | None = None
    modern: Carriage | None = None
    partial: str = ""
    condition: ClientCondition | None = None
    short: str = ""
    rewrite: str = ""
    elsewhere: tuple[Era, ...] = ()


class Advice(NamedTuple):
    """What to do instead of a feature, with a condition on the decision."""

    when: dict[str, bool]
    text: str


class Documented(NamedTuple):
    """What published guides say about a feature with some flags."""

    when: dict[str, bool]
    outcome: Outcome
    says: str
    sources: list[str]


class Feature(NamedTuple):
    """A feature of the protocol."""

    id: str
    title: str
    calls: list[FeatureCall]
    documented: list[Documented]
    instead: tuple[Advice, ...] = ()
    need: bool = True
    question: str = ""
    why: str = ""
    help: str = ""
    does: str = ""
    substitute: str = ""
