"""What the reader of nginx configurations says about upstreams, routes, includes, fragments and templates."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from proxy_files import accepted, check_words, lines, only, values

from advisor.deployment.model import DeploymentFiles, NotRead
from advisor.knowledge import Knowledge
from advisor.sources.proxies import nginx

SERVERS = "server 10.0.0.1:8000; server 10.0.0.2:8000;"
ENVELOPE = """
upstream mcp_any { server 10.0.0.1:8000; server 10.0.0.2:8000; least_conn; }
upstream mcp_a { server 10.0.0.1:8000; }
upstream mcp_b { server 10.0.0.2:8000; }
map $http_mcp_session_id $mcp_pool { default mcp_any; "~^a\\." mcp_a; "~^b\\." mcp_b; }
map $http_mcp_session_id $mcp_sid  { default $http_mcp_session_id; "~^[ab]\\.(?<inner>.+)$" $inner; }
map $upstream_addr $mcp_inst { default ""; "~^10\\.0\\.0\\.1:8000$" a; "~^10\\.0\\.0\\.2:8000$" b; }
map $upstream_http_mcp_session_id $mcp_out { "" ""; default "$mcp_inst.$upstream_http_mcp_session_id"; }
server { listen 8080; location /mcp { proxy_pass http://$mcp_pool;
    proxy_set_header Mcp-Session-Id $mcp_sid;
    proxy_hide_header Mcp-Session-Id; add_header Mcp-Session-Id $mcp_out always; } }
"""


def complete(text: str) -> str:
    return f"events {{ worker_connections 64; }}\nhttp {{\n{text}\n}}\n"


def pool(text: str) -> str:
    return f"upstream mcp {{ {text} }}\nserver {{ listen 8080; location /mcp {{ proxy_pass http://mcp; }} }}"


def read(text: str, **files: str) -> DeploymentFiles:
    return nginx.read(text, "nginx.conf", {"nginx.conf": text, **files})


UPSTREAMS: dict[str, tuple[str, dict[str, Any]]] = {
    "nothing": (pool(SERVERS), {}),
    "a hash of the session id": (
        pool(f"hash $http_mcp_session_id consistent; {SERVERS}"),
        {"balance": "session-hash"},
    ),
    "a hash of a map of the session id": (
        'map $http_mcp_session_id $mcp_key { "" $remote_addr; default $http_mcp_session_id; }\n'
        + pool(f"hash $mcp_key; {SERVERS}"),
        {"balance": "session-hash"},
    ),
    "a hash of the address": (
        pool(f"hash $remote_addr; {SERVERS}"),
        {"balance": "address-hash", "sticky": "address"},
    ),
    "a hash of the address behind a proxy": (
        pool(f"hash $http_x_forwarded_for; {SERVERS}"),
        {"balance": "address-hash", "sticky": "address"},
    ),
    "a hash of another header": (pool(f"hash $http_authorization; {SERVERS}"), {"balance": "header-hash"}),
    "a hash of a cookie": (pool(f"hash $cookie_route; {SERVERS}"), {"balance": "cookie-hash"}),
    "a hash of the path": (pool(f"hash $request_uri; {SERVERS}"), {"balance": "path-hash"}),
    "ip_hash": (pool(f"ip_hash; {SERVERS}"), {"balance": "address-hash", "sticky": "address"}),
    "random": (pool(f"random two; {SERVERS}"), {"balance": "random"}),
    "learn": (
        pool(
            f"least_conn; {SERVERS} sticky learn create=$upstream_http_mcp_session_id lookup=$http_mcp_session_id"
            " zone=sessions:1m timeout=24h header;"
        ),
        {
            "balance": "least-connections",
            "sticky": "learned",
            "sticky_at_headers": True,
            "sticky_timeout": 86_400,
            "sticky_entries": 4000,
        },
    ),
    "learn at the end of the answer": (
        pool(
            f"{SERVERS} sticky learn create=$upstream_http_mcp_session_id lookup=$http_mcp_session_id zone=sessions:1m;"
        ),
        {"sticky": "learned", "sticky_at_headers": False, "sticky_entries": 4000},
    ),
    "learn by a cookie of the server": (
        pool(f"{SERVERS} sticky learn create=$upstream_cookie_id lookup=$cookie_id zone=sessions:1m;"),
        {"sticky": "cookie", "sticky_at_headers": False, "sticky_entries": 4000},
    ),
    "a cookie": (
        pool(f"{SERVERS} sticky cookie route path=/mcp secure;"),
        {"sticky": "cookie", "cookie_secure": True, "cookie_path": "/mcp"},
    ),
    "connections": (
        pool(f"{SERVERS} keepalive 16; keepalive_timeout 4s;"),
        {"keepalive": True, "keepalive_timeout": 4},
    ),
    "maps that rewrite the session id": (
        ENVELOPE,
        {"sticky": "rewritten", "balance": "least-connections"},
    ),
    "a route that the session id names": (
        'map $http_mcp_session_id $mcp_route { default ""; "~^(?<mcp_name>[ab])\\." $mcp_name; }\n'
        'map $upstream_addr $mcp_inst { default ""; "~1:8000$" a; "~2:8000$" b; }\n'
        "upstream mcp { server 10.0.0.1:8000 route=a; server 10.0.0.2:8000 route=b; sticky route $mcp_route; }\n"
        "server { listen 8080; location /mcp { proxy_pass http://mcp; proxy_hide_header Mcp-Session-Id;"
        " add_header Mcp-Session-Id $mcp_inst.$upstream_http_mcp_session_id; } }",
        {"sticky": "rewritten"},
    ),
}


@pytest.mark.parametrize("name", UPSTREAMS)
def test_the_way_to_select_an_instance_is_read(name: str, knowledge: Knowledge) -> None:
    text, expected = UPSTREAMS[name]
    found = read(complete(text))
    check_words(found, knowledge)
    proxy = only(found)
    (route,) = proxy.routes
    upstream = next(upstream for upstream in proxy.upstreams if upstream.name == route.upstream)
    assert values(upstream.observed) == expected
    assert [(target.host, target.port) for target in upstream.targets] == [("10.0.0.1", 8000), ("10.0.0.2", 8000)]


@pytest.mark.programs
@pytest.mark.parametrize("name", UPSTREAMS)
def test_nginx_accepts_the_upstreams(name: str, tmp_path: Path) -> None:
    accepted(tmp_path, complete(UPSTREAMS[name][0]))


LEVELS = """
    proxy_read_timeout 10m;
    proxy_buffering on;
    proxy_set_header X-Real-IP $remote_addr;
    add_header X-Outer 1;
    map $http_upgrade $connection_upgrade { default upgrade; "" close; }
    limit_req_zone $binary_remote_addr zone=calls:1m rate=10r/s;
    server {
        listen 80;
        server_name old.example.com;
        return 301 https://$host$request_uri;
    }
    server {
        listen 8443;
        server_name mcp.example.com *.example.com;
        client_max_body_size 8m;
        location = /mcp {
            proxy_pass https://10.0.0.1:8000/api;
            proxy_buffering off;
            proxy_set_header Host $http_host;
            proxy_set_header Connection "";
            proxy_set_header X-Forwarded-Proto $scheme;
            proxy_set_header Accept-Encoding "";
            proxy_hide_header Server;
            add_header Access-Control-Allow-Origin https://app.example.com;
            add_header Access-Control-Expose-Headers "Mcp-Session-Id, X-Two";
            proxy_ignore_headers X-Accel-Buffering Expires;
            proxy_next_upstream error timeout http_502 http_504 non_idempotent;
            proxy_http_version 1.1;
            proxy_cache off;
            gzip on;
            gzip_types application/json;
            limit_req zone=calls;
            limit_except GET POST { deny all; }
        }
        location ~ ^/sse(/.*)?$ {
            proxy_pass http://10.0.0.1:8000;
            proxy_set_header Connection $connection_upgrade;
            rewrite ^/sse(.*)$ $1 break;
        }
        location /old/ { return 308 /mcp; }
        location /files/ {
            try_files $uri @servers;
            location /files/own/ { proxy_pass http://10.0.0.2:8000/files/own/; }
        }
        location @servers { proxy_pass http://10.0.0.3:8000; proxy_connect_timeout 500ms; }
    }
"""


def test_routes_have_their_settings_and_inherit_the_others(knowledge: Knowledge) -> None:
    found = read(complete(LEVELS))
    check_words(found, knowledge)
    routes = {route.path: route for route in only(found).routes}
    assert {path: (route.match, route.upstream, route.location.line) for path, route in routes.items()} == {
        "": ("every", "", 13),
        "/mcp": ("exact", "10.0.0.1:8000", 20),
        "^/sse(/.*)?$": ("regex", "10.0.0.1:8000", 39),
        "/old/": ("prefix", "", 43),
        "/files/own/": ("prefix", "10.0.0.2:8000", 46),
        "/files/": ("prefix", "10.0.0.3:8000", 48),
    }
    assert values(routes[""].observed) == {"redirects": "https", "listens_tls": False}
    assert routes["/mcp"].hosts == ("mcp.example.com", "*.example.com")
    assert values(routes["/mcp"].observed) == {
        "buffering": False,
        "idle_timeout": 600,
        "body_limit": 8 * 1024**2,
        "retries_on": ("error", "timeout", "http-5xx", "non-idempotent"),
        "rate_limited": True,
        "methods": ("GET", "POST"),
        "ignores_accel_buffering": True,
        "cache": False,
        "compression": True,
        "http_version": "1.1",
        "connection_header": "empty",
        "sets_host": "client",
        "sets_forwarded": ("x-forwarded-proto",),
        "removes_request_headers": ("accept-encoding",),
        "removes_response_headers": ("server",),
        "sets_response_headers": ("access-control-allow-origin", "access-control-expose-headers"),
        "cors_origin": "https://app.example.com",
        "cors_exposes": ("mcp-session-id", "x-two"),
        "rewrites_path": True,
        "listens_tls": False,
        "upstream_tls": True,
    }
    assert lines(routes["/mcp"].observed)["idle_timeout"] == 4
    assert lines(routes["/mcp"].observed)["buffering"] == 21
    sse = values(routes["^/sse(/.*)?$"].observed)
    assert (sse["buffering"], sse["connection_header"], sse["rewrites_path"]) == (True, "upgrade", True)
    assert sse["sets_response_headers"] == ("x-outer",)
    assert values(routes["/files/own/"].observed)["rewrites_path"] is False
    assert values(routes["/files/"].observed)["connect_timeout"] == 0.5
    assert values(routes["/old/"].observed)["redirects"] == "other"


@pytest.mark.programs
def test_nginx_accepts_the_routes(tmp_path: Path) -> None:
    accepted(tmp_path, complete(LEVELS))


def test_settings_of_the_process_are_read() -> None:
    proxy = only(
        read(
            "worker_rlimit_nofile 4096;\nworker_shutdown_timeout 30s;\n"
            "events { worker_connections 512; }\nhttp { server { listen 443 ssl; location / { proxy_pass http://mcp; } } }"
        )
    )
    assert values(proxy.observed) == {"file_limit": 4096, "shutdown_timeout": 30, "connections": 512}
    assert values(proxy.routes[0].observed)["listens_tls"] is True
    assert (proxy.upstreams[0].targets[0].host, proxy.upstreams[0].targets[0].port) == ("mcp", 0)


def test_a_server_of_an_upstream_has_its_parameters() -> None:
    text = pool("server a:1 max_fails=0; server b:1 backup; server c:1 drain; server d:1 down; server [::1]:1 resolve;")
    (upstream,) = only(read(complete(text))).upstreams
    assert [(target.host, values(target.observed)) for target in upstream.targets] == [
        ("a", {"max_fails": 0}),
        ("b", {"backup": True}),
        ("c", {"drain": True}),
        ("::1", {}),
    ]
    assert values(upstream.observed) == {"resolves_names": True}


def test_a_variable_with_one_value_names_its_upstream() -> None:
    text = complete(
        "resolver 127.0.0.11;\nserver { location /mcp { set $target mcp-server; proxy_pass http://$target:8000; } }"
    )
    (upstream,) = only(read(text)).upstreams
    assert (upstream.name, upstream.targets[0].host, upstream.targets[0].port) == (
        "mcp-server:8000",
        "mcp-server",
        8000,
    )
    assert values(upstream.observed) == {"resolves_names": True}


def test_a_variable_can_have_a_url() -> None:
    text = complete("server { set $url https://mcp:8443; location /mcp { proxy_pass $url; } }")
    proxy = only(read(text))
    assert (proxy.upstreams[0].name, proxy.routes[0].observed["upstream_tls"].value) == ("mcp:8443", True)


def test_an_upstream_that_the_request_decides_is_not_examined() -> None:
    found = read(complete("server { location / { proxy_pass http://$arg_host; } }"))
    assert found.not_examined == (
        NotRead("nginx.conf", "nginx computes the upstream of line 3 from $arg_host while it runs"),
    )
    assert found.proxies[0].routes[0].upstream == "$arg_host"


def test_requests_without_a_session_id_have_a_route_of_their_own() -> None:
    text = complete(
        f"upstream bound {{ ip_hash; {SERVERS} }} upstream free {{ {SERVERS} }}\n"
        "server { location /mcp { error_page 418 = @new; error_page 502 = @failed;\n"
        'if ($http_mcp_session_id = "") { return 418; } proxy_pass http://bound; }\n'
        "location @new { proxy_pass http://free; } location @failed { proxy_pass http://free; } }"
    )
    routes = only(read(text)).routes
    assert [(route.path, route.upstream, "without_session" in route.observed) for route in routes] == [
        ("/mcp", "bound", False),
        ("/mcp", "free", True),
    ]


@pytest.mark.parametrize(
    ("source", "entries", "test", "expected"),
    [
        ("$era $http_mcp_session_id", 'default ""; "modern " 1;', "$free", True),
        ("$era $http_mcp_session_id", 'default 1; "modern " 0;', "$free", False),
        ("$era $http_mcp_session_id", 'default ""; "modern abc" 1;', "$free", False),
        ("$era $http_mcp_session_id", 'default ""; "~^modern " 1;', "$free", False),
        ("$http_mcp_session_id", 'default bound; "" free;', "$free = free", True),
        ("$http_mcp_session_id", 'default bound; "" free;', "$free = bound", False),
        ("$http_mcp_protocol_version", 'default ""; "2025-11-25" 1;', "$free", False),
    ],
)
def test_a_map_can_say_that_a_request_has_no_session_id(source: str, entries: str, test: str, expected: bool) -> None:
    text = complete(
        f'map "{source}" $free {{ {entries} }}\nserver {{ location /mcp {{ error_page 418 = @new;\n'
        f"if ({test}) {{ return 418; }} proxy_pass http://a; }} location @new {{ proxy_pass http://b; }} }}"
    )
    found = [route for route in only(read(text)).routes if route.upstream == "b"]
    assert ["without_session" in route.observed for route in found] == [expected]


def test_a_regex_map_after_a_capture_is_noted() -> None:
    maps = 'map $http_x $kind { "~^a" 1; default 0; }\n'
    after = complete(maps + 'server { location ~ ^/(.*)$ { proxy_pass http://10.0.0.1/$1; add_header X "$1$kind"; } }')
    before = complete(maps + 'server { location ~ ^/(.*)$ { proxy_pass http://10.0.0.1/$1; add_header X "$kind$1"; } }')
    assert "regex_map_after_capture" in read(after).proxies[0].observed
    assert "regex_map_after_capture" not in read(before).proxies[0].observed


def test_streams_of_tcp_are_routes() -> None:
    text = (
        "events {}\nstream {\nupstream mcp { hash $remote_addr; server a:1; server b:1; }\n"
        "server { listen 8000; proxy_pass mcp; proxy_timeout 5m; } }"
    )
    proxy = only(read(text))
    assert [(route.match, route.upstream, values(route.observed)) for route in proxy.routes] == [
        ("every", "mcp", {"listens_tls": False, "idle_timeout": 300})
    ]
    assert values(proxy.upstreams[0].observed)["sticky"] == "address"


# Includes, fragments and templates

MAIN = (
    "events {}\nhttp {\n    proxy_buffering off;\n    include /etc/nginx/mime.types;\n    include conf.d/*.conf;\n}\n"
)
POOL = "upstream mcp {\n    hash $http_mcp_session_id;\n    server a:1;\n    server b:1;\n}\n"
SITE = "server {\n    location /mcp {\n        proxy_pass http://mcp;\n    }\n}\n"


def test_included_files_are_parts_of_the_file_that_includes_them() -> None:
    files = {"proxy/nginx.conf": MAIN, "proxy/conf.d/pool.conf": POOL, "proxy/conf.d/site.conf": SITE}
    found = nginx.read_all(list(files), files)
    proxy = only(found)
    assert found.examined == tuple(files)
    assert (proxy.name, proxy.upstreams[0].location.path) == ("proxy/nginx.conf", "proxy/conf.d/pool.conf")
    (route,) = proxy.routes
    assert (route.location.path, route.location.line) == ("proxy/conf.d/site.conf", 3)
    assert route.observed["buffering"].location.path == "proxy/nginx.conf"


def test_fragments_use_the_upstreams_of_their_folder() -> None:
    files = {"conf.d/pool.conf": POOL, "conf.d/site.conf": SITE}
    found = nginx.read_all(list(files), files)
    assert found.not_examined == ()
    site = next(proxy for proxy in found.proxies if proxy.name == "conf.d/site.conf")
    assert values(site.upstreams[0].observed) == {"balance": "session-hash"}
    assert site.upstreams[0].location.path == "conf.d/pool.conf"


@pytest.mark.parametrize(("other", "is_followed"), [({}, True), ({"old/site.conf": SITE}, False)])
def test_an_include_finds_the_only_file_with_this_name(other: dict[str, str], is_followed: bool) -> None:
    files = {"compose/upstreams.conf": f"{POOL}include site.conf;\n", "proxy/site.conf": SITE, **other}
    found = nginx.read_all(list(files), files)
    pool = [proxy for proxy in found.proxies if proxy.name == "compose/upstreams.conf" and proxy.routes]
    assert bool(pool) is is_followed
    assert bool(found.not_examined) is not is_followed


def test_a_fragment_of_a_server_is_read() -> None:
    proxy = only(nginx.read("location /mcp {\n  proxy_pass http://mcp:8000;\n}\n", "mcp.conf", {}))
    assert (proxy.routes[0].path, proxy.routes[0].location.line) == ("/mcp", 2)


@pytest.mark.parametrize("pattern", ["/etc/passwd", "../outside.conf", "../../*.conf", "/etc/nginx/../../secret.conf"])
def test_no_include_leaves_the_audited_files(pattern: str, tmp_path: Path) -> None:
    (tmp_path / "outside.conf").write_text("server { location /secret { proxy_pass http://secret; } }")
    found = nginx.read(f"http {{ include {pattern}; }}", "nginx.conf", {"inside.conf": SITE})
    assert found.proxies == ()
    assert found.not_examined == (
        NotRead("nginx.conf", f"line 1 includes {pattern}, which is not among the audited files"),
    )


def test_files_that_include_each_other_are_read_once() -> None:
    files = {"a.conf": f"include b.conf;\n{SITE}", "b.conf": "include a.conf;\n"}
    (proxy,) = nginx.read_all(list(files), files).proxies
    assert len(proxy.routes) == 1


TEMPLATE = """
upstream mcp {
{% for instance in instances %}
    server {{ instance }}:8000;
{% endfor %}
}
server {
    listen ${PORT};
    location ${MCP_PATH} {
        proxy_pass http://mcp;
        proxy_read_timeout {{ idle | default("90s") }};
        client_max_body_size ${LIMIT};
        proxy_set_header Host $host;
    }
}
"""


def test_placeholders_are_dynamic_values() -> None:
    proxy = only(nginx.read(TEMPLATE, "mcp.conf.j2", {}))
    (route,) = proxy.routes
    assert (route.path, route.location.line) == ("${MCP_PATH}", 10)
    assert route.observed["idle_timeout"].value == 90
    assert route.observed["idle_timeout"].is_dynamic
    assert (route.observed["body_limit"].value, route.observed["body_limit"].is_dynamic) == ("${LIMIT}", True)
    assert [(target.host, target.port) for target in proxy.upstreams[0].targets] == [("{{ instance }}", 8000)]


@pytest.mark.parametrize(
    ("passed", "host", "port"),
    [
        ("http://$MCP_HOST:8000", "$MCP_HOST", 8000),
        ("${MCP_URL}", "${MCP_URL}", 0),
        ("${MCP_URL:-http://mcp:9000}", "mcp", 9000),
        ('http://{{ .Values.host | default "mcp" }}:8000/', "mcp", 8000),
    ],
)
def test_a_placeholder_can_name_the_upstream(passed: str, host: str, port: int) -> None:
    (upstream,) = only(nginx.read(f"server {{ location /mcp {{ proxy_pass {passed}; }} }}", "a.conf", {})).upstreams
    assert [(target.host, target.port) for target in upstream.targets] == [(host, port)]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("server {\n  listen 80\n}\n", 'not valid for nginx (line 2): directive "listen" is not terminated by ";"'),
        ("http {\n  server {\n}\n", 'not valid for nginx (line 3): unexpected end of file, expecting "}"'),
        ("http { }\n}\n", 'not valid for nginx (line 2): unexpected "}"'),
        ("server { listen 80; }\nroot", "not valid for nginx: the file ends in the middle of a directive"),
        ("http {" * 40 + "}" * 40, "the blocks are nested too deep"),
    ],
)
def test_a_file_with_a_syntax_error_is_not_examined(text: str, why: str) -> None:
    found = nginx.read(text, "nginx.conf", {})
    assert (found.examined, found.proxies) == ((), ())
    assert found.not_examined == (NotRead("nginx.conf", why),)


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("nginx.conf", SITE, True),
        ("deploy/mcp.conf.template", SITE, True),
        ("upstreams.inc", POOL, True),
        ("Caddyfile", "example.com {\n  reverse_proxy a:1\n}\n", False),
        ("haproxy.cfg", "frontend a\n  bind :80\n", False),
        ("README.md", f"```\n{SITE}```\n", False),
        ("server.py", 'TEXT = """\nserver {\n  listen 80;\n}\n"""', False),
        ("main.tf", 'server {\n  name = "a"\n}\n', False),
        ("notes.conf", "key = value;\n", False),
    ],
)
def test_files_of_nginx_are_recognised(path: str, text: str, expected: bool) -> None:
    assert nginx.is_nginx(text, path) is expected
