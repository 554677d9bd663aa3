"""What the reader of Envoy configurations says about listeners, routes and clusters."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
from proxy_files import check_words, lines, only, values

from advisor.deployment.model import DeploymentFiles, NotRead
from advisor.knowledge import Knowledge
from advisor.lab.process.programs import program
from advisor.sources.proxies import envoy

TYPE = "type.googleapis.com/envoy.extensions.filters"
MANAGER = f"{TYPE}.network.http_connection_manager.v3.HttpConnectionManager"
ROUTER = f'{{name: envoy.filters.http.router, typed_config: {{"@type": {TYPE}.http.router.v3.Router}}}}'
STATE = "type.googleapis.com/envoy.extensions.http.stateful_session"


def complete(route: str = "{cluster: mcp}", cluster: str = "", filters: str = "", host: str = "") -> str:
    return f"""static_resources:
  listeners:
  - name: mcp
    address: {{socket_address: {{address: 127.0.0.1, port_value: 8080}}}}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": {MANAGER}
          stat_prefix: mcp
          http_filters: [{filters}{ROUTER}]
          route_config:
            virtual_hosts:
            - name: mcp
              domains: ["*"]
              {host}
              routes:
              - match: {{prefix: /mcp}}
                route: {route}
  clusters:
  - name: mcp
    type: STATIC
    {cluster}
    load_assignment:
      cluster_name: mcp
      endpoints:
      - lb_endpoints:
        - endpoint: {{address: {{socket_address: {{address: 10.0.0.1, port_value: 8000}}}}}}
        - endpoint: {{address: {{socket_address: {{address: 10.0.0.2, port_value: 8000}}}}}}
"""


def sessions(kind: str, inner: str, strict: str = "") -> str:
    name = {
        "envelope": "EnvelopeSessionState",
        "header": "HeaderBasedSessionState",
        "cookie": "CookieBasedSessionState",
    }
    return (
        f'{{name: envoy.filters.http.stateful_session, typed_config: {{"@type": {TYPE}.http.stateful_session.v3.'
        f"StatefulSession, {strict}session_state: {{name: envoy.http.stateful_session.{kind}, typed_config: "
        f'{{"@type": {STATE}.{kind}.v3.{name[kind]}, {inner}}}}}}}}}, '
    )


def hashed(policy: str, cluster: str = "lb_policy: RING_HASH") -> str:
    return complete(f"{{cluster: mcp, hash_policy: [{policy}]}}", cluster)


UPSTREAMS: dict[str, tuple[str, dict[str, Any]]] = {
    "nothing": (complete(), {}),
    "round robin": (complete(cluster="lb_policy: ROUND_ROBIN"), {"balance": "round-robin"}),
    "least requests": (complete(cluster="lb_policy: LEAST_REQUEST"), {"balance": "least-connections"}),
    "a policy of its own": (
        complete(
            cluster="load_balancing_policy: {policies: [{typed_extension_config: {name: envoy.load_balancing_policies.random,"
            ' typed_config: {"@type": type.googleapis.com/envoy.extensions.load_balancing_policies.random.v3.Random}}}]}'
        ),
        {"balance": "random"},
    ),
    "a hash without a policy": (complete(cluster="lb_policy: RING_HASH"), {"balance": "random"}),
    "a hash of the session id": (hashed("{header: {header_name: Mcp-Session-Id}}"), {"balance": "session-hash"}),
    "a hash of the session id with the address": (
        hashed("{connection_properties: {source_ip: true}}, {header: {header_name: mcp-session-id}}"),
        {"balance": "session-hash"},
    ),
    "a policy without a hash": (
        hashed("{header: {header_name: mcp-session-id}}", "lb_policy: ROUND_ROBIN"),
        {"balance": "round-robin"},
    ),
    "a hash of another header": (
        hashed("{header: {header_name: x-tenant}}", "lb_policy: MAGLEV"),
        {"balance": "header-hash"},
    ),
    "a hash of the address": (
        hashed("{connection_properties: {source_ip: true}}"),
        {"balance": "address-hash", "sticky": "address"},
    ),
    "a hash of a cookie that Envoy makes": (
        hashed("{cookie: {name: route, path: /, ttl: 0s}}"),
        {"balance": "cookie-hash", "sticky": "cookie", "cookie_path": "/"},
    ),
    "a hash of a cookie that Envoy only reads": (hashed("{cookie: {name: route}}"), {"balance": "cookie-hash"}),
    "the envelope": (
        complete(filters=sessions("envelope", "header: {name: mcp-session-id}", "strict: true, ")),
        {"sticky": "rewritten", "sticky_strict": True},
    ),
    "a header instead of the session id": (
        complete(filters=sessions("header", "name: Mcp-Session-Id")),
        {"sticky": "session-header"},
    ),
    "another header": (complete(filters=sessions("header", "name: x-mcp-route")), {"sticky": "other"}),
    "a cookie": (
        complete(filters=sessions("cookie", "cookie: {name: route, path: /mcp, ttl: 3600s}")),
        {"sticky": "cookie", "cookie_path": "/mcp", "sticky_timeout": 3600, "cookie_secure": False},
    ),
    "the filter is off for the host": (
        complete(
            filters=sessions("envelope", "header: {name: mcp-session-id}"),
            host='typed_per_filter_config: {envoy.filters.http.stateful_session: {"@type": '
            f"{TYPE}.http.stateful_session.v3.StatefulSessionPerRoute, disabled: true}}}}",
        ),
        {},
    ),
    "checks": (
        complete(
            cluster="health_checks: [{timeout: 1s, interval: 5s, unhealthy_threshold: 2, healthy_threshold: 1,"
            " http_health_check: {path: /ready}}]\n    outlier_detection: {consecutive_5xx: 3}"
        ),
        {"health_check": True, "health_check_path": "/ready", "max_fails": 3},
    ),
    "connections": (
        complete(
            cluster="typed_extension_protocol_options: {envoy.extensions.upstreams.http.v3.HttpProtocolOptions: "
            '{"@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions, '
            "explicit_http_config: {http_protocol_options: {}}, common_http_protocol_options: {idle_timeout: 4s}}}"
        ),
        {"keepalive_timeout": 4},
    ),
}


@pytest.mark.parametrize("name", UPSTREAMS)
def test_the_way_to_select_an_instance_is_read(name: str, knowledge: Knowledge) -> None:
    text, expected = UPSTREAMS[name]
    found = envoy.read(text, "envoy.yaml", {})
    check_words(found, knowledge)
    (upstream,) = only(found).upstreams
    assert values(upstream.observed) == expected
    assert [(target.host, target.port) for target in upstream.targets] == [("10.0.0.1", 8000), ("10.0.0.2", 8000)]


@pytest.mark.programs
@pytest.mark.parametrize("name", UPSTREAMS)
def test_envoy_accepts_the_clusters(name: str, tmp_path: Path) -> None:
    accepted(tmp_path, UPSTREAMS[name][0])


def accepted(folder: Path, text: str) -> None:
    (folder / "envoy.yaml").write_text(text)
    command = [str(program("envoy")), "--mode", "validate", "-c", str(folder / "envoy.yaml"), "--use-dynamic-base-id"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr


ROUTES = f"""static_resources:
  listeners:
  - name: mcp
    address: {{socket_address: {{address: 0.0.0.0, port_value: 8080}}}}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": {MANAGER}
          stat_prefix: mcp
          stream_idle_timeout: 120s
          use_remote_address: true
          common_http_protocol_options: {{idle_timeout: 900s}}
          http_filters:
          - name: envoy.filters.http.buffer
            typed_config: {{"@type": {TYPE}.http.buffer.v3.Buffer, max_request_bytes: 4194304}}
          - {ROUTER}
          route_config:
            virtual_hosts:
            - name: mcp
              domains: [mcp.example.com, "*.example.com"]
              request_headers_to_remove: [X-Debug]
              response_headers_to_add: [{{header: {{key: X-Two, value: a}}}}]
              routes:
              - match: {{path: /old}}
                redirect: {{https_redirect: true}}
              - match:
                  path: /mcp
                  headers:
                  - {{name: ":method", string_match: {{exact: POST}}}}
                  - {{name: Mcp-Session-Id, present_match: true, invert_match: true}}
                route: {{cluster: fresh, timeout: 0s, prefix_rewrite: /api}}
              - match: {{safe_regex: {{regex: "^/mcp(/.*)?$"}}}}
                route:
                  cluster: mcp
                  timeout: 0s
                  idle_timeout: 3600s
                  max_stream_duration: {{max_stream_duration: 1800s}}
                  host_rewrite_literal: mcp.internal
                  retry_policy: {{retry_on: "5xx,retriable-status-codes", retriable_status_codes: [404, 429]}}
              - match: {{path_separated_prefix: /mcp2}}
                route: {{weighted_clusters: {{clusters: [{{name: mcp, weight: 9}}, {{name: fresh, weight: 1}}]}}}}
              - match: {{prefix: /fixed}}
                direct_response: {{status: 200}}
  clusters:
  - name: mcp
    type: STRICT_DNS
    connect_timeout: 0.25s
    transport_socket:
      name: envoy.transport_sockets.tls
      typed_config: {{"@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext}}
    load_assignment:
      cluster_name: mcp
      endpoints: [{{lb_endpoints: [{{endpoint: {{address: {{socket_address: {{address: mcp.local, port_value: 443}}}}}}}}]}}]
  - name: fresh
    type: STATIC
    load_assignment:
      cluster_name: fresh
      endpoints: [{{lb_endpoints: [{{endpoint: {{address: {{pipe: {{path: /run/mcp.sock}}}}}}}}]}}]
"""


def test_routes_have_their_settings(knowledge: Knowledge) -> None:
    found = envoy.read(ROUTES, "envoy.yaml", {})
    check_words(found, knowledge)
    proxy = only(found)
    assert [(route.path, route.match, route.upstream) for route in proxy.routes] == [
        ("/old", "exact", ""),
        ("/mcp", "exact", "fresh"),
        ("^/mcp(/.*)?$", "regex", "mcp"),
        ("/mcp2", "prefix", "mcp"),
        ("/mcp2", "prefix", "fresh"),
    ]
    assert {route.hosts for route in proxy.routes} == {("mcp.example.com", "*.example.com")}
    common = {
        "listens_tls": False,
        "client_idle_timeout": 900,
        "sets_forwarded": ("x-forwarded-for", "x-forwarded-proto"),
        "body_limit": 4_194_304,
        "request_buffering": True,
        "removes_request_headers": ("x-debug",),
        "sets_response_headers": ("x-two",),
    }
    assert values(proxy.routes[0].observed) == {**common, "idle_timeout": 120, "redirects": "https"}
    assert values(proxy.routes[1].observed) == {
        **common,
        "idle_timeout": 120,
        "methods": ("POST",),
        "without_session": True,
        "total_timeout": 0,
        "rewrites_path": True,
        "upstream_tls": False,
    }
    assert values(proxy.routes[2].observed) == {
        **common,
        "idle_timeout": 3600,
        "total_timeout": 1800,
        "sets_host": "fixed",
        "retries_on": ("http-5xx", "reset", "connect-failure", "http-4xx", "http-429", "non-idempotent"),
        "upstream_tls": True,
        "connect_timeout": 0.25,
    }
    assert "total_timeout" not in proxy.routes[3].observed
    assert lines(proxy.routes[2].observed)["idle_timeout"] == 37
    (mcp, fresh) = proxy.upstreams if proxy.upstreams[0].name == "mcp" else proxy.upstreams[::-1]
    assert (mcp.targets[0].host, mcp.targets[0].port, values(mcp.observed)) == (
        "mcp.local",
        443,
        {"resolves_names": True},
    )
    assert fresh.targets[0].host == "unix:/run/mcp.sock"


@pytest.mark.programs
def test_envoy_accepts_the_routes(tmp_path: Path) -> None:
    accepted(tmp_path, ROUTES)


def test_a_cluster_with_two_ways_to_stick_is_two_upstreams() -> None:
    text = complete("{cluster: mcp, hash_policy: [{header: {header_name: mcp-session-id}}]}", "lb_policy: RING_HASH")
    text = text.replace(
        "              routes:\n",
        "              routes:\n              - match: {prefix: /sse}\n                route: "
        "{cluster: mcp, hash_policy: [{connection_properties: {source_ip: true}}]}\n",
    )
    proxy = only(envoy.read(text, "envoy.yaml", {}))
    assert [(upstream.name, upstream.observed["balance"].value) for upstream in proxy.upstreams] == [
        ("mcp", "address-hash"),
        ("mcp (line 21)", "session-hash"),
    ]
    assert [route.upstream for route in proxy.routes] == ["mcp", "mcp (line 21)"]


RESOURCES = {
    "envoy/lds.yaml": f"""resources:
- "@type": type.googleapis.com/envoy.config.listener.v3.Listener
  name: mcp
  filter_chains:
  - filters:
    - name: envoy.filters.network.http_connection_manager
      typed_config:
        "@type": {MANAGER}
        stat_prefix: mcp
        rds: {{route_config_name: routes}}
        http_filters: [{ROUTER}]
""",
    "envoy/rds.yaml": """resources:
- "@type": type.googleapis.com/envoy.config.route.v3.RouteConfiguration
  name: routes
  virtual_hosts:
  - {name: mcp, domains: ["*"], routes: [{match: {prefix: /}, route: {cluster: mcp, timeout: 0s}}]}
""",
    "envoy/cds.json": '{"resources": [{"@type": "type.googleapis.com/envoy.config.cluster.v3.Cluster", "name": "mcp", '
    '"type": "EDS", "lbPolicy": "LEAST_REQUEST", "edsClusterConfig": {"serviceName": "servers"}}]}',
    "envoy/eds.yaml": """resources:
- "@type": type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment
  cluster_name: servers
  endpoints:
  - lb_endpoints: [{endpoint: {address: {socket_address: {address: 10.0.0.1, port_value: 8000}}}}]
""",
}


def test_resources_of_several_files_are_joined(knowledge: Knowledge) -> None:
    found = envoy.read_all(list(RESOURCES), RESOURCES)
    check_words(found, knowledge)
    proxy = only(found)
    assert (proxy.name, proxy.routes[0].location.path, proxy.upstreams[0].location.path) == (
        "envoy/lds.yaml",
        "envoy/rds.yaml",
        "envoy/cds.json",
    )
    assert values(proxy.upstreams[0].observed) == {"balance": "least-connections"}
    assert proxy.upstreams[0].targets[0].location.path == "envoy/eds.yaml"


def test_routes_that_a_server_sends_are_not_examined() -> None:
    found = envoy.read(RESOURCES["envoy/lds.yaml"], "lds.yaml", {})
    assert found.not_examined == (NotRead("lds.yaml", "the routes routes of line 7 are not in the files"),)


def test_a_list_of_resources_is_read() -> None:
    listed = "- name: mcp\n  lbPolicy: RANDOM\n- name: routes\n  virtualHosts:\n  - domains: ['*']\n    routes:\n"
    listed += "    - {match: {pathSeparatedPrefix: /mcp}, route: {cluster: mcp, idleTimeout: 60s}}\n"
    proxy = only(envoy.read(listed, "xds.yaml", {}))
    assert proxy.upstreams[0].observed["balance"].value == "random"
    assert (proxy.routes[0].path, proxy.routes[0].observed["idle_timeout"].value) == ("/mcp", 60)


def test_a_file_with_other_parts_of_envoy_is_not_examined() -> None:
    found = envoy.read("overload_manager: {}\ndynamic_resources: {}\n", "envoy.yaml", {})
    assert [problem.path for problem in found.not_examined] == ["envoy.yaml"]
    assert found.examined == ()


def test_a_filter_that_routes_mcp_itself_is_named() -> None:
    text = complete(filters="{name: envoy.filters.http.mcp_router, typed_config: {}}, ")
    found: DeploymentFiles = envoy.read(text, "envoy.yaml", {})
    assert found.not_examined == (
        NotRead("envoy.yaml", "the filter envoy.filters.http.mcp_router of line 11 routes requests in its own way"),
    )


def test_a_cluster_that_selects_another_cluster_is_named() -> None:
    text = complete(cluster="cluster_type: {name: envoy.clusters.mcp_multicluster}").replace("    type: STATIC\n", "")
    found = envoy.read(text, "envoy.yaml", {})
    assert [problem.why for problem in found.not_examined] == [
        "the cluster type envoy.clusters.mcp_multicluster of line 22 selects another cluster in its own way"
    ]


def test_tcp_is_a_route() -> None:
    text = (
        "static_resources:\n  listeners:\n  - filter_chains:\n    - filters:\n      - name: envoy.filters.network.tcp_proxy\n"
        "        typed_config: {stat_prefix: a, cluster: mcp, idle_timeout: 60s}\n"
    )
    (route,) = only(envoy.read(text, "envoy.yaml", {})).routes
    assert (route.match, route.upstream, route.observed["idle_timeout"].value) == ("every", "mcp", 60)


def test_a_template_is_read_with_its_placeholders() -> None:
    text = complete("{cluster: mcp, timeout: {{ .Values.timeout }}}").replace("10.0.0.1", "{{ host }}")
    proxy = only(envoy.read(text.replace("10.0.0.2", "{{ other | default('b.local') }}"), "envoy.yaml.tmpl", {}))
    assert [target.host for target in proxy.upstreams[0].targets] == ["$host", "b.local"]
    (route,) = proxy.routes
    assert (route.observed["total_timeout"].value, route.observed["total_timeout"].is_dynamic) == (
        "$Values_timeout",
        True,
    )


def test_a_file_that_is_not_yaml_is_not_examined() -> None:
    found = envoy.read("static_resources:\n  listeners: [\n", "envoy.yaml", {})
    assert (found.examined, [problem.path for problem in found.not_examined]) == ((), ["envoy.yaml"])
    assert "line 3" in found.not_examined[0].why


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("envoy.yaml", complete(), True),
        ("envoy/cds.json", RESOURCES["envoy/cds.json"], True),
        ("filter.yaml", f"apiVersion: networking.istio.io/v1alpha3\nkind: EnvoyFilter\n# {TYPE}.http", False),
        ("compose.yaml", "services:\n  envoy:\n    image: envoyproxy/envoy\n", False),
        ("README.md", complete(), False),
    ],
)
def test_files_of_envoy_are_recognised(path: str, text: str, expected: bool) -> None:
    assert envoy.is_envoy(text, path) is expected
