"""Chaos: the promises are complete, the verdict follows from the evidence, and real kits keep what they promise."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

from advisor.decision.failures import failures
from advisor.knowledge.failures import Case, promise_for
from advisor.lab.chaos_events import EVENTS
from advisor.lab.chaos_evidence import BROKEN, Attempt, Call, Execution, Happened, Row
from advisor.lab.chaos_verdict import judge, kind
from advisor.render.chaos import chaos_data, chaos_text
from advisor.render.schemas import verification_schema
from advisor.render.screen import Canvas, Screen

ROOT = Path(__file__).parents[2]
SNAPSHOTS = Path(__file__).parent / "snapshots"
UPDATE = os.environ.get("MCP_ADVISOR_UPDATE_SNAPSHOTS") == "1"


# --- the data -----------------------------------------------------------------------------------------------------


def test_every_case_has_a_promise_and_every_promise_a_case(knowledge):
    assert failures(knowledge) == []
    assert tuple(event.id for event in knowledge.events) == EVENTS, "what the lab can do is what the file names"


@pytest.mark.parametrize("event", EVENTS)
def test_an_event_without_promises_is_found(knowledge, event):
    without = [one for one in knowledge.promises if one.event != event]
    faults = failures(replace(knowledge, promises=without))
    assert [(fault.kind, fault.where) for fault in faults] == [("gap", event)]


@pytest.mark.parametrize(
    ("change", "kind_", "message"),
    [
        ({"event": "earthquake"}, "dead", "the event 'earthquake' does not exist"),
        ({"sources": []}, "source", "no source is given"),
        ({"sources": ["hearsay"]}, "source", "the source 'hearsay' does not exist"),
        ({"clients": "Waits {seconds}."}, "data", "its text holds another blank than {idle}"),
    ],
)
def test_a_wrong_promise_is_found(knowledge, change, kind_, message):
    wrong = replace(knowledge.promises[-1], **change)
    faults = failures(replace(knowledge, promises=[*knowledge.promises[:-1], wrong]))
    assert (kind_, wrong.id, message) in [(one.kind, one.where, one.message) for one in faults]


def test_a_promise_that_never_holds_is_found(knowledge):
    twin = replace(knowledge.promises[0], id="twin")
    faults = failures(replace(knowledge, promises=[*knowledge.promises, twin]))
    assert [(fault.kind, fault.where) for fault in faults] == [("shadowed", "twin")]


# --- the verdict --------------------------------------------------------------------------------------------------

EVENT = Happened(frozenset({"a"}), began=100.0, over=103.0, ended=True)
OK, GONE, BAD, FULL = (200, None), (404, None), (502, None), (503, 3.0)


def call(*answers, era="legacy", owner="a", at=101.0, seconds=0.1, name="x", long=False, initialized=None):
    """A call whose requests were answered so, on instance b if not by its owner."""
    attempts, now = [], at
    for number, (status, after) in enumerate(answers, 1):
        said = "" if status == 200 else f"HTTP {status}"
        ran = (owner or "b") if status == 200 else ""
        attempts.append(Attempt(f"{name}.{number}", now, now + seconds, status, ran, after, said))
        now += seconds
    lost = any(status == 404 for status, _ in answers) if initialized is None else initialized
    return Call(era, owner, tuple(attempts), lost, long)


def ran(*calls, also=()):
    """What instances write down of these calls."""
    attempts = [one for each in calls for one in each.attempts if one.ok]
    return [Execution(one.id, one.instance, "start", one.started) for one in attempts] + list(also)


def promise(knowledge, event="instance-killed", keeping="nginx-sticky-learn", era="legacy", answers="sse"):
    found = promise_for(Case(event, keeping, era, answers, "nginx"), knowledge.promises)
    assert found is not None
    return found


def verdict(found, *calls, event=EVENT, also=()):
    return judge(found, calls, ran(*calls, also=also), event)


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ([OK], "done"),
        ([BAD, OK], "retried"),
        ([(BROKEN, None), OK], "retried"),
        ([FULL, OK], "asked-to-wait"),
        ([FULL, FULL], "asked-to-wait"),
        ([GONE, OK], "initialized"),
        ([BAD, GONE, OK], "initialized"),
        ([BAD, BAD], "failed"),
        ([GONE, BAD], "failed"),
        ([(503, None), (503, None)], "failed"),
    ],
)
def test_what_became_of_a_call(answers, expected):
    assert kind(call(*answers), EVENT) == expected


def test_a_wait_is_one_that_spans_the_event():
    assert kind(call(OK, at=100.5, seconds=2.6), EVENT) == "waited"
    assert kind(call(OK, at=99.9, seconds=0.4), EVENT) == "done"
    assert kind(call(OK, at=103.5, seconds=2.6), EVENT) == "done", "it began when all was over"


def test_sessions_of_the_dead_owner_may_be_lost_and_no_others(knowledge):
    sticky = promise(knowledge)
    assert sticky.then == "404-then-initialize"
    lost, kept = call(GONE, OK, name="1"), call(OK, owner="b", name="2")
    fine = verdict(sticky, lost, kept)
    assert (fine.seen, fine.problems) == ("404-then-initialize", ())
    assert (fine.numbers.sessions_lost, fine.numbers.lost_elsewhere) == (1, 0)
    elsewhere = verdict(sticky, lost, call(GONE, OK, owner="b", name="2"))
    assert elsewhere.problems == ("1 of 1 calls of sessions elsewhere lost their session (HTTP 404, then done)",)
    assert elsewhere.numbers.lost_elsewhere == 1
    hiccup = verdict(sticky, lost, call(BAD, OK, owner="b", name="2"))
    assert "succeeded only when repeated" in hiccup.problems[0]


def test_a_session_that_outlives_its_owner_is_suspicious(knowledge):
    assert verdict(promise(knowledge), call(OK)).problems == ("no session was lost with its instance",)


def test_sessions_elsewhere_may_need_a_retry_where_requests_pass_through_others(knowledge):
    directory = promise(knowledge, keeping="redis-session-directory")
    lost = call(GONE, OK, name="1")
    assert verdict(directory, lost, call(BAD, OK, owner="b", name="2")).problems == ()
    assert verdict(directory, lost, call(GONE, OK, owner="b", name="2")).problems


def test_without_sessions_a_retry_is_all_that_it_takes(knowledge):
    stateless = promise(knowledge, keeping="stateless", era="modern")
    one = call(BAD, OK, era="modern", owner="")
    assert verdict(stateless, one).problems == ()
    assert verdict(stateless, one).seen == "retry-succeeds"
    failed = verdict(stateless, call(BAD, BAD, era="modern", owner=""))
    assert failed.problems == ("1 of 1 calls failed for good (HTTP 502, then HTTP 502)",)
    assert failed.numbers.failed_after_retry == 1


def test_a_request_that_ran_twice_breaks_every_promise(knowledge):
    applying = [one for one in knowledge.promises if one.then != "does-not-apply"]
    assert len(applying) > 20
    for found in applying:
        era = found.eras[0]
        one = call(OK, era=era, owner="" if era == "modern" else "b", name="x")
        twice = verdict(found, one, also=[Execution("x.1", "c", "start", 101.0)])
        assert "1 requests were executed twice" in twice.problems, found.id
        assert twice.numbers.executed_twice == 1


def test_what_a_client_repeats_is_not_held_against_the_proxy(knowledge):
    one = call(BAD, OK, owner="", era="modern", name="x")
    again = [Execution("x.1", "a", "start", 100.0)]
    found = verdict(promise(knowledge, keeping="stateless", era="modern"), one, also=again)
    assert found.problems == ()
    assert (found.numbers.executed_twice, found.numbers.run_again) == (0, 1)


def test_an_answer_of_nobody_or_of_another_call_is_found(knowledge):
    stateless = promise(knowledge, keeping="stateless", era="modern")
    invented = judge(stateless, [call(OK, era="modern", owner="")], [], EVENT)
    assert invented.problems == ("1 answers came for requests that nobody executed, such as x.1",)
    wrong = call(OK, era="modern", owner="")
    other = replace(wrong.attempts[0], said="the answer of another call: y.1")
    mixed = verdict(stateless, replace(wrong, attempts=(other,)))
    assert any("the answer of another call: y.1" in problem for problem in mixed.problems)


def test_what_hangs_is_not_unaffected(knowledge):
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
def test_a_call_that_runs_where_the_event_strikes(knowledge, event, answers, ended, running, fine):
    found = promise(knowledge, event, "stateless", "modern")
    one = call(*answers, era="modern", owner="", at=99.5, seconds=ended - 99.5, long=True)
    began = [Execution("x.1", "a", "start", 99.5), Execution("x.2", "b", "start", 101.0)]
    judged = judge(found, [one], began, replace(EVENT, ended=False))
    assert judged.running == running
    assert (not judged.problems) == fine, judged.problems


def test_of_redis_only_503_with_retry_after_is_promised(knowledge):
    found = promise(knowledge, "redis-restarted", "redis-session-directory")
    everyone = Happened(frozenset({"a", "b"}), 100.0, 103.0, ended=False)
    assert verdict(found, call(FULL, FULL, name="1"), call(FULL, OK, name="2"), event=everyone).problems == ()
    assert verdict(found, call(GONE, OK), event=everyone).problems
    assert verdict(found, call((503, None), OK), event=everyone).problems
    assert verdict(found, call(BAD, OK), event=everyone).problems


# --- the report ---------------------------------------------------------------------------------------------------


def rows(knowledge):
    lost, kept = call(GONE, OK, name="1"), call(OK, owner="b", name="2")
    fine = verdict(promise(knowledge), lost, kept)
    broken = verdict(
        promise(knowledge, keeping="stateless", era="modern"), call(BAD, BAD, era="modern", owner=""), event=EVENT
    )
    name = "instances-replaced"  # the longest
    title = next(event.title for event in knowledge.events if event.id == name)
    made = []
    for era, keeping, judged in (("legacy", "nginx-sticky-learn", fine), ("modern", "stateless", broken)):
        found = promise(knowledge, keeping=keeping, era=era)
        seen = (found.then, judged.seen, found.running, judged.running, judged.numbers, judged.problems)
        made.append(Row(None, name, title, era, keeping, *seen, 4.2))
    return made


@pytest.mark.parametrize("width", [80, 120])
def test_text(knowledge, width):
    canvas = Canvas(Screen(width))
    chaos_text(canvas, rows(knowledge))
    path = SNAPSHOTS / f"chaos.{width}.txt"
    if UPDATE:
        path.parent.mkdir(exist_ok=True)
        path.write_text(canvas.text())
    assert canvas.text() == path.read_text()
    assert max(map(len, canvas.text().splitlines())) <= width
    for word in ("instances-replaced", "404-then-initialize", "Longest", "repeated"):
        assert word in canvas.text(), "cut off"


def test_data_is_as_the_schema_says(advisor, knowledge):
    schema = verification_schema(advisor.space)["properties"]["chaos"]
    data = json.loads(json.dumps(chaos_data(rows(knowledge))))
    jsonschema.validate(data, schema)
    assert [row["agrees"] for row in data] == [True, False]
    assert set(data[0]) == set(schema["items"]["properties"])
    assert {field.name for field in dataclasses.fields(rows(knowledge)[0].numbers)} <= set(data[0])


def test_an_event_that_does_not_exist(tmp_path):
    done = chaos("examples/exercise-1-research.yaml", "earthquake", tmp_path)
    assert done.returncode == 2
    assert "There is no event 'earthquake'; one of instance-killed" in done.stderr


# --- real kits ----------------------------------------------------------------------------------------------------

STICKY = """
version: 1
service: desk
clients: {protocol: mixed}
scale: {instances: 3, affinity: available}
environment: {platform: systemd, proxy: {kind: nginx, version: "1.31"}, hosts: [desk.example.com]}
needs: {sampling: required}
"""
STATELESS = """
version: 1
service: lookup
clients: {protocol: mixed}
scale: {instances: 3}
environment: {platform: systemd, proxy: {kind: nginx, version: "1.31"}, hosts: [lookup.example.com]}
needs: {progress: required}
"""


def chaos(target, events, folder) -> subprocess.CompletedProcess[str]:
    """`verify --chaos-only` of a kit or of a requirements file."""
    arguments = [part for event in events.split() for part in ("--event", event)]
    return subprocess.run(
        [sys.executable, "-m", "advisor", "verify", str(target), "--chaos-only", *arguments, "--format", "json"],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(folder)},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def result(done):
    assert done.stdout, done.stderr
    return json.loads(done.stdout)


@pytest.mark.programs
@pytest.mark.parametrize(
    ("requirements", "keeping", "events"),
    [
        (STICKY, "nginx-sticky-learn", "instance-killed instance-stalled proxy-reloaded"),
        (STATELESS, "stateless", "instance-killed instance-stopped"),
    ],
    ids=["sticky", "stateless"],
)
def test_a_kit_keeps_what_it_promises(advisor, tmp_path, temporary, requirements, keeping, events):
    path = tmp_path / "requirements.yaml"
    path.write_text(requirements)
    done = chaos(path, events, temporary)
    found = result(done)
    jsonschema.validate(found, verification_schema(advisor.space))
    assert done.returncode == 0, (found["chaos"], done.stderr)
    assert found["ok"]
    rows = found["chaos"]
    assert [(row["event"], row["era"]) for row in rows] == [(e, era) for e in events.split() for era in ERAS]
    assert {row["keeping"] for row in rows} == {keeping}
    for row in rows:
        assert row["calls"] > 5, row
        assert row["executed_twice"] == row["lost_elsewhere"] == row["failed_after_retry"] == 0
        assert row["running_call"]["seen"] == row["running_call"]["promised"], row
    killed = rows[0]
    assert (killed["sessions_lost"] > 0) == (keeping != "stateless")
    assert not any(temporary.iterdir()), "something was left behind"


ERAS = ("legacy", "modern")


@pytest.mark.programs
def test_a_proxy_that_repeats_requests_is_found(tmp_path, temporary):
    path = tmp_path / "requirements.yaml"
    path.write_text(STATELESS)
    command = [sys.executable, "-m", "advisor", "generate", str(path), "-o", str(tmp_path / "kit")]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=60)
    config = tmp_path / "kit" / "proxy" / "server.conf"
    text = config.read_text()
    assert "proxy_next_upstream error timeout;" in text
    config.write_text(text.replace("proxy_next_upstream error timeout;", "proxy_next_upstream error non_idempotent;"))
    done = chaos(tmp_path / "kit", "instance-killed", temporary)
    assert done.returncode == 1, done.stdout
    found = result(done)
    assert not found["ok"]
    assert sum(row["executed_twice"] for row in found["chaos"]) > 0
    assert any("executed twice" in row["detail"] for row in found["chaos"] if not row["agrees"])
