"""The diagnosis of a runbook in a deployment that runs: servers, their proxy, and a Prometheus with the kit's files."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import proxy_rig
import pytest
import test_server_run
import yaml
from running import run_command, until

from advisor.decision.advisor import Advisor
from advisor.kit.context import kit_context
from advisor.kit.model import KitContext
from advisor.kit.parts import monitoring
from advisor.kit.upstreams import production_addresses
from advisor.lab.process.ports import free_port
from advisor.requirements import load_bytes

pytestmark = [
    pytest.mark.programs,
    pytest.mark.retried("Servers, their proxy and Prometheus share the processors, and each request has a deadline."),
]

python = test_server_run.python  # fixture

REQUIREMENTS = """\
version: 1
service: demo
sdk: mcp-2
clients: {protocol: legacy}
scale: {instances: 2, affinity: available}
environment: {platform: systemd, proxy: {kind: haproxy}}
needs: {sampling: required}
operations: {team_size: 3, can_operate_affinity: true}
"""


@dataclass
class Deployment:
    """A deployment with its runbook.

    Attributes:
        runbook: the text.
        moved: each address of the kit, with its address on this machine.
        prometheus: the URL of Prometheus.
        servers: the instances, by their ports.
    """

    runbook: str
    moved: dict[str, str]
    prometheus: str
    servers: dict[str, test_server_run.Running]

    def diagnosis(self, alert: str) -> list[tuple[str, str]]:
        """The condition of an alert and the commands of its steps: the language and the code, for this machine."""
        part = self.runbook.split(f"\n### {alert}\n")[1].split("\n#### Mitigation\n")[0]
        found = re.findall(r"^ *```(promql|sh)\n(.*?)\n *```$", part, re.MULTILINE | re.DOTALL)
        return [(language, self.here(code.strip())) for language, code in found]

    def here(self, code: str) -> str:
        for production, address in self.moved.items():
            code = re.sub(rf"(?<!\d){re.escape(production)}(?!\d)", address, code)
        return code

    def asked(self, query: str) -> list[dict[str, Any]]:
        """The rows of an answer of Prometheus."""
        address = f"{self.prometheus}/api/v1/query?{urllib.parse.urlencode({'query': query})}"
        with urllib.request.urlopen(address, timeout=20) as answer:
            rows: list[dict[str, Any]] = json.load(answer)["data"]["result"]
        return rows

    def alerts(self) -> set[str]:
        """The alerts whose condition is true."""
        with urllib.request.urlopen(f"{self.prometheus}/api/v1/alerts", timeout=20) as answer:
            return {alert["labels"]["alertname"] for alert in json.load(answer)["data"]["alerts"]}


def shell(command: str) -> str:
    return subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60, check=False).stdout


@contextmanager
def prometheus(kit: KitContext, folder: Path, targets: list[str]) -> Iterator[str]:
    """Prometheus with the files of the kit. Only addresses and intervals differ."""
    program = shutil.which("prometheus")
    assert program, "prometheus is missing: apt-get install --no-install-recommends prometheus"
    for file in monitoring.files(kit):
        (folder / Path(file.path).name).write_text(file.content)
    path = folder / "prometheus.yaml"
    document = yaml.safe_load(path.read_text())
    document["global"] = {"evaluation_interval": "1s"}
    document["scrape_configs"] = document["scrape_configs"][:1]
    document["scrape_configs"][0] |= {"scrape_interval": "1s", "static_configs": [{"targets": targets}]}
    path.write_text(yaml.safe_dump(document))
    port = free_port()
    options = [f"--config.file={path}", f"--web.listen-address=127.0.0.1:{port}", f"--storage.tsdb.path={folder}/tsdb"]
    with proxy_rig.process([program, *options], folder / "prometheus.txt"):
        until("Prometheus answers", lambda: proxy_rig.answers(port, "/-/ready"))
        yield f"http://127.0.0.1:{port}"


@pytest.fixture(scope="module")
def deployment(
    advisor: Advisor, python: Callable[[KitContext], Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployment]:
    folder = tmp_path_factory.mktemp("deployment")
    kit = kit_context(advisor.decide(load_bytes(REQUIREMENTS.encode(), "requirements.yaml", advisor.space)))
    (folder / "requirements.yaml").write_text(REQUIREMENTS)
    done = run_command("document", "requirements.yaml", "-o", "-", "--format", "runbook", cwd=folder)
    with ExitStack() as stack:
        servers = []
        for name in ("first", "second"):
            own = test_server_run.write(kit, folder / name)
            running = test_server_run.running(python(kit), own, MCP_INSTANCES="2", MCP_SEALING_KEYS="0" * 64)
            servers.append(stack.enter_context(running))
        addresses = tuple(server.url.removeprefix("http://") for server in servers)
        proxy = stack.enter_context(proxy_rig.running(kit, folder / "proxy", {kit.tiers[0].name: addresses}))
        targets = [urllib.parse.urlsplit(server.metrics_url).netloc for server in servers]
        (folder / "monitoring").mkdir()
        url = stack.enter_context(prometheus(kit, folder / "monitoring", targets))
        planned = [address.rpartition(":")[2] for address in production_addresses(kit).servers[kit.tiers[0].name]]
        ports = [address.rpartition(":")[2] for address in addresses]
        moved = {**dict(zip(planned, ports, strict=True)), "localhost:8080": f"127.0.0.1:{proxy.port}"}
        yield Deployment(done.stdout.decode(), moved, url, dict(zip(ports, servers, strict=True)))


def test_prometheus_answers_each_query(deployment: Deployment) -> None:
    until("Prometheus reaches both", lambda: len(deployment.asked('up{job="demo"} == 1')) == 2)
    queries = re.findall(r"^ *```promql\n(.*?)\n *```$", deployment.runbook, re.MULTILINE | re.DOTALL)
    assert len(queries) > 10
    for query in queries:
        deployment.asked(query.strip())  # an error of the evaluation is the status 422


def test_the_diagnosis_finds_an_instance_that_was_killed(deployment: Deployment) -> None:
    (_, condition), (_, unreached), (_, ready), *_ = deployment.diagnosis("McpInstancesMissing")
    initialize = next(code for language, code in deployment.diagnosis("McpProxiesMissing") if language == "sh")
    first, second = deployment.servers
    until("Prometheus reaches both", lambda: len(deployment.asked('up{job="demo"} == 1')) == 2)
    assert (deployment.asked(condition), deployment.asked(unreached)) == ([], [])
    assert shell(ready).splitlines() == [f"{first} 200", f"{second} 200"]
    assert shell(initialize).split()[1] == "200"

    server = deployment.servers[first]
    os.kill(server.process.pid, signal.SIGKILL)
    until("the condition of the alert is true", lambda: deployment.asked(condition))
    until("the alert is pending", lambda: "McpInstancesMissing" in deployment.alerts())
    (row,) = deployment.asked(unreached)
    assert row["metric"]["instance"] == urllib.parse.urlsplit(server.metrics_url).netloc
    assert shell(ready).splitlines() == [f"{first} 000", f"{second} 200"]
    until("clients connect to the other instance", lambda: shell(initialize).split()[1:2] == ["200"])
