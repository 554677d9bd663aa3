"""What clients saw of an event, compared with the expected behaviour. Pure: calls and executions in, a verdict out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from advisor.knowledge.failures import ExpectedBehaviour, Felt, Others, Running, Then
from advisor.lab.chaos.evidence import CallAttempt, ClientCall, Execution, Happened, Judgement, Numbers

Kind = Literal["done", "waited", "retried", "asked-to-wait", "initialized", "failed"]

SLOW_S = 10.0
"""The longest that a client waits for an answer where no wait is expected."""

# What may become of a call, by what is expected.
_ALLOWED: dict[Then | Others, frozenset[Kind]] = {
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
    "fails": "no request failed or was told to come back, which the event cannot but cause",
    "waits": "no call had to wait, which the event cannot but cause",
    "lost": "no session was lost, which the event cannot but cause",
}
_WORDS: dict[Kind, str] = {
    "done": "succeeded at first",
    "waited": "had to wait",
    "retried": "succeeded only when repeated",
    "asked-to-wait": "got 503 with Retry-After",
    "initialized": "lost their session",
    "failed": "failed for good",
}


def judge(
    expected: ExpectedBehaviour,
    calls: Sequence[ClientCall],
    executions: Iterable[Execution],
    event: Happened,
    recalls: Sequence[ClientCall] = (),
) -> Judgement:
    """Compare the calls of clients of an era with what they should see.

    Args:
        expected: the row of rules/failures.yaml.
        calls: every call from shortly before the event until all was well again.
        executions: the execution logs of the instances.
        event: what happened.
        recalls: the calls with a handle, which are judged by themselves, but whose clients have sessions as well.
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
        *unexpected(others, expected.others, event, "calls of sessions elsewhere"),
        *(_UNFELT[effect] for effect in expected.felt if not _felt(effect, mine, lost, event)),
        *_too_many_lost(expected, calls, lost),
        *_running_problems(expected, running, on_target),
        *_always(calls, numbers, began),
    ]
    return Judgement(seen, running, tuple(problems), numbers)


def kind(call: ClientCall, event: Happened) -> Kind:
    """What became of a call."""
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


def _felt(felt: Felt, calls: Sequence[ClientCall], lost: Sequence[ClientCall], event: Happened) -> bool:
    """Whether anybody noticed the event in this way."""
    match felt:
        case "fails":
            return any(not attempt.ok and attempt.status != 404 for call in calls for attempt in call.attempts)
        case "waits":
            return any(kind(call, event) == "waited" for call in calls)
        case "lost":
            return any(not elsewhere(call, event) for call in lost)


def _too_many_lost(expected: ExpectedBehaviour, calls: Sequence[ClientCall], lost: Sequence[ClientCall]) -> list[str]:
    # A request's id is its client's name and a number.
    sessions = len({call.attempts[0].id.rpartition("-")[0] for call in calls})
    if expected.lost_at_most == 1 or len(lost) <= expected.lost_at_most * sessions:  # a session may be lost twice
        return []
    return [f"{len(lost)} of {sessions} sessions were lost, promised: {expected.lost_at_most:.0%} at most"]


def _held_s(event: Happened) -> float:
    """Half of a very short event is no wait that anybody would notice."""
    return max(2.0, event.over - event.began)


def asks_to_wait(attempt: CallAttempt) -> bool:
    """Whether the answer tells the client to come back."""
    return attempt.status == 503 and attempt.retry_after is not None


def elsewhere(call: ClientCall, event: Happened) -> bool:
    """Whether a call belongs to a session of an instance that is no target."""
    return bool(call.owner and event.targets) and call.owner not in event.targets


def _ran_on(call: ClientCall, began: Iterable[Execution]) -> set[str]:
    first = call.attempts[0].id
    return {execution.instance for execution in began if execution.call == first}


def _seen(calls: Iterable[ClientCall], event: Happened) -> Then:
    """The mildest behaviour that describes all calls."""
    kinds = {kind(call, event) for call in calls}
    if "waited" in kinds and kinds <= _ALLOWED["waits"]:
        return "waits"
    return next((then for then in _MILDEST if kinds <= _ALLOWED[then]), "5xx-then-initialize")


def _running(on_target: Sequence[ClientCall], expected: ExpectedBehaviour, event: Happened) -> Running | None:
    """What became of the calls that ran on a target; the worst of them decides."""
    if not on_target:
        return None
    if any(not call.attempts[0].ok for call in on_target):
        return "breaks"
    # An event that is shorter than the call holds no call up.
    held = expected.running == "waits" and any(call.attempts[0].ended > event.over for call in on_target)
    return "waits" if held else "completes"


def _running_problems(
    expected: ExpectedBehaviour, running: Running | None, on_target: Sequence[ClientCall]
) -> list[str]:
    if running is None or running == expected.running:
        return []
    said = next((call.attempts[0].said for call in on_target if not call.attempts[0].ok), "")
    return [f"a running call {running}{f' ({said})' if said else ''}, promised: {expected.running}"]


def unexpected(calls: Sequence[ClientCall], expected: Then | Others, event: Happened, what: str) -> list[str]:
    """Calls that met something unexpected, and calls that got no answer for long.

    Args:
        calls: the calls.
        expected: what they should meet.
        event: what happened.
        what: the calls in words.
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
    """What the requests of a call met, in sequence."""
    return ", then ".join(attempt.said or "done" for attempt in call.attempts)


def _always(calls: Sequence[ClientCall], numbers: Numbers, began: Sequence[Execution]) -> list[str]:
    problems = []
    if numbers.executed_twice:
        problems.append(f"{numbers.executed_twice} requests were executed twice")
    ran = {execution.call for execution in began}
    unseen = [attempt.id for call in calls for attempt in call.attempts if attempt.ok and attempt.id not in ran]
    if unseen:
        problems.append(f"{len(unseen)} answers came for requests that no instance executed, such as {unseen[0]}")
    wrong = [attempt.said for call in calls for attempt in call.attempts if attempt.instance and attempt.said]
    if wrong:
        problems.append(f"{len(wrong)} calls got {wrong[0]}")
    return problems


def _numbers(
    calls: Sequence[ClientCall], lost: Sequence[ClientCall], began: Sequence[Execution], event: Happened
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
    """By how many of its requests a call was executed."""
    return sum(bool(runs[attempt.id]) for attempt in call.attempts)
