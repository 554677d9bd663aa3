"""The proxies with the names of Kubernetes: every pod is an address of its own, and missing pods fill no log."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from causes import BUSY_PROXY
from names import Names, served
from proxy_kits import CADDY, COOKIE, ENVELOPE, ENVELOPE_HAPROXY, LEARN, TABLE, Setup, sticky, tiered
from proxy_rig import Client, Upstreams, accepted, answers, command, process, upstreams, write
from running import until

from advisor.decision.advisor import Advisor
from advisor.kit.model import KitContext
from advisor.kit.parts import proxy
from advisor.kit.upstreams import production_addresses
from advisor.knowledge.space import SERVER_PORT
from advisor.lab.process.ports import free_port

pytestmark = [
    pytest.mark.programs,
    BUSY_PROXY,
]

HOSTS = {"one": "127.0.0.2", "two": "127.0.0.3"}


@contextmanager
def deployed(kit: KitContext, folder: Path, port: int, names: Names) -> Iterator[Client]:
    """Start the proxy of the kit with its configuration for Kubernetes, except for the ports and the DNS server."""
    folder.mkdir()
    proxy_addresses = production_addresses(kit)
    own = free_port()
    addresses = {
        tier: tuple(address.replace(f":{SERVER_PORT}", f":{port}") for address in some)
        for tier, some in proxy_addresses.servers.items()
    }
    peers = {name: f"127.0.0.1:{free_port()}" for name in proxy_addresses.peers}
    resolver = f"127.0.0.1:{names.port}" if proxy_addresses.resolver else ""
    write(folder, proxy.files(kit))
    write(
        folder,
        proxy.address_files(
            kit,
            replace(
                proxy_addresses,
                listen=f"127.0.0.1:{own}",
                servers=addresses,
                resolver=resolver,
                peers=peers,
                metrics="",
            ),
        ),
    )
    if kit.proxy == "haproxy":
        config = folder / "haproxy.cfg"
        config.write_text(config.read_text().replace("parse-resolv-conf", f"nameserver test 127.0.0.1:{names.port}"))
    if kit.proxy == "caddy":
        resolvers = f"resolvers udp/127.0.0.1:{names.port}\n"
        config = folder / "upstreams.caddy"
        text = config.read_text().replace("(mcp_source) {\n", f"(mcp_source) {{\n\t{resolvers}")
        config.write_text(text.replace("refresh 5s\n", f"refresh 5s\n\t\t{resolvers}"))
    accepted(kit, folder)
    log = folder / "log.txt"
    with process(command(kit, folder), log) as started:
        until("the proxy answers", lambda: started.poll() is not None or answers(own, "/healthz"))
        assert started.poll() is None, log.read_text()
        yield Client(own, log, started.pid)


def on_kubernetes(kit: KitContext, most: int) -> KitContext:
    tiers = tuple(replace(tier, instances=2, max_instances=most) for tier in kit.tiers)
    return replace(kit, platform="kubernetes", tiers=tiers)


def records(kit: KitContext, pods: Sequence[str]) -> dict[str, Sequence[str]]:
    """The DNS records of a cluster in which two pods of each tier run."""
    found: dict[str, Sequence[str]] = {}
    for tier in kit.tiers:
        domain = f"{kit.namespace}.svc.cluster.local"
        for service in (tier.host, f"{tier.host}-ready"):
            found[f"{service}.{domain}"] = [HOSTS[pod] for pod in pods]
        for number, pod in enumerate(pods):
            found[f"{tier.host}-{number}.{tier.host}.{domain}"] = [HOSTS[pod]]
    return found


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Upstreams]:
    """Two instances with the same port at two addresses, as two pods have."""
    with upstreams(tmp_path_factory.mktemp("fleet"), tuple(HOSTS), hosts=HOSTS) as started:
        yield started


@contextmanager
def two_pods(kit: KitContext, fleet: Upstreams, folder: Path) -> Iterator[tuple[Names, Client]]:
    """Start the proxy of the kit in front of both pods, and the DNS server of the cluster."""
    with served(records(kit, tuple(HOSTS))) as names, deployed(kit, folder, fleet.ports["one"], names) as client:
        yield names, client


@pytest.mark.parametrize("setup", [LEARN, COOKIE, ENVELOPE, TABLE, ENVELOPE_HAPROXY, CADDY], ids=str)
def test_an_autoscaled_fleet_below_its_maximum_is_served_and_fills_no_log(
    advisor: Advisor, fleet: Upstreams, tmp_path: Path, setup: Setup
) -> None:
    kit = on_kubernetes(sticky(advisor, setup), 6)
    with two_pods(kit, fleet, tmp_path / "proxy") as (_, client):
        owners: set[str] = set()

        def both() -> bool:
            answer = client.rpc("initialize")
            owners.add(answer.headers.get("x-served-by", ""))
            return owners >= set(HOSTS)

        until("both pods get sessions", both)
        opened = [client.initialize() for _ in range(12)]
        started = time.monotonic()
        until("the names are resolved again", lambda: time.monotonic() - started > 11)
        assert [client.call(headers).json["served_by"] for _, _, headers in opened] == [o for _, o, _ in opened]
        told = [line for line in client.log.read_text().splitlines() if '"path":' not in line]
        unresolved = [line for line in told if re.search("resolve|DNS|maintenance|lookup", line)]
        assert len(unresolved) <= 4 * 2, unresolved


@pytest.mark.parametrize("setup", [LEARN, TABLE, CADDY], ids=str)
def test_a_pod_of_a_fleet_without_sessions_that_disappears_is_left_out(
    advisor: Advisor, fleet: Upstreams, tmp_path: Path, setup: Setup
) -> None:
    kit = on_kubernetes(tiered(advisor, setup), 3)
    with two_pods(kit, fleet, tmp_path / "proxy") as (names, client):
        seen: set[str] = set()

        def all_seen() -> bool:
            answer = client.modern("lookup_order")
            seen.add(answer.headers.get("x-served-by", ""))
            return seen >= set(HOSTS)

        until("both pods serve", all_seen)
        assert f"{kit.tiers[0].host}-ready.{kit.namespace}.svc.cluster.local" in names.asked
        names.records.update(records(kit, ("two",)))
        until("one is left out", lambda: {client.modern("lookup_order").json["served_by"] for _ in range(9)} == {"two"})
