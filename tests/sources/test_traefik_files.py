"""What the reader of Traefik says about routers, middlewares, services and labels."""

from __future__ import annotations

from typing import Any

import pytest
from proxy_files import check_words, lines, only, values

from advisor.deployment.model import DeploymentFiles, NotRead, Observation, Workload
from advisor.findings import Location
from advisor.knowledge import Knowledge
from advisor.sources.proxies import traefik

HEAD = (
    "http:\n  routers:\n    mcp: {rule: PathPrefix(`/mcp`), service: mcp}\n  services:\n    mcp:\n      loadBalancer:\n"
)
SERVERS = "        servers:\n        - url: http://10.0.0.1:8000\n        - url: http://10.0.0.2:8000\n"


def pool(text: str = "", more: str = "") -> str:
    return HEAD + (f"        {text}\n" if text else "") + SERVERS + more


def read(text: str, path: str = "dynamic.yaml") -> DeploymentFiles:
    return traefik.read(text, path, {})


UPSTREAMS: dict[str, tuple[str, dict[str, Any]]] = {
    "nothing": (pool(), {}),
    "round robin": (pool("strategy: wrr"), {"balance": "round-robin"}),
    "the address": (pool("strategy: hrw"), {"balance": "address-hash", "sticky": "address"}),
    "a cookie": (
        pool("sticky: {cookie: {name: route, secure: true, path: /mcp}}"),
        {"sticky": "cookie", "cookie_secure": True, "cookie_path": "/mcp"},
    ),
    "a cookie with defaults": (pool("sticky: {cookie: {}}"), {"sticky": "cookie", "cookie_secure": False}),
    "checks": (
        pool("healthCheck: {path: /ready, interval: 10s}\n        passiveHealthCheck: {maxFailedAttempts: 3}"),
        {"health_check": True, "health_check_path": "/ready", "max_fails": 3},
    ),
    "connections": (
        pool("serversTransport: any", "  serversTransports:\n    any: {forwardingTimeouts: {idleConnTimeout: 4s}}\n"),
        {"keepalive_timeout": 4},
    ),
    "a weighted service": (
        pool().replace("    mcp:\n      loadBalancer", "    inner:\n      loadBalancer")
        + "    mcp:\n      weighted: {services: [{name: inner, weight: 1}], sticky: {cookie: {name: w}}}\n",
        {"sticky": "cookie", "cookie_secure": False},
    ),
}


@pytest.mark.parametrize("name", UPSTREAMS)
def test_the_way_to_select_a_server_is_read(name: str, knowledge: Knowledge) -> None:
    text, expected = UPSTREAMS[name]
    found = read(text)
    check_words(found, knowledge)
    upstream = next(upstream for upstream in only(found).upstreams if upstream.name == "mcp")
    assert values(upstream.observed) == expected
    assert [(target.host, target.port) for target in upstream.targets] == [("10.0.0.1", 8000), ("10.0.0.2", 8000)]


ROUTERS = """
entryPoints:
  web:
    address: ":80"
  secure:
    address: ":443"
    http:
      tls: {}
    transport:
      respondingTimeouts: {writeTimeout: 60s, idleTimeout: 3m}
      lifeCycle: {graceTimeOut: 20}
providers: {file: {filename: traefik.yaml}}
http:
  routers:
    redirect:
      entryPoints: [web]
      rule: HostRegexp(`.+`)
      middlewares: [https]
      service: noop@internal
    bound:
      entryPoints: [secure]
      rule: Host(`mcp.example.com`) && Path(`/mcp`) && HeaderRegexp(`Mcp-Session-Id`, `.`)
      priority: 20
      service: mcp
    fresh:
      entryPoints: [secure]
      rule: Host(`mcp.example.com`) && (Path(`/mcp`) || PathPrefix(`/sse`)) && Method(`POST`)
      priority: 10
      middlewares: [all@file]
      service: mcp
    ping:
      rule: "!Path(`/mcp`) && PathRegexp(`^/ping$`)"
      service: ping@internal
  middlewares:
    https: {redirectScheme: {scheme: https}}
    all: {chain: {middlewares: [strip, cors, limits, again]}}
    strip: {stripPrefix: {prefixes: [/sse]}}
    cors:
      headers:
        accessControlAllowOriginList: [https://app.example.com]
        accessControlExposeHeaders: [Mcp-Session-Id]
        accessControlAllowHeaders: ["Content-Type, Mcp-Session-Id"]
        customRequestHeaders: {X-Debug: "", X-Forwarded-Prefix: /sse}
        customResponseHeaders: {Server: "", X-Two: a}
    limits: {buffering: {maxRequestBodyBytes: 1048576}}
    again: {retry: {attempts: 3, status: ["500-599", "429"], retryNonIdempotentMethod: true}}
  serversTransports:
    slow: {forwardingTimeouts: {dialTimeout: 2s, responseHeaderTimeout: 30s}}
  services:
    mcp:
      loadBalancer:
        passHostHeader: false
        serversTransport: slow
        servers:
        - url: https://mcp.local:8443
"""


def test_routers_and_their_middlewares_are_routes(knowledge: Knowledge) -> None:
    found = read(ROUTERS)
    check_words(found, knowledge)
    proxy = only(found)
    assert values(proxy.observed) == {"shutdown_timeout": 20}
    assert [(route.hosts, route.path, route.match, route.upstream) for route in proxy.routes] == [
        ((), "", "every", ""),
        (("mcp.example.com",), "/mcp", "exact", "mcp"),
        (("mcp.example.com",), "/mcp", "exact", "mcp"),
        (("mcp.example.com",), "/sse", "prefix", "mcp"),
    ]
    assert values(proxy.routes[0].observed) == {"listens_tls": False, "redirects": "https"}
    common = {
        "listens_tls": True,
        "total_timeout": 60,
        "client_idle_timeout": 180,
        "connect_timeout": 2,
        "first_byte_timeout": 30,
        "upstream_tls": True,
        "sets_host": "upstream",
    }
    assert values(proxy.routes[1].observed) == common
    assert values(proxy.routes[3].observed) == {
        **common,
        "methods": ("POST",),
        "rewrites_path": True,
        "cors_origin": "https://app.example.com",
        "cors_exposes": ("mcp-session-id",),
        "cors_headers": ("content-type", "mcp-session-id"),
        "removes_request_headers": ("x-debug",),
        "sets_forwarded": ("x-forwarded-prefix",),
        "removes_response_headers": ("server",),
        "sets_response_headers": ("x-two",),
        "body_limit": 1_048_576,
        "request_buffering": True,
        "buffering": True,
        "retries_on": ("connect-failure", "http-5xx", "http-429", "non-idempotent"),
    }
    assert "without_session" in proxy.routes[2].observed
    assert lines(proxy.routes[3].observed)["body_limit"] == 45


TOML = """
[http.routers.mcp]
  rule = "Host(`mcp.example.com`) && PathPrefix(`/mcp`)"  # the endpoint
  service = "mcp"
  middlewares = [
    "limit",
  ]
[http.middlewares.limit.rateLimit]
  average = 100
[http.services.mcp.loadBalancer]
  [http.services.mcp.loadBalancer.sticky.cookie]
    name = "route"
    secure = true
  [[http.services.mcp.loadBalancer.servers]]
    url = "http://10.0.0.1:8000"
  [[http.services.mcp.loadBalancer.servers]]
    url = "http://10.0.0.2:8000"
[http.serversTransports.slow]
forwardingTimeouts = { dialTimeout = "2s" }
"""


def test_toml_is_read_with_its_lines(knowledge: Knowledge) -> None:
    found = read(TOML, "dynamic.toml")
    check_words(found, knowledge)
    proxy = only(found)
    (route,) = proxy.routes
    assert (route.hosts, route.path, values(route.observed)) == (
        ("mcp.example.com",),
        "/mcp",
        {"rate_limited": True, "upstream_tls": False},
    )
    (upstream,) = proxy.upstreams
    assert values(upstream.observed) == {"sticky": "cookie", "cookie_secure": True}
    assert lines(upstream.observed)["cookie_secure"] == 13
    assert [(target.host, target.location.line) for target in upstream.targets] == [("10.0.0.1", 15), ("10.0.0.2", 17)]


def test_labels_of_a_container_are_a_proxy(knowledge: Knowledge) -> None:
    texts = {
        "traefik.enable": "true",
        "traefik.http.routers.mcp.rule": "Host(`mcp.example.com`)",
        "traefik.http.routers.mcp.middlewares": "strip, limit@docker",
        "traefik.http.middlewares.strip.stripprefix.prefixes": "/api",
        "traefik.http.services.mcp.loadbalancer.server.port": "8000",
        "traefik.http.services.mcp.loadbalancer.sticky.cookie.name": "route",
        "traefik.http.services.mcp.loadbalancer.sticky.cookie.secure": "true",
    }
    stated = {
        name: Observation(text, Location("compose.yaml", line)) for line, (name, text) in enumerate(texts.items(), 10)
    }
    workload = Workload("compose service", "server", Location("compose.yaml", 2))
    found = traefik.labels(stated, workload)
    check_words(found, knowledge)
    proxy = only(found)
    assert proxy.name == "the labels of server"
    (route,), (upstream,) = proxy.routes, proxy.upstreams
    assert (route.hosts, route.upstream, route.location.line, values(route.observed)) == (
        ("mcp.example.com",),
        "mcp",
        11,
        {"rewrites_path": True},
    )
    assert [(target.host, target.port, target.is_pool, target.location.line) for target in upstream.targets] == [
        ("server", 8000, True, 14)
    ]
    assert values(upstream.observed) == {"sticky": "cookie", "cookie_secure": True}
    off = {**stated, "traefik.enable": Observation("false", Location("compose.yaml", 10))}
    assert traefik.labels(off, workload) == DeploymentFiles()
    assert traefik.labels({"com.example": stated["traefik.enable"]}, workload) == DeploymentFiles()


def test_entry_points_of_another_file_hold_for_routers() -> None:
    files = {
        "traefik.yml": 'entryPoints:\n  web:\n    address: ":80"\n    transport: {respondingTimeouts: {writeTimeout: 30}}\n'
        "providers: {file: {directory: /etc/traefik}}\n",
        "dynamic/mcp.yml": pool(),
    }
    found = traefik.read_all(list(files), files)
    (proxy,) = found.proxies
    assert (found.not_examined, set(found.examined)) == ((), set(files))
    total = proxy.routes[0].observed["total_timeout"]
    assert (total.value, total.location.path) == (30, "traefik.yml")


def test_a_service_that_no_file_declares_is_not_examined() -> None:
    found = read("http:\n  routers:\n    mcp:\n      rule: Path(`/mcp`)\n      service: mcp@docker\n  services: {}\n")
    assert found.not_examined == (NotRead("dynamic.yaml", "the service mcp@docker of line 5 is not in the files"),)


def test_services_that_name_each_other_end() -> None:
    text = "http:\n  services:\n    a: {weighted: {services: [{name: b}]}}\n    b: {weighted: {services: [{name: a}, {name: b}]}}\n"
    assert {upstream.name for upstream in only(read(text)).upstreams} == {"a", "b"}


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("dynamic.yaml", pool(), True),
        ("dynamic.toml", TOML, True),
        ("traefik.yml", "entryPoints:\n  web:\n    address: ':80'\nproviders: {}\n", True),
        ("compose.yaml", "services:\n  web:\n    labels: [traefik.http.routers.a.rule=Path(`/`)]\n", False),
        ("route.yaml", "apiVersion: traefik.io/v1alpha1\nkind: IngressRoute\n", False),
        ("pyproject.toml", "[project]\nname = 'a'\n", False),
    ],
)
def test_files_of_traefik_are_recognised(path: str, text: str, expected: bool) -> None:
    assert traefik.is_traefik(text, path) is expected
