"""The readers of configurations find the mechanism and the limits of each kit and each measured strategy again."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from proxy_files import check_words
from proxy_kits import HRW, IP_HASH, STICKY, Setup, stateless, sticky, tiered

from advisor.decision.advisor import Advisor
from advisor.deployment.model import DeploymentFiles, Proxy
from advisor.kit.model import KitContext, TierContext
from advisor.kit.parts import proxy as proxy_part
from advisor.kit.upstreams import production_addresses
from advisor.knowledge import Knowledge
from advisor.lab.fleet.front import write_template
from advisor.sources.proxies import caddy, envoy, haproxy, nginx, traefik

READERS: dict[str, Any] = {
    "nginx": (nginx.is_nginx, nginx.read_all),
    "haproxy": (haproxy.is_haproxy, haproxy.read_all),
    "envoy": (envoy.is_envoy, envoy.read_all),
    "caddy": (caddy.is_caddy, caddy.read_all),
    "traefik": (traefik.is_traefik, traefik.read_all),
}
PLATFORMS = ("kubernetes", "compose", "systemd", "local")
CASES = [
    (setup, platform)
    for setup, platform in itertools.product((*STICKY, HRW, IP_HASH), PLATFORMS)
    if not (setup.proxy == "traefik" and platform == "kubernetes")  # there, Traefik is in front of the kit
]
SESSION_STICKY = {"proxy-memory": "learned", "session-id": "rewritten"}


def read(files: dict[str, str], product: str, knowledge: Knowledge) -> Proxy:
    """Read files by the only reader that recognises each of them."""
    for path, text in files.items():
        assert [name for name, (is_kind, _) in READERS.items() if is_kind(text, path)] == [product], path
    found: DeploymentFiles = READERS[product][1](list(files), files)
    check_words(found, knowledge)
    assert set(found.examined) == set(files)
    assert found.not_examined == ()
    (proxy,) = found.proxies
    return proxy


def configuration(kit: KitContext) -> dict[str, str]:
    made = [*proxy_part.files(kit), *proxy_part.address_files(kit, production_addresses(kit))]
    return {file.path: file.content for file in made}


def expected_sticky(tier: TierContext, knowledge: Knowledge) -> str:
    mechanism = knowledge.mechanisms[tier.mechanism]
    if mechanism.keyed_on == "session-id":
        return SESSION_STICKY[mechanism.owner_in]
    return {"cookie": "cookie", "client-address": "address"}[mechanism.keyed_on]


@pytest.mark.parametrize(("setup", "platform"), CASES, ids=lambda value: str(value))
def test_the_mechanism_of_a_kit_is_found(setup: Setup, platform: str, advisor: Advisor, knowledge: Knowledge) -> None:
    kit = replace(sticky(advisor, setup), platform=platform)
    proxy = read(configuration(kit), setup.proxy, knowledge)
    assert proxy.product == setup.proxy
    (tier,) = kit.tiers
    mechanism = (
        "nginx-session-envelope" if setup.debian and setup.mechanism == "nginx-sticky-cookie" else tier.mechanism
    )
    expected = expected_sticky(replace(tier, mechanism=mechanism), knowledge)
    addresses = {
        (host, int(port))
        for all_of_tier in production_addresses(kit).servers.values()
        for host, _, port in (address.rpartition(":") for address in all_of_tier)
    }
    routed = [
        (route, upstream)
        for route in proxy.routes
        for upstream in proxy.upstreams
        if upstream.name == route.upstream and {(target.host, target.port) for target in upstream.targets} <= addresses
    ]
    bound = [(route, upstream) for route, upstream in routed if "without_session" not in route.observed]
    bound = [found for found in bound if found[0].observed.get("methods") is None]
    assert bound
    assert {upstream.observed["sticky"].value for _, upstream in bound} == {expected}
    assert {(target.host, target.port) for _, upstream in bound for target in upstream.targets} == addresses
    for route, upstream in bound:
        limits: dict[str, Any] = {name: stated.value for name, stated in {**proxy.observed, **route.observed}.items()}
        if setup.proxy != "traefik":  # it has no limit for the silence of an answer
            assert limits["idle_timeout"] == kit.idle_timeout_s
        if setup.proxy in ("envoy", "traefik"):
            assert limits["total_timeout"] == 0
        assert limits.get("buffering", False) is False
        assert "non-idempotent" not in limits.get("retries_on", ())
        if setup.proxy == "nginx":
            assert limits["buffering"] is False
        if expected == "learned":
            assert upstream.observed["sticky_at_headers"].value is True
            assert upstream.observed["sticky_timeout"].value == 24 * 3600
        if expected == "cookie":
            assert upstream.observed["cookie_secure"].value is False


@pytest.mark.parametrize("make", [stateless, tiered], ids=["stateless", "tiered"])
@pytest.mark.parametrize(("setup", "platform"), CASES, ids=lambda value: str(value))
def test_every_kit_is_read_completely(
    setup: Setup, platform: str, make: Any, advisor: Advisor, knowledge: Knowledge
) -> None:
    kit = replace(make(advisor, setup), platform=platform)
    proxy = read(configuration(kit), setup.proxy, knowledge)
    stated = {
        (target.host, target.port): target.location.line for upstream in proxy.upstreams for target in upstream.targets
    }
    for all_of_tier in production_addresses(kit).servers.values():
        for address in all_of_tier:
            host, _, port = address.rpartition(":")
            assert stated[host, int(port)], address


# The configurations of the topology measurement that are no configurations of a kit.
MEASURED: dict[str, tuple[str | None, str | None]] = {
    "round-robin": (None, None),
    "nginx-hash-session-id": ("session-hash", None),
    "haproxy-hash-session-id": ("session-hash", None),
    "envoy-ring-hash": ("session-hash", None),
    "envoy-session-header": ("round-robin", "session-header"),
    "kubernetes-client-ip": ("round-robin", "address"),
    "platform-cookie": (None, "cookie"),
    "nginx-sticky-learn-no-header": (None, "learned"),
    "haproxy-stick-table-peers": ("least-connections", "learned"),
    "caddy-hash-session-id": ("session-hash", None),
    "caddy-ip-hash": ("address-hash", "address"),
    "haproxy-client-address": ("address-hash", "address"),
    "envoy-client-address": ("address-hash", "address"),
    "traefik-client-address": ("address-hash", "address"),
    "caddy-cookie": (None, "cookie"),
    "envoy-cookie": ("cookie-hash", "cookie"),
    "traefik-cookie": (None, "cookie"),
    "redis-session-directory": (None, None),
}


def test_every_measured_configuration_is_listed(knowledge: Knowledge) -> None:
    assert {name for name, strategy in knowledge.topology.items() if strategy.template} == set(MEASURED)


@pytest.mark.parametrize("name", MEASURED)
def test_the_strategy_of_a_measured_configuration_is_found(name: str, tmp_path: Path, knowledge: Knowledge) -> None:
    strategy = knowledge.topology[name]
    addresses = [f"127.0.0.1:{9001 + number}" for number in range(3)]
    base = strategy.template.removesuffix(".j2")
    file = base if base in ("Caddyfile", "nginx.conf", "traefik.yaml") else f"{strategy.program}.{base.split('.')[-1]}"
    peers = {"proxy-1": "127.0.0.1:9100", "proxy-2": "127.0.0.1:9101"}
    path = write_template(
        strategy.template, tmp_path, file, strategy=strategy, addresses=addresses, port=9000, peers=peers
    )
    proxy = read({file: path.read_text()}, strategy.program, knowledge)
    (upstream,) = proxy.upstreams
    stated = {kind: upstream.observed[kind].value for kind in ("balance", "sticky") if kind in upstream.observed}
    balance, found = MEASURED[name]
    assert (stated.get("balance"), stated.get("sticky")) == (balance, found)
    assert [f"{target.host}:{target.port}" for target in upstream.targets] == addresses
    if name == "nginx-sticky-learn-no-header":
        assert upstream.observed["sticky_at_headers"].value is False
    if name == "haproxy-stick-table-peers":
        assert upstream.observed["sticky_shared"].value is True
