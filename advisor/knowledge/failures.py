"""The shapes of rules/failures.yaml: what can fail under a deployment, and what its clients see then."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, get_args

from advisor.engine.rules import STRICT
from advisor.knowledge.types import ERAS, Era

Strikes = Literal["instance", "proxy", "redis"]

UNSTICKY = ("stateless", "stateless-single", "single-instance")
"""How sessions are kept where no mechanism is needed to find their owner."""

STICKY = "sticky"
"""What the file writes for every mechanism but that of the servers themselves; the compiler writes them out."""

OTHER = "other"
"""A proxy that a kit does not carry, or none."""

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
    """What clients of a kind of deployment see of an event; of several rows that fit, the first row holds."""

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
    lost_at_most: float = 1.0
    eras: list[Era] = field(default_factory=lambda: list(ERAS))
    answers: list[Answers] = field(default_factory=lambda: list(ANSWERS))
    proxies: list[str] = field(default_factory=list)

    def fits(self, case: FailureCase) -> bool:
        """Whether it speaks of this case."""
        if self.event != case.event or case.keeping not in self.keeping:
            return False
        here = case.era in self.eras and case.answers in self.answers
        return here and (not self.proxies or case.proxy in self.proxies)


@dataclass(frozen=True, slots=True)
class FailureCase:
    """An event in a deployment, as clients of an era meet it.

    Attributes:
        event: id of the event.
        keeping: how sessions find their owner: a mechanism, or a value of `UNSTICKY`.
        era: of the clients.
        answers: whether calls are answered by streams or by plain JSON.
        proxy: the proxy of the kit that stands in front, or `OTHER`.
    """

    event: str
    keeping: str
    era: Era
    answers: Answers
    proxy: str


def behaviour_for(case: FailureCase, behaviours: list[ExpectedBehaviour]) -> ExpectedBehaviour | None:
    """The first expected behaviour that speaks of a case, or None."""
    return next((behaviour for behaviour in behaviours if behaviour.fits(case)), None)


def keepings(mechanisms: Iterable[str]) -> tuple[str, ...]:
    """Every way in which sessions are kept, for the mechanisms that there are."""
    return (*UNSTICKY, *mechanisms)


def cases(events: list[FailureEvent], mechanisms: Iterable[str], proxies: Iterable[str]) -> tuple[FailureCase, ...]:
    """Every case that the file has to speak of, for the mechanisms and the proxies of kits that there are."""
    fronts = (*proxies, OTHER)
    return tuple(
        FailureCase(event.id, keeping, era, answers, proxy)
        for event in events
        for keeping in keepings(mechanisms)
        for era in ERAS
        for answers in ANSWERS
        for proxy in fronts
        if not (event.strikes == "proxy" and proxy == OTHER)
    )
