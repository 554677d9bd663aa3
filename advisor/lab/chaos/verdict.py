"""Compare the observed behaviour of clients after a fault with the expected behaviour. Pure functions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from advisor.knowledge.failures import ExpectedBehaviour, Felt, Others, Running, Then
from advisor.lab.chaos.evidence import CallAttempt, ClientCall, Execution, InjectedEvent, Judgement, Numbers
from advisor.sentences import amount

CallResult = Literal["done", "waited", "retried", "asked-to-wait", "initialized", "failed"]

KNOWN_S = 1.0
"""Seconds after the start of an event. Connections that the event broke have failed by then."""
SLOW_S = 10.0
"""Seconds after which an answer is slow, if the expected behaviour has no wait."""

# The allowed results of a call, by expected behaviour.
_ALLOWED: dict[Then | Others, frozenset[CallResult]] = {
    "unaffected": frozenset({"done"}),
    "waits": frozenset({"done", "waited", "retried"}),
    "retry-succeeds": frozenset({"done", "retried", "asked-to-wait"}),
    "404-then-initialize": frozenset({"done", "retried", "asked-to-wait", "initialized"}),
    "503-then-retry": frozenset({"done", "waited", "asked-to-wait"}),
    "5xx-then-retry": frozenset({"done", "retried", "asked-to-wait", "failed"}),
    "5xx-then-initialize": frozenset({"done", "retried", "asked-to-wait", "failed", "initialized"}),
}
_MILDEST: tuple[Then, ...] = (
    "unaffected",
    "503-then-retry",
    "retry-succeeds",
    "404-then-initialize",
    "5xx-then-retry",
)
_UNFELT: dict[Felt, str] = {
    "fails": "no request failed and no request got 503 with Retry-After, although this event always causes failures",
    "waits": "no call had to wait, although this event always causes a wait",
    "lost": "no session was lost, although this event always causes a loss",
}
_WORDS: dict[CallResult, str] = {
    "done": "succeeded at the first request",
    "waited": "had to wait",
    "retried": "succeeded only after a retry",
    "asked-to-wait": "got 503 with Retry-After",
    "initialized": "lost their session",
    "failed": "failed after all retries",
}


def judge(
    expected: ExpectedBehaviour,
    calls: Sequence[ClientCall],
    executions: Iterable[Execution],
    event: InjectedEvent,
    recalls: Sequence[ClientCall] = (),
    refusals: Sequence[CallAttempt] = (),
) -> Judgement:
    """Compare the calls of clients of one era with the expected behaviour.

    Args:
        expected: the row of rules/failures.yaml.
        calls: every call from shortly before the fault until the fleet had recovered.
        executions: the execution logs of the instances.
        event: the injected fault.
        recalls: the calls with a state handle. Only their lost sessions matter here; `judge_handles` judges the rest.
        refusals: the failed requests for a new session.

    Returns:
        The observed behaviour, the differences and the counts.
    """
    began = [execution for execution in executions if execution.step == "start"]
    on_target = [call for call in calls if call.long and _ran_on(call, began) & event.targets]
    others = [call for call in calls if elsewhere(call, event)]
    mine = [call for call in calls if call not in others and call not in on_target]
    running = _running(on_target, expected, event)
    seen = _seen(mine, event)
    lost = [call for call in (*calls, *recalls) if call.initialized]
    numbers = _numbers(calls, lost, began, event)
    problems = [
        *unexpected(mine, expected.then, event, "calls"),
        *unexpected(others, expected.others, event, "calls of sessions on other instances"),
        *(_UNFELT[effect] for effect in expected.felt if not _felt(effect, mine, lost, event)),
        *_too_many_lost(expected, calls, lost),
        *_unserved(expected, calls, refusals, event),
        *_running_problems(expected, running, on_target),
        *_always(calls, numbers, began),
    ]
    return Judgement(seen, running, tuple(problems), numbers)


def kind(call: ClientCall, event: InjectedEvent) -> CallResult:
    """Classify the result of a call."""
    if not call.ok:
        held = all(asks_to_wait(attempt) for attempt in call.attempts) and not call.initialized
        return "asked-to-wait" if held else "failed"
    if call.initialized:
        return "initialized"
    failures = call.attempts[:-1]
    if failures:
        return "asked-to-wait" if all(map(asks_to_wait, failures)) else "retried"
    first = call.attempts[0]
    spans = first.started < event.over and first.ended - max(first.started, event.began) > _held_s(event) / 2
    return "waited" if spans and not call.long else "done"


def _felt(felt: Felt, calls: Sequence[ClientCall], lost: Sequence[ClientCall], event: InjectedEvent) -> bool:
    """Whether any client noticed the fault in this way."""
    match felt:
        case "fails":
            return any(not attempt.ok and attempt.status != 404 for call in calls for attempt in call.attempts)
        case "waits":
            return any(kind(call, event) == "waited" for call in calls)
        case "lost":
            return any(not elsewhere(call, event) for call in lost)


def _too_many_lost(expected: ExpectedBehaviour, calls: Sequence[ClientCall], lost: Sequence[ClientCall]) -> list[str]:
    # The ID of a request consists of the name of the client and a number.
    sessions = len({call.attempts[0].id.rpartition("-")[0] for call in calls})
    # A client can lose its session twice, so `lost` can be longer than the number of sessions.
    if expected.lost_at_most == 1 or len(lost) <= expected.lost_at_most * sessions:
        return []
    return [f"{len(lost)} of {sessions} sessions were lost, expected: {expected.lost_at_most:.0%} at most"]


def _unserved(
    expected: ExpectedBehaviour, calls: Sequence[ClientCall], refusals: Sequence[CallAttempt], event: InjectedEvent
) -> list[str]:
    """Failed requests without a session id that began when the proxy could already know of the event."""
    if expected.new_requests == "any":
        return []
    # A request without a session never gets 404. The owner of a new session is unknown until its first call.
    failures = [attempt for call in calls if not call.owner for attempt in call.attempts if not attempt.ok]
    free = [attempt for attempt in failures if attempt.status != 404]
    failed = [call for call in (*free, *refusals) if event.began + KNOWN_S < call.started < event.over]
    if not failed:
        return []
    return [
        f"{amount(len(failed), 'request')} without a session failed although other instances run ({failed[0].said})"
    ]


def _held_s(event: InjectedEvent) -> float:
    """The duration of a fault, at least 2 s. Clients do not notice the wait of a shorter fault."""
    return max(2.0, event.over - event.began)


def asks_to_wait(attempt: CallAttempt) -> bool:
    """Whether the answer is 503 with Retry-After."""
    return attempt.status == 503 and attempt.retry_after is not None


def elsewhere(call: ClientCall, event: InjectedEvent) -> bool:
    """Whether a call belongs to a session whose owner is not a target."""
    return bool(call.owner and event.targets) and call.owner not in event.targets


def _ran_on(call: ClientCall, began: Iterable[Execution]) -> set[str]:
    first = call.attempts[0].id
    return {execution.instance for execution in began if execution.call == first}


def _seen(calls: Iterable[ClientCall], event: InjectedEvent) -> Then:
    """The mildest behaviour that covers the results of all calls."""
    kinds = {kind(call, event) for call in calls}
    if "waited" in kinds and kinds <= _ALLOWED["waits"]:
        return "waits"
    return next((then for then in _MILDEST if kinds <= _ALLOWED[then]), "5xx-then-initialize")


def _running(on_target: Sequence[ClientCall], expected: ExpectedBehaviour, event: InjectedEvent) -> Running | None:
    """The worst result of the calls that ran on a target; None without such calls."""
    if not on_target:
        return None
    if any(not call.attempts[0].ok for call in on_target):
        return "breaks"
    # A fault that is shorter than the call does not delay the call.
    held = expected.running == "waits" and any(call.attempts[0].ended > event.over for call in on_target)
    return "waits" if held else "completes"


def _running_problems(
    expected: ExpectedBehaviour, running: Running | None, on_target: Sequence[ClientCall]
) -> list[str]:
    if running is None or running == expected.running:
        return []
    said = next((call.attempts[0].said for call in on_target if not call.attempts[0].ok), "")
    cause = f" ({said})" if said else ""
    return [f"a call that ran on the target {running}{cause}, expected: {expected.running}"]


def unexpected(calls: Sequence[ClientCall], expected: Then | Others, event: InjectedEvent, what: str) -> list[str]:
    """Describe the calls with an unexpected result and the calls with a slow answer.

    Args:
        calls: the calls.
        expected: the expected behaviour.
        event: the injected fault.
        what: a name of these calls for the messages.

    Returns:
        The problems in words.
    """
    allowed = _ALLOWED[expected]
    found = [(became, call) for call in calls if (became := kind(call, event)) not in allowed]
    problems = []
    for became, count in Counter(became for became, _ in found).items():
        example = next(call for other, call in found if other == became)
        problems.append(f"{count} of {len(calls)} {what} {_WORDS[became]} ({story(example)})")
    slow = [call for call in calls if call.seconds > SLOW_S and not call.long]
    if slow and expected != "waits":
        problems.append(f"{len(slow)} of {len(calls)} {what} got no answer within {SLOW_S:g} s ({story(slow[0])})")
    return problems


def story(call: ClientCall) -> str:
    """The results of the requests of a call in words, in order."""
    return ", then ".join(attempt.said or "done" for attempt in call.attempts)


def _always(calls: Sequence[ClientCall], numbers: Numbers, began: Sequence[Execution]) -> list[str]:
    problems = []
    if numbers.executed_twice:
        problems.append(f"{amount(numbers.executed_twice, 'request')} executed twice")
    ran = {execution.call for execution in began}
    unseen = [attempt.id for call in calls for attempt in call.attempts if attempt.ok and attempt.id not in ran]
    if unseen:
        problems.append(
            f"{amount(len(unseen), 'request')} got an answer although no instance executed them, such as {unseen[0]}"
        )
    wrong = [attempt.said for call in calls for attempt in call.attempts if attempt.instance and attempt.said]
    if wrong:
        problems.append(f"{amount(len(wrong), 'call')} got {wrong[0]}")
    return problems


def _numbers(
    calls: Sequence[ClientCall], lost: Sequence[ClientCall], began: Sequence[Execution], event: InjectedEvent
) -> Numbers:
    runs = Counter(execution.call for execution in began)
    return Numbers(
        calls=len(calls),
        failed_first=sum(not call.attempts[0].ok for call in calls),
        failed_after_retry=sum(not call.ok for call in calls),
        sessions_lost=len(lost),
        lost_elsewhere=sum(elsewhere(call, event) for call in lost),
        executed_twice=sum(runs[attempt.id] > 1 for call in calls for attempt in call.attempts),
        run_again=sum(_times(call, runs) > 1 for call in calls),
        longest_wait_s=round(max((call.seconds for call in calls), default=0.0), 2),
    )


def _times(call: ClientCall, runs: Mapping[str, int]) -> int:
    """The number of requests of a call that an instance executed."""
    return sum(bool(runs[attempt.id]) for attempt in call.attempts)
