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
from test_words import CASES as SHAPED
from test_words import OWN as OWN_FACTS
from test_words import SHAPES

from advisor.kit.context import kit_context
from advisor.kit.model import KitContext
from advisor.kit.parts import kubernetes, monitoring, server

# Platform → the facts of a kit with sessions.
PLATFORMS = ("systemd", "compose", "kubernetes")
OF_THE_PROCESS = {"up", "process_open_fds", "process_max_fds", "process_resident_memory_bytes"}
OWN = '{job="demo",instance="a"}'
CALLS = {'mcp_requests_total{job="demo",route="tools/call"}': "0+600x60"}
EVENTS = 'mcp_session_events_total{job="demo",event="'


def cases(kit: KitContext) -> dict[str, tuple[dict[str, str], dict[str, str]]]:
    """Alert → series with which it fires after an hour, and series with which it does not."""
    longest = max(tier.longest_call_s for tier in kit.tiers)
    buckets = 'mcp_request_duration_seconds_bucket{job="demo",route="tools/call",le="'
    up = {f'up{{job="demo",instance="{number}"}}': "1x60" for number in range(sum(t.instances for t in kit.tiers))}
    proxies = {f'up{{job="demo-proxy",instance="{number}"}}': "1x60" for number in range(max(kit.proxy_replicas, 1))}
    return {
        "McpInstancesMissing": ({**up, 'up{job="demo",instance="0"}': "0x60"}, up),
        "McpProxiesMissing": ({**proxies, 'up{job="demo-proxy",instance="0"}': "0x60"}, proxies),
        "McpErrors": (
            {**CALLS, 'mcp_errors_total{job="demo",error="500"}': "0+40x60"},
            {**CALLS, 'mcp_errors_total{job="demo",error="404"}': "0+40x60"},
        ),
        "McpSlowCalls": tuple(
            {
                f'{buckets}{longest:.10g}"}}': f"0+{quick}x60",
                f'{buckets}{2 * longest:.10g}"}}': "0+100x60",
                f'{buckets}+Inf"}}': "0+100x60",
            }
            for quick in (90, 99)
        ),  # type: ignore[dict-item]
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


def expected_alerts(kit: KitContext) -> list[str]:
    """The alerts that a kit must have."""
    sessions = any(tier.keeps_sessions for tier in kit.tiers)
    proxied = bool(kit.proxy) and (kit.platform != "kubernetes" or kubernetes.deploys_proxy(kit))
    slow = max(tier.longest_call_s for tier in kit.tiers) < 120
    return [
        *("McpInstancesMissing", *(["McpProxiesMissing"] if proxied else []), "McpErrors"),
        *(["McpSlowCalls"] if slow else []),
        *(["McpFileDescriptors"] if any(tier.workers == 1 for tier in kit.tiers) else []),  # see runtime/metrics.py
        *(["McpSessionsNearLimit", "McpClientsRefused", "McpSessionsLost"] if sessions else []),
    ]


def facts_of(shape: str, platform: str, proxy: str) -> dict[str, Any]:
    """The facts of a kit whose service is demo."""
    own = {**SHAPES[shape], **OWN_FACTS.get(proxy, {}), "service": "demo"}
    return {**own, "environment.platform": platform, "environment.proxy.kind": proxy}


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


LONG = {**SHAPES["sticky-fleet"], "tools": [{"name": "ask", "needs": {"sampling": "required"}, "duration_s": 600}]}
KINDS = {
    **{" ".join(case): facts_of(*case) for case in SHAPED if case[1] != "serverless"},
    "several proxies": {**facts_of("stateless-fleet", "kubernetes", "haproxy"), "environment.proxy.replicas": 2},
    "no proxy": {**facts_of("single-instance", "systemd", "none")},
    "long calls": {**LONG, "service": "demo", "environment.platform": "systemd", "environment.proxy.kind": "haproxy"},
    "workers": {**facts_of("stateless-fleet", "compose", "nginx"), "scale.workers": 2},
}
"""The kinds of kits: each pattern on each platform, with each proxy, and the kits whose alerts differ from these."""


@pytest.mark.programs
@pytest.mark.parametrize("name", KINDS)
def test_each_alert_fires_only_when_it_must(decide: Callable[..., Any], name: str, tmp_path: Path) -> None:
    program = shutil.which("promtool")
    assert program, "promtool is missing: apt-get install --no-install-recommends prometheus"
    kit = kit_context(decide(KINDS[name]))
    written = rules(kit)
    alerts = [rule["alert"] for group in written["groups"] for rule in group["rules"]]
    assert alerts == expected_alerts(kit)
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
        for alert in alerts
        for fires, series in zip((True, False), cases(kit)[alert], strict=True)
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
