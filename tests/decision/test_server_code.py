"""The code of a decision starts the server on its platform: functions, containers, ports and paths."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sdk_lines import SDK_LINES

from advisor.decision.advisor import Advisor

FUNCTION = {"environment.platform": "serverless", "environment.proxy.kind": "api-gateway", "clients.protocol": "legacy"}


@pytest.mark.parametrize("sdk", SDK_LINES)
def test_a_function_with_an_asgi_adapter_gets_a_handler(decide: Any, sdk: str) -> None:
    code = decide(FUNCTION | {"sdk": sdk, "environment.function_adapter": "asgi"}).code
    assert "def handler(event, context):" in code
    assert ".run(" not in code
    assert "stateless_http=True" in code


@pytest.mark.parametrize("sdk", SDK_LINES)
@pytest.mark.parametrize("kind", ["api-gateway", "lambda-url", "other", "none"])
def test_an_unknown_adapter_gets_the_code_for_both_ways(decide: Any, sdk: str, kind: str) -> None:
    decision = decide(FUNCTION | {"sdk": sdk, "environment.proxy.kind": kind})
    compile(decision.code, "code", "exec")
    function, _, process = decision.code.partition("# As a process")
    assert "def handler(" in function
    assert ".run(" in process
    assert "function-adapter-not-known" in {warning.id for warning in decision.warnings}


def test_a_web_adapter_gets_the_code_of_a_process_and_its_port(decide: Any) -> None:
    code = decide(FUNCTION | {"environment.function_adapter": "web"}).code
    assert ".run(" in code
    assert "def handler(" not in code
    assert code.startswith("# Set AWS_LWA_PORT=8000")


@pytest.mark.parametrize("adapter", ["unknown", "asgi"])
def test_a_function_names_its_time_limit_and_the_missing_streams(decide: Any, adapter: str) -> None:
    proxy = {"environment.proxy.kind": "other", "environment.proxy.sse": False, "environment.proxy.total_timeout_s": 29}
    decision = decide(FUNCTION | proxy | {"sdk": "mcp-1", "environment.function_adapter": adapter})
    said = " ".join(warning.message for warning in decision.warnings)
    assert "every answer must end within 29 s. No stream reaches the clients." in said


@pytest.mark.parametrize(
    ("stated", "arguments"),
    [
        ({"environment.platform": "local"}, ""),
        ({"environment.platform": "systemd"}, ""),
        ({"environment.platform": "systemd", "environment.proxy.kind": "alb"}, 'host="0.0.0.0"'),
        ({"environment.platform": "systemd", "environment.hops": [{"kind": "alb"}, {"kind": "nginx"}]}, ""),
        ({"environment.platform": "kubernetes"}, 'host="0.0.0.0"'),
        ({"environment.platform": "compose"}, 'host="0.0.0.0"'),
        ({"environment.platform": "serverless", "environment.proxy.kind": "agentcore"}, 'host="0.0.0.0"'),
        (
            {"environment.platform": "serverless", "environment.proxy.kind": "cloud-run"},
            'host="0.0.0.0", port=int(os.environ["PORT"])',
        ),
        (
            {"environment.platform": "serverless", "environment.hops": [{"kind": "cloudflare"}, {"kind": "heroku"}]},
            'host="0.0.0.0", port=int(os.environ["PORT"])',
        ),
        ({"environment.platform": "systemd", "environment.path": "/mcp/"}, '="/mcp/"'),
        ({"environment.platform": "compose", "environment.path": "/a/mcp"}, '="/a/mcp"'),
    ],
)
@pytest.mark.parametrize("sdk", SDK_LINES)
def test_a_process_listens_where_the_platform_reaches_it(
    decide: Any, advisor: Advisor, sdk: str, stated: dict[str, Any], arguments: str
) -> None:
    code = decide({"sdk": sdk, "clients.protocol": "legacy", **stated}).code
    compile(code, "code", "exec")
    assert arguments in code
    assert ("host=" in code) is ("host=" in arguments or stated["environment.platform"] == "compose")
    assert code.startswith("import os\n") is ("PORT" in arguments)
    named = f"{advisor.knowledge.sdks[sdk].path}="
    assert (named in code) is ("environment.path" in stated)
    assert max(map(len, code.splitlines())) <= 100


def test_a_prefix_can_end_at_the_proxy(decide: Any) -> None:
    stated = {"environment.platform": "compose", "environment.path": "/tools/mcp"}
    code = decide({**stated, "environment.proxy.kind": "haproxy"}).code
    assert code.startswith("# If a proxy removes the prefix of the path,")
    assert not decide({**stated, "environment.proxy.kind": "none"}).code.startswith("#")


@pytest.mark.parametrize("sdk", SDK_LINES)
@pytest.mark.parametrize(
    ("stated", "command"),
    [
        ({"environment.platform": "compose", "environment.path": "/a/mcp"}, "--workers 4 --host 0.0.0.0 --port 8000"),
        ({"environment.platform": "systemd"}, "--workers 4 --host 127.0.0.1 --port 8000"),
        (
            {"environment.platform": "serverless", "environment.proxy.kind": "heroku"},
            "--workers 4 --host 0.0.0.0 --port $PORT",
        ),
    ],
)
def test_several_workers_get_an_app_for_uvicorn(decide: Any, sdk: str, stated: dict[str, Any], command: str) -> None:
    code = decide({"sdk": sdk, "clients.protocol": "legacy", "scale.workers": 4, **stated}).code
    compile(code, "code", "exec")
    assert f"uvicorn server:app {command}" in code
    assert "app = mcp." in code
    assert ".run(" not in code
    assert ('="/a/mcp"' in code) is ("environment.path" in stated)


HOSTS = {"environment.hosts": ["a.example", "b.example:8443"], "clients.protocol": "legacy"}
PLATFORMS = ["kubernetes", "compose", "systemd", "serverless", "local"]


@pytest.mark.parametrize("sdk", [*SDK_LINES, "mcp==1.22.0", "mcp==1.23.0", "fastmcp==3.4.2", "fastmcp==3.4.3"])
@pytest.mark.parametrize("workers", [1, 4])
@pytest.mark.parametrize("platform", PLATFORMS)
def test_the_code_lists_the_hosts_where_the_sdk_refuses_others(
    decide: Any, advisor: Advisor, sdk: str, platform: str, workers: int
) -> None:
    """The code answers the stated hosts on every platform, and says where the list of hosts goes."""
    proxy = {"environment.proxy.kind": "fly"} if platform == "serverless" else {}
    stated = {"sdk": sdk, "environment.platform": platform, "scale.workers": workers, **HOSTS, **proxy}
    decision = decide(stated)
    code = decision.code
    compile(code, "code", "exec")
    line = advisor.knowledge.sdks[decision.release.line.id]
    refuses = decision.facts["sdk.host_check"] == "checked"
    assert refuses is (sdk in ("mcp-1", "mcp-2", "mcp==1.23.0", "fastmcp==3.4.3"))
    listed = refuses and not (line.hosts_off and 'host="0.0.0.0"' in code)
    assert ('"a.example", "b.example:8443"' in code) is listed
    assert (line.hosts_note in code) is not listed
    assert max(map(len, code.splitlines())) <= 110
    assert "a.example" not in decide({**stated, "environment.hosts": []}).code


@pytest.mark.parametrize("platform", ["systemd", "local", "kubernetes"])
@pytest.mark.parametrize("workers", [1, 4])
def test_a_server_with_the_code_answers_the_stated_hosts(
    decide: Any, monkeypatch: pytest.MonkeyPatch, platform: str, workers: int
) -> None:
    """The code runs on the SDK of the lab: it answers the stated hosts, with and without a port, and localhost."""
    import httpx2 as httpx
    from mcp.server.mcpserver import MCPServer as server  # noqa: N813

    origins = {"environment.origins": ["https://app.example"]}
    stated = {
        "environment.platform": platform,
        "scale.workers": workers,
        "clients.plain_http": True,
        **HOSTS,
        **origins,
    }
    decision = decide({**stated, "workload.longest_call_s": 1, "scale.instances": 3})
    made: dict[str, Any] = {}

    def run(self: Any, transport: str, **arguments: Any) -> None:
        made["app"] = self.streamable_http_app(**arguments)

    monkeypatch.setattr(server, "run", run)
    exec(compile(decision.code, "code", "exec"), made)  # noqa: S102 (the code that users copy)

    async def statuses() -> list[int]:
        call = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
        app = made["app"]
        found = []
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://127.0.0.1:8000") as client,
        ):
            for host, origin in requests:
                headers = {"Host": host, "Accept": "application/json, text/event-stream"}
                headers |= {"Origin": origin} if origin else {}
                found.append((await client.post("/mcp", json=call, headers=headers)).status_code)
        return found

    requests = [("a.example", ""), ("a.example:443", ""), ("b.example:8443", ""), ("127.0.0.1:8000", "")]
    requests += [("a.example", "https://a.example"), ("a.example", "https://app.example")]
    requests += [("localhost:8000", "http://localhost:6274"), ("other.example", "")]
    *allowed, other = asyncio.run(statuses())
    assert set(allowed) == {200}
    assert other == (200 if platform == "kubernetes" else 421)
