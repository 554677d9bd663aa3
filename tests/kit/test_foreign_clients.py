"""Kits of every SDK line, called by clients that are not written in Python, with and without each proxy of a kit."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from itertools import cycle, product
from pathlib import Path
from typing import Any

import node_project
import proxy_rig
import pytest
import test_server_run
import yaml
from causes import BUSY_PROXY
from node_project import NodeProject
from proxy_kits import CADDY, ENVOY, HRW, LEARN, TABLE, Setup
from sdk_lines import MODERN_LINES, SDK_LINES
from test_first_deploy import block
from weekly import some_weekly

from advisor.kit.model import KitContext
from advisor.kit.parts.documents import readme
from advisor.knowledge import Knowledge

pytestmark = [
    pytest.mark.programs,
    BUSY_PROXY,
]

SOURCES = Path(__file__).with_name("foreign")


@pytest.fixture(scope="session")
def node(tmp_path_factory: pytest.TempPathFactory) -> NodeProject:
    return node_project.installed(SOURCES, tmp_path_factory)


python, kit = test_server_run.python, test_server_run.kit

LEGACY, MODERN = "2025-11-25", "2026-07-28"
KEYS = "0123456789abcdef" * 4
FRONTS: dict[str, Setup | None] = {
    "direct": None,
    "nginx": LEARN,
    "haproxy": TABLE,
    "caddy": CADDY,
    "envoy": ENVOY,
    "traefik": HRW,  # clients of the TypeScript SDK keep no cookies
}
STICKY: dict[str, Any] = {
    "environment.proxy.kind": "nginx",
    "environment.proxy.version": "1.31",
    "clients.protocol": "mixed",
    "scale.instances": 2,
    "scale.affinity": "available",
    "operations.can_operate_affinity": True,
    "tools": [
        {"name": "ask", "needs": {"sampling": "required", "elicitation": "required"}},
        {"name": "look"},
        # The tools that the conformance suite calls.
        {"name": "test_simple_text"},
        {"name": "test_sampling", "needs": {"sampling": "required"}},
        {"name": "test_elicitation", "needs": {"elicitation": "required"}},
        {"name": "test_tool_with_logging", "needs": {"logging": "required"}},
        {"name": "test_tool_with_progress", "needs": {"progress": "required"}},
    ],
}
TOOLS = sorted(tool["name"] for tool in STICKY["tools"])
# The suite calls tools without `text`, or with arguments of its own.
PARAMETER = 'text: str = ""'
PARAMETERS = 'text: str = "This is a simple text response for testing.", prompt: str = "", message: str = ""'
FAILURES = Path(__file__).with_name("conformance_failures.yaml")
REVISIONS = [
    (line, revision)
    for line in SDK_LINES
    for revision in (LEGACY, MODERN)
    if revision == LEGACY or line in MODERN_LINES
]
# All clients work with each line, directly and through each proxy. Every run has each line and each front.
PAIRS = tuple(product(SDK_LINES, FRONTS))
CONFORMED = [(line, front, revision) for (line, revision), front in product(REVISIONS, FRONTS)]
CONFORMED_IN_EVERY_RUN = {
    (line, front, revision) for (line, revision), front in zip(REVISIONS, cycle(FRONTS), strict=False)
}
PAIRS_IN_EVERY_RUN = {(line, front) for line, front, _ in CONFORMED_IN_EVERY_RUN}
CALLED = some_weekly(PAIRS, always=PAIRS_IN_EVERY_RUN)
VISITED = some_weekly(PAIRS, always=PAIRS_IN_EVERY_RUN | {(line, "direct") for line in SDK_LINES})


@dataclass(frozen=True)
class Fleet:
    """Two instances of a kit that asks its clients.

    Attributes:
        line: the SDK line.
        kit: the kit with nginx.
        addresses: host and port of the instances.
    """

    line: str
    kit: KitContext
    addresses: tuple[str, ...]

    def kit_with(self, front: str) -> KitContext:
        """The kit with another proxy. The servers do not differ."""
        setup = FRONTS[front]
        if setup is None:
            return self.kit
        tier = replace(self.kit.tiers[0], mechanism=setup.mechanism)
        return replace(self.kit, tiers=(tier,), proxy=setup.proxy, proxy_version=setup.version)

    @contextmanager
    def behind(self, front: str, folder: Path) -> Iterator[str]:
        """Start the proxy, if there is one; yields the URL of the service."""
        if FRONTS[front] is None:
            yield f"http://{self.addresses[0]}/mcp"
            return
        with proxy_rig.running(self.kit_with(front), folder, {"main": self.addresses}) as proxy:
            yield f"http://127.0.0.1:{proxy.port}/mcp"


def serves_modern(knowledge: Knowledge, line: str) -> bool:
    return knowledge.lines[line].serves_modern


@pytest.fixture(scope="module", params=SDK_LINES)
def fleet(
    request: pytest.FixtureRequest,
    knowledge: Knowledge,
    kit: Callable[..., KitContext],
    python: Callable[[KitContext], Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Fleet]:
    line = request.param
    protocol = "mixed" if serves_modern(knowledge, line) else "legacy"
    context = kit(sdk=line, **{**STICKY, "clients.protocol": protocol})
    assert [(tier.pattern, tier.mechanism) for tier in context.tiers] == [("sticky-fleet", LEARN.mechanism)]
    root = tmp_path_factory.mktemp("fleet")
    values = {"MCP_INSTANCES": "2", "MCP_SEALING_KEYS": KEYS, "FASTMCP_CHECK_FOR_UPDATES": "off"}
    with ExitStack() as stack:
        started = [
            stack.enter_context(
                test_server_run.running(python(context), _written(context, root / f"{number}"), **values)
            )
            for number in range(2)
        ]
        yield Fleet(line, context, tuple(instance.url.removeprefix("http://") for instance in started))


def _written(context: KitContext, folder: Path) -> Path:
    """Write the server. Its tools also take the arguments of the conformance suite."""
    test_server_run.write(context, folder)
    tools = folder / "server" / "tools.py"
    text = tools.read_text()
    assert text.count(PARAMETER) == len(TOOLS)
    tools.write_text(text.replace(PARAMETER, PARAMETERS))
    return folder


@pytest.mark.parametrize(("fleet", "front"), VISITED, indirect=["fleet"])
def test_both_clients_of_the_typescript_sdk_work(
    knowledge: Knowledge, node: NodeProject, fleet: Fleet, tmp_path: Path, front: str
) -> None:
    """The client 1.32 speaks the legacy era. The client 2.4 looks for the modern era first."""
    with fleet.behind(front, tmp_path / "proxy") as url:
        done = node.run("node", "visit.mjs", url, "look", "ask")
    assert done.returncode == 0, done.stderr[-3000:]
    seen = json.loads(done.stdout.splitlines()[-1])
    assert seen["legacy"]["version"] < MODERN
    assert (seen["auto"]["version"] == MODERN) == serves_modern(knowledge, fleet.line)
    for visit in seen.values():
        assert visit["listed"] == TOOLS
        assert visit["said"]["look"] == ["hello"] * 2
        assert len(visit["said"]["ask"]) == 2
        assert all("model: sampled" in said and "user: confirmed" in said for said in visit["said"]["ask"]), visit


@pytest.mark.parametrize(("fleet", "front"), CALLED, indirect=["fleet"])
def test_the_inspector_lists_and_calls_tools(node: NodeProject, fleet: Fleet, tmp_path: Path, front: str) -> None:
    with fleet.behind(front, tmp_path / "proxy") as url:
        listed = node.run("mcp-inspector", "--cli", url, "--transport", "http", "--method", "tools/list")
        options = ["--method", "tools/call", "--tool-name", "look", "--tool-arg", "text=hello"]
        called = node.run("mcp-inspector", "--cli", url, "--transport", "http", *options)
    assert (listed.returncode, called.returncode) == (0, 0), listed.stderr + called.stderr
    assert sorted(tool["name"] for tool in json.loads(listed.stdout)["tools"]) == TOOLS
    assert json.loads(called.stdout)["content"][0]["text"] == "hello"


@pytest.mark.parametrize(("fleet", "front"), CALLED, indirect=["fleet"])
def test_the_commands_of_the_readme_work(fleet: Fleet, tmp_path: Path, front: str) -> None:
    text = block(readme(fleet.kit_with(front)), "First tool call")
    with fleet.behind(front, tmp_path / "proxy") as url:
        script = text.replace("http://localhost:8080/mcp", url)
        assert script != text
        done = subprocess.run(["bash", "-euc", script], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert '"text":"hello"' in done.stdout.replace(": ", ":"), done.stdout


@pytest.mark.parametrize(
    ("fleet", "front", "revision"), some_weekly(CONFORMED, always=CONFORMED_IN_EVERY_RUN), indirect=["fleet"]
)
def test_the_conformance_suite_finds_only_explained_failures(
    node: NodeProject, fleet: Fleet, tmp_path: Path, front: str, revision: str
) -> None:
    options = ["--spec-version", revision, "--suite", "active", "--output-dir", str(tmp_path / "results")]
    with fleet.behind(front, tmp_path / "proxy") as url:
        done = node.run("conformance", "server", "--url", url, *options)
    summary = re.findall(r"^([✓✗]) ([\w-]+): \d+ passed, \d+ failed", done.stdout, re.MULTILINE)
    assert len(summary) >= 20, done.stdout + done.stderr
    explained = {
        scenario
        for entry in yaml.safe_load(FAILURES.read_text())
        if fleet.line in entry.get("lines", SDK_LINES)
        for scenario in entry["scenarios"]
    }
    failed = {name for mark, name in summary if mark == "✗"}
    assert sorted(failed) == sorted(explained & {name for _, name in summary})
