"""What was seen of an event: what clients did and got, what instances wrote down, and what was counted. Pure data."""

from __future__ import annotations

from dataclasses import dataclass

from advisor.knowledge.failures import Keeping, Running, Then
from advisor.knowledge.types import Era

BROKEN = 0
"""The status of an answer that never came, or not completely."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request of a call.

    Attributes:
        id: what the tool was told, unique in the run.
        started: when, on the monotonic clock.
        ended: the same.
        status: of the answer; BROKEN where there was none.
        instance: who executed it, "" where the answer does not say.
        retry_after: seconds that the answer asked for, or None.
        said: what was wrong, "" for nothing.
    """

    id: str
    started: float
    ended: float
    status: int
    instance: str = ""
    retry_after: float | None = None
    said: str = ""

    @property
    def ok(self) -> bool:
        """Whether the tool's own result came back."""
        return not self.said


@dataclass(frozen=True, slots=True)
class Call:
    """A call with everything that its client did to get it done.

    Attributes:
        era: of the client.
        owner: the instance that held the client's session when the call began; "" without a session.
        attempts: its requests in order; at least one.
        initialized: whether a 404 made the client open a new session.
        long: whether it was to take some seconds.
    """

    era: Era
    owner: str
    attempts: tuple[Attempt, ...]
    initialized: bool = False
    long: bool = False

    @property
    def ok(self) -> bool:
        """Whether it was done in the end."""
        return self.attempts[-1].ok

    @property
    def seconds(self) -> float:
        """The longest of its requests."""
        return max(one.ended - one.started for one in self.attempts)


@dataclass(frozen=True, slots=True)
class Execution:
    """One line of a ledger: a request began or ended on an instance, seconds on the monotonic clock."""

    call: str
    instance: str
    step: str
    at: float


@dataclass(frozen=True, slots=True)
class Happened:
    """An event as it happened.

    Attributes:
        struck: the instances that it struck; empty where it struck none of them.
        began: when, on the monotonic clock.
        over: when what was struck was there again.
        ended: whether processes that hold sessions ended.
    """

    struck: frozenset[str]
    began: float
    over: float
    ended: bool


@dataclass(frozen=True, slots=True)
class Numbers:
    """What was counted.

    Attributes:
        calls: calls of the clients of one era.
        failed_first: calls whose first request failed.
        failed_after_retry: calls that were not done in the end.
        sessions_lost: how often a session was answered 404.
        lost_elsewhere: those of them whose owner was not struck.
        executed_twice: requests that were executed more than once; must be none.
        run_again: calls that were executed again because their client repeated them.
        longest_wait_s: the longest request, in seconds.
    """

    calls: int
    failed_first: int
    failed_after_retry: int
    sessions_lost: int
    lost_elsewhere: int
    executed_twice: int
    run_again: int
    longest_wait_s: float


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdict on one promise.

    Attributes:
        seen: what calls saw, in the words of promises.
        running: what became of the call that ran where the event struck; None where none did.
        problems: what is not as promised; empty when all is.
        numbers: what was counted.
    """

    seen: Then
    running: Running | None
    problems: tuple[str, ...]
    numbers: Numbers


@dataclass(frozen=True, slots=True)
class Row:
    """A promise beside what was seen.

    Attributes:
        tier: None in a deployment of one.
        event: id of the event.
        title: what happened, in words.
        era: of the clients.
        keeping: how sessions find their owner.
        promised: what every call from the event on was to see.
        seen: what it saw.
        running_promised: what was to become of a call that ran there.
        running_seen: what became of it; None where the event meets no such call.
        numbers: what was counted.
        problems: what is not as promised.
        seconds: how long the event took, until all was well again.
    """

    tier: str | None
    event: str
    title: str
    era: Era
    keeping: Keeping
    promised: Then
    seen: Then
    running_promised: Running
    running_seen: Running | None
    numbers: Numbers
    problems: tuple[str, ...]
    seconds: float

    @property
    def agrees(self) -> bool:
        """Whether all was as promised."""
        return not self.problems
