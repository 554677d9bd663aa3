"""Decisions about the way to the server: path, TLS, and idle connections; and what a kit does about them."""

from __future__ import annotations

from typing import Any

import pytest

from advisor.decision.model import Decision
from advisor.kit.context import kit_context
from advisor.kit.parts import kubernetes, proxy, server

REDIRECTS = {"redirect-loses-the-prefix", "redirect-drops-https", "slash-redirects-to-http"}
IDLE = "server-closes-idle-connections-first"


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
        ("nginx", None, None, False, 75),
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


def _settings(decision: Decision) -> str:
    return next(f.content for f in server.files(kit_context(decision)) if f.path == "server/settings.py")


@pytest.mark.parametrize(
    ("platform", "kind", "trusted"),
    [
        ("serverless", "cloud-run", "*"),
        ("kubernetes", "nginx", "*"),
        ("compose", "alb", "*"),
        ("compose", "none", "127.0.0.1"),
        ("systemd", "nginx", "127.0.0.1"),
    ],
)
def test_a_kit_trusts_the_proxy_of_its_platform(decide: Any, platform: str, kind: str, trusted: str) -> None:
    text = _settings(decide(_at(kind) | {"environment.platform": platform, "clients.protocol": "modern"}))
    assert f'env.text("FORWARDED_ALLOW_IPS", {trusted!r})' in text.replace("'", '"').replace(
        f'"{trusted}"', f"{trusted!r}"
    )


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
    assert not {one for one in _warned(decide(facts | {"needs.list_changed": "preferred"})) if one.startswith("idle-")}
