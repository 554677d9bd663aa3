"""The same fault is found in the configurations of all products."""

from __future__ import annotations

from pathlib import Path

import pytest

from advisor.cli.audited_files import audited
from advisor.knowledge import Knowledge

SERVER = 'from mcp.server.fastmcp import FastMCP\n\nmcp = FastMCP("orders")\nmcp.run("streamable-http")\n'
PODS = """
---
apiVersion: v1
kind: Service
metadata: {name: orders}
spec:
  selector: {app: orders}
  ports: [{port: 80, targetPort: 8000}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: orders}
spec:
  replicas: 3
  selector: {matchLabels: {app: orders}}
  template:
    metadata: {labels: {app: orders}}
    spec:
      containers:
      - {name: server, image: example/orders:1, command: [python, server.py]}
"""
HASHES = {
    "nginx.conf": """
upstream orders {
    hash $http_mcp_session_id consistent;
    server 10.0.0.1:8000;
    server 10.0.0.2:8000;
}
server {
    location / {
        proxy_pass http://orders;
    }
}
""",
    "haproxy.cfg": """
frontend web
    bind :80
    default_backend orders
backend orders
    balance hdr(Mcp-Session-Id)
    server a 10.0.0.1:8000
    server b 10.0.0.2:8000
""",
    "Caddyfile": """
:80 {
    reverse_proxy 10.0.0.1:8000 10.0.0.2:8000 {
        lb_policy header Mcp-Session-Id
    }
}
""",
    "envoy.yaml": """
static_resources:
  listeners:
  - name: web
    address: {socket_address: {address: 0.0.0.0, port_value: 80}}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: web
          route_config:
            virtual_hosts:
            - name: all
              domains: ["*"]
              routes:
              - match: {prefix: /}
                route:
                  cluster: orders
                  timeout: 0s
                  hash_policy: [{header: {header_name: mcp-session-id}}]
          http_filters:
          - name: envoy.filters.http.router
            typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}
  clusters:
  - name: orders
    type: STATIC
    lb_policy: RING_HASH
    load_assignment:
      cluster_name: orders
      endpoints:
      - lb_endpoints:
        - endpoint: {address: {socket_address: {address: 10.0.0.1, port_value: 8000}}}
        - endpoint: {address: {socket_address: {address: 10.0.0.2, port_value: 8000}}}
""",
    "ingress.yaml": f"""
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: orders
  annotations: {{nginx.ingress.kubernetes.io/upstream-hash-by: "$http_mcp_session_id"}}
spec:
  ingressClassName: nginx
  rules:
  - http:
      paths:
      - {{path: /, pathType: Prefix, backend: {{service: {{name: orders, port: {{number: 80}}}}}}}}
{PODS}""",
    "istio.yaml": f"""
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {{name: orders}}
spec:
  host: orders
  trafficPolicy:
    loadBalancer: {{consistentHash: {{httpHeaderName: mcp-session-id}}}}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {{name: orders}}
spec:
  hosts: [orders.example.com]
  http:
  - route: [{{destination: {{host: orders, port: {{number: 80}}}}}}]
{PODS}""",
    "configmap.yaml": """
apiVersion: v1
kind: ConfigMap
metadata: {name: proxy}
data:
  nginx.conf: |
    upstream orders {
        hash $http_mcp_session_id;
        server 10.0.0.1:8000;
        server 10.0.0.2:8000;
    }
    server {
        location / {
            proxy_pass http://orders;
        }
    }
""",
}


@pytest.mark.parametrize("name", sorted(HASHES))
def test_a_hash_of_the_session_id_is_found_in_each_product(name: str, tmp_path: Path, knowledge: Knowledge) -> None:
    (tmp_path / name).write_text(HASHES[name])
    (tmp_path / "server.py").write_text(SERVER)
    found = [each for each in audited(tmp_path, [""], knowledge).findings if each.id == "session-id-hash"]
    assert [(each.severity, each.locations[0].path) for each in found] == [("high", name)]
    line = found[0].locations[0].line
    assert line is not None
    assert "mcp" in HASHES[name].splitlines()[line - 1].lower() or "RING_HASH" in HASHES[name].splitlines()[line - 1]


@pytest.mark.parametrize("product", ["traefik", "alb", "nginx", "gce"])
def test_an_ingress_without_affinity_is_found_for_each_controller(
    product: str, tmp_path: Path, knowledge: Knowledge
) -> None:
    text = HASHES["ingress.yaml"].replace("ingressClassName: nginx", f"ingressClassName: {product}")
    text = text.replace('  annotations: {nginx.ingress.kubernetes.io/upstream-hash-by: "$http_mcp_session_id"}\n', "")
    (tmp_path / "all.yaml").write_text(text.replace("path: /,", "path: /mcp,"))
    (tmp_path / "server.py").write_text(SERVER)
    found = {each.id: each for each in audited(tmp_path, [""], knowledge).findings}
    assert found["sessions-without-session-affinity"].severity == "high"
    assert "service-spreads-sessions" not in found
    stateless = SERVER.replace('"orders"', '"orders", stateless_http=True')
    (tmp_path / "server.py").write_text(stateless)
    assert "sessions-without-session-affinity" not in {each.id for each in audited(tmp_path, [""], knowledge).findings}
