"""A kit does not name what it does not contain: other platforms, other proxies, session affinity, tiers or Redis.

DECISION.md and decision.json explain the decision, so they also name what the decision does not use.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from advisor.decision.model import Decision
from advisor.kit.context import kit_context
from advisor.kit.model import KitContext
from advisor.kit.render import render_kit

EXPLAINED = ("DECISION.md", "decision.json", "requirements.yaml", "server/requirements.lock")
ASKING: dict[str, Any] = {"needs.sampling": "required", "clients.protocol": "legacy"}
FLEET: dict[str, Any] = {"scale.instances": 3}
TOOLS = [{"name": "ask", "needs": {"sampling": "required"}, "duration_s": 40}, {"name": "look"}]
SHAPES: dict[str, dict[str, Any]] = {
    "single-instance": {"scale.instances": 1, **ASKING},
    "stateless-fleet": FLEET,
    "sticky-fleet": {**FLEET, "scale.affinity": "available", **ASKING},
    "tiered": {**FLEET, "operations.can_operate_affinity": False, "clients.protocol": "legacy", "tools": TOOLS},
    "shared-state": {**FLEET, "scale.affinity": "unavailable", "operations.shared_store": "redis", **ASKING},
}
PROXIES = ("nginx", "haproxy", "caddy", "traefik", "envoy")
OWN: dict[str, dict[str, Any]] = {
    "nginx": {"environment.proxy.version": "1.31"},
    "traefik": {"clients.keep_cookies": True},  # Traefik cannot find the owner by the session ID
}
PLATFORMS = ("kubernetes", "compose", "systemd", "serverless", "local")
# Each shape on each platform that can have it. Each shape and each platform meets each proxy, except one proxy each.
CASES = [
    (shape, platform, PROXIES[(row + column) % len(PROXIES)])
    for row, shape in enumerate(SHAPES)
    for column, platform in enumerate(PLATFORMS)
    if platform != "serverless" or shape == "stateless-fleet"
]
ADVICE = r"add instances|one by one"


def absent(kit: KitContext) -> dict[str, str]:
    """Return what a kit does not contain, and the expression of the words for it."""
    found = {
        "systemd": r"systemd|systemctl",
        "kubernetes": r"kubernetes|kubectl|\bpods?\b",
        "serverless": r"serverless|Cloud Run",
    }
    found.pop(kit.platform, None)
    if not kit.mechanisms:
        found["affinity"] = r"(?<!no session )affinit(?!y:? none)"
    if not kit.uses_redis:
        found["redis"] = r"\bRedis\b"
    if not kit.tiered:
        found["tiers"] = r"\b(both|each|every|other) tiers?\b"
    if not kit.checks_tokens:
        found["tokens"] = "access token"
    if any(tier.pattern == "single-instance" for tier in kit.tiers) and not kit.tiered:
        found["more instances"] = ADVICE
    return found | {name: name for name in PROXIES if name not in (kit.proxy, kit.outer_proxy)}


@pytest.mark.thorough
@pytest.mark.parametrize(("shape", "platform", "proxy"), CASES)
def test_a_kit_names_only_what_it_contains(
    decide: Callable[..., Decision], shape: str, platform: str, proxy: str
) -> None:
    facts = {**SHAPES[shape], **OWN.get(proxy, {}), "environment.platform": platform, "environment.proxy.kind": proxy}
    decision = decide(facts)
    assert decision.core.pattern == shape
    kit = kit_context(decision)
    words = absent(kit)
    assert words.keys() >= set(PROXIES) - {kit.proxy, proxy}
    named = [
        f"{file.path}: {what}: {line.strip()}"
        for file in render_kit(decision, "version: 1\n")
        if file.path not in EXPLAINED
        for line in file.content.splitlines()
        for what, expression in words.items()
        if re.search(expression, line, re.IGNORECASE)
    ]
    assert named == []


@pytest.mark.parametrize("platform", ["kubernetes", "compose", "systemd", "local"])
def test_an_alert_asks_for_more_instances_only_if_each_tier_can_have_them(
    decide: Callable[..., Decision], platform: str
) -> None:
    for shape, facts in SHAPES.items():
        decision = decide({**facts, "environment.platform": platform, "environment.proxy.kind": "haproxy"})
        alerts = next(file for file in render_kit(decision, "version: 1\n") if file.path == "monitoring/alerts.yaml")
        grows = shape not in ("single-instance", "tiered")
        assert bool(re.search(ADVICE, alerts.content, re.IGNORECASE)) == grows, shape
        assert ("session affinity of haproxy" in alerts.content) == (shape == "sticky-fleet")
