"""Decisions about a path of several hops: which hop limits, who selects an instance, and what MCP gateways do."""

from __future__ import annotations

import re
from itertools import pairwise, product
from typing import Any

import pytest

from advisor.decision.advisor import Advisor
from advisor.decision.model import Decision
from advisor.kit.context import kit_context
from advisor.requirements.edits import edits

FLEET = {"scale.instances": 3, "clients.protocol": "legacy", "needs.elicitation": "required"}
GATEWAYS = ("agentgateway", "agent-router", "contextforge", "microsoft-mcp-gateway", "toolhive")
GATEWAY_RULES = {
    "gateway-refuses-legacy-clients",
    "gateway-opens-a-session-for-each-request",
    "gateway-replicas-have-separate-sessions",
    "session-affinity-ends-at-a-hop",
    "affinity-cookie-ends-at-a-hop",
}


def _path(*hops: Any) -> dict[str, Any]:
    return {"environment.hops": [{"kind": hop} if isinstance(hop, str) else hop for hop in hops]}


def _warnings(decision: Decision) -> dict[str, str]:
    return {warning.id: f"{warning.message} {warning.fix.text}" for warning in decision.warnings}


def test_a_warning_names_the_hop_that_limits(decide: Any) -> None:
    path = _path("cloudflare", {"kind": "alb", "idle_timeout_s": 12}, {"kind": "haproxy", "sse": True})
    warned = _warnings(decide(FLEET | path | {"workload.longest_call_s": 40}))
    assert "12 s" in warned["idle-timeout-below-ping"]
    assert "Settings of AWS Application Load Balancer" in warned["idle-timeout-below-ping"]
    total = _warnings(decide(FLEET | _path("api-gateway", "haproxy") | {"workload.longest_call_s": 40}))
    assert "Amazon API Gateway" in total["call-outlives-total-timeout"]


def test_a_warning_names_the_hops_whose_timeouts_are_not_known(decide: Any) -> None:
    path = _path("gateway-api", "haproxy", "gclb")
    (text,) = [
        text
        for rule, text in _warnings(decide(FLEET | path | {"workload.longest_call_s": 40})).items()
        if "does not know" in text
    ]
    assert "for Kubernetes Gateway API, " in text
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
        (["microsoft-mcp-gateway", "haproxy"], {"gateway-refuses-legacy-clients"}),
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


@pytest.mark.parametrize(
    "need", ["sampling", "elicitation", "roots", "progress", "logging", "subscriptions", "list_changed"]
)
def test_a_gateway_that_passes_only_results_is_named_for_each_message_of_the_server(decide: Any, need: str) -> None:
    """vMCP of ToolHive passes no request and no notification of a server."""
    rule = "gateway-drops-messages-of-the-server"
    stated = {"clients.protocol": "mixed", "scale.instances": 3} | _path("alb", "toolhive")
    assert "VirtualMCPServer" in _warnings(decide(stated | {f"needs.{need}": "preferred"}))[rule]
    assert rule not in _warnings(decide(stated))
    assert rule not in _warnings(decide(FLEET | _path("alb", "agentgateway")))


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


@pytest.mark.parametrize(
    ("path", "warned"),
    [
        ({"environment.proxy.kind": "cloud-run"}, False),
        ({"environment.proxy.kind": "alb"}, True),
        ({"environment.hops": [{"kind": "cloudflare", "sse": True}, {"kind": "caddy"}]}, False),
        ({"environment.hops": [{"kind": "cloudflare"}, {"kind": "caddy"}]}, True),
        ({"environment.proxy.kind": "traefik", "transport": "sse"}, False),
    ],
)
def test_a_proxy_that_is_known_to_pass_streams_needs_no_check(decide: Any, path: dict[str, Any], warned: bool) -> None:
    needs = {"needs.progress": "required", "clients.protocol": "legacy"}
    found = {warning.id for warning in decide({**needs, **path}).warnings}
    assert bool(found & {"sse-not-confirmed", "old-transport-streams-not-confirmed"}) is warned


REFUSED = [
    ("legacy", {"environment.proxy.kind": "microsoft-mcp-gateway"}, {}),
    ("legacy", _path("cloudflare", "microsoft-mcp-gateway", "nginx"), {}),
    ("legacy", _path("alb", "microsoft-mcp-gateway"), {"scale.instances": 3, "needs.progress": "required"}),
    ("modern", {"environment.proxy.kind": "contextforge"}, {}),
    ("modern", _path("contextforge", "haproxy"), {"scale.instances": 3}),
    ("mixed", _path("contextforge", "microsoft-mcp-gateway"), {}),
    ("mixed", {"environment.proxy.kind": "microsoft-mcp-gateway"}, {"sdk": "mcp-1"}),
    ("unknown", _path("microsoft-mcp-gateway", "nginx"), {"sdk": "other", "language": "java"}),
]


@pytest.mark.parametrize(("protocol", "path", "facts"), REFUSED)
def test_a_gateway_that_refuses_every_client_is_a_contradiction(
    decide: Any, protocol: str, path: dict[str, Any], facts: dict[str, Any]
) -> None:
    decision = decide({"clients.protocol": protocol} | path | facts)
    assert decision.core.pattern == "contradiction"
    assert {"gateway-refuses-legacy-clients", "gateway-refuses-modern-clients"} & set(_warnings(decision))
    assert decision.alternatives
    for way in decision.alternatives:
        edited_path = {} if "environment.hops" in way.change or "environment.hops" not in path else path
        again = decide({"clients.protocol": protocol} | edited_path | facts | way.change) if edited_path == {} else None
        assert again is None or again.core == way.core


def test_the_remedies_of_a_refusing_gateway(decide: Any) -> None:
    legacy = {"clients.protocol": "legacy"}
    path = _path("cloudflare", "microsoft-mcp-gateway", {"kind": "nginx", "version": "1.31"})
    decision = decide(legacy | path)
    facts = decision.knowledge.facts
    ways = {str(edits(decision.requirements, way.change, facts)): way for way in decision.alternatives}
    assert "{'environment.hops[1]': None}" in ways
    assert "{'clients.protocol': 'modern'}" in ways
    assert ways["{'environment.hops[1]': None}"].how.startswith("Remove the gateway")
    kinds = {way.change.get("environment.proxy.kind") for way in decide(legacy | MSGW).alternatives}
    assert {"agentgateway", "toolhive", "none"} <= kinds
    assert "mixed" not in {way.change.get("clients.protocol") for way in decide(legacy | MSGW).alternatives}


MSGW = {"environment.proxy.kind": "microsoft-mcp-gateway"}


def test_a_gateway_that_refuses_some_clients_is_a_high_warning(decide: Any) -> None:
    for protocol in ("mixed", "unknown"):
        for kind, rule, refused in (
            ("microsoft-mcp-gateway", "gateway-refuses-legacy-clients", "Legacy clients (2025-11-25 and older)"),
            ("contextforge", "gateway-refuses-modern-clients", "A client that speaks only 2026-07-28 cannot connect"),
        ):
            decision = decide({"clients.protocol": protocol, "environment.proxy.kind": kind})
            (warning,) = [warning for warning in decision.warnings if warning.id == rule]
            assert decision.feasible
            assert (warning.severity, refused in warning.message) == ("high", True)


def test_clients_that_fall_back_are_legacy_clients_of_a_legacy_path(decide: Any) -> None:
    """Claude Code tries 2026-07-28 first, and connects to a legacy server or gateway with the handshake."""
    for facts in ({"sdk": "mcp-1"}, {"environment.proxy.kind": "contextforge"}):
        decision = decide({"clients.apps": ["claude-code"]} | facts)
        assert decision.feasible
        assert (decision.facts["era.legacy"], decision.facts["era.modern"]) == ("named", "falls-back")
        assert "gateway-refuses-modern-clients" not in _warnings(decision)
    both = decide({"clients.apps": ["claude-code"], "sdk": "mcp-1"} | MSGW)
    assert both.core.pattern == "contradiction"


def test_the_feature_table_says_that_refused_clients_cannot_connect(decide: Any) -> None:
    decision = decide({"clients.protocol": "mixed"} | MSGW)
    assert {row.legacy.words for row in decision.features} == {"cannot connect"}
    assert not any(row.legacy.named for row in decision.features)


def test_a_gateway_that_expects_a_session_id_is_warned_of(decide: Any) -> None:
    legacy = {"clients.protocol": "legacy", "scale.instances": 3}
    assert "gateway-needs-a-session-id" in _warnings(decide(legacy | _path("alb", "toolhive")))
    assert "gateway-needs-a-session-id" not in _warnings(decide(legacy | _path("alb", "agentgateway")))
    assert "gateway-needs-a-session-id" not in _warnings(decide(FLEET | _path("alb", "toolhive")))


COOKIES = FLEET | {"clients.keep_cookies": True}


@pytest.mark.parametrize("outer", ["cloudfront", "api-gateway"])
def test_the_fix_for_a_cookie_behind_another_hop_can_be_done_there(decide: Any, outer: str) -> None:
    """ALB cannot follow the session ID, so the hop in front of it must pass the cookie of ALB."""
    decision = decide(COOKIES | _path(outer, "alb"))
    assert decision.core.mechanism == "platform-cookie"
    warned = _warnings(decision)
    assert set(warned) & GATEWAY_RULES == {"affinity-cookie-ends-at-a-hop"}
    assert "stickiness.enabled" in warned["platform-affinity-is-a-setting"]
    assert "cookie arrives at AWS Application Load Balancer" in warned["affinity-cookie-ends-at-a-hop"]
    assert "{" not in warned["affinity-cookie-ends-at-a-hop"]


def test_every_hop_with_connections_of_its_own_says_how_it_passes_cookies(advisor: Advisor) -> None:
    for proxy in advisor.knowledge.proxies.values():
        assert bool(proxy.passes_setting) == (proxy.connections == "own" and not proxy.mcp_sessions), proxy.id
        assert bool(proxy.streaming_setting) == proxy.buffers, proxy.id
        assert bool(proxy.keep_alive_setting) == bool(proxy.keep_alive or proxy.keep_alive_s), proxy.id


ALB = {"kind": "alb", "idle_timeout_s": 3600}


@pytest.mark.parametrize(
    ("hops", "server", "hop"),
    [
        ([ALB], "AWS Application Load Balancer keeps idle connections to the server for 3,600 s", ""),
        ([ALB, "aws-nlb"], "AWS Application Load Balancer keeps idle connections to the server for 3,600 s", ""),
        ([ALB, "nginx"], "", "to nginx for 3,600 s"),
        ([ALB, {"kind": "nginx", "keep_alive_s": 3620}], "", ""),
        ([ALB, "aws-nlb", "nginx"], "", "to nginx for 3,600 s"),
        (["cloudflare", ALB, "envoy"], "Envoy keeps idle connections", ""),
        (["cloudflare", "alb"], "AWS Application Load Balancer keeps idle connections", "Cloudflare keeps idle"),
        (["cloudfront", "apache"], "", ""),
        (["gclb", "traefik"], "Traefik keeps idle connections to the server for 90 s", "to Traefik for 600 s"),
        (["caddy"], "Caddy keeps idle connections to the server for 120 s", ""),
        (["caddy", "nginx"], "", "to nginx for 120 s"),
        ([{"kind": "nginx", "version": "1.29.6"}], "", ""),
        ([{"kind": "nginx", "version": "1.29.7"}], "nginx keeps idle connections to the server for 60 s", ""),
        ([{"kind": "nginx", "version": "1.31"}, "apache"], "", "to Apache HTTP Server for 60 s"),
        (["istio"], "Istio keeps idle connections to the server for 3,600 s", ""),
        (["aws-nlb"], "", ""),
    ],
)
def test_the_hop_that_opens_a_connection_closes_it_first(decide: Any, hops: list[Any], server: str, hop: str) -> None:
    """A proxy that opens connections to the next hop must close idle connections before the next hop does."""
    warned = _warnings(decide({"clients.protocol": "legacy"} | _path(*hops)))
    first, between = (warned.get(f"{side}-closes-idle-connections-first", "") for side in ("server", "hop"))
    assert (bool(first), bool(between)) == (bool(server), bool(hop))
    assert server in first
    assert hop in between
    assert "{" not in first + between
    assert "?" not in first + between


@pytest.mark.parametrize(
    ("language", "kind", "kept"),
    [
        ("typescript", "traefik", "5 s"),
        ("csharp", "caddy", ""),  # 130 s is longer than 120 s
        ("csharp", "cloudflare", "130 s"),
        ("java", "alb", "20 s"),
        ("kotlin", "alb", "45 s"),
        ("go", "gclb", ""),  # no limit
        ("rust", "gclb", ""),  # not known
        ("unknown", "gclb", ""),
    ],
)
def test_the_http_server_of_another_language_closes_connections_too(
    decide: Any, advisor: Advisor, language: str, kind: str, kept: str
) -> None:
    facts = {"sdk": "other", "language": language, "environment.proxy.kind": kind}
    warned = _warnings(decide(facts))
    text = warned.get("other-server-closes-idle-connections-first", "")
    assert bool(text) is bool(kept)
    assert f"after {kept}" in text or not kept
    assert advisor.knowledge.languages[language].keep_alive_setting in text or not kept
    assert "uvicorn" not in text
    assert "server-closes-idle-connections-first" not in warned
    assert "other-server-closes-idle-connections-first" not in _warnings(
        decide(facts | {"environment.server_keep_alive_s": 4000})
    )


@pytest.mark.parametrize(
    ("facts", "setting"),
    [
        ({"environment.proxy.kind": "api-gateway"}, "responseTransferMode: STREAM"),
        ({"environment.proxy.kind": "lambda-url"}, "RESPONSE_STREAM"),
        (_path({"kind": "api-gateway"}, {"kind": "haproxy", "sse": True}), "responseTransferMode: STREAM"),
        ({"environment.function_adapter": "web", "environment.proxy.kind": "other"}, "AWS_LWA_INVOKE_MODE"),
    ],
)
def test_a_feature_on_a_stream_works_only_if_streaming_is_on(decide: Any, facts: dict[str, Any], setting: str) -> None:
    needs = {"clients.protocol": "mixed", "needs.progress": "required", "needs.logging": "required"}
    serverless = {"environment.platform": "serverless"} if "environment.function_adapter" in facts else {}
    decision = decide(needs | serverless | facts)
    rows = {row.feature: row for row in decision.features}
    for cell in (rows["progress"].legacy, rows["progress"].modern, rows["logging"].legacy):
        assert cell.words == "works if response streaming is on"
        assert setting in cell.how
    both = "works if the client asks for a log level and response streaming is on"
    assert rows["logging"].modern.words == both
    assert rows["plain"].legacy.words == "works"


def test_a_hop_that_passes_streams_needs_no_condition(decide: Any) -> None:
    needs = {"clients.protocol": "legacy", "needs.progress": "required"}
    passing = decide(needs | {"environment.proxy.kind": "api-gateway", "environment.proxy.sse": True})
    assert {row.legacy.words for row in passing.features if row.feature == "progress"} == {"works"}
    blocked = decide(needs | {"environment.proxy.kind": "api-gateway", "environment.proxy.sse": False})
    assert not blocked.feasible


OUTER: tuple[Any, ...] = ((), ("cloudflare",), ("cloudfront",), ({"kind": "alb", "idle_timeout_s": 3600},))
LAST = (
    "alb",
    "aws-nlb",
    "gclb",
    "gateway-api",
    "traefik",
    "haproxy",
    "envoy",
    "istio",
    "caddy",
    {"kind": "nginx", "version": "1.31"},
)
NAMED = re.compile(r"^(.+) keeps idle connections to (the server|.+?) for ")


@pytest.mark.parametrize("last", LAST, ids=str)
def test_a_warning_about_a_connection_names_the_hops_of_this_connection(
    decide: Any, advisor: Advisor, last: Any
) -> None:
    """The kit says which proxy is next to the server. A proxy that the decision adds stands behind the last hop."""
    proxies = advisor.knowledge.proxies
    found = set()
    for outer, affinity in product(OUTER, ("available", "unknown")):
        path = _path(*outer, last)
        decision = decide(FLEET | path | {"scale.affinity": affinity, "clients.keep_cookies": False})
        kinds = [hop if isinstance(hop, str) else hop["kind"] for hop in (*outer, last)]
        if not decision.feasible:
            continue
        kit = kit_context(decision).proxy
        added = kit if kit and kit != kinds[-1] and decision.core.mechanism != "envoy-session-envelope" else ""
        kinds += [added] if added else []
        http = [proxies[kind].name for kind in kinds if proxies[kind].layer == "http"]
        pairs = {*pairwise(http), (http[-1], "the server")}
        for rule, text in _warnings(decision).items():
            named = NAMED.match(text)
            if named:
                found.add(rule)
                assert (named[1], named[2]) in pairs, (path, rule, text)
            if rule == "session-affinity-ends-at-a-hop":
                assert f"in {http[-1]}, the last hop" in text, (path, text)
    assert found or last in ("gateway-api", "haproxy"), last  # no time is known for these two
