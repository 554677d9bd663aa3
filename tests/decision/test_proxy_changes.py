"""Changes of the requirements suggest only a proxy that the team can use, and only a change that has an effect."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from advisor.decision.advisor import Advisor
from advisor.decision.model import Decision

KIND, PLATFORM = "environment.proxy.kind", "environment.platform"
SSE = {"transport": "sse", "clients.protocol": "legacy", "scale.instances": 3}
STREAMABLE = {"needs.sampling": "required", "clients.protocol": "legacy", "scale.instances": 3}


def suggested(decision: Decision) -> Iterator[tuple[str, str, str]]:
    """Yield (old kind, kind, platform) after each change of the proxy or of the platform."""
    stated = decision.requirements
    changes = [way.change for way in decision.alternatives] + [other.change for other in decision.counterfactuals]
    for change in changes:
        if change.keys() & {KIND, PLATFORM}:
            yield stated[KIND], change.get(KIND, stated[KIND]), change.get(PLATFORM, stated[PLATFORM])


@pytest.mark.parametrize(
    ("facts", "useful"),
    [
        (SSE | {"clients.keep_cookies": True}, "haproxy"),
        (SSE | {"clients.addresses": "stable"}, "nginx"),
        (STREAMABLE, "nginx"),
    ],
    ids=str,
)
def test_a_change_suggests_a_proxy_that_exists_on_the_platform(
    decide: Any, advisor: Advisor, facts: Any, useful: str
) -> None:
    clusters = {proxy.id for proxy in advisor.knowledge.proxies.values() if proxy.operated == "cluster"}
    assert {"nginx-gateway-fabric", "ingress-nginx"} <= clusters
    kinds = ("none", "nginx", "haproxy", "alb", "aws-nlb", "gateway-api", "cloud-run")
    found = set()
    for platform in ("kubernetes", "compose", "systemd", "serverless", "local"):
        for kind in kinds:
            found |= set(suggested(decide(facts | {KIND: kind, PLATFORM: platform})))
    new = {(kind, platform) for old, kind, platform in found if kind != old}
    assert {platform for kind, platform in new if kind in clusters} <= {"kubernetes"}
    assert not {kind for kind, _ in new} & {"ingress-nginx", "other", "cloud-run"}
    clouds = {proxy.id: proxy.cloud for proxy in advisor.knowledge.proxies.values()}
    assert {(clouds[old], clouds[kind]) for old, kind, _ in found if kind != old and clouds[kind]} <= {("aws", "aws")}
    assert (useful, "compose") in new
    moved = {(kind, platform) for old, kind, platform in found if kind == old}
    assert not {kind for kind, platform in moved if platform != "serverless"} & {"cloud-run"}


def test_a_load_balancer_of_the_same_cloud_is_a_remedy(decide: Any) -> None:
    decision = decide(SSE | {KIND: "aws-nlb", "clients.keep_cookies": True})
    assert {KIND: "alb"} in [way.change for way in decision.alternatives]


@pytest.mark.parametrize(
    ("hops", "offered"),
    [
        ([{"kind": "traefik"}], True),
        ([{"kind": "cloudflare"}, {"kind": "traefik"}], True),
        ([{"kind": "agentgateway"}, {"kind": "traefik"}], False),
    ],
    ids=str,
)
def test_clients_that_keep_cookies_are_a_remedy_behind_several_hops(decide: Any, hops: Any, offered: bool) -> None:
    """Cookies of the clients end at an MCP gateway."""
    decision = decide(SSE | {"environment.hops": hops})
    assert decision.core.pattern == "contradiction"
    ways = [way.change for way in decision.alternatives]
    assert ({"clients.keep_cookies": True} in ways) is offered


@pytest.mark.parametrize(("hops", "changes"), [(["traefik"], True), (["cloudflare", "traefik"], False)], ids=str)
def test_addresses_are_a_change_only_in_front_of_a_single_hop(decide: Any, hops: Any, changes: bool) -> None:
    decision = decide(SSE | {"environment.hops": [{"kind": kind} for kind in hops]})
    assert any("clients.addresses" in other.change for other in decision.counterfactuals) is changes


@pytest.mark.parametrize(
    ("kind", "facts", "words"),
    [
        ("caddy", {"transport": "sse"}, "`lb_policy cookie` in reverse_proxy"),
        ("haproxy", {"transport": "sse"}, "`cookie NAME insert indirect nocache`"),
        ("envoy", {"transport": "sse"}, "`cookie: {name: NAME, ttl: 0s}`"),
    ],
)
def test_a_remedy_by_cookie_names_the_cookie_setting(decide: Any, kind: str, facts: Any, words: str) -> None:
    decision = decide(SSE | facts | {KIND: kind})
    (how,) = [way.how for way in decision.alternatives if way.change == {"clients.keep_cookies": True}]
    assert words in how
    assert "rewriting" not in how


@pytest.mark.parametrize(
    ("kind", "facts", "words"),
    [
        ("haproxy", SSE | {"clients.addresses": "stable"}, "`balance source`"),
        ("aws-nlb", STREAMABLE | {"clients.addresses": "stable"}, "stickiness.enabled"),
        ("traefik", STREAMABLE | {"clients.addresses": "stable"}, "`strategy: hrw`"),
        ("traefik", STREAMABLE | {"clients.keep_cookies": True}, "`sticky.cookie`"),
        ("caddy", SSE | {"clients.keep_cookies": True}, "`lb_policy cookie`"),
    ],
)
def test_the_warning_names_the_setting_of_the_mechanism(decide: Any, kind: str, facts: Any, words: str) -> None:
    decision = decide(facts | {KIND: kind})
    (fix,) = [warned.fix.text for warned in decision.warnings if warned.id == "platform-affinity-is-a-setting"]
    assert words in fix


@pytest.mark.parametrize("kind", ["apache", "traefik", "other", "alb", "none"])
def test_one_worker_is_offered_together_with_what_needs_it(decide: Callable[..., Decision], kind: str) -> None:
    """With several workers, no proxy helps, so one worker alone resolves nothing."""
    facts = {"scale.instances": 4, "scale.workers": 4, "environment.platform": "systemd"}
    decision = decide({**facts, "environment.proxy.kind": kind, "needs.elicitation": "required", "sdk": "mcp-1"})
    ways = [dict(way.change) for way in decision.alternatives]
    assert {"scale.workers": 1, "environment.proxy.kind": "nginx"} in ways
    assert {"scale.workers": 1, "scale.instances": 1} in ways
    assert all(way.core.feasible for way in decision.alternatives)
