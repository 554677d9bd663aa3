"""The traces of a kit's server, received by an OTLP/HTTP receiver while a real client calls tools."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import re
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sdk_environments
import test_server_run
from mcp import Client
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, use_span
from running import until
from sdk_lines import SDK_LINES

from advisor.kit.context import kit_context
from advisor.kit.model import KitContext
from advisor.kit.render import render_kit
from advisor.kit.spans import creates_spans
from advisor.lab.process import programs
from advisor.lab.process.ports import free_port

programs_marks = [
    pytest.mark.programs,
    pytest.mark.retried("The server, its client and the receiver share the processors, and each step has a deadline."),
]

python, kit = test_server_run.python, test_server_run.kit  # fixtures
EXPORTING = ("mcp-2", "fastmcp-3", "fastmcp-4")
TRACE, PARENT = 0x5AFE0000000000000000000000C0FFEE, 0x5AFE00000000BEEF
FAILING = (
    '\n\n@tool("failing")\nasync def failing() -> str:\n    """Fail."""\n    raise ValueError("secret of a user")\n'
)
FAST = {"OTEL_BSP_SCHEDULE_DELAY": "100"}  # milliseconds between two exports
WAIT_S = 30


@contextlib.contextmanager
def collecting(python: Path, folder: Path) -> Iterator[tuple[str, Callable[[], list[dict[str, Any]]]]]:
    """Start the receiver. Yields its URL, and a function that returns the received spans."""
    port, received = free_port(), folder / "spans.jsonl"
    received.touch()
    command = [str(python), str(Path(__file__).with_name("collector.py")), str(port), str(received)]
    with (folder / "collector.txt").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        until("the collector listens", lambda: listens(port))
        yield f"http://127.0.0.1:{port}", lambda: [json.loads(line) for line in received.read_text().splitlines()]
    finally:
        process.terminate()
        process.wait(WAIT_S)


def listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def served(kit: KitContext, folder: Path) -> Path:
    test_server_run.write(kit, folder)
    tools = folder / "server" / "tools.py"
    tools.write_text(tools.read_text() + FAILING)
    return folder


def calls(url: str, tools: tuple[str, ...] = ("echo",), times: int = 1) -> None:
    """Call tools with a real client, inside of a span of the client."""
    parent = SpanContext(TRACE, PARENT, is_remote=False, trace_flags=TraceFlags(TraceFlags.SAMPLED))

    async def call() -> None:
        with use_span(NonRecordingSpan(parent)):
            async with Client(f"{url}/mcp", mode="legacy") as client:
                for _ in range(times):
                    for name in tools:
                        await client.call_tool(name, {"text": "hello"} if name == "echo" else {})

    asyncio.run(call())


def attributes(span: dict[str, Any]) -> dict[str, str]:
    return {pair["key"]: next(iter(pair["value"].values())) for pair in span.get("attributes", ())}


@pytest.mark.parametrize("line", EXPORTING)
class TestRunning:
    """A server of each SDK line that creates spans."""

    pytestmark = programs_marks

    def test_a_collector_gets_the_spans_of_a_call_in_the_trace_of_the_client(
        self, kit: Callable[..., KitContext], python: Callable[[KitContext], Path], line: str, tmp_path: Path
    ) -> None:
        context = kit(sdk=line, **{"scale.instances": 1})
        folder = served(context, tmp_path)
        with collecting(python(context), tmp_path) as (url, spans):
            settings = {"OTEL_EXPORTER_OTLP_ENDPOINT": url, "MCP_STATELESS": "false", **FAST}
            with test_server_run.running(python(context), folder, **settings) as server:
                calls(server.url, ("echo", "failing"))
                own = server.session()
                server.send("/mcp", test_server_run.call("echo"), **own)
                until(
                    "the call has two spans",
                    lambda: len([span for span in spans() if span["name"] == "tools/call echo"]) == 2,
                )
            found = spans()
        assert "traces=on" in server.log.read_text()
        first = next(span for span in found if span["name"] == "tools/call echo")
        assert base64.b64decode(first["traceId"]).hex() == f"{TRACE:032x}"
        assert first["kind"] == "SPAN_KIND_SERVER"
        assert attributes(first)["gen_ai.tool.name"] == "echo"
        assert first["resource"]["service.name"] == {"stringValue": context.service}
        assert first["resource"]["service.instance.id"]["stringValue"].endswith(server.url.rpartition(":")[2])
        failed = next(span for span in found if span["name"] == "tools/call failing")
        assert failed["status"]["code"] == "STATUS_CODE_ERROR"
        text = json.dumps(found)
        assert "secret of a user" not in text
        # The ids of traces and spans are base64 in this text, so each long hexadecimal number is a session id.
        assert not re.search(r"[0-9a-f]{20}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}", text.replace(f"{TRACE:032x}", ""))
        sessions = {attributes(span)["mcp.session.id"] for span in found if "mcp.session.id" in attributes(span)}
        assert (own["Mcp-Session-Id"][:12] in sessions) == (context.package == "fastmcp")
        assert {len(session) for session in sessions} <= {12}

    def test_calls_do_not_wait_for_a_collector_and_the_log_has_one_line(
        self, kit: Callable[..., KitContext], python: Callable[[KitContext], Path], line: str, tmp_path: Path
    ) -> None:
        """A collector that never answers, then none. The exporter waits for an answer longer than 50 calls take."""
        context = kit(sdk=line, **{"scale.instances": 1})
        folder = served(context, tmp_path)
        silent = socket.create_server(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        settings = {"OTEL_EXPORTER_OTLP_ENDPOINT": url, "OTEL_BSP_MAX_QUEUE_SIZE": "16", **FAST}
        settings |= {"OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "16", "OTEL_EXPORTER_OTLP_TIMEOUT": str(WAIT_S)}
        with test_server_run.running(python(context), folder, **settings) as server:
            began = time.monotonic()
            calls(server.url, times=50)
            assert time.monotonic() - began < WAIT_S, "a call waits for the collector"
            silent.close()  # from now on, the kernel refuses connections
            calls(server.url, times=50)
            until("the log names the fault", lambda: "cannot export spans" in server.log.read_text())
            calls(server.url, times=50)
            ending = time.monotonic()
            server.process.terminate()
            server.process.wait(WAIT_S)
            taken = time.monotonic() - ending
        tier = context.tiers[0]
        assert taken < tier.grace_s - tier.preferred_stop_s, "the platform would kill the process"
        lines = [each for each in server.log.read_text().splitlines() if "span" in each or "telemetry" in each]
        assert len([each for each in lines if "cannot export spans" in each]) == 1, lines
        assert len(lines) <= 2, lines  # the second line says that the last spans are lost


class TestSettings:
    """What the variables of OpenTelemetry do at the start of a server."""

    pytestmark = programs_marks

    def test_without_a_collector_the_server_imports_no_exporter(
        self, kit: Callable[..., KitContext], python: Callable[[KitContext], Path], tmp_path: Path
    ) -> None:
        context = kit(sdk="mcp-2")
        folder = test_server_run.write(context, tmp_path) / "server"
        code = "import server, sys; server.create_app(); print([m for m in sys.modules if 'telemetry.sdk' in m])"
        command = [str(python(context)), "-c", code]
        env = {**test_server_run.clean(), "MCP_INSTANCES": "1"}
        ended = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
        assert ended.stdout.strip() == "[]", ended.stderr

    @pytest.mark.parametrize(
        ("settings", "said"),
        [
            ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "collector:4318"}, "is not a URL such as"),
            (
                {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://a:4317", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
                "OTEL_EXPORTER_OTLP_PROTOCOL='grpc' is not one of http/protobuf",
            ),
            (
                {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://a:4318", "OTEL_BSP_MAX_QUEUE_SIZE": "0"},
                "OpenTelemetry does not",
            ),
        ],
    )
    def test_a_server_with_invalid_settings_does_not_start(
        self,
        kit: Callable[..., KitContext],
        python: Callable[[KitContext], Path],
        settings: dict[str, str],
        said: str,
        tmp_path: Path,
    ) -> None:
        context = kit(sdk="mcp-2")
        assert said in refused(python(context), test_server_run.write(context, tmp_path), settings)

    def test_a_server_without_the_exporter_names_the_command(
        self, kit: Callable[..., KitContext], tmp_path: Path
    ) -> None:
        context = kit(sdk="mcp-2")
        uv, own = str(programs.program("uv")), tmp_path / "venv"
        subprocess.run([uv, "venv", "-q", str(own)], check=True)
        wanted = [package for package in context.installs if "opentelemetry" not in package]
        (tmp_path / "overrides.txt").write_text(sdk_environments.OVERRIDES)
        install = [uv, "pip", "install", "-q", "--python", str(own / "bin" / "python")]
        subprocess.run([*install, "--override", str(tmp_path / "overrides.txt"), *wanted], check=True)
        settings = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}
        said = refused(own / "bin" / "python", test_server_run.write(context, tmp_path), settings)
        command = re.search(r"python -m (pip install .*?) -c requirements.lock", said)
        assert command, said
        # uv instead of pip, because this environment has no pip
        subprocess.run([*install, command[1].removeprefix("pip install ").strip("'")], check=True)
        with test_server_run.running(own / "bin" / "python", tmp_path, **settings) as server:
            assert server.send("/mcp", test_server_run.call("echo"), **server.session())[0] == 200

    def test_a_line_without_spans_says_so(
        self, kit: Callable[..., KitContext], python: Callable[[KitContext], Path], tmp_path: Path
    ) -> None:
        context = kit(sdk="mcp-1")
        folder = test_server_run.write(context, tmp_path)
        with test_server_run.running(
            python(context), folder, OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:4318"
        ) as server:
            assert "exports no traces, because mcp 1 creates no" in server.log.read_text()


def refused(python: Path, folder: Path, settings: dict[str, str]) -> str:
    """The log of a server that does not start."""
    env = {**test_server_run.clean(), "MCP_INSTANCES": "1", "MCP_PORT": str(free_port()), **settings}
    command = [str(python), str(folder / "server" / "server.py")]
    ended = subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=60)
    assert ended.returncode == 2, ended.stderr
    return ended.stderr


@pytest.mark.parametrize("platform", ["kubernetes", "compose", "systemd", "serverless"])
@pytest.mark.parametrize("line", SDK_LINES)
def test_every_document_says_whether_the_servers_export_traces(
    decide: Callable[..., Any], line: str, platform: str
) -> None:
    decision = decide({"sdk": line, "environment.platform": platform, "scale.instances": 3})
    context = kit_context(decision)
    exports = creates_spans(context.knowledge, context.package, context.oldest_sdk)
    assert exports == (line in EXPORTING)
    files = {file.path: file.content for file in render_kit(decision, "")}
    named = "OTEL_EXPORTER_OTLP_ENDPOINT"
    for path in ("README.md", "DECISION.md", ".env.example", "server/pyproject.toml", "server/requirements.lock"):
        text = files[path]
        assert (named in text or "opentelemetry-exporter" in text) == exports, path
    for path in ("README.md", "DECISION.md"):
        assert ("creates no OpenTelemetry spans" in files[path]) != exports
    assert ("server/runtime/tracing.py" in files) == exports
    deployed = {"kubernetes": "kubernetes/server.yaml", "compose": "compose.yaml"}.get(platform)
    if deployed:
        assert (named in files[deployed]) == exports
