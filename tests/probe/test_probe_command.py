"""`mcp-advisor probe` on a real server: the screen, the JSON document, the requirements file and the exit codes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from running import refused, run_command_for_text, until

from advisor.lab.process.ports import free_port
from advisor.report.screen_parts import LINES

SERVER = """
import sys
from mcp.server.mcpserver import MCPServer

mcp = MCPServer("orders")


@mcp.tool()
def add(a: int, b: int) -> int:
    return a + b


mcp.run("streamable-http", port=int(sys.argv[1]))
"""
QUICK = ("--watch", "0", "--sessions", "12")


def _run(*arguments: str) -> tuple[int, str, str]:
    done = run_command_for_text("probe", *arguments, COLUMNS="80")
    return done.returncode, done.stdout, done.stderr


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server with sessions, and its URL."""
    script = tmp_path_factory.mktemp("server") / "server.py"
    script.write_text(SERVER, encoding="utf-8")
    port = free_port()
    with subprocess.Popen([sys.executable, script, str(port)], stderr=subprocess.DEVNULL) as process:
        try:
            until("the server listens", lambda: not refused(port))
            yield f"http://127.0.0.1:{port}/mcp"
        finally:
            process.kill()


def test_the_first_screen_answers_within_23_lines_of_80_columns(url: str) -> None:
    code, text, _ = _run(url, *QUICK)
    assert code == 0, text
    assert f"{url}: no fault found" in text
    assert "too few sessions" in text
    assert len(text.splitlines()) <= LINES
    assert max(map(len, text.splitlines())) <= 80


def test_enough_sessions_say_which_loss_is_ruled_out(url: str) -> None:
    _, text, _ = _run(url, "--watch", "0")
    assert "a loss of one in ten would show with 99 % confidence" in " ".join(text.split())


def test_the_document_has_the_keys_of_the_contract(url: str) -> None:
    code, text, _ = _run(url, *QUICK, "--format", "json")
    document = json.loads(text)
    assert code == 0
    assert document["schema"] == "mcp-advisor/probe/1"
    assert (document["eras"], document["session_mode"], document["response_mode"]) == (
        ["legacy", "modern"],
        "stateful",
        "sse",
    )
    assert document["affinity"]["sessions"] == 12
    assert document["affinity"]["loss"]["rate"] == 0
    assert {check["status"] for check in document["checks"]} == {"ok", "untested"}


def test_the_observations_become_a_requirements_file(url: str, tmp_path: Path) -> None:
    file = tmp_path / "requirements.yaml"
    assert _run(url, *QUICK, "--requirements", str(file))[0] == 0
    assert yaml.safe_load(file.read_text(encoding="utf-8"))["current"] == {
        "stateless_http": False,
        "json_response": False,
        "transport": "streamable-http",
    }
    code, _, message = _run(url, *QUICK, "--requirements", str(file))
    assert (code, "exists already" in message) == (2, True)


def test_a_run_without_time_is_no_clean_result(url: str) -> None:
    code, text, error = _run(url, "--budget", "1", "--watch", "1")
    assert (code, error) == (5, "")
    assert "the time was over before all checks" in " ".join(text.split())


def test_a_tool_is_called_only_if_it_is_named(url: str) -> None:
    _, text, _ = _run(url, *QUICK, "--format", "json")
    assert not any("tools/call" in request for check in json.loads(text)["checks"] for request in check["requests"])
    arguments = ("--tool", "add", "--arguments", '{"a": 1, "b": 2}')
    _, text, _ = _run(url, *QUICK, *arguments, "--format", "json")
    checks = {check["id"]: check for check in json.loads(text)["checks"]}
    assert checks["progress"]["status"] == "ok"
    assert checks["second-requests"]["detail"] == "the tool asked nothing"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("ftp://x/mcp",), "does not start with http:// or https://"),
        (("http://user:word@x/mcp",), "use --header"),
        (("http://x y/mcp",), "a space or a control character"),
        (("http://x/mcp", "--budget", "soon"), "numbers from 1 to 600"),
        (("http://x/mcp", "--sessions", "1000"), "numbers from 12 to 300"),
        (("http://x/mcp", "--header", "no colon"), "'Name: value'"),
        (("http://x/mcp", "--header", "Host: y"), "the probe sets this header"),
        (("http://x/mcp", "--header", "@/nowhere"), "the file cannot be read"),
        (("http://x/mcp", "--tool", "t", "--arguments", "[]"), "a JSON object"),
        (("http://x/mcp", "--arguments", '{"a": 1}'), "needs --tool"),
    ],
)
def test_wrong_usage_is_one_message(arguments: tuple[str, ...], message: str) -> None:
    code, output, error = _run(*arguments)
    assert (code, output) == (2, "")
    assert message in " ".join(error.split())


def test_a_secret_in_a_wrong_header_is_not_shown() -> None:
    _, _, error = _run("http://x/mcp", "--header", "Authorization Bearer top-secret")
    assert "top-secret" not in error


def test_an_endpoint_that_does_not_exist_is_a_finding() -> None:
    code, text, _ = _run(f"http://127.0.0.1:{free_port()}/mcp")
    assert code == 1
    assert "endpoint-unreachable" in text
    assert "nothing accepts connections at this port" in text
