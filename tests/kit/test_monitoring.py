"""The alerts and the dashboard of a kit: promtool evaluates each alert, and each metric is one that the server has."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from advisor.kit.context import kit_context
from advisor.kit.model import KitContext
from advisor.kit.parts import monitoring, server

# Platform → the facts of a kit with sessions.
PLATFORMS = ("systemd", "compose", "kubernetes")
OF_THE_PROCESS = {"up", "process_open_fds", "process_max_fds", "process_resident_memory_bytes"}
UP = {f'up{{job="demo",instance="{name}"}}': "1x60" for name in "abc"}
CALLS = {'mcp_requests_total{job="demo",route="tools/call"}': "0+600x60"}
OWN = '{job="demo",instance="a"}'
BUCKETS = 'mcp_request_duration_seconds_bucket{job="demo",route="tools/call",le="'
EVENTS = 'mcp_session_events_total{job="demo",event="'
# Alert → series with which it fires after an hour, and series with which it does not.
CASES: dict[str, tuple[dict[str, str], dict[str, str]]] = {
    "McpInstancesMissing": ({**UP, 'up{job="demo",instance="b"}': "0x60"}, UP),
    "McpProxiesMissing": (
        {'up{job="demo-proxy",instance="p"}': "0x60"},
        {'up{job="demo-proxy",instance="p"}': "1x60"},
    ),
    "McpErrors": (
        {**CALLS, 'mcp_errors_total{job="demo",error="500"}': "0+40x60"},
        {**CALLS, 'mcp_errors_total{job="demo",error="404"}': "0+40x60"},
    ),
    "McpSlowCalls": (
        {f'{BUCKETS}60"}}': "0+90x60", f'{BUCKETS}120"}}': "0+100x60", f'{BUCKETS}+Inf"}}': "0+100x60"},
        {f'{BUCKETS}60"}}': "0+99x60", f'{BUCKETS}120"}}': "0+100x60", f'{BUCKETS}+Inf"}}': "0+100x60"},
    ),
    "McpFileDescriptors": (
        {f"process_open_fds{OWN}": "900x60", f"process_max_fds{OWN}": "1000x60"},
        {f"process_open_fds{OWN}": "100x60", f"process_max_fds{OWN}": "1000x60"},
    ),
    "McpSessionsNearLimit": (
        {f"mcp_sessions_active{OWN}": "81x60", f"mcp_sessions_max{OWN}": "100x60"},
        {f"mcp_sessions_active{OWN}": "79x60", f"mcp_sessions_max{OWN}": "100x60"},
    ),
    "McpClientsRefused": ({f'{EVENTS}refused"}}': "0+1x60"}, {f'{EVENTS}refused"}}': "7x60"}),
    "McpSessionsLost": (
        {**CALLS, f'{EVENTS}unknown"}}': "0+12x60"},
        {**CALLS, f'{EVENTS}unknown"}}': "0+3x60"},
    ),
}


@pytest.fixture(scope="module", params=PLATFORMS)
def kit(request: pytest.FixtureRequest, decide: Callable[..., Any]) -> KitContext:
    facts = {"service": "demo", "sdk": "mcp-1", "clients.protocol": "legacy", "needs.elicitation": "required"}
    where = {"environment.platform": request.param, "environment.proxy.kind": "nginx", "scale.instances": 3}
    return kit_context(decide({**facts, **where}))


def rules(kit: KitContext) -> dict[str, Any]:
    found = {file.path: file.content for file in monitoring.files(kit)}
    parsed: dict[str, Any] = yaml.safe_load(found["monitoring/alerts.yaml"])
    return parsed if "groups" in parsed else parsed["spec"]


def test_each_metric_of_the_alerts_and_of_the_dashboard_exists(kit: KitContext) -> None:
    source = next(file.content for file in server.files(kit) if file.path == "server/runtime/metrics.py")
    exported = set(re.findall(r'"(mcp_\w+)"', source)) | OF_THE_PROCESS
    expressions = [rule["expr"] for group in rules(kit)["groups"] for rule in group["rules"]]
    board = next(file.content for file in monitoring.files(kit) if file.path.endswith("dashboard.json"))
    expressions += [target["expr"] for panel in json.loads(board)["panels"] for target in panel["targets"]]
    used = {name.removesuffix("_bucket") for text in expressions for name in re.findall(r"\b([a-z_]+)\{", text)}
    used.remove(kit.carried.connections.partition("{")[0])  # tests/kit/test_proxy_metrics.py asks the proxy
    assert used <= exported
    assert {name for name in exported if name.startswith("mcp_")} <= used, "a metric that nobody looks at"


@pytest.mark.programs
def test_each_alert_fires_only_when_it_must(kit: KitContext, tmp_path: Path) -> None:
    program = shutil.which("promtool")
    assert program, "promtool is missing: apt-get install --no-install-recommends prometheus"
    written = rules(kit)
    assert [rule["alert"] for group in written["groups"] for rule in group["rules"]] == list(CASES)
    (tmp_path / "alerts.yaml").write_text(yaml.safe_dump(written))
    tests = [
        {
            "name": f"{alert} {'fires' if fires else 'does not fire'}",
            "interval": "1m",
            "input_series": [{"series": name, "values": values} for name, values in series.items()],
            "promql_expr_test": [
                {
                    "expr": f'count(ALERTS{{alertname="{alert}",alertstate="firing"}})',
                    "eval_time": "1h",
                    "exp_samples": [{"labels": "{}", "value": 1}] if fires else [],
                }
            ],
        }
        for alert, cases in CASES.items()
        for fires, series in zip((True, False), cases, strict=True)
    ]
    (tmp_path / "tests.yaml").write_text(yaml.safe_dump({"rule_files": ["alerts.yaml"], "tests": tests}))
    ended = subprocess.run(
        [program, "test", "rules", str(tmp_path / "tests.yaml")], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr


@pytest.mark.programs
def test_prometheus_accepts_the_configuration(kit: KitContext, tmp_path: Path) -> None:
    program = shutil.which("promtool")
    assert program, "promtool is missing: apt-get install --no-install-recommends prometheus"
    for file in monitoring.files(kit):
        (tmp_path / Path(file.path).name).write_text(file.content)
    if kit.platform == "kubernetes":
        (tmp_path / "alerts.yaml").write_text(yaml.safe_dump(rules(kit)))
        command = ["rules", "alerts.yaml"]
    else:
        command = ["config", "prometheus.yaml"]
    ended = subprocess.run([program, "check", *command], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
