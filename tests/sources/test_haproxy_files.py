"""What the reader of HAProxy configurations says about backends, frontends, defaults and variables."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
from proxy_files import check_words, lines, only, values

from advisor.deployment.model import DeploymentFiles, NotRead
from advisor.knowledge import Knowledge
from advisor.lab.process.programs import program
from advisor.sources.proxies import haproxy

SERVERS = "server a 10.0.0.1:8000\n    server b 10.0.0.2:8000"
HEAD = """defaults
    mode http
    timeout connect 3s
    timeout client 1h
    timeout server 60000
frontend mcp
    bind :8080
    default_backend mcp
"""


def backend(text: str) -> str:
    return f"{HEAD}backend mcp\n    {text}\n    {SERVERS}\n"


def read(text: str) -> DeploymentFiles:
    return haproxy.read(text, "haproxy.cfg", {})


UPSTREAMS: dict[str, tuple[str, dict[str, Any]]] = {
    "nothing": (backend("option httpchk"), {}),
    "round robin": (backend("balance roundrobin"), {"balance": "round-robin"}),
    "least connections": (backend("balance leastconn"), {"balance": "least-connections"}),
    "a hash of the session id": (
        backend("balance hdr(Mcp-Session-Id)\n    hash-type consistent"),
        {"balance": "session-hash"},
    ),
    "an expression with the session id": (backend("balance hash req.hdr(mcp-session-id)"), {"balance": "session-hash"}),
    "a hash of another header": (backend("balance hdr(X-Tenant)"), {"balance": "header-hash"}),
    "the client address": (backend("balance source"), {"balance": "address-hash", "sticky": "address"}),
    "a hash of the path": (backend("balance uri"), {"balance": "path-hash"}),
    "a table of addresses": (
        backend("stick-table type ip size 10k expire 30m\n    stick on src"),
        {"sticky": "address", "sticky_timeout": 1800, "sticky_entries": 10_240},
    ),
    "a table of the answers": (
        backend(
            "stick-table type string len 64 size 1m expire 24h\n    stick store-response res.hdr(Mcp-Session-Id)\n"
            "    stick match req.hdr(Mcp-Session-Id)"
        ),
        {
            "sticky": "learned",
            "sticky_at_headers": True,
            "sticky_timeout": 86_400,
            "sticky_id_length": 64,
            "sticky_entries": 1024**2,
        },
    ),
    "a table of the requests": (
        backend("stick-table type string len 64 size 1m expire 1h\n    stick on req.hdr(Mcp-Session-Id)"),
        {"sticky": "requested", "sticky_timeout": 3600, "sticky_id_length": 64, "sticky_entries": 1024**2},
    ),
    "a table that nobody fills": (
        backend("stick-table type string len 64 size 1m expire 1h\n    stick match req.hdr(Mcp-Session-Id)"),
        {"sticky": "requested", "sticky_timeout": 3600, "sticky_id_length": 64, "sticky_entries": 1024**2},
    ),
    "a cookie": (
        f"{HEAD}backend mcp\n    cookie route insert indirect nocache secure\n"
        "    server a 10.0.0.1:8000 cookie a\n    server b 10.0.0.2:8000 cookie b\n",
        {"sticky": "cookie", "cookie_secure": True},
    ),
    "a cookie without values": (backend("cookie route insert indirect nocache"), {}),
    "rules that rewrite the session id": (
        backend(
            "use-server a if { req.hdr(Mcp-Session-Id) -m beg a. }\n"
            "    http-request replace-header Mcp-Session-Id [ab]\\.(.*) \\1\n"
            "    http-response set-header Mcp-Session-Id %s.%[res.hdr(Mcp-Session-Id)]"
        ),
        {"sticky": "rewritten"},
    ),
    "checks": (
        "resolvers dns\n    parse-resolv-conf\n"
        + backend("option httpchk GET /ready\n    default-server check resolvers dns pool-purge-delay 4s"),
        {"health_check": True, "health_check_path": "/ready", "resolves_names": True, "keepalive_timeout": 4},
    ),
    "no connections twice": (backend("option http-server-close"), {"keepalive": False}),
}


@pytest.mark.parametrize("name", UPSTREAMS)
def test_the_way_to_select_a_server_is_read(name: str, knowledge: Knowledge) -> None:
    text, expected = UPSTREAMS[name]
    found = read(text)
    check_words(found, knowledge)
    (upstream,) = only(found).upstreams
    assert values(upstream.observed) == expected
    assert [(target.host, target.port) for target in upstream.targets] == [("10.0.0.1", 8000), ("10.0.0.2", 8000)]


@pytest.mark.programs
@pytest.mark.parametrize("name", UPSTREAMS)
def test_haproxy_accepts_the_backends(name: str, tmp_path: Path) -> None:
    accepted(tmp_path, UPSTREAMS[name][0])


def accepted(folder: Path, text: str) -> None:
    (folder / "haproxy.cfg").write_text(text)
    command = [str(program("haproxy")), "-c", "-f", str(folder / "haproxy.cfg")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 0, done.stderr


RULES = """global
    maxconn 4000
    hard-stop-after 30s
defaults base
    mode http
    timeout connect 3s
    timeout client 50s
    timeout server 50s
    option forwardfor
defaults long from base
    timeout server 1h
    retry-on conn-failure response-timeout 503
frontend web
    bind :80
    bind :443 ssl crt /etc/haproxy/cert.pem
    http-request redirect scheme https unless { ssl_fc }
    acl is_mcp path_beg -i /mcp /sse
    acl host_mcp hdr(host) -i mcp.example.com
    acl has_session req.hdr(Mcp-Session-Id) -m found
    http-request set-header X-Forwarded-Proto https
    http-request del-header X-Debug
    http-request deny deny_status 413 if { req.body_size gt 1048576 }
    http-response set-header Access-Control-Expose-Headers "Mcp-Session-Id, X-Two"
    http-response del-header Server
    compression algo gzip
    use_backend opens if is_mcp host_mcp !has_session METH_POST
    use_backend mcp if is_mcp host_mcp or { path /messages }
    use_backend other unless { path_reg ^/api/.* }
    default_backend web
backend mcp from long
    http-request replace-path /mcp(.*) /\\1
    server a 10.0.0.1:8000 ssl verify none
backend opens from long
    http-request disable-l7-retry if METH_POST
    server a 10.0.0.1:8000 backup
    server b 10.0.0.2:8000 weight 0
    server c 10.0.0.3:8000 disabled
backend web from base
    server-template web 3 web.local:80 check
backend other
    server a 10.0.0.9:80
"""


def test_rules_of_a_frontend_are_routes(knowledge: Knowledge) -> None:
    found = read(RULES)
    check_words(found, knowledge)
    proxy = only(found)
    assert values(proxy.observed) == {"connections": 4000, "shutdown_timeout": 30}
    assert [(route.hosts, route.path, route.match, route.upstream, route.location.line) for route in proxy.routes] == [
        ((), "", "every", "", 16),
        (("mcp.example.com",), "/mcp", "prefix", "opens", 26),
        (("mcp.example.com",), "/sse", "prefix", "opens", 26),
        (("mcp.example.com",), "/mcp", "prefix", "mcp", 27),
        (("mcp.example.com",), "/sse", "prefix", "mcp", 27),
        ((), "/messages", "exact", "mcp", 27),
        ((), "", "every", "other", 28),
        ((), "", "every", "web", 29),
    ]
    assert values(proxy.routes[0].observed) == {"redirects": "https"}
    common = {
        "listens_tls": True,
        "connect_timeout": 3,
        "client_idle_timeout": 50,
        "sets_forwarded": ("x-forwarded-for", "x-forwarded-proto"),
        "removes_request_headers": ("x-debug",),
        "body_limit": 1024**2,
        "sets_response_headers": ("access-control-expose-headers",),
        "cors_exposes": ("mcp-session-id", "x-two"),
        "removes_response_headers": ("server",),
        "compression": True,
    }
    assert values(proxy.routes[3].observed) == {
        **common,
        "idle_timeout": 3600,
        "upstream_tls": True,
        "rewrites_path": True,
        "retries_on": ("connect-failure", "timeout", "http-5xx", "non-idempotent"),
    }
    assert values(proxy.routes[1].observed) == {
        **common,
        "idle_timeout": 3600,
        "upstream_tls": False,
        "without_session": True,
        "methods": ("POST",),
        "retries_on": ("connect-failure", "timeout", "http-5xx"),
    }
    assert values(proxy.routes[7].observed) == {**common, "idle_timeout": 50, "upstream_tls": False}
    assert lines(proxy.routes[3].observed)["idle_timeout"] == 11
    upstreams = {upstream.name: upstream for upstream in proxy.upstreams}
    assert [(target.host, values(target.observed)) for target in upstreams["opens"].targets] == [
        ("10.0.0.1", {"backup": True}),
        ("10.0.0.2", {"drain": True}),
    ]
    assert [(target.host, target.port, target.is_pool) for target in upstreams["web"].targets] == [
        ("web.local", 80, True)
    ]


@pytest.mark.programs
def test_haproxy_accepts_the_rules(tmp_path: Path) -> None:
    accepted(tmp_path, RULES.replace(" ssl crt /etc/haproxy/cert.pem", "").replace("web.local", "127.0.0.1"))


def test_a_listen_section_is_frontend_and_backend() -> None:
    proxy = only(read("listen mcp\n    bind :80\n    mode tcp\n    balance source\n    server a 10.0.0.1:80\n"))
    assert [(route.match, route.upstream) for route in proxy.routes] == [("every", "mcp")]
    assert values(proxy.upstreams[0].observed) == {"balance": "address-hash", "sticky": "address"}


def test_only_the_paths_that_a_rule_leaves_reach_the_default_backend() -> None:
    rules = "    acl is_mcp path /mcp /mcp/\n    http-request return status 404 unless is_mcp\n"
    proxy = only(read(HEAD.replace("    default", f"{rules}    default") + f"backend mcp\n    {SERVERS}\n"))
    assert [(route.path, route.match) for route in proxy.routes] == [("/mcp", "exact"), ("/mcp/", "exact")]


def test_a_backend_that_a_request_computes_is_not_examined() -> None:
    found = read(
        HEAD.replace("default_backend mcp", "use_backend %[req.hdr(host),lower]") + f"backend mcp\n    {SERVERS}"
    )
    assert found.not_examined == (NotRead("haproxy.cfg", "HAProxy computes the backend of line 8 while it runs"),)


def test_peers_share_a_table() -> None:
    text = backend("stick-table type ip size 1k expire 1h peers both\n    stick on src")
    for peers, expected in ((["lb1"], False), (["lb1", "lb2"], True)):
        section = "peers both\n" + "".join(f"    peer {name} 10.0.0.9:10000\n" for name in peers)
        assert values(only(read(text + section)).upstreams[0].observed)["sticky_shared"] is expected


def test_variables_have_the_values_of_other_files_of_the_folder() -> None:
    files = {
        "lb/env.cfg": "global\n    presetenv MCP_1 10.0.0.1:8000\n    presetenv LONGEST 1h\n",
        "lb/haproxy.cfg": HEAD.replace("60000", "${LONGEST}")
        + 'backend mcp\n    server a "${MCP_1}"\n    server b "${MCP_2-10.0.0.2:9000}"\n    server c "${MCP_3}"\n',
    }
    for found in (
        haproxy.read_all(list(files), files),
        haproxy.read(files["lb/haproxy.cfg"], "lb/haproxy.cfg", files),
    ):
        proxy = only(found)
        assert [(target.host, target.port) for target in proxy.upstreams[0].targets] == [
            ("10.0.0.1", 8000),
            ("10.0.0.2", 9000),
            ("${MCP_3}", 0),
        ]
        assert proxy.routes[0].observed["idle_timeout"].value == 3600
        assert proxy.routes[0].observed["idle_timeout"].is_dynamic


def test_files_of_a_folder_can_be_one_configuration() -> None:
    files = {
        "haproxy.d/10-front.cfg": HEAD,
        "haproxy.d/20-back.cfg": f"backend mcp\n    balance source\n    {SERVERS}\n",
    }
    proxy = only(haproxy.read_all(list(files), files))
    assert (proxy.name, proxy.routes[0].upstream) == ("haproxy.d/10-front.cfg", "mcp")
    assert proxy.upstreams[0].location.path == "haproxy.d/20-back.cfg"


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("haproxy.cfg", HEAD, True),
        ("lb/mcp.conf", HEAD, True),
        ("upstreams.cfg", "global\n    presetenv A b\n", True),
        ("setup.cfg", "[metadata]\nname = a\n", False),
        ("a.yaml", "frontend web:\n  bind :80\n", False),
        ("server.py", "global x\n    mode = 1\n", False),
        ("nginx.conf", "http {\n    server { listen 80; }\n}\n", False),
    ],
)
def test_files_of_haproxy_are_recognised(path: str, text: str, expected: bool) -> None:
    assert haproxy.is_haproxy(text, path) is expected
