"""What became of state handles, compared with the expected behaviour. Pure, as `verdict`."""

from __future__ import annotations

from collections.abc import Sequence

from advisor.knowledge.failures import ExpectedBehaviour, Handles
from advisor.lab.chaos.evidence import ClientCall, HandleJudgement, HandleNumbers, HandlesSeen, Happened
from advisor.lab.chaos.verdict import SLOW_S, asks_to_wait, elsewhere, kind, story, unexpected

BACK_S = 5.0
"""A store that came back may be left alone so long: servers do not ask a store that failed at once again."""


def judge_handles(expected: ExpectedBehaviour, recalls: Sequence[ClientCall], event: Happened) -> HandleJudgement:
    """Compare the calls with a handle of clients of an era with what they should see.

    Args:
        expected: the row of rules/failures.yaml.
        recalls: every call with a handle, from shortly before the event until all was well again.
        event: what happened.
    """
    if not recalls:
        return HandleJudgement(None, ("no call with a handle was made",))
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
    """Whether the server answered, if only to say that it cannot serve this, or that the handle is unknown."""
    return call.handle in ("refused", "gone") and call.attempts[-1].status == 200


def _held_up(call: ClientCall, expected: Handles, event: Happened) -> bool:
    """Whether a call waited for the store until it was back, which is no worse than to be told that it is away."""
    return expected != "kept" and kind(call, event) == "waited" and call.seconds <= SLOW_S


def _hindered(call: ClientCall, expected: Handles, event: Happened) -> bool:
    """Whether a call was not served, or not before the store was back."""
    return call.handle == "refused" or any(map(asks_to_wait, call.attempts)) or _held_up(call, expected, event)


def _served(expected: ExpectedBehaviour, recalls: Sequence[ClientCall], event: Happened) -> list[str]:
    """Apart from what the tool itself says, these calls see what all calls see."""
    plain = [call for call in recalls if not _in_words(call) and not _held_up(call, expected.handles, event)]
    others = [call for call in plain if elsewhere(call, event)]
    mine = [call for call in plain if call not in others]
    return [
        *unexpected(mine, expected.then, event, "calls with a handle"),
        *unexpected(others, expected.others, event, "calls with a handle of sessions elsewhere"),
    ]


def _unkept(failed: Sequence[ClientCall]) -> list[str]:
    spoken = [call for call in failed if _in_words(call)]
    return [f"{len(spoken)} calls with a handle failed ({story(spoken[0])}), promised: kept"] if spoken else []


def _lost(expected: Handles, gone: Sequence[ClientCall]) -> list[str]:
    return [f"{len(gone)} handles were not known any more ({story(gone[0])}), promised: {expected}"] if gone else []


def _unfailing(failed: Sequence[ClientCall], event: Happened) -> list[str]:
    """Calls with a handle fail while the store is away, and at no other time."""
    during = [call for call in failed if call.began < event.over + BACK_S and call.ended > event.began]
    late = [call for call in failed if call not in during]
    problems = [f"{len(late)} calls with a handle failed before or after the event ({story(late[0])})"] if late else []
    return problems if during else [*problems, "no call with a handle failed, which the event cannot but cause"]


def _lasting(gone: Sequence[ClientCall]) -> list[str]:
    return [] if gone else ["what was kept behind handles was still there, promised: gone"]
