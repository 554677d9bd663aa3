"""Calls as the clients of a fault injection record them, for tests of the verdicts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

from advisor.knowledge import Knowledge
from advisor.knowledge.failures import Answers, ExpectedBehaviour, FailureCase, behaviour_for
from advisor.knowledge.types import Era
from advisor.lab.chaos.evidence import BROKEN, CallAttempt, ClientCall, Execution, Handle, InjectedEvent, Judgement
from advisor.lab.chaos.verdict import judge

EVENT = InjectedEvent(frozenset({"a"}), began=100.0, over=103.0)
Answer: TypeAlias = "tuple[int, float | None]"  # a status, and the seconds of a Retry-After
OK: Answer = (200, None)
GONE: Answer = (404, None)
BAD: Answer = (502, None)
FULL: Answer = (503, 3.0)
CUT: Answer = (BROKEN, None)


def call(
    *answers: Answer,
    era: Era = "legacy",
    owner: str = "a",
    at: float = 101.0,
    seconds: float = 0.1,
    name: str = "x",
    long: bool = False,
    initialized: bool | None = None,
    handle: Handle | None = None,
) -> ClientCall:
    """A call with these answers to its requests; instance b answers if the owner does not."""
    attempts, now = [], at
    for number, (status, after) in enumerate(answers, 1):
        said = "" if status == 200 else f"HTTP {status}"
        ran = (owner or "b") if status == 200 else ""
        attempts.append(CallAttempt(f"{name}.{number}", now, now + seconds, status, ran, after, said))
        now += seconds
    lost = any(status == 404 for status, _ in answers) if initialized is None else initialized
    return ClientCall(era, owner, tuple(attempts), lost, long, handle)


def ran(*calls: ClientCall, also: Iterable[Execution] = ()) -> list[Execution]:
    """The executions that instances record for these calls."""
    attempts = [attempt for each in calls for attempt in each.attempts if attempt.ok]
    return [Execution(attempt.id, attempt.instance, "start", attempt.started) for attempt in attempts] + list(also)


def promise(
    knowledge: Knowledge,
    event: str = "instance-killed",
    keeping: str = "nginx-sticky-learn",
    era: Era = "legacy",
    answers: Answers = "sse",
) -> ExpectedBehaviour:
    """The expected behaviour of a case behind nginx."""
    found = behaviour_for(FailureCase(event, keeping, era, answers, "nginx"), knowledge.promises)
    assert found is not None
    return found


def verdict(
    found: ExpectedBehaviour, *calls: ClientCall, event: InjectedEvent = EVENT, also: Iterable[Execution] = ()
) -> Judgement:
    """The verdict on an expected behaviour and these calls."""
    return judge(found, calls, ran(*calls, also=also), event)
