"""The verdict on an expected behaviour follows only from the records of clients and instances."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from chaos_calls import BAD, CUT, EVENT, FULL, GONE, OK, Answer, call, promise, ran, verdict

from advisor.knowledge import Knowledge
from advisor.knowledge.failures import ExpectedBehaviour
from advisor.knowledge.types import Era
from advisor.lab.chaos.evidence import CallAttempt, ClientCall, Execution, Handle, HandleJudgement, InjectedEvent
from advisor.lab.chaos.handle_verdict import judge_handles
from advisor.lab.chaos.verdict import judge, kind


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ([OK], "done"),
        ([BAD, OK], "retried"),
        ([CUT, OK], "retried"),
        ([FULL, OK], "asked-to-wait"),
        ([FULL, FULL], "asked-to-wait"),
        ([GONE, OK], "initialized"),
        ([BAD, GONE, OK], "initialized"),
        ([BAD, BAD], "failed"),
        ([GONE, BAD], "failed"),
        ([(503, None), (503, None)], "failed"),
    ],
)
def test_the_result_of_a_call_follows_from_its_answers(answers: list[Answer], expected: str) -> None:
    assert kind(call(*answers), EVENT) == expected


def test_a_call_waited_only_if_it_spans_the_event() -> None:
    assert kind(call(OK, at=100.5, seconds=2.6), EVENT) == "waited"
    assert kind(call(OK, at=99.9, seconds=0.4), EVENT) == "done"
    assert kind(call(OK, at=103.5, seconds=2.6), EVENT) == "done", "it began when all was over"


def test_only_sessions_of_the_dead_owner_can_be_lost(knowledge: Knowledge) -> None:
    sticky = promise(knowledge)
    assert sticky.then == "404-then-initialize"
    lost, kept = call(GONE, OK, name="1"), call(OK, owner="b", name="2")
    fine = verdict(sticky, lost, kept)
    assert (fine.seen, fine.problems) == ("404-then-initialize", ())
    assert (fine.numbers.sessions_lost, fine.numbers.lost_elsewhere) == (1, 0)
    elsewhere = verdict(sticky, lost, call(GONE, OK, owner="b", name="2"))
    assert elsewhere.problems == (
        "1 of 1 calls of sessions on other instances lost their session (HTTP 404, then done)",
    )
    assert elsewhere.numbers.lost_elsewhere == 1
    hiccup = verdict(sticky, lost, call(BAD, OK, owner="b", name="2"))
    assert "succeeded only after a retry" in hiccup.problems[0]


@pytest.mark.parametrize(("at", "fails"), [(100.5, False), (101.5, True), (103.5, False)])
def test_requests_without_a_session_must_not_fail_while_packets_vanish(
    knowledge: Knowledge, at: float, fails: bool
) -> None:
    wrong = "1 request without a session failed although other instances run (HTTP 502)"
    fleet = promise(knowledge, "instance-vanished", "stateless", "modern")
    assert (wrong in verdict(fleet, call(BAD, OK, era="modern", owner="", at=at)).problems) == fails
    crashed = promise(knowledge, "instance-killed", "stateless", "modern")
    assert verdict(crashed, call(BAD, OK, era="modern", owner="", at=at)).problems == ()
    sticky = promise(knowledge, "instance-vanished")
    lost = call(GONE, OK)
    assert verdict(sticky, lost).problems == ()
    assert verdict(sticky, lost, call(GONE, OK, owner="", at=at, name="2")).problems == (), (
        "a new session of unknown owner"
    )
    refused = [CallAttempt("x", at, at, 0, said="initialize: HTTP 504")]
    problems = judge(sticky, [lost], ran(lost), EVENT, refusals=refused).problems
    assert bool(problems) == fails


def test_a_session_that_outlives_its_owner_is_suspicious(knowledge: Knowledge) -> None:
    quiet = verdict(promise(knowledge), call(OK))
    assert quiet.problems == ("no session was lost, although this event always causes a loss",)


def test_sessions_of_other_instances_can_need_a_retry_if_requests_are_forwarded(knowledge: Knowledge) -> None:
    directory = promise(knowledge, keeping="redis-session-directory")
    lost = call(GONE, OK, name="1")
    assert verdict(directory, lost, call(BAD, OK, owner="b", name="2")).problems == ()
    assert verdict(directory, lost, call(GONE, OK, owner="b", name="2")).problems


def test_without_sessions_one_retry_is_enough(knowledge: Knowledge) -> None:
    stateless = promise(knowledge, keeping="stateless", era="modern")
    outcome = call(BAD, OK, era="modern", owner="")
    assert verdict(stateless, outcome).problems == ()
    assert verdict(stateless, outcome).seen == "retry-succeeds"
    failed = verdict(stateless, call(BAD, BAD, era="modern", owner=""))
    assert failed.problems == ("1 of 1 calls failed after all retries (HTTP 502, then HTTP 502)",)
    assert failed.numbers.failed_after_retry == 1


def test_a_request_that_ran_twice_is_a_problem_for_every_expected_behaviour(knowledge: Knowledge) -> None:
    applying = [promise for promise in knowledge.promises if promise.then != "does-not-apply"]
    assert len(applying) > 20
    for found in applying:
        era = found.eras[0]
        outcome = call(OK, era=era, owner="" if era == "modern" else "b", name="x")
        twice = verdict(found, outcome, also=[Execution("x.1", "c", "start", 101.0)])
        assert "1 request executed twice" in twice.problems, found.id
        assert twice.numbers.executed_twice == 1


def test_a_retry_by_the_client_is_not_a_repeated_request_of_the_proxy(knowledge: Knowledge) -> None:
    outcome = call(BAD, OK, owner="", era="modern", name="x")
    again = [Execution("x.1", "a", "start", 100.0)]
    found = verdict(promise(knowledge, keeping="stateless", era="modern"), outcome, also=again)
    assert found.problems == ()
    assert (found.numbers.executed_twice, found.numbers.run_again) == (0, 1)


def test_an_answer_without_an_instance_or_of_another_call_is_a_problem(knowledge: Knowledge) -> None:
    stateless = promise(knowledge, keeping="stateless", era="modern")
    invented = judge(stateless, [call(OK, era="modern", owner="")], [], EVENT)
    assert invented.problems == ("1 request got an answer although no instance executed them, such as x.1",)
    wrong = call(OK, era="modern", owner="")
    other = replace(wrong.attempts[0], said="the answer of another call: y.1")
    mixed = verdict(stateless, replace(wrong, attempts=(other,)))
    assert any("the answer of another call: y.1" in problem for problem in mixed.problems)


def test_a_call_that_hangs_is_affected(knowledge: Knowledge) -> None:
    reloaded = promise(knowledge, "proxy-reloaded", "stateless", "modern")
    slow = call(OK, era="modern", owner="", at=99.0, seconds=11.0)
    found = verdict(reloaded, slow)
    assert any("no answer within 10 s" in problem for problem in found.problems)


@pytest.mark.parametrize(
    ("event", "answers", "ended", "running", "fine"),
    [
        ("instance-killed", [BAD, OK], 100.1, "breaks", True),
        ("instance-killed", [OK], 102.0, "completes", False),
        ("instance-stalled", [OK], 103.2, "waits", True),
        ("instance-stalled", [BAD, OK], 100.1, "breaks", False),
        ("proxy-reloaded", [OK], 103.2, "completes", True),
        ("proxy-reloaded", [BAD, OK], 100.1, "breaks", False),
    ],
)
def test_the_expected_end_of_a_running_call_depends_on_the_event(
    knowledge: Knowledge, event: str, answers: list[Answer], ended: float, running: str, fine: bool
) -> None:
    found = promise(knowledge, event, "stateless", "modern")
    outcome = call(*answers, era="modern", owner="", at=99.5, seconds=ended - 99.5, long=True)
    began = [Execution("x.1", "a", "start", 99.5), Execution("x.2", "b", "start", 101.0)]
    judged = judge(found, [outcome], began, EVENT)
    assert judged.running == running
    assert (not judged.problems) == fine, judged.problems


def test_during_redis_failures_only_503_with_retry_after_is_expected(knowledge: Knowledge) -> None:
    found = promise(knowledge, "redis-restarted", "redis-session-directory")
    everyone = InjectedEvent(frozenset({"a", "b"}), 100.0, 103.0)
    assert verdict(found, call(FULL, FULL, name="1"), call(FULL, OK, name="2"), event=everyone).problems == ()
    late = call(OK, name="3", at=100.5, seconds=2.8)  # it gets no 503 and is served when Redis is back
    assert verdict(found, call(FULL, OK), late, event=everyone).problems == ()
    assert verdict(found, call(GONE, OK), event=everyone).problems
    assert verdict(found, call((503, None), OK), event=everyone).problems
    assert verdict(found, call(BAD, OK), event=everyone).problems


def felt(promised: ExpectedBehaviour) -> list[ClientCall]:
    """Calls of the era that notice the event as the expected behaviour requires."""
    era = promised.eras[0]
    owner = "a" if era == "legacy" else ""
    answers = {"fails": [BAD, OK], "waits": [OK], "lost": [GONE, OK]}
    if promised.then == "503-then-retry":
        answers["fails"] = [FULL, OK]
    seconds = {"fails": 0.1, "waits": 2.8, "lost": 0.1}
    return [call(*answers[kind], era=era, owner=owner, seconds=seconds[kind], name=kind) for kind in promised.felt]


def test_an_event_that_no_client_notices_is_a_problem(knowledge: Knowledge) -> None:
    demanding = [promise for promise in knowledge.promises if promise.felt]
    assert len(demanding) > 15
    for promised in demanding:
        era = promised.eras[0]
        quiet = [call(OK, era=era, owner="a" if era == "legacy" else "", name=f"quiet-{n}") for n in range(5)]
        problems = verdict(promised, *quiet).problems
        assert len(problems) == len(promised.felt), promised.id
        assert all("although this event always causes" in problem for problem in problems), promised.id
        noisy = felt(promised)
        assert verdict(promised, *quiet, *noisy).problems == (), promised.id
        for missing in noisy:
            rest = [client_call for client_call in noisy if client_call is not missing]
            assert verdict(promised, *quiet, *rest).problems, (promised.id, missing.attempts[0].id)


def test_a_possible_effect_is_not_required(knowledge: Knowledge) -> None:
    mild = [promise for promise in knowledge.promises if not promise.felt and promise.then != "does-not-apply"]
    assert len(mild) > 6
    for promised in mild:
        era = promised.eras[0]
        assert verdict(promised, call(OK, era=era, owner="a" if era == "legacy" else "")).problems == (), promised.id


def test_a_session_lost_on_another_instance_does_not_prove_the_event(knowledge: Knowledge) -> None:
    directory = promise(knowledge, keeping="nginx-ip-hash")  # sessions of other instances can be lost too
    found = verdict(directory, call(OK, name="1"), call(GONE, OK, owner="b", name="2"))
    assert found.problems == ("no session was lost, although this event always causes a loss",)


def test_more_lost_sessions_than_expected_is_a_problem(knowledge: Knowledge) -> None:
    reloaded = promise(knowledge, "proxy-reloaded", "haproxy-stick-table")
    assert 0 < reloaded.lost_at_most < 0.5
    everyone = InjectedEvent(frozenset({"a", "b"}), 100.0, 103.0)
    kept = [call(OK, name=f"kept{n}-1") for n in range(6)]
    few = verdict(reloaded, *kept, call(GONE, OK, name="lost-1"), event=everyone)
    assert few.problems == ()
    many = verdict(reloaded, *kept, *[call(GONE, OK, name=f"lost{n}-1") for n in range(6)], event=everyone)
    assert many.problems == ("6 of 12 sessions were lost, expected: 33% at most",)


# --- state handles ------------------------------------------------------------------------------------------------


def handled(
    knowledge: Knowledge, event: str, *recalls: ClientCall, keeping: str = "stateless", era: Era = "modern"
) -> HandleJudgement:
    return judge_handles(promise(knowledge, event, keeping, era), recalls, EVENT)


def recall(
    handle: Handle, *answers: Answer, at: float = 101.0, owner: str = "", era: Era = "modern", **more: Any
) -> ClientCall:
    """A call with a state handle. By default the answer is a tool error with status 200."""
    made = call(*(answers or [OK]), at=at, owner=owner, era=era, handle=handle, **more)
    last = made.attempts[-1]
    wrong = last.said or ("" if handle in ("found", "new") else "the tool's words")
    return replace(made, attempts=(*made.attempts[:-1], replace(last, said=wrong)))


FOUND, LATE = recall("found"), recall("found", at=110.0)
AFTER = recall("refused", at=120.0)
REFUSED, UNKNOWN, ANEW = recall("refused"), recall("gone", at=104.0), recall("new", at=105.0)


@pytest.mark.parametrize(
    ("event", "recalls", "seen", "problem"),
    [
        ("instance-killed", [FOUND, LATE], "kept", ""),
        ("instance-killed", [FOUND, UNKNOWN, ANEW], "gone", "1 state handles were unknown"),
        (
            "instance-killed",
            [REFUSED, LATE],
            "fails-then-kept",
            "1 call with a state handle failed (the tool's words)",
        ),
        ("instance-killed", [recall("found", BAD, OK), LATE], "kept", ""),
        ("redis-restarted", [REFUSED, UNKNOWN, ANEW], "fails-then-gone", ""),
        ("redis-restarted", [FOUND, LATE], "kept", "no call with a state handle failed"),
        ("redis-restarted", [FOUND, LATE], "kept", "the state was still there"),
        ("redis-restarted", [REFUSED, LATE], "fails-then-kept", "the state was still there"),
        ("redis-restarted", [FOUND, UNKNOWN, ANEW], "gone", "no call with a state handle failed"),
        ("redis-stalled", [REFUSED, LATE], "fails-then-kept", ""),
        ("redis-stalled", [recall("found", at=100.5, seconds=2.8)], "fails-then-kept", ""),
        ("proxy-reloaded", [recall("found", at=100.5, seconds=2.8)], "kept", "had to wait"),
        ("redis-stalled", [FOUND, LATE], "kept", "no call with a state handle failed"),
        ("redis-stalled", [REFUSED, UNKNOWN], "fails-then-gone", "1 state handles were unknown"),
        (
            "redis-stalled",
            [REFUSED, recall("refused", at=120.0)],
            "fails-then-kept",
            "failed before or after the event",
        ),
        ("redis-stalled", [REFUSED, recall("found", seconds=11.0)], "fails-then-kept", "no answer within 10 s"),
        ("redis-stalled", [REFUSED, recall("found", BAD, OK)], "fails-then-kept", "succeeded only after a retry"),
        ("proxy-reloaded", [], None, "no client made a call with a state handle"),
    ],
)
def test_the_verdict_on_calls_with_state_handles(
    knowledge: Knowledge, event: str, recalls: list[ClientCall], seen: str, problem: str
) -> None:
    found = handled(knowledge, event, *recalls)
    assert found.seen == seen
    assert any(problem in found_problem for found_problem in found.problems) if problem else found.problems == ()


def test_calls_with_state_handles_keep_their_sessions_like_other_calls(knowledge: Knowledge) -> None:
    lost = recall("found", GONE, OK, owner="a", era="legacy")
    sticky = promise(knowledge)
    assert judge(sticky, [], [], EVENT, [lost]).numbers.sessions_lost == 1
    assert judge_handles(sticky, [lost], EVENT).problems == ()
    elsewhere = recall("found", GONE, OK, owner="b", era="legacy")
    assert "sessions on other instances lost their session" in judge_handles(sticky, [elsewhere], EVENT).problems[0]
    told = recall("refused", FULL, FULL, owner="a", era="legacy")
    assert handled(knowledge, "redis-stalled", told, keeping="redis-session-directory", era="legacy").problems == ()
    back = recall("found", FULL, OK, owner="a", era="legacy")  # it retried after the time of Retry-After
    again = handled(knowledge, "redis-stalled", back, keeping="redis-session-directory", era="legacy")
    assert (again.seen, again.problems) == ("fails-then-kept", ())
