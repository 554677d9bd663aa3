"""The types of rules/failures.yaml: failures of a deployment, and the expected behaviour for clients."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, get_args

from advisor.engine.rules import STRICT
from advisor.knowledge.types import ERAS, Era

Strikes = Literal["instance", "proxy", "redis"]

UNSTICKY = ("stateless", "stateless-single", "single-instance")
"""Kinds of deployments that need no affinity mechanism. They are values of `keeping`."""

STICKY = "sticky"
"""A value of `keeping` in the file for all mechanisms except the mechanism of the servers. The compiler expands it."""

OTHER = "other"
"""Another proxy than the proxies of kits, or no proxy."""

Answers = Literal["sse", "json"]
ANSWERS: tuple[Answers, ...] = get_args(Answers)

Running = Literal["completes", "waits", "breaks"]
"""The result of a call that runs on the target of the event."""

Then = Literal[
    "unaffected",
    "waits",
    "retry-succeeds",
    "404-then-initialize",
    "503-then-retry",
    "5xx-then-retry",
    "5xx-then-initialize",
    "does-not-apply",
]
"""The result of all other calls after the event."""

Others = Literal["unaffected", "retry-succeeds", "waits", "404-then-initialize"]
"""The result for sessions whose owner is not the target of the event."""

Felt = Literal["fails", "waits", "lost"]
"""The effects that clients must notice. `fails`: a request fails or must be repeated. `waits`: a call waits. `lost`: a
request gets 404, because its session is lost."""

NewRequests = Literal["any", "succeed"]
"""The result of requests without a session id that begin after the first second of the event."""

Handles = Literal["kept", "fails-then-kept", "fails-then-gone"]
"""The result for state in the shared store that state handles refer to."""
HANDLES: tuple[Handles, ...] = get_args(Handles)


@dataclass(frozen=True, slots=True)
class FailureEvent:
    """An event in a deployment, and how the lab triggers the event."""

    __pydantic_config__ = STRICT
    id: str
    title: str
    strikes: Strikes
    done: str
    help: str
    single: bool = False


@dataclass(frozen=True, slots=True)
class ExpectedBehaviour:
    """The expected behaviour of a kind of deployment for an event. The first row that applies is used."""

    __pydantic_config__ = STRICT
    id: str
    event: str
    keeping: list[str]
    then: Then
    clients: str
    because: str
    sources: list[str]
    running: Running = "completes"
    others: Others = "unaffected"
    handles: Handles = "kept"
    felt: list[Felt] = field(default_factory=list)
    new_requests: NewRequests = "any"
    lost_at_most: float = 1.0
    eras: list[Era] = field(default_factory=lambda: list(ERAS))
    answers: list[Answers] = field(default_factory=lambda: list(ANSWERS))
    proxies: list[str] = field(default_factory=list)
    several_proxies: bool | None = None

    def fits(self, case: FailureCase) -> bool:
        """Return whether the row applies to this case."""
        if self.event != case.event or case.keeping not in self.keeping:
            return False
        here = case.era in self.eras and case.answers in self.answers
        replicas = self.several_proxies in (None, case.several_proxies)
        return here and replicas and (not self.proxies or case.proxy in self.proxies)


@dataclass(frozen=True, slots=True)
class FailureCase:
    """An event in a deployment, for clients of a protocol era.

    Attributes:
        event: the id of the event.
        keeping: how requests reach the owner of their session: a mechanism, or a value of `UNSTICKY`.
        era: the protocol era of the clients.
        answers: whether calls are answered with SSE streams or with JSON.
        proxy: the proxy of the kit in front of the servers, or `OTHER`.
        several_proxies: whether the kit runs several proxies.
    """

    event: str
    keeping: str
    era: Era
    answers: Answers
    proxy: str
    several_proxies: bool = False


def behaviour_for(case: FailureCase, behaviours: list[ExpectedBehaviour]) -> ExpectedBehaviour | None:
    """Return the first expected behaviour that applies to a case, or None."""
    return next((behaviour for behaviour in behaviours if behaviour.fits(case)), None)


def keepings(mechanisms: Iterable[str]) -> tuple[str, ...]:
    """Return all values of `keeping` for these mechanisms."""
    return (*UNSTICKY, *mechanisms)


def cases(events: list[FailureEvent], mechanisms: Iterable[str], proxies: Iterable[str]) -> tuple[FailureCase, ...]:
    """Return all cases for which the file must have an expected behaviour, for these mechanisms and proxies."""
    fronts = (*proxies, OTHER)
    return tuple(
        FailureCase(event.id, keeping, era, answers, proxy, several_proxies)
        for event in events
        for keeping in keepings(mechanisms)
        for era in ERAS
        for answers in ANSWERS
        for proxy in fronts
        for several_proxies in (False, True)
        if not (proxy == OTHER and (event.strikes == "proxy" or several_proxies))
    )
