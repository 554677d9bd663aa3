"""The server of a kit as a process, and the kit's own tests, in one environment for each SDK line."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import sdk_environments
from sdk_lines import SDK_LINES
from weekly import some_weekly

from advisor.decision.advisor import Advisor
from advisor.kit.context import kit_context
from advisor.kit.model import KitContext
from advisor.kit.parts import pytest_suite, server
from advisor.lab.process.ports import free_port

pytestmark = [
    pytest.mark.programs,
    pytest.mark.retried("The servers and their clients share the processors, and each request has a deadline."),
]

python = sdk_environments.python  # fixture

EVERYTHING = {
    f"needs.{feature}": "preferred"
    for feature in ("sampling", "elicitation", "roots", "progress", "logging", "subscriptions", "list_changed")
}
HOSTS = ["a.example", "b.example:8443", "[2001:db8::1]"]
START_S = 60
CLIENT = {"name": "test", "version": "0"}
LEGACY = "2025-06-18"


@pytest.fixture(scope="session")
def kit(advisor: Advisor, decide: Callable[..., Any]) -> Callable[..., KitContext]:
    """A function from dotted keys to the context of a kit."""
    base = {"service": "demo", "environment.hosts": ["mcp.example.com"]}
    return lambda **facts: kit_context(decide({**base, **facts}))


def write(kit: KitContext, folder: Path) -> Path:
    for file in [*server.files(kit), *pytest_suite.files(kit)]:
        path = folder / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(file.content)
    return folder


def clean() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("MCP_", "FASTMCP_", "PYTEST_"))}


@dataclass
class Running:
    """A process of the generated server."""

    url: str
    process: subprocess.Popen[str]
    metrics_url: str = ""
    log: Path = Path()

    def send(self, path: str, body: Any = None, method: str = "", **headers: str) -> tuple[int, dict[str, str], str]:
        """One HTTP request: status, headers in lower case, text."""
        data = None if body is None else json.dumps(body).encode()
        accept = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}
        request = urllib.request.Request(self.url + path, data, {**accept, **headers}, method=method or None)
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.status, {k.lower(): v for k, v in answer.headers.items()}, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, {k.lower(): v for k, v in error.headers.items()}, error.read().decode()

    def metric(self, name: str) -> int:
        """The value of a metric from /metrics."""
        found = re.search(rf"^{re.escape(name)} (\d+)\.0$", self.metrics(), re.MULTILINE)
        return int(found[1]) if found else 0

    def metrics(self) -> str:
        """The text of /metrics."""
        with urllib.request.urlopen(self.metrics_url, timeout=20) as answer:
            return str(answer.read().decode())

    def session(self) -> dict[str, str]:
        """Open a legacy session; returns the headers of its requests."""
        params = {"protocolVersion": LEGACY, "capabilities": {}, "clientInfo": CLIENT}
        body = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params}
        status, headers, text = self.send("/mcp", body)
        assert status == 200, text
        own = {"MCP-Protocol-Version": LEGACY}
        if "mcp-session-id" in headers:
            own["Mcp-Session-Id"] = headers["mcp-session-id"]
        self.send("/mcp", {"jsonrpc": "2.0", "method": "notifications/initialized"}, **own)
        return own


@contextlib.contextmanager
def running(python: Path, folder: Path, **values: str) -> Iterator[Running]:
    port, metrics = free_port(), free_port()
    command = [str(python), str(folder / "server" / "server.py")]
    log = folder / "log.txt"
    with log.open("w") as stderr:
        ports = {"MCP_PORT": str(port), "MCP_METRICS_PORT": str(metrics)}
        env = {**clean(), "MCP_INSTANCES": "1", **values, **ports}
        process = subprocess.Popen(command, env=env, stderr=stderr, stdout=stderr, text=True)
        try:
            instance = Running(f"http://127.0.0.1:{port}", process, f"http://127.0.0.1:{metrics}/metrics", log)
            deadline = time.monotonic() + START_S
            while True:
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < deadline, log.read_text()
                with contextlib.suppress(OSError):
                    if instance.send("/health")[0] == 200:
                        break
                time.sleep(0.05)
            yield instance
        finally:
            process.terminate()
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@pytest.mark.parametrize("line", [*SDK_LINES, "fastmcp==3.4.3"])
def test_the_code_of_a_decision_answers_the_stated_hosts(
    kit: Callable[..., KitContext], decide: Any, python: Callable[[KitContext], Path], tmp_path: Path, line: str
) -> None:
    """The code that `recommend` prints starts on the real SDK and answers requests for environment.hosts."""
    port = free_port()
    facts = {"sdk": line, "environment.platform": "systemd", "environment.hosts": HOSTS, "scale.workers": 2}
    script = tmp_path / "server.py"
    script.write_text(decide(facts).code)  # an app for uvicorn, whose port is free
    command = [str(python(kit(sdk=line))), "-m", "uvicorn", "server:app", "--port", str(port)]
    with (tmp_path / "log.txt").open("w") as log:
        process = subprocess.Popen(command, cwd=tmp_path, env=clean(), stdout=log, stderr=log, text=True)
        try:
            instance = Running(f"http://127.0.0.1:{port}", process)
            deadline = time.monotonic() + START_S
            body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
            found = []
            asked = (
                "a.example",
                "a.example:443",
                "[2001:db8::1]",
                "[2001:db8::1]:443",
                "b.example:8443",
                "localhost:8000",
            )
            for host in asked:
                while True:
                    assert process.poll() is None, (tmp_path / "log.txt").read_text()
                    assert time.monotonic() < deadline, (tmp_path / "log.txt").read_text()
                    with contextlib.suppress(OSError):
                        found.append(instance.send("/mcp", body, Host=host)[0])
                        break
                    time.sleep(0.1)
            assert found == [200] * len(asked)
        finally:
            process.kill()
            process.wait()


def call(tool: str, number: int = 7) -> dict[str, Any]:
    params = {"name": tool, "arguments": {"text": "hello"}}
    return {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params}


# The tests of a kit that checks tokens run with the other lines each time (test_server_tokens.py).
@pytest.mark.parametrize("line", some_weekly(SDK_LINES, always=("mcp-2", "fastmcp-2", "fastmcp-4")))
def test_the_tests_of_the_kit_pass(
    kit: Callable[..., KitContext], python: Callable[[KitContext], Path], line: str, tmp_path: Path
) -> None:
    context = kit(sdk=line, **EVERYTHING, **{"environment.hosts": HOSTS})
    folder = write(context, tmp_path)
    command = [str(python(context)), "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"]
    ended = subprocess.run(command, cwd=folder, env=clean(), capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout[-4000:]


def test_a_tier_serves_its_own_tools(
    kit: Callable[..., KitContext], python: Callable[[KitContext], Path], tmp_path: Path
) -> None:
    tools = [{"name": "ask", "needs": {"sampling": "required"}}, {"name": "look"}]
    facts = {"scale.instances": 3, "clients.protocol": "legacy", "operations.can_operate_affinity": False}
    context = kit(sdk="mcp-2", tools=tools, **facts)
    assert context.tiered
    folder = write(context, tmp_path)
    for tier, served in (("stateless", {"look"}), ("stateful", {"ask"}), ("all", {"ask", "look"})):
        with running(python(context), folder, MCP_TIER=tier) as instance:
            own = instance.session()
            assert ("Mcp-Session-Id" in own) == (tier != "stateless")
            _, _, text = instance.send("/mcp", {"jsonrpc": "2.0", "id": 2, "method": "tools/list"}, **own)
            assert set(re.findall(r'"name":"(\w+)"', text)) == served


def test_the_metrics_of_workers_on_one_port_are_added_up(
    kit: Callable[..., KitContext], python: Callable[[KitContext], Path], tmp_path: Path
) -> None:
    context = kit(sdk="mcp-2", **{"scale.instances": 2, "scale.workers": 2, "clients.protocol": "mixed"})
    folder = write(context, tmp_path)
    with running(python(context), folder) as instance:
        for number in range(20):
            assert instance.send("/mcp", call("echo", number))[0] == 200
        assert {instance.metric('mcp_requests_total{route="tools/call"}') for _ in range(10)} == {20}


@pytest.mark.parametrize("line", SDK_LINES)
def test_a_server_without_sessions_opens_no_stream(
    kit: Callable[..., KitContext], python: Callable[[KitContext], Path], line: str, tmp_path: Path
) -> None:
    context = kit(sdk=line)
    folder = write(context, tmp_path)
    with running(python(context), folder, MCP_STATELESS="true") as instance:
        own = instance.session()
        status, headers, text = instance.send("/mcp", **{**own, "Accept": "text/event-stream"})
        assert (status, headers["allow"]) == (405, "POST")
        assert "has no sessions" in json.loads(text)["error"]["message"]
        assert instance.send("/mcp", call("echo"), **own)[0] == 200
        assert instance.metric('mcp_requests_total{route="GET"}') == 1
    with running(python(context), folder, MCP_STATELESS="false") as instance:
        assert instance.send("/mcp", **{"Accept": "text/event-stream", "Mcp-Session-Id": "unknown"})[0] == 404


def test_a_session_counts_until_it_is_deleted(
    kit: Callable[..., KitContext], python: Callable[[KitContext], Path], tmp_path: Path
) -> None:
    context = kit(sdk="mcp-1")
    with running(python(context), write(context, tmp_path)) as instance:
        sessions = [instance.session() for _ in range(3)]
        assert instance.metric("mcp_sessions_active") == 3
        assert instance.send("/mcp", method="DELETE", **sessions[0])[0] == 200
        assert instance.send("/mcp", call("echo"), **{**sessions[1], "Mcp-Session-Id": "unknown"})[0] == 404
        assert instance.metric("mcp_sessions_active") == 2


@pytest.mark.parametrize("line", SDK_LINES)
def test_a_broken_stream_resumes_and_only_for_its_own_session(
    kit: Callable[..., KitContext], python: Callable[[KitContext], Path], line: str, tmp_path: Path
) -> None:
    facts = {"clients.protocol": "legacy", "needs.resumability": "required", "needs.logging": "required"}
    context = kit(sdk=line, **facts)
    with running(python(context), write(context, tmp_path)) as instance:
        mine, other = instance.session(), instance.session()
        for own, text in ((mine, "mine"), (other, "theirs")):
            body = call("example_logging")  # both use the same request id
            body["params"]["arguments"]["text"] = text
            status, _, answer = instance.send("/mcp", body, **own)
            assert status == 200
            if own is mine:
                first = re.findall(r"^id: ?(\S+)", answer, re.MULTILINE)[0]
        assert "mine" in resumed(instance, mine, first)
        stolen = resumed(instance, other, first)
        assert "mine" not in stolen
        assert "theirs" not in stolen


def resumed(instance: Running, own: dict[str, str], last: str) -> str:
    """The text after a GET with Last-Event-ID, until the stream is silent for one second."""

    async def read() -> str:
        host, port = instance.url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        headers = {"Host": f"{host}:{port}", "Accept": "text/event-stream", "Last-Event-ID": last, **own}
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        writer.write(f"GET /mcp HTTP/1.1\r\n{lines}\r\n".encode())
        came = b""
        with contextlib.suppress(TimeoutError, asyncio.TimeoutError):
            while piece := await asyncio.wait_for(reader.read(65536), 1):
                came += piece
        writer.close()
        return came.decode()

    return asyncio.run(read())
