"""The log and the metrics of a running server, read by programs: a JSON parser and promtool."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import test_server_run
import test_session_limit
from mcp import Client
from running import until

from advisor.kit.model import KitContext

pytestmark = [
    pytest.mark.programs,
    pytest.mark.retried("The test starts servers, and each request has a deadline."),
]

python, kit, module = test_server_run.python, test_server_run.kit, test_session_limit.module  # fixtures
TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z")
UNKNOWN_METHOD = ("-32601", "-32602")  # mcp 1 answers with the second code
TOKEN = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl"  # noqa: S105 (not a real token)


def promtool() -> str:
    program = shutil.which("promtool")
    assert program, "promtool is missing: apt-get install --no-install-recommends prometheus"
    return program


@pytest.fixture(scope="module", params=["mcp-1", "mcp-2", "fastmcp-4"])
def served(
    request: pytest.FixtureRequest,
    kit: Callable[..., KitContext],
    python: Callable[[KitContext], Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[KitContext, list[dict[str, Any]], str, str]:
    """The kit, the lines of its log, the text of the log, and the text of its metrics after some calls."""
    context = kit(sdk=request.param, **{"scale.instances": 1, "clients.protocol": "mixed"})
    folder = test_server_run.write(context, tmp_path_factory.mktemp("served"))
    settings = {"MCP_LOG_FORMAT": "json", "MCP_LOG_LEVEL": "debug", "MCP_STATELESS": "false"}
    with test_server_run.running(python(context), folder, **settings) as server:

        async def calls() -> None:
            for mode in ("legacy", "auto"):
                async with Client(f"{server.url}/mcp", mode=mode) as client:
                    result = await client.call_tool("echo", {"text": "hello"})
                    assert not result.is_error

        asyncio.run(calls())
        own = server.session()
        failing = {"jsonrpc": "2.0", "id": 9, "method": "no/such/method"}
        for query in ("code=query-secret", "query-secret"):
            server.send(f"/mcp?{query}", failing, **own, Authorization=f"Bearer {TOKEN}")
        server.send("/mcp", test_server_run.call("echo"), **{**own, "Mcp-Session-Id": "f" * 32})
        # The server counts the duration of a request after the client has the answer.
        until("all calls are counted", lambda: 'duration_seconds_count{route="tools/call"} 3' in server.metrics())
        metrics = server.metrics()
        assert server.send("/metrics")[0] == 404, "clients must not read the metrics"
    text = server.log.read_text()
    assert own["Mcp-Session-Id"] not in text
    return context, [json.loads(line) for line in text.splitlines()], text, metrics


Served = tuple[KitContext, list[dict[str, Any]], str, str]


def test_each_line_of_the_log_is_json_with_a_time(served: Served) -> None:
    for line in served[1]:
        assert TIME.fullmatch(line["time"]), line
        assert datetime.fromisoformat(line["time"].replace("Z", "+00:00"))
        assert line["level"] in ("debug", "info", "warning", "error"), line
        assert line["logger"]
        assert line["message"]


def test_each_request_has_one_line(served: Served) -> None:
    requests = [line for line in served[1] if line["logger"] == "access"]
    calls = [line for line in requests if line["method"] == "tools/call" and line["status"] == 200]
    assert [line["tool"] for line in calls] == ["echo", "echo"]
    assert all(line["duration_ms"] > 0 for line in calls)
    assert any(line["status"] == 404 and line["session"] == "f" * 12 for line in requests)
    assert [line["level"] for line in requests if line.get("error") in UNKNOWN_METHOD] == ["info", "info"]
    assert not [line for line in served[1] if line["logger"] == "uvicorn.access"], "a second line for a request"


def test_the_log_has_no_credentials(served: Served) -> None:
    assert TOKEN not in served[2]
    assert "query-secret" not in served[2]
    assert not re.search(r"\b[0-9a-f]{32}\b", served[2]), "a complete session id"


def test_promtool_accepts_the_metrics(served: Served) -> None:
    checked = subprocess.run(
        [promtool(), "check", "metrics"], input=served[3], capture_output=True, text=True, check=False
    )
    assert (checked.returncode, checked.stderr) == (0, "")


def test_the_metrics_count_what_clients_did(served: Served) -> None:
    found = {name: float(number) for name, number in re.findall(r"^([^#\s]\S*) (\S+)$", served[3], re.MULTILINE)}
    assert found['mcp_requests_total{route="tools/call"}'] == 3
    assert found['mcp_request_duration_seconds_count{route="tools/call"}'] == 3
    assert found['mcp_request_duration_seconds_bucket{le="+Inf",route="tools/call"}'] == 3
    assert 2 in [found.get(f'mcp_errors_total{{error="{code}"}}') for code in UNKNOWN_METHOD]
    assert found['mcp_errors_total{error="404"}'] >= 1
    assert found["mcp_requests_in_flight"] == 0
    assert found['mcp_session_events_total{event="unknown"}'] == 1
    assert found["process_open_fds"] > 0


def test_an_exception_counts_as_an_error_of_the_server(module: Any) -> None:
    async def failing(*_: Any) -> None:
        raise RuntimeError("no answer")

    app = module.Observability(failing, keeps_sessions=False, ready=lambda: True)
    with pytest.raises(RuntimeError, match="no answer"):
        test_session_limit.answer(app)
    assert module.metrics.ERRORS("500")._value.get() == 1
    assert module.metrics.IN_FLIGHT._value.get() == 0
