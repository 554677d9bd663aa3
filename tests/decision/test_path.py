"""Decisions about the way to the server: path, TLS, and idle connections; and what a kit does about them."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from advisor.decision.advisor import Advisor
from advisor.decision.model import Decision
from advisor.kit.context import kit_context
from advisor.kit.parts import kubernetes, proxy, server

REDIRECTS = {"redirect-loses-the-prefix", "redirect-drops-https", "slash-redirects-to-http"}
IDLE = "server-closes-idle-connections-first"
HOP = "hop-closes-idle-connections-first"


def _warned(decision: Decision) -> set[str]:
    return {warning.id for warning in decision.warnings}


def _at(kind: str, **facts: Any) -> dict[str, Any]:
    named = {f"environment.{name}": value for name, value in facts.items()}
    return {"environment.platform": "compose", "environment.proxy.kind": kind, **named}


@pytest.mark.parametrize(
    ("facts", "warned"),
    [
        (_at("cloud-run"), {"slash-redirects-to-http"}),
        (_at("nginx", tls_ends="proxy"), {"slash-redirects-to-http"}),
        (_at("nginx"), set()),
        (_at("cloud-run", tls_ends="server"), set()),
        (_at("alb", path="/mcp/"), {"redirect-drops-https"}),
        (_at("haproxy", path="/tools/mcp/"), {"redirect-loses-the-prefix"}),
        (_at("alb", path="/tools/mcp"), {"redirect-loses-the-prefix", "redirect-drops-https"}),
        (_at("none", path="/tools/mcp"), set()),
    ],
)
def test_redirects_lose_https_or_the_prefix(decide: Any, facts: dict[str, Any], warned: set[str]) -> None:
    assert _warned(decide(facts)) & REDIRECTS == warned


@pytest.mark.parametrize(
    ("kind", "idle", "keep_alive", "warned", "needed"),
    [
        ("alb", None, None, True, 75),
        ("alb", 3600, None, True, 3615),
        ("alb", 3600, 75, True, 3615),
        ("alb", 3600, 3601, False, 3615),
        ("alb", 60, 75, False, 75),
        ("gclb", None, 75, True, 615),
        ("gclb", None, 620, False, 620),
        ("cloudflare", None, 5, True, 915),
        ("cloud-run", None, None, False, 915),
        ("nginx", None, None, False, 75),  # the release is not stated
        ("traefik", None, None, True, 75),  # as the Traefik of the kit
        ("caddy", None, 121, False, 75),  # the Caddy of the kit closes idle connections after 4 s
        ("ingress-nginx", None, None, True, 75),
        ("none", None, None, False, 75),
    ],
)
def test_the_server_keeps_idle_connections_for_longer_than_the_proxy(
    decide: Any, kind: str, idle: int | None, keep_alive: int | None, warned: bool, needed: int
) -> None:
    decision = decide(
        _at(kind, server_keep_alive_s=keep_alive)
        | {"environment.proxy.idle_timeout_s": idle, "clients.protocol": "modern"}
    )
    assert (IDLE in _warned(decision)) is warned
    assert kit_context(decision).keep_alive_s == needed


@pytest.mark.parametrize(
    ("kind", "opens"), [("alb", "nginx keeps idle connections to the server"), ("traefik", ""), ("caddy", "")]
)
def test_with_tiers_the_proxy_of_the_kit_opens_the_connections(
    decide: Any, advisor: Advisor, kind: str, opens: str
) -> None:
    """A kit routes requests to its tiers with a proxy of its own, unless it can configure the last hop."""
    tools = [{"name": "ask", "needs": {"elicitation": "required"}}, {"name": "get"}]
    facts = _at(kind) | {"clients.protocol": "legacy", "scale.instances": 3, "scale.affinity": "unavailable"}
    decision = decide(facts | {"tools": tools, "environment.proxy.idle_timeout_s": 600})
    assert decision.core.pattern == "tiered"
    assert kit_context(decision).proxy == ("nginx" if kind == "alb" else kind)
    messages = {warning.id: warning.message for warning in decision.warnings}
    assert messages.get(IDLE, "").startswith(opens)
    assert (HOP in messages) is (kind == "alb")
    for tier in advisor.trace(decision):  # the rules that `--explain` shows are those of the warnings
        fired = [attempt.rule.id for attempt in tier.attempts if attempt.fired]
        assert tier.table != "warnings" or not tier.tier or (IDLE in fired) is (IDLE in messages)


def _settings(decision: Decision) -> str:
    return next(f.content for f in server.files(kit_context(decision)) if f.path == "server/runtime/settings.py")


DOCKER = "172.17.0.1"
PRIVATE = {DOCKER, "10.1.2.3", "100.64.0.9", "169.254.8.129", "fd00::7"}


@pytest.mark.parametrize(
    ("platform", "kind", "elsewhere"),
    [
        ("serverless", "cloud-run", PRIVATE),
        ("kubernetes", "nginx", PRIVATE),
        ("compose", "alb", {DOCKER}),
        ("compose", "none", set()),
        ("systemd", "nginx", set()),
    ],
    ids=lambda value: value if isinstance(value, str) else str(len(value)),
)
def test_a_kit_trusts_the_proxy_of_its_platform_and_no_client(
    decide: Any, platform: str, kind: str, elsewhere: set[str]
) -> None:
    decision = decide(_at(kind) | {"environment.platform": platform, "clients.protocol": "modern"})
    trusted = kit_context(decision).trusted_proxies
    networks = [ip_network(network) for network in trusted.split(",")]
    assert any(ip_address("127.0.0.1") in network for network in networks)
    assert {address for address in PRIVATE if any(ip_address(address) in network for network in networks)} == elsewhere
    for address in ("203.0.113.7", "8.8.8.8", "2001:db8::1", "172.32.0.1"):
        assert not any(ip_address(address) in network for network in networks)
    assert trusted in _settings(decision)


def test_a_kit_serves_every_form_of_its_path(decide: Any) -> None:
    paths = ("/mcp/", "/tools/mcp", "/tools/mcp/")
    direct = decide(_at("alb", path="/tools/mcp") | {"clients.protocol": "modern"})
    assert kit_context(direct).aliases(kit_context(direct).tiers[0]) == paths
    for kind in ("nginx", "haproxy", "envoy"):
        context = kit_context(decide(_at(kind, path="/tools/mcp")))
        config = "".join(file.content for file in proxy.files(context))
        assert "/tools/mcp/" in config
    route = kit_context(decide(_at("gateway-api", path="/tools/mcp") | {"environment.platform": "kubernetes"}))
    text = "".join(file.content for file in kubernetes.files(route) if "route" in file.path)
    assert all(f"value: {path}" in text.replace('"', "").replace("'", "") for path in paths)


def test_the_client_timeout_of_haproxy_is_harmless(decide: Any) -> None:
    facts = _at("haproxy") | {"environment.proxy.idle_timeout_s": 30, "environment.proxy.sse": True}
    assert not {
        code for code in _warned(decide(facts | {"needs.list_changed": "preferred"})) if code.startswith("idle-")
    }


@pytest.mark.parametrize(
    ("facts", "warned"),
    [
        (_at("haproxy") | {"current.stateless_http": True}, True),
        (_at("nginx") | {"current.stateless_http": True, "sdk": "fastmcp-2"}, True),
        (_at("haproxy", path="/mcp") | {"current.stateless_http": True}, False),
        (_at("haproxy"), False),
        (_at("haproxy") | {"current.stateless_http": False}, False),
        (_at("none") | {"current.stateless_http": True}, False),
        (_at("alb") | {"current.stateless_http": True}, False),  # slash-redirects-to-http names the redirect
    ],
)
def test_a_stateless_server_behind_a_proxy_names_the_redirect(decide: Any, facts: dict[str, Any], warned: bool) -> None:
    found = {
        warning.id: warning
        for warning in decide({"clients.protocol": "legacy", "scale.instances": 3, **facts}).warnings
    }
    assert ("path-is-not-stated" in found) is warned
    if warned:
        assert found["path-is-not-stated"].severity == "low"
