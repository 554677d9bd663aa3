"""Compare the observed behaviour of state handles after a fault with the expected behaviour. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence

from advisor.knowledge.failures import ExpectedBehaviour, Handles
from advisor.lab.chaos.evidence import ClientCall, HandleJudgement, HandleNumbers, HandlesSeen, InjectedEvent
from advisor.lab.chaos.verdict import SLOW_S, asks_to_wait, elsewhere, kind, story, unexpected
from advisor.sentences import amount

BACK_S = 5.0
"""The time after a fault, in seconds, in which calls can still fail. A server waits before it tries the store again."""


def judge_handles(expected: ExpectedBehaviour, recalls: Sequence[ClientCall], event: InjectedEvent) -> HandleJudgement:
    """Compare the calls with a state handle of clients of one era with the expected behaviour.

    Args:
        expected: the row of rules/failures.yaml.
        recalls: every call with a state handle, from shortly before the fault until the fleet had recovered.
        event: the injected fault.

    Returns:
        The observed behaviour, the differences and the counts.
    """
    if not recalls:
        return HandleJudgement(None, ("no client made a call with a state handle",))
    failed = [call for call in recalls if _hindered(call, expected.handles, event)]
    gone = [call for call in recalls if call.handle == "gone"]
    seen = _seen(bool(failed), bool(gone))
    problems = [
        *_served(expected, recalls, event),
        *(_unkept(failed) if expected.handles == "kept" else _unfailing(failed, event)),
        *(_lasting(gone) if expected.handles == "fails-then-gone" else _lost(expected.handles, gone)),
    ]
    return HandleJudgement(seen, tuple(problems), HandleNumbers(len(recalls), len(failed), len(gone)))


def _seen(failed: bool, gone: bool) -> HandlesSeen:
    if failed:
        return "fails-then-gone" if gone else "fails-then-kept"
    return "gone" if gone else "kept"


def _in_words(call: ClientCall) -> bool:
    """Whether the server answered with an error: the store is not reachable, or the state handle is unknown."""
    return call.handle in ("refused", "gone") and call.attempts[-1].status == 200


def _held_up(call: ClientCall, expected: Handles, event: InjectedEvent) -> bool:
    """Whether a call waited until the store was back. An error answer would be as good."""
    return expected != "kept" and kind(call, event) == "waited" and call.seconds <= SLOW_S


def _hindered(call: ClientCall, expected: Handles, event: InjectedEvent) -> bool:
    """Whether a call failed, or succeeded only after the store was back."""
    return call.handle == "refused" or any(map(asks_to_wait, call.attempts)) or _held_up(call, expected, event)


def _served(expected: ExpectedBehaviour, recalls: Sequence[ClientCall], event: InjectedEvent) -> list[str]:
    """Apply the expected behaviour of all calls to the calls that did not get an error from the tool."""
    plain = [call for call in recalls if not _in_words(call) and not _held_up(call, expected.handles, event)]
    others = [call for call in plain if elsewhere(call, event)]
    mine = [call for call in plain if call not in others]
    return [
        *unexpected(mine, expected.then, event, "calls with a state handle"),
        *unexpected(others, expected.others, event, "calls with a state handle in sessions on other instances"),
    ]


def _unkept(failed: Sequence[ClientCall]) -> list[str]:
    spoken = [call for call in failed if _in_words(call)]
    if not spoken:
        return []
    return [f"{amount(len(spoken), 'call')} with a state handle failed ({story(spoken[0])}), expected: kept"]


def _lost(expected: Handles, gone: Sequence[ClientCall]) -> list[str]:
    return [f"{len(gone)} state handles were unknown ({story(gone[0])}), expected: {expected}"] if gone else []


def _unfailing(failed: Sequence[ClientCall], event: InjectedEvent) -> list[str]:
    """Calls with a state handle must fail while the store is away, and at no other time."""
    during = [call for call in failed if call.began < event.over + BACK_S and call.ended > event.began]
    late = [call for call in failed if call not in during]
    problems = []
    if late:
        problems.append(
            f"{amount(len(late), 'call')} with a state handle failed before or after the event ({story(late[0])})"
        )
    if not during:
        problems.append("no call with a state handle failed, although this event always causes failures")
    return problems


def _lasting(gone: Sequence[ClientCall]) -> list[str]:
    return [] if gone else ["the state was still there, expected: gone"]
