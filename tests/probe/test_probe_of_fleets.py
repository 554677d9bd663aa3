"""The probe names the load-balancing strategy of real fleets behind real proxies."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from advisor.decision.advisor import default_advisor
from advisor.endpoint.target import target_of
from advisor.knowledge.topology import BalancingStrategy
from advisor.lab.process.run import Run
from advisor.lab.topology.balancer import Balancer
from advisor.lab.topology.measure import proxies_of
from advisor.lab.topology.test_servers import Addresses, kit_servers, servers
from advisor.probe.judging import judge
from advisor.probe.reading import answer_reading
from advisor.probe.run import Probed, ProbeOrder, probe

ADVISOR = default_advisor()
LOOKS_LIKE = {
    "round-robin": "round-robin",
    "nginx-hash-session-id": "hash-of-session-id",
    "haproxy-hash-session-id": "hash-of-session-id",
    "envoy-ring-hash": "hash-of-session-id",
    "caddy-hash-session-id": "hash-of-session-id",
    "envoy-session-header": "replaced-id",
    "nginx-ip-hash": "address",
    "kubernetes-client-ip": "address",
    "caddy-ip-hash": "address",
    "haproxy-client-address": "address",
    "envoy-client-address": "address",
    "traefik-client-address": "address",
    "traefik-hrw": "address",
    "nginx-sticky-cookie": "cookie",
    "platform-cookie": "cookie",
    "caddy-cookie": "cookie",
    "envoy-cookie": "cookie",
    "traefik-cookie": "cookie",
    "traefik-sticky-cookie": "cookie",
    "nginx-sticky-learn": "kept",
    "nginx-sticky-learn-no-header": "kept",
    "haproxy-stick-table": "kept",
    "haproxy-stick-table-peers": "kept",
    "redis-session-directory": "kept",
    "nginx-session-envelope": "rewritten",
    "nginx-session-envelope-1.22": "rewritten",
    "haproxy-session-envelope": "rewritten",
    "envoy-session-envelope": "rewritten",
    "caddy-session-envelope": "rewritten",
}
"""How each strategy of rules/topology.yaml looks from outside. A proxy with a table looks like a single server."""
_STATELESS = {"envoy-session-header": "kept"}
"""This proxy gives clients a session ID even if the servers have no sessions."""
_LOST = {"round-robin", "hash-of-session-id", "replaced-id", "cookie"}


@asynccontextmanager
async def _front(run: Run, fleet: Addresses, strategy: BalancingStrategy, kind: str) -> AsyncIterator[str]:
    """A proxy in front of three servers, with or without sessions. Returns the URL."""
    balancer = Balancer(strategy, ADVISOR)
    async with AsyncExitStack() as running:
        if balancer.servers is not None:
            fleet = await running.enter_async_context(kit_servers(run, strategy.id, balancer.servers))
        under = strategy.runs[0].under
        proxies = proxies_of(run, fleet[kind], balancer, under, peered=balancer.peered)
        yield f"http://127.0.0.1:{(await running.enter_async_context(proxies))[0]}/mcp"


async def _probed(url: str) -> Probed:
    return await probe(ProbeOrder(target_of(url), watch_s=0.1), answer_reading(ADVISOR.knowledge))


def test_every_strategy_has_an_expected_look() -> None:
    assert LOOKS_LIKE.keys() == ADVISOR.knowledge.topology.keys()


@pytest.mark.programs
def test_the_probe_names_each_strategy_and_calls_no_healthy_fleet_faulty() -> None:
    async def run() -> list[str]:
        wrong = []
        async with Run.open("probe") as lab:
            fleet = await servers(lab)
            for strategy in ADVISOR.knowledge.topology.values():
                for kind in ("stateful", "stateless"):
                    async with _front(lab, fleet, strategy, kind) as url:
                        probed = await _probed(url)
                    stateless = _STATELESS.get(strategy.id, "none-needed")
                    expected = LOOKS_LIKE[strategy.id] if kind == "stateful" else stateless
                    severities = {cause.finding.severity for cause in judge(probed, ADVISOR.knowledge).causes}
                    found, is_faulty = probed.seen.get("balancing"), "high" in severities
                    if found != expected or is_faulty != (expected in _LOST):
                        wrong.append(f"{strategy.id} {kind}: {found}, {sorted(severities)}, {probed.seen}")
        return wrong

    assert asyncio.run(run()) == []
