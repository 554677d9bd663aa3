"""The servers get the client address, scheme and host name that the proxy saw, and not what a client wrote."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from proxy_kits import CADDY, ENVELOPE_122, ENVOY, LEARN, TABLE, TRAEFIK, Setup, stateless
from proxy_rig import Client, Upstreams, running, upstreams

from advisor.decision.advisor import Advisor

pytestmark = pytest.mark.programs

SETUPS = (LEARN, ENVELOPE_122, TABLE, CADDY, TRAEFIK, ENVOY)
FORGED = {"X_Forwarded_For": "9.9.9.9", "X_Forwarded_Proto": "https", "X_Forwarded_Host": "evil.example.com"}


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Upstreams]:
    with upstreams(tmp_path_factory.mktemp("fleet"), ("one",)) as started:
        yield started


def _seen(client: Client) -> tuple[str, str, str]:
    """The three headers as a server gets them. A proxy can write a list with or without spaces."""
    modern = {"MCP_Protocol_Version": "2026-07-28", "Mcp_Method": "tools/call", "Mcp_Name": "echo"}
    answer = client.rpc("tools/call", {"name": "echo"}, Host="mcp.example.com", **modern, **FORGED)
    assert answer.status == 200, answer.body
    found = answer.json["headers"]
    addresses = found["x-forwarded-for"].replace(" ", "")
    return addresses, found["x-forwarded-proto"], found["x-forwarded-host"]


@pytest.mark.parametrize("setup", SETUPS, ids=str)
def test_a_client_cannot_forge_the_headers(advisor: Advisor, fleet: Upstreams, tmp_path: Path, setup: Setup) -> None:
    kit = replace(stateless(advisor, setup), outer_proxy="", front_hops=0)
    with running(kit, tmp_path / "proxy", {"main": fleet.addresses(["one"])}, debian=setup.debian) as client:
        assert _seen(client) == ("127.0.0.1", "http", "mcp.example.com")


@pytest.mark.parametrize("setup", SETUPS, ids=str)
def test_the_headers_of_a_stated_hop_reach_the_servers(
    advisor: Advisor, fleet: Upstreams, tmp_path: Path, setup: Setup
) -> None:
    kit = replace(stateless(advisor, setup), outer_proxy="alb", front_hops=1)
    with running(kit, tmp_path / "proxy", {"main": fleet.addresses(["one"])}, debian=setup.debian) as client:
        addresses, *others = _seen(client)
        assert addresses.startswith("9.9.9.9,")  # Envoy adds another address of the machine if the hop is on loopback
        assert others == ["https", "evil.example.com"]


@pytest.mark.parametrize("setup", SETUPS, ids=str)
def test_only_the_networks_of_the_hop_are_trusted(
    advisor: Advisor, fleet: Upstreams, tmp_path: Path, setup: Setup
) -> None:
    kit = replace(stateless(advisor, setup), outer_proxy="alb", front_hops=1)
    strange = {name: entry for name, entry in kit.knowledge.networks.items() if not name.startswith("127.")}
    kit = replace(kit, knowledge=replace(kit.knowledge, networks=strange))
    with running(kit, tmp_path / "proxy", {"main": fleet.addresses(["one"])}, debian=setup.debian) as client:
        assert _seen(client) == ("127.0.0.1", "http", "mcp.example.com")
