"""Clients without a session id cannot use up the sessions of the servers, and other clients do not notice them."""

from __future__ import annotations

import http.client
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from _pytest.mark import ParameterSet
from causes import BUSY_PROXY
from proxy_kits import (
    ENVELOPE_122,
    ENVELOPE_HAPROXY,
    ENVOY,
    HOST,
    IP_HASH,
    LEARN,
    TABLE,
    TRAEFIK,
    Setup,
    sticky,
    tiered,
)
from proxy_rig import Client, Upstreams, running, upstreams

from advisor.decision.advisor import Advisor
from advisor.kit.model import KitContext
from advisor.kit.parts import proxy

pytestmark = [
    pytest.mark.programs,
    BUSY_PROXY,
]

SETUPS = (LEARN, IP_HASH, ENVELOPE_122, TABLE, ENVELOPE_HAPROXY, TRAEFIK, ENVOY)
MOST = 8
"""The sessions that one address can open without a wait in these tests."""


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Upstreams]:
    with upstreams(tmp_path_factory.mktemp("fleet"), ("one", "two")) as started:
        yield started


def _small(kit: KitContext) -> KitContext:
    """A kit in which each address can open `MOST` sessions."""
    tiers = tuple(replace(tier, instances=2, max_instances=2, max_sessions=2 * MOST) for tier in kit.tiers)
    small = replace(kit, tiers=tiers, sizing=replace(kit.sizing, clients=1))
    assert {pool.sessions_per_address for pool in proxy.plan_for(small).pools} == {MOST}
    return small


def _legacy(kit: KitContext) -> KitContext:
    """The same kit of an SDK line that does not support modern clients."""
    legacy = replace(kit, line="mcp-1")
    assert not legacy.serves_modern
    return legacy


def _opened(client: Client, count: int, path: str = "/mcp", **headers: str) -> Counter[int]:
    return Counter(client.rpc("initialize", {}, path, **headers).status for _ in range(count))


@pytest.mark.parametrize("setup", SETUPS, ids=str)
def test_one_address_cannot_open_all_sessions(advisor: Advisor, fleet: Upstreams, tmp_path: Path, setup: Setup) -> None:
    kit = _small(sticky(advisor, setup))
    tiers = {"main": fleet.addresses(["one", "two"])}
    with running(kit, tmp_path / "proxy", tiers, debian=setup.debian) as client:
        _, _, headers = client.initialize()
        statuses = _opened(client, 4 * MOST)
        assert set(statuses) == {200, 429}
        assert MOST - 2 <= statuses[200] <= 2 * MOST + 1
        assert client.call(headers).status == 200, "sessions continue"
        assert client.modern("echo").status == 200, "modern clients open no session"


def _one_of_each(*setups: Setup) -> list[ParameterSet]:
    """The first setup runs in the default tests of programs, and the others each week."""
    marks = ((), *[(pytest.mark.weekly,)] * (len(setups) - 1))
    return [pytest.param(setup, id=str(setup), marks=mark) for setup, mark in zip(setups, marks, strict=True)]


@pytest.mark.parametrize("setup", _one_of_each(LEARN, TABLE, TRAEFIK, ENVOY))
def test_no_header_exempts_a_request_from_the_limit(
    advisor: Advisor, fleet: Upstreams, tmp_path: Path, setup: Setup
) -> None:
    kit = _legacy(_small(sticky(advisor, setup)))
    tiers = {"main": fleet.addresses(["one", "two"])}
    modern = {"MCP_Protocol_Version": "2026-07-28", "Mcp_Method": "initialize"}
    with running(kit, tmp_path / "proxy", tiers, debian=setup.debian) as client:
        assert _opened(client, 4 * MOST, **modern)[200] <= 2 * MOST + 1
        for headers in ({}, {"MCP_Protocol_Version": "x"}, {"Mcp_Method": "initialize"}):
            assert _opened(client, 3, **headers) == {429: 3}


@pytest.mark.parametrize("setup", _one_of_each(LEARN, TABLE, TRAEFIK, ENVOY))
def test_a_second_version_header_does_not_exempt_a_request(
    advisor: Advisor, fleet: Upstreams, tmp_path: Path, setup: Setup
) -> None:
    """A server that supports modern clients reads the first header, and opens a session for it."""
    kit = _small(sticky(advisor, setup))
    assert kit.serves_modern
    tiers = {"main": fleet.addresses(["one", "two"])}
    with running(kit, tmp_path / "proxy", tiers, debian=setup.debian) as client:
        statuses = Counter(_two_versions(client.port) for _ in range(4 * MOST))
        assert statuses[200] <= 2 * MOST + 1
        assert _opened(client, 3) == {429: 3}


def _two_versions(port: int) -> int:
    body = b'{"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {}}'
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    with closing(connection):
        connection.putrequest("POST", "/mcp", skip_host=True)
        for name, value in (
            ("Host", HOST),
            ("Content-Type", "application/json"),
            ("MCP-Protocol-Version", "2025-11-25"),
            ("MCP-Protocol-Version", "2026-07-28"),
            ("Content-Length", str(len(body))),
        ):
            connection.putheader(name, value)
        connection.endheaders(body)
        return connection.getresponse().status


@pytest.mark.parametrize("setup", [LEARN, TABLE, TRAEFIK, ENVOY], ids=str)
@pytest.mark.parametrize("hops", [1, 2])
def test_clients_behind_load_balancers_are_counted_separately(
    advisor: Advisor, fleet: Upstreams, tmp_path: Path, setup: Setup, hops: int
) -> None:
    kit = replace(_small(sticky(advisor, setup)), outer_proxy="alb", front_hops=hops)
    tiers = {"main": fleet.addresses(["one", "two"])}
    behind = ", 10.0.0.1" * (hops - 1)
    with running(kit, tmp_path / "proxy", tiers) as client:
        # A client can write anything in front of the address that the load balancer adds.
        for number in range(3 * MOST):
            client.rpc("initialize", X_Forwarded_For=f"203.0.113.{number}, 198.51.100.7{behind}")
        assert _opened(client, 3, X_Forwarded_For=f"203.0.113.9, 198.51.100.7{behind}") == {429: 3}
        assert _opened(client, 3, X_Forwarded_For=f"198.51.100.8{behind}") == {200: 3}


@pytest.mark.parametrize("setup", [LEARN, TABLE, TRAEFIK, ENVOY], ids=str)
def test_only_the_tier_with_sessions_has_a_limit(
    advisor: Advisor, fleet: Upstreams, tmp_path: Path, setup: Setup
) -> None:
    kit = _small(tiered(advisor, setup))
    tiers = {tier.name: fleet.addresses(["one", "two"]) for tier in kit.tiers}
    with running(kit, tmp_path / "proxy", tiers) as client:
        assert set(_opened(client, 4 * MOST, "/mcp")) == {200}
        assert 429 in _opened(client, 4 * MOST, "/stateful/mcp")


@pytest.mark.parametrize("setup", [LEARN, TABLE, TRAEFIK, ENVOY], ids=str)
def test_a_client_that_does_not_come_through_the_load_balancer_counts_by_its_own_address(
    advisor: Advisor, fleet: Upstreams, tmp_path: Path, setup: Setup
) -> None:
    kit = replace(_small(sticky(advisor, setup)), outer_proxy="alb", front_hops=1)
    strange = {name: entry for name, entry in kit.knowledge.networks.items() if not name.startswith("127.")}
    kit = replace(kit, knowledge=replace(kit.knowledge, networks=strange))
    tiers = {"main": fleet.addresses(["one", "two"])}
    with running(kit, tmp_path / "proxy", tiers) as client:
        statuses = Counter(
            client.rpc("initialize", {}, X_Forwarded_For=f"198.51.100.{number}").status for number in range(4 * MOST)
        )
        assert set(statuses) == {200, 429}
        assert statuses[200] <= 2 * MOST + 1
