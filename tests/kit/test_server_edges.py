"""How a generated server is reached: CORS without a proxy, and the port that a platform states."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from server_code import run, written

from advisor.decision.advisor import Advisor
from advisor.kit.context import kit_context
from advisor.kit.model import KitContext
from advisor.kit.parts import pytest_suite

ORIGIN = "https://app.example.com"
ASKED = """
import asyncio, json, sys
from runtime.serving import in_production

async def sdk(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": [(b"mcp-session-id", b"1")]})
    await send({"type": "http.response.body", "body": b""})

async def asked(method, path, **headers):
    sent = []
    async def send(message):
        sent.append(message)
    named = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": method, "path": path, "headers": named}
    await in_production(sdk)(scope, None, send)
    found = {name.decode().lower(): value.decode() for name, value in sent[0]["headers"]}
    return [sent[0]["status"], found]

async def main():
    wants = {"access_control_request_method": "POST", "access_control_request_headers": "authorization,mcp-session-id"}
    return {
        "preflight": await asked("OPTIONS", "/mcp", origin=sys.argv[1], **wants),
        "answer": await asked("POST", "/mcp", origin=sys.argv[1]),
        "refusal": await asked("GET", "/mcp", origin=sys.argv[1]),
        "stranger": await asked("POST", "/mcp", origin="https://evil.example"),
    }

print(json.dumps(asyncio.run(main())))
"""


def test_a_server_without_a_proxy_answers_the_cors_requests_of_stated_origins(advisor: Advisor, tmp_path: Path) -> None:
    facts: dict[str, Any] = {"environment.origins": (ORIGIN,), "environment.proxy.kind": "none"}
    server = written(advisor, tmp_path, **facts)
    found = json.loads(run(server, ASKED, ORIGIN))
    status, headers = found["preflight"]
    assert (status, headers["access-control-allow-origin"]) == (200, ORIGIN)
    assert headers["access-control-allow-headers"] == "authorization,mcp-session-id"
    assert "POST" in headers["access-control-allow-methods"]
    for name in ("answer", "refusal"):
        assert found[name][1]["access-control-allow-origin"] == ORIGIN
        assert "Mcp-Session-Id" in found[name][1]["access-control-expose-headers"]
    assert "access-control-allow-origin" not in found["stranger"][1]


@pytest.mark.parametrize(
    ("proxy", "origins", "answers"),
    [("none", [ORIGIN], True), ("alb", [ORIGIN], True), ("nginx", [ORIGIN], False), ("alb", [], False)],
)
def test_only_one_place_answers_cors_requests(decide: Any, proxy: str, origins: list[str], answers: bool) -> None:
    facts = {"environment.proxy.kind": proxy, "environment.origins": origins, "clients.protocol": "modern"}
    context: KitContext = kit_context(decide(facts))
    assert context.answers_cors == answers


PORTS = """
from runtime.settings import read
for given in ({}, {"PORT": "9090"}, {"PORT": "9090", "MCP_PORT": "8001"}, {"PORT": "tcp://10.0.0.1"}):
    found = read({"MCP_INSTANCES": "1", **given})
    print(found.port, *(problem for problem in found.problems if "PORT" in problem))
"""


@pytest.mark.parametrize(
    ("platform", "expected"),
    [
        ("serverless", ["8000", "9090", "8001", "8000 PORT='tcp://10.0.0.1' must be an integer from 1 to 65535."]),
        # In a cluster, the variable of a Service with the name `port` has another form.
        ("kubernetes", ["8000", "8000", "8001", "8000"]),
    ],
)
def test_a_serverless_platform_states_the_port(
    advisor: Advisor, tmp_path: Path, platform: str, expected: list[str]
) -> None:
    server = written(advisor, tmp_path, **{"environment.platform": platform})
    assert run(server, PORTS).splitlines() == expected
    assert ("MCP_PORT" in (server / "Dockerfile").read_text()) == (platform != "serverless")


@pytest.mark.parametrize(
    ("sdk", "found", "fails"),
    [
        ("mcp-2", "2.3.1", False),
        ("mcp-2", "2.4.0", True),
        ("mcp-2", "2.30.0", True),
        ("mcp==1.20.0", "1.20.0", False),
        ("mcp==1.20.0", "1.30.0", True),
    ],
)
def test_the_tests_of_a_kit_fail_on_another_minor_release(
    decide: Callable[..., Any], sdk: str, found: str, fails: bool
) -> None:
    facts = {"service": "demo", "sdk": sdk, "clients.protocol": "legacy"}
    files = {file.path: file.content for file in pytest_suite.files(kit_context(decide(facts)))}
    wanted = ("PACKAGE", "MEASURED", "test_the_sdk_release_is_measured")
    tree = ast.parse(files["tests/test_server.py"])
    tree.body = [
        node
        for node in tree.body
        if (isinstance(node, ast.FunctionDef) and node.name in wanted)
        or (isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id in wanted)
    ]
    module: dict[str, Any] = {"version": lambda package: found}
    exec(compile(tree, "test_server.py", "exec"), module)  # noqa: S102 (the code is of this kit)
    if not fails:
        module["test_the_sdk_release_is_measured"]()
        return
    with pytest.raises(AssertionError, match=f"capabilities measure --sdk mcp=={found} --write"):
        module["test_the_sdk_release_is_measured"]()
