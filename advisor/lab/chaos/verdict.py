"""What clients saw of an event, held against what was promised. Pure: calls and executions in, a verdict out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from advisor.knowledge.failures import Felt, Others, Promise, Running, Then
from advisor.lab.chaos.evidence import CallAttempt, ClientCall, Execution, Happened, Judgement, Numbers

Kind = Literal["done", "waited", "retried", "asked-to-wait", "initialized", "failed"]

SLOW_S = 10.0
"""Longer than this nobody waits for an answer who was not promised a wait."""

# What a call may be, by what was promised.
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
    promise: Promise,
    calls: Sequence[ClientCall],
    executions: Iterable[Execution],
    event: Happened,
    recalls: Sequence[ClientCall] = (),
) -> Judgement:
    """Hold the calls of one era against what was promised to it.

    Args:
        promise: the promise.
        calls: every call from shortly before the event until all was well again.
        executions: what the instances wrote down.
        event: what happened.
        recalls: the calls with a handle, which are judged by themselves, but whose clients have sessions as well.
    """
    began = [one for one in executions if one.step == "start"]
    planted = [call for call in calls if call.long and _ran_on(call, began) & event.struck]
    others = [call for call in calls if elsewhere(call, event)]
    mine = [call for call in calls if call not in others and call not in planted]
    running = _running(planted, promise, event)
    seen = _seen(mine, event)
    lost = [call for call in (*calls, *recalls) if call.initialized]
    numbers = _numbers(calls, lost, began, event)
    problems = [
        *unexpected(mine, promise.then, event, "calls"),
        *unexpected(others, promise.others, event, "calls of sessions elsewhere"),
        *(_UNFELT[one] for one in promise.felt if not _felt(one, mine, lost, event)),
        *_too_many_lost(promise, calls, lost),
        *_running_problems(promise, running, planted),
        *_always(calls, numbers, began),
    ]
    return Judgement(seen, running, tuple(problems), numbers)


def kind(call: ClientCall, event: Happened) -> Kind:
    """What became of a call."""
    if not call.ok:
        held = all(asks_to_wait(one) for one in call.attempts) and not call.initialized
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
            return any(not one.ok and one.status != 404 for call in calls for one in call.attempts)
        case "waits":
            return any(kind(call, event) == "waited" for call in calls)
        case "lost":
            return any(not elsewhere(call, event) for call in lost)


def _too_many_lost(promise: Promise, calls: Sequence[ClientCall], lost: Sequence[ClientCall]) -> list[str]:
    # A request's id is its client's name and a number.
    sessions = len({call.attempts[0].id.rpartition("-")[0] for call in calls})
    if promise.lost_at_most == 1 or len(lost) <= promise.lost_at_most * sessions:  # one session may be lost twice
        return []
    return [f"{len(lost)} of {sessions} sessions were lost, promised: {promise.lost_at_most:.0%} at most"]


def _held_s(event: Happened) -> float:
    """Half of a very short event is no wait that anybody would notice."""
    return max(2.0, event.over - event.began)


def asks_to_wait(attempt: CallAttempt) -> bool:
    """Whether the answer tells the client to come back."""
    return attempt.status == 503 and attempt.retry_after is not None


def elsewhere(call: ClientCall, event: Happened) -> bool:
    """Whether a call belongs to a session that the event does not strike."""
    return bool(call.owner and event.struck) and call.owner not in event.struck


def _ran_on(call: ClientCall, began: Iterable[Execution]) -> set[str]:
    first = call.attempts[0].id
    return {one.instance for one in began if one.call == first}


def _seen(calls: Iterable[ClientCall], event: Happened) -> Then:
    """The mildest promise that would have been true."""
    kinds = {kind(call, event) for call in calls}
    if "waited" in kinds and kinds <= _ALLOWED["waits"]:
        return "waits"
    return next((then for then in _MILDEST if kinds <= _ALLOWED[then]), "5xx-then-initialize")


def _running(planted: Sequence[ClientCall], promise: Promise, event: Happened) -> Running | None:
    """What became of the calls that ran where the event struck; the worst of them counts."""
    if not planted:
        return None
    if any(not call.attempts[0].ok for call in planted):
        return "breaks"
    # What takes less time than the call holds nobody up.
    held = promise.running == "waits" and any(call.attempts[0].ended > event.over for call in planted)
    return "waits" if held else "completes"


def _running_problems(promise: Promise, running: Running | None, planted: Sequence[ClientCall]) -> list[str]:
    if running is None or running == promise.running:
        return []
    said = next((call.attempts[0].said for call in planted if not call.attempts[0].ok), "")
    return [f"a running call {running}{f' ({said})' if said else ''}, promised: {promise.running}"]


def unexpected(calls: Sequence[ClientCall], promised: Then | Others, event: Happened, what: str) -> list[str]:
    """What calls met that was not promised to them, and those that got no answer for long.

    Args:
        calls: the calls.
        promised: what they were promised.
        event: what happened.
        what: the calls in words.
    """
    allowed = _ALLOWED[promised]
    found = [(one, call) for call in calls if (one := kind(call, event)) not in allowed]
    problems = []
    for one, count in Counter(one for one, _ in found).items():
        example = next(call for other, call in found if other == one)
        problems.append(f"{count} of {len(calls)} {what} {_WORDS[one]} ({story(example)})")
    slow = [call for call in calls if call.seconds > SLOW_S and not call.long]
    if slow and promised != "waits":
        problems.append(f"{len(slow)} of {len(calls)} {what} got no answer within {SLOW_S:g} s ({story(slow[0])})")
    return problems


def story(call: ClientCall) -> str:
    """What the requests of a call met, one after the other."""
    return ", then ".join(one.said or "done" for one in call.attempts)


def _always(calls: Sequence[ClientCall], numbers: Numbers, began: Sequence[Execution]) -> list[str]:
    problems = []
    if numbers.executed_twice:
        problems.append(f"{numbers.executed_twice} requests were executed twice")
    ran = {one.call for one in began}
    unseen = [one.id for call in calls for one in call.attempts if one.ok and one.id not in ran]
    if unseen:
        problems.append(f"{len(unseen)} answers came for requests that nobody executed, such as {unseen[0]}")
    wrong = [one.said for call in calls for one in call.attempts if one.instance and one.said]
    if wrong:
        problems.append(f"{len(wrong)} calls got {wrong[0]}")
    return problems


def _numbers(
    calls: Sequence[ClientCall], lost: Sequence[ClientCall], began: Sequence[Execution], event: Happened
) -> Numbers:
    runs = Counter(one.call for one in began)
    return Numbers(
        calls=len(calls),
        failed_first=sum(not call.attempts[0].ok for call in calls),
        failed_after_retry=sum(not call.ok for call in calls),
        sessions_lost=len(lost),
        lost_elsewhere=sum(elsewhere(call, event) for call in lost),
        executed_twice=sum(runs[one.id] > 1 for call in calls for one in call.attempts),
        run_again=sum(_times(call, runs) > 1 for call in calls),
        longest_wait_s=round(max((call.seconds for call in calls), default=0.0), 2),
    )


def _times(call: ClientCall, runs: Mapping[str, int]) -> int:
    """By how many of its requests a call was executed."""
    return sum(bool(runs[one.id]) for one in call.attempts)
