"""The shapes of rules/failures.yaml: what can fail under a deployment, and what its clients see then."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, get_args

from advisor.engine.rules import STRICT
from advisor.knowledge.types import ERAS, Era

Strikes = Literal["instance", "proxy", "redis"]

Keeping = Literal[
    "stateless",
    "stateless-single",
    "single-instance",
    "nginx-sticky-learn",
    "nginx-session-envelope",
    "nginx-sticky-cookie",
    "nginx-ip-hash",
    "haproxy-stick-table",
    "haproxy-session-envelope",
    "envoy-session-envelope",
    "kubernetes-client-ip",
    "platform-cookie",
    "redis-session-directory",
]
"""How the requests of a session find its owner: a mechanism of the contract, or why none is needed."""

KEEPING: tuple[Keeping, ...] = get_args(Keeping)
STICKY: frozenset[str] = frozenset(KEEPING) - {
    "stateless",
    "stateless-single",
    "single-instance",
    "redis-session-directory",
}
"""What the word `sticky` stands for in the file."""

Proxied = Literal["nginx", "haproxy", "envoy", "other"]
PROXIES: tuple[Proxied, ...] = get_args(Proxied)
"""The proxies that a kit carries, and `other` for one that it does not."""

Answers = Literal["sse", "json"]
ANSWERS: tuple[Answers, ...] = get_args(Answers)

Running = Literal["completes", "waits", "breaks"]
"""What becomes of a call that runs where the event strikes."""

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
"""What every other call sees from the event on."""

Others = Literal["unaffected", "retry-succeeds", "waits", "404-then-initialize"]
"""What sessions see whose owner is not struck."""

Felt = Literal["fails", "waits", "lost"]
"""What clients have to see of an event at least: a request that failed or was told to come back, a call that waited,
a session that was answered 404."""

Handles = Literal["kept", "fails-then-kept", "fails-then-gone"]
"""What becomes of state that tools keep in the shared store, behind handles."""
HANDLES: tuple[Handles, ...] = get_args(Handles)

# pydantic reads this attribute from a standard dataclass; it forbids keys that the shape does not name.


@dataclass(frozen=True, slots=True)
class FailureEvent:
    """Something that happens to a deployment, and how the lab makes it happen."""

    __pydantic_config__ = STRICT
    id: str
    title: str
    strikes: Strikes
    done: str


@dataclass(frozen=True, slots=True)
class ExpectedBehaviour:
    """What clients of one kind of deployment see of an event; of several rows that fit, the first one holds."""

    __pydantic_config__ = STRICT
    id: str
    event: str
    keeping: list[Keeping | Literal["sticky"]]
    then: Then
    clients: str
    because: str
    sources: list[str]
    running: Running = "completes"
    others: Others = "unaffected"
    handles: Handles = "kept"
    felt: list[Felt] = field(default_factory=list)
    lost_at_most: float = 1.0
    eras: list[Era] = field(default_factory=lambda: list(ERAS))
    answers: list[Answers] = field(default_factory=lambda: list(ANSWERS))
    proxies: list[Proxied] = field(default_factory=lambda: list(PROXIES))

    def fits(self, case: FailureCase) -> bool:
        """Whether it speaks of this case."""
        kept = case.keeping in self.keeping or ("sticky" in self.keeping and case.keeping in STICKY)
        here = case.era in self.eras and case.answers in self.answers and case.proxy in self.proxies
        return self.event == case.event and kept and here


@dataclass(frozen=True, slots=True)
class FailureCase:
    """An event in a deployment, as clients of one era meet it.

    Attributes:
        event: id of the event.
        keeping: how sessions find their owner.
        era: of the clients.
        answers: whether calls are answered by streams or by plain JSON.
        proxy: what stands in front.
    """

    event: str
    keeping: Keeping
    era: Era
    answers: Answers
    proxy: Proxied


def behaviour_for(case: FailureCase, behaviours: list[ExpectedBehaviour]) -> ExpectedBehaviour | None:
    """The first expected behaviour that speaks of a case, or None."""
    return next((behaviour for behaviour in behaviours if behaviour.fits(case)), None)


def cases(events: list[FailureEvent]) -> tuple[FailureCase, ...]:
    """Every case that the file has to speak of."""
    return tuple(
        FailureCase(event.id, keeping, era, answers, proxy)
        for event in events
        for keeping in KEEPING
        for era in ERAS
        for answers in ANSWERS
        for proxy in PROXIES
        if not (event.strikes == "proxy" and proxy == "other")
    )
