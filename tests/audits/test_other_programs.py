"""What is near an MCP server, but is none, and servers whose sessions the code does not show."""

from __future__ import annotations

from pathlib import Path

import pytest

from advisor.cli.audited_files import AuditedDeployment, audited
from advisor.knowledge import Knowledge

SERVER = 'from mcp.server.fastmcp import FastMCP\n\nmcp = FastMCP("shop")\nmcp.run("streamable-http")\n'
UNSERVED = 'from mcp.server.fastmcp import FastMCP\n\nmcp = FastMCP("shop")\n'
HANDMADE = """from mcp.server import Server
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

shop = Server("shop")


async def answer(request):
    return JSONResponse({"jsonrpc": "2.0", "id": 1, "result": {}})


app = Starlette(routes=[Route("/rpc", answer, methods=["POST"])])
"""
CLUSTER = """apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: entry}
spec:
  ingressClassName: traefik
  rules:
  - host: shop.example.com
    http: {paths: [{path: PATH, pathType: Prefix, backend: {service: {name: NAME, port: {number: 80}}}}]}
---
apiVersion: v1
kind: Service
metadata: {name: NAME}
spec: {selector: {app: NAME}, ports: [{port: 80, targetPort: 8000}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: NAME}
spec:
  replicas: 2
  selector: {matchLabels: {app: NAME}}
  template:
    metadata: {labels: {app: NAME}}
    spec:
      containers:
      - name: main
        image: IMAGE
        command: [COMMAND]
"""


def audit(folder: Path, knowledge: Knowledge, **files: str) -> AuditedDeployment:
    for name, text in files.items():
        (folder / name.replace("_", ".")).write_text(text, encoding="utf-8")
    return audited(folder, [""], knowledge)


def cluster(name: str, image: str, command: str = "", path: str = "/") -> str:
    text = CLUSTER.replace("PATH", path).replace("NAME", name).replace("IMAGE", image)
    return text.replace("        command: [COMMAND]\n", f"        command: [{command}]\n" if command else "")


def ids(found: AuditedDeployment) -> set[str]:
    return {finding.id for finding in found.findings}


@pytest.mark.parametrize("code", [HANDMADE, UNSERVED])
def test_a_server_without_an_http_app_in_the_code_has_no_known_sessions(
    code: str, tmp_path: Path, knowledge: Knowledge
) -> None:
    found = audit(tmp_path, knowledge, server_py=code, all_yaml=cluster("mcp", "example/mcp:1", path="/rpc"))
    assert found.paths[0].server is not None
    assert "sessions-without-session-affinity" not in ids(found)


@pytest.mark.parametrize(
    ("code", "command"),
    [
        (SERVER, ""),
        (UNSERVED, "fastmcp, run, server.py, --transport, http"),
        (UNSERVED, "fastmcp, run, server.py, --transport=streamable-http"),
        (UNSERVED + 'import os\nmcp.run(os.environ["KIND"])\n', ""),
    ],
)
def test_a_server_with_an_http_app_keeps_sessions(
    code: str, command: str, tmp_path: Path, knowledge: Knowledge
) -> None:
    found = audit(tmp_path, knowledge, server_py=code, all_yaml=cluster("mcp", "example/mcp:1", command))
    assert "sessions-without-session-affinity" in ids(found)


@pytest.mark.parametrize(
    ("name", "image", "command"),
    [
        ("pages", "shop-mcp/streamlit-pages:2", ""),
        ("pages", "example/shop-mcp:2", "streamlit, run, pages.py"),
        ("pages", "example/shop-mcp:2", '/bin/sh, -c, "exec python -m streamlit run pages.py"'),
        ("jobs", "example/shop-mcp:2", "celery, -A, shop.jobs, worker"),
        ("agent", "example/shop-mcp:2", "uvicorn, 'agent:app'"),
        ("mcp-inspector", "ghcr.io/modelcontextprotocol/inspector:1", ""),
        ("mcp-inspector", "example/node:1", "npx, '@modelcontextprotocol/inspector'"),
    ],
)
def test_a_workload_that_runs_another_program_is_no_mcp_server(
    name: str, image: str, command: str, tmp_path: Path, knowledge: Knowledge
) -> None:
    found = audit(tmp_path, knowledge, server_py=SERVER, all_yaml=cluster(name, image, command))
    assert not found.paths
    assert not found.findings


def test_a_server_that_a_command_names_counts_more_than_its_name(tmp_path: Path, knowledge: Knowledge) -> None:
    text = cluster("cache-inspector", "example/shop:1", "python, server.py")
    assert audit(tmp_path, knowledge, server_py=SERVER, all_yaml=text).paths


def test_the_name_of_an_image_alone_makes_findings_possible(tmp_path: Path, knowledge: Knowledge) -> None:
    found = audit(tmp_path, knowledge, server_py=SERVER, all_yaml=cluster("shop", "example/shop-mcp:2"))
    assert "no-readiness-probe" in ids(found)
    assert {finding.confidence for finding in found.findings} == {"possible"}


def test_a_route_to_the_inspector_is_no_path_of_a_server(tmp_path: Path, knowledge: Knowledge) -> None:
    compose = """services:
  traefik:
    image: traefik:v3
    command: [--providers.docker=true, "--entrypoints.web.address=:6274"]
  mcp-inspector:
    image: ghcr.io/modelcontextprotocol/inspector:1
    labels:
    - traefik.http.routers.mcp-inspector.rule=Host(`pages.localhost`)
    - traefik.http.services.mcp-inspector.loadbalancer.server.port=6274
    - traefik.http.middlewares.open.headers.accesscontrolalloworiginlist=*
    - traefik.http.middlewares.open.headers.accesscontrolallowheaders=Content-Type
    - traefik.http.routers.mcp-inspector.middlewares=open
"""
    assert not audit(tmp_path, knowledge, compose_yaml=compose).findings


@pytest.mark.parametrize(
    ("name", "is_judged"), [("mcp-web-app", False), ("mcp-client", False), ("mcp-web-search", True), ("mcp", True)]
)
def test_pages_and_clients_named_after_mcp_are_no_server(
    name: str, *, is_judged: bool, tmp_path: Path, knowledge: Knowledge
) -> None:
    found = audit(tmp_path, knowledge, all_yaml=cluster(name, f"example/{name}:1"))
    assert bool(found.paths) is is_judged


STDIO = """from mcp.server import Server
from mcp.server.stdio import stdio_server

shop = Server("shop")


async def main():
    async with stdio_server() as streams:
        await shop.run(*streams)
"""


def test_an_image_of_a_server_over_stdio_can_run_another_program(tmp_path: Path, knowledge: Knowledge) -> None:
    agent = cluster("agent", "example/shop-mcp:1", '"uvicorn", "agent_api:app"')
    assert audit(tmp_path, knowledge, server_py=STDIO, all_yaml=agent).paths == ()
    assert audit(tmp_path, knowledge, server_py=STDIO, all_yaml=agent.replace("agent_api", "server")).paths


def test_an_endpoint_of_its_own_hides_no_session(tmp_path: Path, knowledge: Knowledge) -> None:
    annotations = 'metadata:\n  name: entry\n  annotations:\n    nginx.ingress.kubernetes.io/enable-cors: "true"\n'
    annotations += "    nginx.ingress.kubernetes.io/cors-allow-origin: https://a.example.com"
    entry = cluster("mcp", "example/mcp:1", "python, server.py").replace("metadata: {name: entry}", annotations)
    entry = entry.replace("ingressClassName: traefik", "ingressClassName: nginx")
    assert "cors-hides-the-session-id" not in ids(audit(tmp_path, knowledge, server_py=HANDMADE, all_yaml=entry))
    assert "cors-hides-the-session-id" in ids(audit(tmp_path, knowledge, server_py=SERVER, all_yaml=entry))
