"""Decisions about a path of several hops: which hop limits, who selects an instance, and what MCP gateways do."""

from __future__ import annotations

from typing import Any

import pytest

from advisor.decision.advisor import Advisor
from advisor.decision.model import Decision
from advisor.kit.context import kit_context

FLEET = {"scale.instances": 3, "clients.protocol": "legacy", "needs.elicitation": "required"}
GATEWAYS = ("agentgateway", "agent-router", "contextforge", "microsoft-mcp-gateway", "toolhive")
GATEWAY_RULES = {
    "gateway-refuses-legacy-clients",
    "gateway-opens-a-session-for-each-request",
    "gateway-replicas-have-separate-sessions",
    "session-affinity-ends-at-a-hop",
}


def _path(*hops: Any) -> dict[str, Any]:
    return {"environment.hops": [{"kind": hop} if isinstance(hop, str) else hop for hop in hops]}


def _warnings(decision: Decision) -> dict[str, str]:
    return {warning.id: f"{warning.message} {warning.fix.text}" for warning in decision.warnings}


def test_a_warning_names_the_hop_that_limits(decide: Any) -> None:
    path = _path("cloudflare", {"kind": "alb", "idle_timeout_s": 12}, {"kind": "haproxy", "sse": True})
    warned = _warnings(decide(FLEET | path | {"workload.longest_call_s": 40}))
    assert "12 s" in warned["idle-timeout-below-ping"]
    assert "For AWS Application Load Balancer, the setting is" in warned["idle-timeout-below-ping"]
    total = _warnings(decide(FLEET | _path("api-gateway", "haproxy") | {"workload.longest_call_s": 40}))
    assert "Amazon API Gateway" in total["call-outlives-total-timeout"]


def test_a_warning_names_the_hops_whose_timeouts_are_not_known(decide: Any) -> None:
    path = _path("traefik", "haproxy", "gclb")
    (text,) = [
        text
        for rule, text in _warnings(decide(FLEET | path | {"workload.longest_call_s": 40})).items()
        if "does not know" in text
    ]
    assert "for Traefik, " in text
    assert "HAProxy" not in text


def test_affinity_by_address_is_not_used_behind_another_hop(decide: Any) -> None:
    stable = FLEET | {"clients.addresses": "stable"}
    nginx = {"kind": "nginx", "version": "1.28"}
    decision = decide(stable | _path("alb", nginx))
    assert decision.facts["clients.addresses"] == "shared"
    assert decision.core.mechanism == "nginx-session-envelope"


def test_the_last_hop_selects_the_instance(decide: Any) -> None:
    assert decide(FLEET | _path("nginx", "haproxy")).core.mechanism == "haproxy-stick-table"
    assert not decide(FLEET | _path("haproxy", "api-gateway")).core.feasible
    replicas = _path("alb", {"kind": "haproxy", "replicas": 2})
    assert decide(FLEET | replicas).core.mechanism == "haproxy-session-envelope"


@pytest.mark.parametrize(
    ("hops", "warned"),
    [
        (["api-gateway", "haproxy"], {"session-affinity-ends-at-a-hop"}),
        (["alb", "haproxy"], set()),
        (["haproxy", "agentgateway"], set()),
        (["agentgateway", "haproxy"], {"session-affinity-ends-at-a-hop"}),
        (["contextforge", "haproxy"], {"session-affinity-ends-at-a-hop", "gateway-opens-a-session-for-each-request"}),
        (["alb", {"kind": "toolhive", "replicas": 2}], {"gateway-replicas-have-separate-sessions"}),
        (["alb", "toolhive"], set()),
        (["microsoft-mcp-gateway", "haproxy"], {"gateway-refuses-legacy-clients", "session-affinity-ends-at-a-hop"}),
    ],
)
def test_hops_that_spoil_sessions_are_named(decide: Any, hops: list[Any], warned: set[str]) -> None:
    texts = _warnings(decide(FLEET | _path(*hops)))
    assert set(texts) & GATEWAY_RULES == warned
    assert not any("{" in text or "?" in text for rule, text in texts.items() if rule in GATEWAY_RULES)


@pytest.mark.parametrize(
    ("hops", "named"),
    [
        (["api-gateway", "haproxy"], "API Gateway"),
        ([{"kind": "api-gateway", "sse": True}, {"kind": "haproxy", "sse": True}], ""),
        ([{"kind": "api-gateway", "sse": True}, "lambda-url"], "Lambda"),
        (["alb", "haproxy"], ""),
    ],
)
def test_any_hop_that_buffers_by_default_is_named(decide: Any, hops: list[Any], named: str) -> None:
    warned = _warnings(decide({"clients.protocol": "legacy"} | _path(*hops)))
    assert ("functions-buffer-streams" in warned) is bool(named)
    assert named in warned.get("functions-buffer-streams", "")


def test_every_gateway_says_what_it_does_with_sessions(advisor: Advisor) -> None:
    for kind in GATEWAYS:
        proxy = advisor.knowledge.proxies[kind]
        assert proxy.mcp_sessions
        assert proxy.sessions_setting
        assert proxy.connections == "own"


def test_a_gateway_that_follows_the_session_is_a_remedy(decide: Any) -> None:
    """A load balancer without affinity: the possible fixes name the gateways that follow the session ID."""
    decision = decide(FLEET | {"environment.proxy.kind": "aws-nlb"})
    ways = {way.change.get("environment.proxy.kind") for way in decision.alternatives}
    assert {"agentgateway", "toolhive"} <= ways
    assert not {"contextforge", "agent-router", "microsoft-mcp-gateway"} & ways


def test_a_kit_behind_another_hop_knows_this_hop(decide: Any) -> None:
    path = _path({"kind": "alb", "idle_timeout_s": 3600}, {"kind": "nginx", "version": "1.31"})
    kit = kit_context(decide(FLEET | path))
    assert (kit.proxy, kit.outer_proxy) == ("nginx", "alb")
    assert (kit.keep_alive_s, kit.front_keep_alive_s) == (75, 3615)
