"""The kit of a developer's machine: one server file, its README and its test."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from proxy_rig import process
from running import refused, until

from advisor.kit.context import kit_context
from advisor.kit.render import render_kit
from advisor.lab.process.ports import free_port

LINES = ("mcp-1", "mcp-2", "fastmcp-3", "fastmcp-4")
LOCAL = {"service": "demo", "environment.platform": "local", "environment.hosts": ["dev.example.com"]}
FEATURES = ("sampling", "elicitation", "roots", "progress", "logging", "subscriptions", "list_changed", "session_state")
EVERYTHING = {f"needs.{feature}": "preferred" for feature in FEATURES}
ORIGINS = ["https://app.example.com", "http://localhost.example.com:5173"]
STATELESS = {"clients.plain_http": True, "clients.protocol": "mixed"}


def write(decision: Any, folder: Path, requirements: str = "version: 1\nservice: demo\n") -> Path:
    """Write the kit of a decision into a folder."""
    for file in render_kit(decision, requirements):
        path = folder / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(file.content)
    return folder


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *command], cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    "needs",
    [{}, EVERYTHING, STATELESS, {"environment.origins": ORIGINS}],
    ids=["nothing", "everything", "stateless", "origins"],
)
@pytest.mark.parametrize("line", LINES)
def test_the_server_is_a_single_file_that_linters_accept(
    decide: Callable[..., Any], line: str, needs: dict[str, Any], tmp_path: Path
) -> None:
    kit = write(decide({**LOCAL, "sdk": line, **needs}), tmp_path)
    found = {str(path.relative_to(kit)) for path in kit.rglob("*") if path.is_file()}
    pages = {"README.md", "DECISION.md", "decision.json", "requirements.yaml", ".gitignore"}
    assert found == pages | {
        *("server/server.py", "server/pyproject.toml", "server/requirements.lock"),
        *("tests/client.py", "tests/test_server.py"),
    }
    linted = run(kit, "-m", "ruff", "check", ".")
    assert linted.returncode == 0, linted.stdout


def test_a_small_server_stays_small(decide: Callable[..., Any], tmp_path: Path) -> None:
    kit = write(decide({**LOCAL, "sdk": "mcp-2"}), tmp_path)
    assert len((kit / "server/server.py").read_text().splitlines()) < 100


def test_a_kit_with_tokens_says_why_it_is_not_a_single_file(decide: Callable[..., Any], tmp_path: Path) -> None:
    kit = write(decide({**LOCAL, "sdk": "mcp-2", "environment.auth": "bearer"}), tmp_path)
    assert "so that the server is not a single file" in (kit / "DECISION.md").read_text()


@pytest.mark.thorough
@pytest.mark.parametrize("more", [{}, {"environment.origins": ORIGINS}], ids=["nothing", "origins"])
def test_mypy_accepts_a_small_server(decide: Callable[..., Any], more: dict[str, Any], tmp_path: Path) -> None:
    kit = write(decide({**LOCAL, "sdk": "mcp-2", **more}), tmp_path)
    typed = run(kit, "-m", "mypy", "--strict", "server/server.py")
    assert typed.returncode == 0, typed.stdout


@pytest.mark.parametrize(
    "more",
    [
        {"scale.instances": 3},
        {"environment.auth": "bearer"},
        {"environment.proxy.kind": "nginx"},
        {"environment.path": "/tools/mcp"},
        {"needs.resumability": "preferred"},
        {"sdk": "fastmcp-2"},
        {"environment.platform": "compose"},
    ],
    ids=str,
)
def test_what_a_single_file_cannot_do_gets_the_complete_server(
    decide: Callable[..., Any], more: dict[str, Any]
) -> None:
    assert kit_context(decide({**LOCAL, "sdk": "mcp-2"})).plain
    assert kit_context(decide({**LOCAL, "sdk": "mcp-2", "environment.proxy.kind": "none"})).plain
    decision = decide({**LOCAL, "sdk": "mcp-2", **more})
    assert not kit_context(decision).plain
    assert "server/runtime/settings.py" in {file.path for file in render_kit(decision, "")}


def test_the_documents_name_only_files_of_the_kit(decide: Callable[..., Any], tmp_path: Path) -> None:
    kit = write(decide({**LOCAL, "sdk": "mcp-2", **EVERYTHING}), tmp_path)
    for name in ("README.md", "DECISION.md"):
        text = (kit / name).read_text()
        assert not re.search(r"docker|compose|Dockerfile|runtime/|tools\.py|--chaos", text), name


@pytest.mark.programs
def test_a_wrong_setting_ends_the_server_with_a_message(decide: Callable[..., Any], tmp_path: Path) -> None:
    kit = write(decide({**LOCAL, "sdk": "mcp-2"}), tmp_path)
    command = ["env", "MCP_STATELESS=maybe", sys.executable, "server/server.py"]
    ended = subprocess.run(command, cwd=kit, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 1
    assert "MCP_STATELESS='maybe' is not one of false, true." in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.programs
def test_a_client_sees_the_version_of_the_project(decide: Callable[..., Any], tmp_path: Path) -> None:
    kit, port = write(decide({**LOCAL, "sdk": "mcp-2"}), tmp_path), free_port()
    project = kit / "server/pyproject.toml"
    project.write_text(project.read_text().replace('version = "0.1.0"', 'version = "3.4.5"'))

    async def version() -> str:
        async with Client(f"http://127.0.0.1:{port}/mcp") as client:
            assert client.server_info is not None
            return client.server_info.version

    with process([sys.executable, str(kit / "server/server.py")], tmp_path / "log.txt", MCP_PORT=str(port)):
        until("the server listens", lambda: not refused(port))
        assert asyncio.run(version()) == "3.4.5"


@pytest.mark.programs
def test_only_web_pages_of_the_stated_origins_can_call_the_server(decide: Callable[..., Any], tmp_path: Path) -> None:
    kit, port = write(decide({**LOCAL, "sdk": "mcp-2", "environment.origins": ORIGINS}), tmp_path), free_port()
    message = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    command = [sys.executable, str(kit / "server/server.py")]
    with process(command, tmp_path / "log.txt", MCP_PORT=str(port)):
        until("the server listens", lambda: not refused(port))
        for origin, allowed in ((ORIGINS[0], True), (ORIGINS[1], True), ("https://evil.example.com", False)):
            asked = {"Origin": origin, "Access-Control-Request-Method": "POST"}
            preflight = _asked(port, "OPTIONS", {**asked, "Access-Control-Request-Headers": "mcp-session-id"})
            assert (preflight.headers["Access-Control-Allow-Origin"] == origin) == allowed
            accept = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}
            answer = _asked(port, "POST", {"Origin": origin, **accept}, json.dumps(message))
            assert (answer.status != 403) == allowed
            assert (answer.headers["Access-Control-Allow-Origin"] == origin) == allowed


def _asked(port: int, method: str, headers: dict[str, str], body: str | None = None) -> http.client.HTTPResponse:
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=20)) as connection:
        connection.request(method, "/mcp", body, headers)
        return connection.getresponse()


@pytest.mark.programs
def test_the_kit_s_own_test_passes_and_finds_a_broken_tool(decide: Callable[..., Any], tmp_path: Path) -> None:
    kit = write(decide({**LOCAL, "sdk": "mcp-2", **EVERYTHING}), tmp_path)
    passed = run(kit, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests")
    assert passed.returncode == 0, passed.stdout[-4000:]
    server = kit / "server/server.py"
    server.write_text(server.read_text().replace("lines = [text]", "lines = []", 1))
    broken = run(kit, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "tests")
    assert broken.returncode == 1, broken.stdout[-4000:]


@pytest.mark.programs
@pytest.mark.parametrize("more", ["", "clients: {protocol: mixed, plain_http: true}\n"], ids=["sessions", "stateless"])
def test_verify_finds_the_decided_features(tmp_path: Path, more: str) -> None:
    requirements = tmp_path / "requirements.yaml"
    needs = ", ".join(f"{feature}: preferred" for feature in FEATURES)
    lines = ["version: 1", "service: demo", "environment: {platform: local}", f"needs: {{{needs}}}"]
    requirements.write_text("\n".join(lines) + "\n" + more)
    advisor = ["-m", "advisor"]
    made = run(tmp_path, *advisor, "generate", str(requirements), "-o", "kit")
    assert made.returncode == 0, made.stderr
    verified = run(tmp_path, *advisor, "verify", "kit")
    assert verified.returncode == 0, verified.stdout
    chaos = run(tmp_path, *advisor, "verify", "kit", "--chaos")
    assert chaos.returncode == 2
    assert "no expected behaviour for faults" in chaos.stderr
