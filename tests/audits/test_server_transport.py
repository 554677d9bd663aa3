"""A server over HTTP with SSE keeps sessions too, and several servers that agree are enough for a finding."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from advisor.cli.audited_files import AuditedDeployment, audited
from advisor.knowledge import Knowledge

SSE = 'from mcp.server.fastmcp import FastMCP\n\nmcp = FastMCP("orders")\nmcp.run("sse")\n'
HTTP = SSE.replace("sse", "streamable-http")
CHOSEN = 'import sys\nfrom mcp.server.fastmcp import FastMCP\n\nmcp = FastMCP("orders")\nmcp.run(sys.argv[1])\n'
STATELESS = HTTP.replace('"orders"', '"orders", stateless_http=True')
PODS = """
apiVersion: v1
kind: Service
metadata: {name: mcp}
spec:
  selector: {app: mcp}
  ports: [{port: 80, targetPort: 8000}]
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: mcp}
spec:
  ingressClassName: kong
  rules: [{http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: mcp, port: {number: 80}}}}]}}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: mcp}
spec:
  replicas: 2
  selector: {matchLabels: {app: mcp}}
  template:
    metadata: {labels: {app: mcp}}
    spec:
      containers:
      - {name: server, image: example/mcp:1COMMAND}
"""
CORS = """
server {
    location /mcp {
        proxy_pass http://mcp:8000;
        add_header Access-Control-Allow-Origin *;
    }
}
"""
COMPOSE = """
services:
  mcp:
    build: .
    command: [python, server.py, sse]
"""


def found(folder: Path, knowledge: Knowledge, **files: str) -> AuditedDeployment:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text), encoding="utf-8")
    return audited(folder, [""], knowledge)


def ids(result: AuditedDeployment) -> set[str]:
    return {each.id for each in result.findings}


@pytest.mark.parametrize(
    ("code", "command"),
    [(SSE, ""), (CHOSEN, ", command: [python, server.py, sse]"), (HTTP, "")],
    ids=["sse", "chosen", "http"],
)
def test_sessions_over_each_transport_need_affinity(
    code: str, command: str, tmp_path: Path, knowledge: Knowledge
) -> None:
    files = {"server.py": code, "kubernetes.yaml": PODS.replace("COMMAND", command)}
    (finding,) = [
        each for each in found(tmp_path, knowledge, **files).findings if each.id == "sessions-without-session-affinity"
    ]
    assert ("HTTP with SSE" in finding.message) == (code != HTTP)


def test_a_server_over_sse_sends_no_session_header(tmp_path: Path, knowledge: Knowledge) -> None:
    files = {"nginx.conf": CORS, "compose.yaml": COMPOSE}
    assert "cors-hides-the-session-id" not in ids(found(tmp_path / "a", knowledge, **files, **{"server.py": SSE}))
    assert "cors-hides-the-session-id" not in ids(found(tmp_path / "b", knowledge, **files, **{"server.py": CHOSEN}))
    assert "cors-hides-the-session-id" in ids(found(tmp_path / "c", knowledge, **files, **{"server.py": HTTP}))


@pytest.mark.parametrize(
    ("first", "second", "expected"), [(HTTP, HTTP, True), (HTTP, SSE, True), (HTTP, STATELESS, False)]
)
def test_several_servers_that_agree_are_enough(
    first: str, second: str, *, expected: bool, tmp_path: Path, knowledge: Knowledge
) -> None:
    files = {"orders/server.py": first, "prices/server.py": second, "kubernetes.yaml": PODS.replace("COMMAND", "")}
    result = found(tmp_path, knowledge, **files)
    findings = [each for each in result.findings if each.id == "sessions-without-session-affinity"]
    assert bool(findings) == expected
    for each in findings:
        assert each.confidence == "likely"
        assert {place.path for place in each.locations} == {"kubernetes.yaml"}


def test_a_workload_that_is_not_about_mcp_has_no_candidates(tmp_path: Path, knowledge: Knowledge) -> None:
    pods = PODS.replace("COMMAND", "").replace("mcp", "shop")
    files = {"orders/server.py": HTTP, "prices/server.py": HTTP, "kubernetes.yaml": pods}
    assert not found(tmp_path, knowledge, **files).paths
