"""The effects of an injected fault: calls of clients, execution logs of instances, and counts. Pure data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from advisor.kit.expected_failures import ExpectedFailure
from advisor.knowledge.failures import Handles, Running, Then
from advisor.knowledge.types import Era

BROKEN = 0
"""The status of a request without a complete answer."""


Handle = Literal["found", "new", "gone", "refused"]
"""The result of a call with a state handle: state found, new state handle, unknown state handle, or failed call."""

HandlesSeen = Handles | Literal["gone"]
"""The observed behaviour of state handles. `gone` means that state was lost although no call failed."""


@dataclass(frozen=True, slots=True)
class CallAttempt:
    """One request of a call.

    Attributes:
        id: id of the request, an argument of the tool. It is unique in the run.
        started: start time on the monotonic clock.
        ended: end time on the monotonic clock.
        status: HTTP status of the answer; BROKEN without a complete answer.
        instance: the instance that executed the request; "" if the answer does not name the instance.
        retry_after: seconds in the header Retry-After, or None.
        said: the problem in words; "" for none.
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
        """Whether the result of the tool arrived."""
        return not self.said


@dataclass(frozen=True, slots=True)
class ClientCall:
    """A call with all requests that its client sent for the call.

    Attributes:
        era: protocol era of the client.
        owner: the owner of the client's session when the call began; "" without a session.
        attempts: the requests of the call in order; at least one.
        initialized: whether the client opened a new session after a 404.
        long: whether the call takes some seconds on purpose.
        handle: the result for the state handle; None for calls without a state handle.
    """

    era: Era
    owner: str
    attempts: tuple[CallAttempt, ...]
    initialized: bool = False
    long: bool = False
    handle: Handle | None = None

    @property
    def began(self) -> float:
        """The time of the first request."""
        return self.attempts[0].started

    @property
    def ended(self) -> float:
        """The time of the last answer."""
        return self.attempts[-1].ended

    @property
    def ok(self) -> bool:
        """Whether the last request succeeded."""
        return self.attempts[-1].ok

    @property
    def seconds(self) -> float:
        """The duration of the longest request, in seconds."""
        return max(attempt.ended - attempt.started for attempt in self.attempts)


@dataclass(frozen=True, slots=True)
class Execution:
    """One line of an execution log: a request began or ended on an instance. `at` is a time on the monotonic clock."""

    call: str
    instance: str
    step: str
    at: float


@dataclass(frozen=True, slots=True)
class InjectedEvent:
    """An injected event.

    Attributes:
        targets: names of the target instances.
        began: start time on the monotonic clock.
        over: the time on the monotonic clock at which the targets ran again.
    """

    targets: frozenset[str]
    began: float
    over: float


@dataclass(frozen=True, slots=True)
class Numbers:
    """The counts of the calls of one era.

    Attributes:
        calls: calls of the clients.
        failed_first: calls with a failed first request.
        failed_after_retry: calls that failed after all retries.
        sessions_lost: calls for which a client opened a new session after a 404.
        lost_elsewhere: those of `sessions_lost` in sessions whose owner was not a target.
        executed_twice: requests that instances executed more than once; expected: 0.
        run_again: calls that were executed again because the client repeated the request.
        longest_wait_s: duration of the longest request, in seconds.
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
    """The counts of the calls with a state handle of one era.

    Attributes:
        calls: calls of the clients.
        failed: calls that failed, or that succeeded only after the fault.
        gone: calls with a state handle that the server does not know any more.
    """

    calls: int = 0
    failed: int = 0
    gone: int = 0


@dataclass(frozen=True, slots=True)
class HandleJudgement:
    """The verdict on state handles, with the attributes of `Judgement`. `seen` is None without state handles."""

    seen: HandlesSeen | None = None
    problems: tuple[str, ...] = ()
    numbers: HandleNumbers = HandleNumbers()


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdict on an expected behaviour.

    Attributes:
        seen: observed behaviour, a value of rules/failures.yaml; None if the event was not injected.
        running: observed behaviour of the calls that ran on a target; None without such calls.
        problems: differences from the expected behaviour, in words.
        numbers: the counts.
    """

    seen: Then | None = None
    running: Running | None = None
    problems: tuple[str, ...] = ()
    numbers: Numbers = Numbers()


@dataclass(frozen=True, slots=True)
class ChaosRow:
    """The expected behaviour and the observed behaviour of one fault, tier and era.

    Attributes:
        tier: name of the tier; None in a single-tier deployment.
        failure: the fault with the expected behaviour.
        problems: all differences from the expected behaviour, in words.
        judged: the verdict on calls.
        handles: the verdict on state handles.
        seconds: time until all clients were served again.
    """

    tier: str | None
    failure: ExpectedFailure
    problems: tuple[str, ...] = ()
    judged: Judgement = Judgement()
    handles: HandleJudgement = HandleJudgement()
    seconds: float = 0.0

    @property
    def agrees(self) -> bool:
        """Whether the observed behaviour is the expected behaviour."""
        return not self.problems
