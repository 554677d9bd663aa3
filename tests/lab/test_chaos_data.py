"""The expected behaviours of rules/failures.yaml are complete, do not contradict each other, and agree with the kit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from chaos_calls import promise

from advisor.decision.advisor import Advisor
from advisor.decision.checks.failures import failures
from advisor.decision.model import Decision
from advisor.kit.context import kit_context
from advisor.kit.expected_failures import expected_failures
from advisor.kit.model import KitContext
from advisor.kit.render import render_kit
from advisor.knowledge import Knowledge
from advisor.knowledge.types import Era
from advisor.lab.chaos.events import INJECTIONS
from advisor.lab.chaos.state_handles import LAB_TOOL, StateHandles, state_handles_of
from advisor.lab.fleet.plan import Extras
from advisor.requirements import load_path


def test_every_case_has_an_expected_behaviour_and_every_behaviour_has_a_case(knowledge: Knowledge) -> None:
    assert failures(knowledge) == []
    assert [event.id for event in knowledge.events] == [*INJECTIONS], "what the lab can do is what the file names"


@pytest.mark.parametrize("event", INJECTIONS)
def test_an_event_without_expected_behaviour_is_a_fault(knowledge: Knowledge, event: str) -> None:
    without = [promise for promise in knowledge.promises if promise.event != event]
    faults = failures(replace(knowledge, promises=without))
    assert [(fault.id, fault.key) for fault in faults] == [("gap", event)]


@pytest.mark.parametrize(
    ("change", "kind_", "message"),
    [
        ({"event": "earthquake"}, "dead", "the event 'earthquake' does not exist"),
        ({"sources": []}, "source", "no source is given"),
        ({"sources": ["hearsay"]}, "source", "the source 'hearsay' does not exist"),
        ({"clients": "Waits {seconds}."}, "data", "the text contains a placeholder other than {idle}"),
        ({"felt": ["waits"]}, "data", "clients cannot notice 'waits' if calls see 'unaffected'"),
        ({"lost_at_most": 0.0}, "data", "lost_at_most: 0 is not a share above 0 and up to 1"),
    ],
)
def test_a_wrong_expected_behaviour_is_a_fault(
    knowledge: Knowledge, change: dict[str, Any], kind_: str, message: str
) -> None:
    wrong = replace(knowledge.promises[-1], **change)
    faults = failures(replace(knowledge, promises=[*knowledge.promises[:-1], wrong]))
    assert (kind_, wrong.id, message) in [(fault.id, fault.key, fault.message) for fault in faults]


def test_an_expected_behaviour_that_never_applies_is_a_fault(knowledge: Knowledge) -> None:
    twin = replace(knowledge.promises[0], id="twin")
    faults = failures(replace(knowledge, promises=[*knowledge.promises, twin]))
    assert [(fault.id, fault.key) for fault in faults] == [("shadowed", "twin")]


def test_the_behaviour_of_state_handles_is_described_in_words(knowledge: Knowledge) -> None:
    phrases = {key: text for key, text in knowledge.phrases.items() if key != "handles.kept"}
    faults = failures(replace(knowledge, phrases=phrases))
    assert [(fault.id, fault.key) for fault in faults] == [("gap", "handles.kept")]


# Clients must notice these effects. Without the effect, the event did not happen. The list is repeated here on purpose.
UNMISTAKABLE = {
    ("instance-killed", "single-instance", "legacy"): {"fails", "lost"},
    ("instance-killed", "single-instance", "modern"): {"fails"},
    ("instance-killed", "stateless-single", "legacy"): {"fails"},
    ("instance-killed", "haproxy-stick-table", "legacy"): {"lost"},
    ("instance-vanished", "nginx-sticky-learn", "legacy"): {"lost"},
    ("instance-vanished", "stateless", "modern"): set(),
    ("instance-stopped", "single-instance", "legacy"): {"fails", "lost"},
    ("instance-stopped", "stateless-single", "modern"): {"fails"},
    ("instance-stopped", "redis-session-directory", "legacy"): {"lost"},
    ("instance-stalled", "single-instance", "legacy"): {"waits"},
    ("instance-stalled", "envoy-session-envelope", "legacy"): {"waits"},
    ("instances-replaced", "nginx-sticky-cookie", "legacy"): {"lost"},
    ("proxy-killed", "nginx-sticky-learn", "legacy"): {"fails", "lost"},
    ("proxy-killed", "nginx-sticky-learn", "modern"): {"fails"},
    ("proxy-killed", "haproxy-session-envelope", "legacy"): {"fails"},
    ("proxy-killed", "stateless", "modern"): {"fails"},
    ("redis-restarted", "redis-session-directory", "legacy"): {"fails"},
    ("redis-stalled", "redis-session-directory", "legacy"): {"fails"},
    ("instance-killed", "stateless", "modern"): set(),
    ("redis-restarted", "stateless", "modern"): set(),
}


@pytest.mark.parametrize("case", UNMISTAKABLE, ids=" ".join)
def test_every_effect_that_must_be_noticed_is_declared(knowledge: Knowledge, case: tuple[str, str, Era]) -> None:
    event, keeping, era = case
    assert set(promise(knowledge, event, keeping, era).felt) == UNMISTAKABLE[case]


# --- state handles ------------------------------------------------------------------------------------------------

REDIS = """
version: 1
service: cart
clients: {{protocol: mixed}}
scale: {{instances: 3, affinity: available}}
environment: {{platform: systemd, proxy: {{kind: nginx, version: "1.31"}}, hosts: [cart.example.com]}}
tools: [{{name: keep, needs: {needs}}}, {{name: other}}]
operations: {{shared_store: {store}}}
"""


def kit(
    advisor: Advisor, tmp_path: Path, needs: str = "{session_state: required}", store: str = "redis"
) -> tuple[KitContext, Decision]:
    path = tmp_path / "requirements.yaml"
    path.write_text(REDIS.format(needs=needs, store=store))
    decision = advisor.decide(load_path(path, advisor.space))
    return kit_context(decision), decision


def test_state_handles_have_expected_behaviour_if_the_kit_has_a_shared_store(
    advisor: Advisor, knowledge: Knowledge, tmp_path: Path
) -> None:
    context, _ = kit(advisor, tmp_path)
    rows = expected_failures(context)
    found = {row.event.id: (row.handles, row.clients) for row in rows}
    assert found["redis-restarted"][0] == "fails-then-gone"
    assert found["redis-stalled"][0] == "fails-then-kept"
    assert {value for event, (value, _) in found.items() if not event.startswith("redis")} == {"kept"}
    for value, clients in found.values():
        assert clients.endswith(knowledge.phrases[f"handles.{value}"])


def test_state_handles_have_no_expected_behaviour_without_a_store(
    advisor: Advisor, knowledge: Knowledge, tmp_path: Path
) -> None:
    context, _ = kit(advisor, tmp_path, "{session_state: preferred}", store="none")
    rows = expected_failures(context)
    assert {row.handles for row in rows} == {None}
    assert not any("handle" in row.clients for row in rows)


def test_the_check_uses_the_kits_own_tool_for_state_handles(advisor: Advisor, tmp_path: Path) -> None:
    context, decision = kit(advisor, tmp_path)
    shelf = state_handles_of(context, context.tiers[0], Extras(redis=True))
    assert shelf == StateHandles("keep")
    files = {file.path: file.content for file in render_kit(decision, "")}
    server = files["server/tools.py"]
    words = "This state handle is unknown or has expired. Call the tool again without `handle`."
    assert f'"{words}"' in server
    assert shelf.found(words, is_error=True) == "gone"
    assert 'f"handle: {handle}"' in server
    assert shelf.given("hello\nhandle: abc_-1\nremembered: 0") == "abc_-1"
    assert 'f"remembered: {len(remembered)}"' in server
    assert shelf.found("hello\nhandle: abc\nremembered: 2", is_error=False) == "found"
    assert shelf.found("hello\nhandle: abc\nremembered: 0", is_error=False) == "refused"
    assert shelf.found("The shared store of this server is not reachable", is_error=True) == "refused"


@pytest.mark.parametrize(
    ("needs", "extras", "expected"),
    [
        ("{session_state: required, sampling: required}", Extras(redis=True), StateHandles(LAB_TOOL)),
        ("{progress: required}", Extras(redis=True), StateHandles(LAB_TOOL)),
        ("{progress: required}", Extras(), None),
    ],
    ids=["a tool that asks the client", "no tool", "no store"],
)
def test_without_a_tool_of_the_kit_the_check_uses_the_tool_of_the_lab(
    advisor: Advisor, tmp_path: Path, needs: str, extras: Extras, expected: StateHandles | None
) -> None:
    context, _ = kit(advisor, tmp_path, needs)
    assert state_handles_of(context, context.tiers[0], extras) == expected


def test_the_tool_of_the_lab_stores_and_finds_state() -> None:
    shelf = StateHandles(LAB_TOOL)
    assert shelf.given("0af3") == "0af3"
    assert shelf.given("Error executing tool") == ""
    assert [shelf.found(said, is_error=False) for said in ("kept", "nothing", "what")] == ["found", "gone", "refused"]
    assert shelf.found("nothing", is_error=True) == "refused"
