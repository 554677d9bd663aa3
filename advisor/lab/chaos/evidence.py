"""What an event did: the calls of clients, the execution logs of instances, and what was counted. Pure data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from advisor.kit.expected_failures import ExpectedFailure
from advisor.knowledge.failures import Handles, Running, Then
from advisor.knowledge.types import Era

BROKEN = 0
"""The status of an answer that never came, or not completely."""


Handle = Literal["found", "new", "gone", "refused"]
"""What a call with a handle came to: it was found, was given out, is not known any more, or was not served."""

HandlesSeen = Handles | Literal["gone"]
"""`gone`: not found any more, without a call that failed before."""


@dataclass(frozen=True, slots=True)
class CallAttempt:
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
class ClientCall:
    """A call with everything that its client did to get it done.

    Attributes:
        era: of the client.
        owner: the instance that held the client's session when the call began; "" without a session.
        attempts: its requests in order, never empty.
        initialized: whether a 404 made the client open a new session.
        long: whether it was to take some seconds.
        handle: what became of its handle; None for calls without a handle.
    """

    era: Era
    owner: str
    attempts: tuple[CallAttempt, ...]
    initialized: bool = False
    long: bool = False
    handle: Handle | None = None

    @property
    def began(self) -> float:
        """When its first request was sent."""
        return self.attempts[0].started

    @property
    def ended(self) -> float:
        """When its last answer came."""
        return self.attempts[-1].ended

    @property
    def ok(self) -> bool:
        """Whether it was done in the end."""
        return self.attempts[-1].ok

    @property
    def seconds(self) -> float:
        """The longest of its requests."""
        return max(attempt.ended - attempt.started for attempt in self.attempts)


@dataclass(frozen=True, slots=True)
class Execution:
    """One line of an execution log: a request began or ended on an instance, seconds on the monotonic clock."""

    call: str
    instance: str
    step: str
    at: float


@dataclass(frozen=True, slots=True)
class Happened:
    """An event as it happened.

    Attributes:
        targets: the instances that it concerns.
        began: when, on the monotonic clock.
        over: when the targets were there again.
    """

    targets: frozenset[str]
    began: float
    over: float


@dataclass(frozen=True, slots=True)
class Numbers:
    """What was counted.

    Attributes:
        calls: calls of the clients of an era.
        failed_first: calls whose first request failed.
        failed_after_retry: calls that were not done in the end.
        sessions_lost: how often a session was answered 404.
        lost_elsewhere: those of them whose owner is no target.
        executed_twice: requests that were executed more than once; must be none.
        run_again: calls that were executed again because their client repeated them.
        longest_wait_s: the longest request, in seconds.
    """

    calls: int = 0
    failed_first: int = 0
    failed_after_retry: int = 0
    sessions_lost: int = 0
    lost_elsewhere: int = 0
    executed_twice: int = 0
    run_again: int = 0
    longest_wait_s: float = 0.0


@dataclass(frozen=True, slots=True)
class HandleNumbers:
    """What was counted of calls with a handle.

    Attributes:
        calls: calls of the clients of an era.
        failed: those that were not served, or not before the targets were back.
        gone: those whose handle was not known any more.
    """

    calls: int = 0
    failed: int = 0
    gone: int = 0


@dataclass(frozen=True, slots=True)
class HandleJudgement:
    """The verdict on what was kept behind handles: as of `Judgement`; `seen` is None where nothing was kept."""

    seen: HandlesSeen | None = None
    problems: tuple[str, ...] = ()
    numbers: HandleNumbers = HandleNumbers()


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdict on an expected behaviour.

    Attributes:
        seen: what calls saw, in the words of rules/failures.yaml; None where the event was not made to happen.
        running: what became of the call that ran on a target; None where no call did.
        problems: what is not as expected; empty when everything is.
        numbers: what was counted.
    """

    seen: Then | None = None
    running: Running | None = None
    problems: tuple[str, ...] = ()
    numbers: Numbers = Numbers()


@dataclass(frozen=True, slots=True)
class ChaosRow:
    """An expected behaviour next to what was seen.

    Attributes:
        tier: None where there are no tiers.
        failure: what was to be seen.
        problems: what is not as expected, here and in the verdicts.
        judged: what calls saw.
        handles: what became of state behind handles.
        seconds: how long the event took, until all was well again.
    """

    tier: str | None
    failure: ExpectedFailure
    problems: tuple[str, ...] = ()
    judged: Judgement = Judgement()
    handles: HandleJudgement = HandleJudgement()
    seconds: float = 0.0

    @property
    def agrees(self) -> bool:
        """Whether everything was as expected."""
        return not self.problems
