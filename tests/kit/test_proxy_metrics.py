"""The metrics of the real proxies, at an address that is not the address for clients."""

from __future__ import annotations

import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest
from prometheus_client.parser import text_string_to_metric_families
from proxy_kits import CADDY, ENVELOPE_122, ENVOY, TABLE, TRAEFIK, Setup, sticky
from proxy_rig import accepted, answers, command, process, write
from running import until

from advisor.decision.advisor import Advisor
from advisor.kit.model import KitContext
from advisor.kit.parts import proxy
from advisor.kit.upstreams import ProxyAddresses, production_addresses
from advisor.lab.process.ports import free_port

pytestmark = [pytest.mark.programs, pytest.mark.retried("The test starts a proxy and waits for its answer.")]


@dataclass
class Started:
    kit: KitContext
    clients: int
    metrics: int

    def get(self, port: int, path: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=20) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()


@pytest.fixture(scope="module", params=[ENVELOPE_122, TABLE, ENVOY, CADDY, TRAEFIK], ids=lambda setup: setup.proxy)
def started(
    request: pytest.FixtureRequest, advisor: Advisor, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Started]:
    setup: Setup = request.param
    kit, folder = sticky(advisor, setup), tmp_path_factory.mktemp(setup.proxy)
    found = Started(kit, free_port(), free_port())
    tiers = {tier.name: (f"127.0.0.1:{free_port()}",) for tier in kit.tiers}
    peers = {name: f"127.0.0.1:{free_port()}" for name in production_addresses(kit).peers}
    listened = ProxyAddresses(f"127.0.0.1:{found.clients}", tiers, peers=peers, metrics=f"127.0.0.1:{found.metrics}")
    listened = replace(listened, folder=str(folder))
    write(folder, [*proxy.files(kit), *proxy.address_files(kit, listened)])
    accepted(kit, folder, debian=setup.debian)
    log = folder / "log.txt"
    with process(command(kit, folder, debian=setup.debian), log) as running:
        until(f"{kit.proxy} answers", lambda: running.poll() is not None or answers(found.clients, "/healthz"))
        assert running.poll() is None, log.read_text()
        yield found


def test_the_metrics_have_the_connections_of_clients(started: Started) -> None:
    status, text = started.get(started.metrics, "/metrics")
    assert status == 200
    name, _, labels = started.kit.carried.connections.partition("{")
    wanted = set(re.findall(r'(\w+)="(\w+)"', labels))
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    found = [sample for sample in samples if sample.name == name and wanted <= set(sample.labels.items())]
    others = dict(re.findall(r'(\w+)!="(\w+)"', labels))
    assert [sample for sample in found if not others.items() & sample.labels.items()], text


def test_clients_cannot_read_the_metrics(started: Started) -> None:
    for path in ("/metrics", "/stats/prometheus", "/admin/metrics"):
        assert started.get(started.clients, path)[0] == 404


def test_the_address_of_the_metrics_has_nothing_else(started: Started) -> None:
    for path in ("/", "/mcp", "/healthz", "/quitquitquit", "/stats", "/config_dump", "/metrics/"):
        assert started.get(started.metrics, path)[0] == 404, path
