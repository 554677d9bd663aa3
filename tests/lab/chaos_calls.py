"""Calls as clients of chaos note them, for tests of what is made of them."""

from __future__ import annotations

from advisor.knowledge.failures import FailureCase, behaviour_for
from advisor.lab.chaos.evidence import BROKEN, CallAttempt, ClientCall, Execution, Happened
from advisor.lab.chaos.verdict import judge

EVENT = Happened(frozenset({"a"}), began=100.0, over=103.0)
OK, GONE, BAD, FULL = (200, None), (404, None), (502, None), (503, 3.0)
CUT = (BROKEN, None)


def call(*answers, era="legacy", owner="a", at=101.0, seconds=0.1, name="x", long=False, initialized=None, handle=None):
    """A call whose requests were answered so, on instance b if not by its owner."""
    attempts, now = [], at
    for number, (status, after) in enumerate(answers, 1):
        said = "" if status == 200 else f"HTTP {status}"
        ran = (owner or "b") if status == 200 else ""
        attempts.append(CallAttempt(f"{name}.{number}", now, now + seconds, status, ran, after, said))
        now += seconds
    lost = any(status == 404 for status, _ in answers) if initialized is None else initialized
    return ClientCall(era, owner, tuple(attempts), lost, long, handle)


def ran(*calls, also=()):
    """What instances write down of these calls."""
    attempts = [one for each in calls for one in each.attempts if one.ok]
    return [Execution(one.id, one.instance, "start", one.started) for one in attempts] + list(also)


def promise(knowledge, event="instance-killed", keeping="nginx-sticky-learn", era="legacy", answers="sse"):
    """What is promised for a case behind nginx."""
    found = behaviour_for(FailureCase(event, keeping, era, answers, "nginx"), knowledge.promises)
    assert found is not None
    return found


def verdict(found, *calls, event=EVENT, also=()):
    """The verdict on a promise and these calls."""
    return judge(found, calls, ran(*calls, also=also), event)
