"""The processes and the proxy that a verification starts, and its notes about them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from advisor.decision.advisor import Advisor
from advisor.kit.context import InfeasibleError
from advisor.lab.verify.preparation import MOST_INSTANCES, Preparation, prepare
from advisor.lab.verify.strangers import untried_limits
from advisor.requirements import Requirements, load_path

EXAMPLES = Path(__file__).parents[2] / "examples"
STICKY = {
    "service": "demo",
    "clients.protocol": "mixed",
    "scale.instances": 3,
    "scale.affinity": "available",
    "environment.proxy.kind": "nginx",
    "environment.proxy.version": "1.31",
    "needs.sampling": "required",
}


@pytest.fixture
def prepared(advisor: Advisor, requirements: Callable[..., Requirements]) -> Callable[..., Preparation]:
    return lambda facts=(), *, proxy="", instances=0, **more: prepare(
        requirements({**STICKY, **dict(facts), **more}), advisor, proxy=proxy, instances=instances
    )


def test_the_decided_number_of_instances_runs_behind_the_kits_proxy(prepared: Callable[..., Preparation]) -> None:
    found = prepared()
    assert dict(found.instances) == {"main": 3}
    assert (found.front.own, found.front.program, found.other_proxy, found.notes) == (True, "nginx", False, ())
    assert found.programs == ("uv", "nginx")


def test_a_large_fleet_is_reduced_and_a_note_says_so(prepared: Callable[..., Preparation]) -> None:
    found = prepared({"scale.instances": 40})
    assert dict(found.instances) == {"main": MOST_INSTANCES}
    assert any(f"{MOST_INSTANCES} of the 40 instances run" in note for note in found.notes)
    assert dict(prepared({"scale.instances": 40}, instances=7).instances) == {"main": 7}


def test_a_fleet_with_a_minimum_of_one_instance_runs_with_two(prepared: Callable[..., Preparation]) -> None:
    found = prepared({"scale.instances": {"min": 1, "max": 9}, "needs.sampling": "none"})
    assert dict(found.instances) == {"main": 2}
    assert any("because the deployment can have several" in note for note in found.notes)


def test_another_proxy_gets_a_new_decision(prepared: Callable[..., Preparation]) -> None:
    found = prepared(proxy="envoy")
    assert (found.kit.proxy, found.kit.tiers[0].mechanism) == ("envoy", "envoy-session-envelope")
    assert found.other_proxy
    assert any("a new decision for the proxy envoy" in note for note in found.notes)
    assert not prepared(proxy="nginx").other_proxy


def test_two_proxies_run_where_the_requirements_name_several(prepared: Callable[..., Preparation]) -> None:
    two = prepared({"environment.proxy.replicas": 2})
    assert (two.front.many, two.kit.tiers[0].mechanism, two.notes) == (2, "nginx-session-envelope", ())
    three = prepared({"environment.proxy.replicas": 3})
    assert (three.front.many, three.notes) == (2, ("2 of the 3 proxies run.",))
    straight = prepared({"environment.proxy.replicas": 3}, proxy="none")
    assert not any("proxies run" in note for note in straight.notes)


@pytest.mark.parametrize(
    ("facts", "mechanism"),
    [
        ({"environment.proxy.replicas": 2, "clients.keep_cookies": True}, "nginx-sticky-cookie"),
        ({"environment.proxy.kind": "alb", "clients.keep_cookies": True}, "platform-cookie"),
    ],
)
def test_a_note_describes_the_modern_clients_behind_client_based_affinity(
    prepared: Callable[..., Preparation], facts: dict[str, Any], mechanism: str
) -> None:
    version = {} if "environment.proxy.replicas" in facts else {"environment.proxy.version": None}
    found = prepared({**facts, **version})
    assert found.kit.tiers[0].mechanism == mechanism
    assert any("sent no cookies" in note for note in found.notes)
    legacy = prepared({**facts, **version, "sdk": "mcp-1"})
    assert not any("sent no cookies" in note for note in legacy.notes)
    assert not any("sent no cookies" in note for note in prepared().notes)


def test_without_a_proxy_every_client_uses_one_process(prepared: Callable[..., Preparation]) -> None:
    found = prepared(proxy="none")
    assert (found.front.program, found.programs) == (None, ("uv",))
    outcomes = {cell.feature: cell.predicted for cell in found.cells if cell.era == "modern"}
    assert outcomes["subscriptions"] == outcomes["session_state"] == "works"
    assert any("one process only" in note for note in found.notes)


def test_the_lab_adds_what_the_kit_lacks_for_the_remaining_features(prepared: Callable[..., Preparation]) -> None:
    lean = prepared({"needs.sampling": "none"}).extras
    assert (lean.key, lean.redis, lean.bus, lean.events) == (True, False, False, True)
    assert not prepared().extras.key, "the kit has keys of its own, and they are what is checked"
    shared = prepared({"operations.shared_store": "redis"})
    assert (shared.extras.redis, shared.extras.bus) == (True, True)
    assert "redis-server" in shared.programs


def test_a_single_instance_stays_single(advisor: Advisor) -> None:
    path = EXAMPLES / "pattern-1-single-instance.yaml"
    found = prepare(load_path(path, advisor.space), advisor, instances=4)
    assert dict(found.instances) == {"main": 1}
    assert any("the decision has one instance" in note for note in found.notes)


def test_a_contradiction_is_refused(advisor: Advisor) -> None:
    path = EXAMPLES / "sampling-on-a-stateless-fleet.yaml"
    with pytest.raises(InfeasibleError):
        prepare(load_path(path, advisor.space), advisor)


def test_a_buffering_proxy_stands_in_for_a_proxy_that_buffers_streams(prepared: Callable[..., Preparation]) -> None:
    found = prepared({"environment.proxy.sse": False, "needs.sampling": "none"})
    assert found.front.holds
    assert "buffers streams" in found.front.label("nginx 1.31.3")
    assert not prepared({"environment.proxy.sse": False, "needs.sampling": "none"}, proxy="none").front.holds


@pytest.mark.parametrize(
    ("stated", "proxy", "said"),
    [
        ({}, "", ""),
        ({"scale.instances": 40}, "", "sends at most 60,000"),
        ({"environment.proxy.kind": "caddy", "environment.proxy.version": None}, "", "caddy has no such limit"),
        ({}, "none", "does not use the proxy of the kit"),
        ({"needs.sampling": "none"}, "", ""),
    ],
    ids=["tried", "too many requests", "no limit", "no proxy", "no sessions"],
)
def test_a_session_limit_that_is_not_tried_has_a_note(
    prepared: Callable[..., Preparation], stated: dict[str, Any], proxy: str, said: str
) -> None:
    found = prepared(stated, proxy=proxy)
    (note,) = untried_limits(found.kit, found.front) or [""]
    assert said in note
    assert bool(said) == bool(note)
