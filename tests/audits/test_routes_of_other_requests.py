"""Findings are about requests of MCP: not about preflight and metrics, nor about sessions of requests without one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from parts import deployment, files, proxy, service

from advisor.audits.deployment import deployment_findings
from advisor.audits.request_paths import request_paths
from advisor.cli.audited_files import audited
from advisor.deployment.model import DeploymentFiles, Workload
from advisor.findings import Location
from advisor.knowledge import Knowledge

STREAMS = {"total-timeout-cuts-streams", "retry-repeats-calls", "timeout-below-ping-interval", "request-body-limit"}
LIMITS = {"total_timeout": 15, "retries_on": ("error", "non-idempotent"), "idle_timeout": 5, "body_limit": 1000}


def found(knowledge: Knowledge, given: DeploymentFiles) -> dict[str, tuple[str, str]]:
    paths = request_paths(given, (), knowledge.proxies, knowledge.figure("server.port"), knowledge.other_paths)
    return {each.id: (each.severity, each.confidence) for each in deployment_findings(paths, knowledge)}


@pytest.mark.parametrize(
    ("methods", "expected"),
    [({}, STREAMS), ({"methods": ("POST",)}, STREAMS), ({"methods": ("OPTIONS",)}, set())],
    ids=["every", "post", "options"],
)
def test_a_preflight_is_no_stream_and_no_call(
    methods: dict[str, Any], expected: set[str], knowledge: Knowledge
) -> None:
    given = files(proxy("10.0.0.1", "10.0.0.2", product="envoy", route={**LIMITS, **methods}))
    assert set(found(knowledge, given)) & STREAMS == expected


def test_a_redirect_has_no_limits_of_an_upstream(knowledge: Knowledge) -> None:
    given = proxy("10.0.0.1", "10.0.0.2", product="envoy", route=LIMITS)
    fixed = given._replace(routes=tuple(route._replace(upstream="") for route in given.routes))
    assert set(found(knowledge, files(given))) & STREAMS == STREAMS
    assert found(knowledge, files(fixed)) == {}


@pytest.mark.parametrize(
    ("path", "is_judged"),
    [
        ("/mcp", True),
        ("/", True),
        ("", True),
        ("/metrics", False),
        ("/metrics/", False),
        ("/mcp/healthz", False),
        ("/.well-known", False),
        ("/.well-known/oauth-protected-resource/mcp", False),
        ("/mcp/oauth", False),
        ("/authorize", False),
        ("/oauth2/start", False),
        ("/oauth/mcp", True),
        ("/healthcare/mcp", True),
        ("/mymetrics", True),
    ],
)
def test_paths_of_other_requests_are_left_out(path: str, is_judged: bool, knowledge: Knowledge) -> None:
    given = files(proxy("mcp.internal", path=path, product="envoy", route=LIMITS))
    assert bool(found(knowledge, given)) is is_judged


@pytest.mark.parametrize(
    "observed",
    [
        {"balance": "session-hash"},
        {"sticky": "requested"},
        {"sticky": "cookie"},
        {"sticky": "address"},
        {"sticky": "rewritten", "sticky_strict": True},
    ],
    ids=str,
)
def test_requests_without_a_session_need_no_affinity(observed: dict[str, Any], knowledge: Knowledge) -> None:
    hosts = ("10.0.0.1", "10.0.0.2")
    assert found(knowledge, files(proxy(*hosts, upstream=observed, product="haproxy")))
    route = {"without_session": True}
    assert found(knowledge, files(proxy(*hosts, upstream=observed, product="haproxy", route=route))) == {}


def test_a_table_of_requests_is_as_bad_as_a_hash_of_the_session_id(knowledge: Knowledge) -> None:
    for hosts in (("10.0.0.1", "10.0.0.2"), ("mcp.internal",)):
        table = found(knowledge, files(proxy(*hosts, upstream={"sticky": "requested"}, product="haproxy")))
        hashed = found(knowledge, files(proxy(*hosts, upstream={"balance": "session-hash"}, product="haproxy")))
        assert table == {"session-table-from-requests": hashed["session-id-hash"]}


@pytest.mark.parametrize(("sticky", "severity"), [({}, "medium"), ({"sticky": "cookie"}, "info")], ids=str)
def test_a_service_keeps_no_clients_behind_a_proxy(sticky: dict[str, Any], severity: str, knowledge: Knowledge) -> None:
    entry = proxy("mcp", product="ingress-nginx", upstream=sticky)
    pods = deployment("mcp", instances=2)
    given = files(entry, service("mcp", "mcp", session_affinity="client-ip"), pods)
    assert found(knowledge, given)["client-ip-affinity-behind-a-proxy"][0] == severity


def test_the_owner_of_an_image_does_not_make_it_a_server(knowledge: Knowledge) -> None:
    web = Workload("Deployment", "web", Location("web.yaml", 1), labels={"app": "web"}, image="shop-mcp/web:1")
    assert not request_paths(files(web), (), knowledge.proxies, 8000)
    assert request_paths(files(web._replace(image="shop/shop-mcp:1")), (), knowledge.proxies, 8000)


@pytest.mark.parametrize("name", ["site.caddy", "Caddyfile", "shop.caddyfile"])
def test_each_name_of_a_file_of_caddy_is_read(name: str, tmp_path: Path, knowledge: Knowledge) -> None:
    (tmp_path / name).write_text("mcp.example.com {\n\treverse_proxy 10.0.0.1:8000\n}\n")
    result = audited(tmp_path, [""], knowledge)
    assert result.examined == (name,)
    assert [path.proxy.product for path in result.paths if path.proxy is not None] == ["caddy"]
