"""What the reader of Caddyfiles says about sites, matchers and proxies, and that the JSON form says the same."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from proxy_files import check_words, lines, only, values

from advisor.deployment.model import DeploymentFiles, NotRead, Proxy
from advisor.knowledge import Knowledge
from advisor.lab.process.programs import program
from advisor.sources.proxies import caddy


def site(text: str = "", after: str = "") -> str:
    return f":8080 {{\n\treverse_proxy 10.0.0.1:8000 10.0.0.2:8000 {{\n\t\t{text}\n\t}}\n{after}\n}}\n"


def read(text: str) -> DeploymentFiles:
    return caddy.read(text, "Caddyfile", {})


OWNED = """(owner) {
	@owner_{args[0]} header_regexp id Mcp-Session-Id ^{args[0]}\\.(.+)$
	handle @owner_{args[0]} {
		reverse_proxy {args[1]} {
			header_up Mcp-Session-Id {re.id.1}
			header_down Mcp-Session-Id ^(.+)$ {args[0]}.$1
		}
	}
}
:8080 {
	import owner a 10.0.0.1:8000
	import owner b 10.0.0.2:8000
}
"""

UPSTREAMS: dict[str, tuple[str, dict[str, Any]]] = {
    "nothing": (site(), {}),
    "random": (site("lb_policy random"), {"balance": "random"}),
    "round robin": (site("lb_policy round_robin"), {"balance": "round-robin"}),
    "least connections": (site("lb_policy least_conn"), {"balance": "least-connections"}),
    "first": (site("lb_policy first"), {"balance": "first"}),
    "a hash of the session id": (site("lb_policy header Mcp-Session-Id"), {"balance": "session-hash"}),
    "a hash of another header": (site("lb_policy header X-Tenant"), {"balance": "header-hash"}),
    "a hash of the address": (site("lb_policy ip_hash"), {"balance": "address-hash", "sticky": "address"}),
    "a hash of the client": (site("lb_policy client_ip_hash"), {"balance": "address-hash", "sticky": "address"}),
    "a hash of the path": (site("lb_policy uri_hash"), {"balance": "path-hash"}),
    "a cookie": (site("lb_policy cookie route secret"), {"sticky": "cookie"}),
    "checks": (
        site("health_uri /ready\n\t\tfail_duration 5s\n\t\tmax_fails 3"),
        {"health_check": True, "health_check_path": "/ready", "max_fails": 3},
    ),
    "connections": (site("transport http {\n\t\t\tkeepalive 4s\n\t\t}"), {"keepalive_timeout": 4}),
    "no connections twice": (site("transport http {\n\t\t\tkeepalive off\n\t\t}"), {"keepalive": False}),
}


def short(proxy: Proxy) -> list[Any]:
    upstreams = {upstream.name: upstream for upstream in proxy.upstreams}
    return [
        (
            route.path,
            route.match,
            [(target.host, target.port, target.is_pool) for target in upstreams[route.upstream].targets]
            if route.upstream
            else [],
            values(upstreams[route.upstream].observed) if route.upstream else {},
            values(route.observed),
        )
        for route in proxy.routes
    ]


@pytest.mark.parametrize("name", UPSTREAMS)
def test_the_way_to_select_an_instance_is_read(name: str, knowledge: Knowledge) -> None:
    text, expected = UPSTREAMS[name]
    found = read(text)
    check_words(found, knowledge)
    (upstream,) = only(found).upstreams
    assert values(upstream.observed) == expected
    assert [(target.host, target.port) for target in upstream.targets] == [("10.0.0.1", 8000), ("10.0.0.2", 8000)]


def test_matchers_that_rewrite_the_session_id_are_found(knowledge: Knowledge) -> None:
    found = read(OWNED)
    check_words(found, knowledge)
    upstreams = only(found).upstreams
    assert [(upstream.name, values(upstream.observed)) for upstream in upstreams] == [
        ("10.0.0.1:8000", {"sticky": "rewritten"}),
        ("10.0.0.2:8000", {"sticky": "rewritten"}),
    ]
    without = OWNED.replace("header_down Mcp-Session-Id ^(.+)$ {args[0]}.$1", "")
    assert [values(upstream.observed) for upstream in only(read(without)).upstreams] == [{}, {}]


SITES = """{
	grace_period 30s
	servers {
		timeouts {
			idle 2m
			write 10m
		}
	}
}

mcp.example.com {
	encode gzip
	request_body {
		max_size 4MiB
	}
	@fresh {
		path /mcp
		method POST
		header !Mcp-Session-Id
	}
	handle @fresh {
		reverse_proxy 10.0.0.1:8000
	}
	handle_path /api/* {
		reverse_proxy https://10.0.0.1:8443 {
			flush_interval -1
			header_up Host {upstream_hostport}
			header_up -X-Debug
			header_down -Server
			transport http {
				dial_timeout 500ms
				read_timeout 90s
				response_header_timeout 1m
				versions 1.1
			}
		}
	}
	redir /old /mcp
	handle {
		header Access-Control-Allow-Origin https://app.example.com
		header Access-Control-Expose-Headers "Mcp-Session-Id, X-Two"
		reverse_proxy /sse* {
			dynamic a mcp.local 8000
			response_buffers 4KiB
		}
	}
}
"""


def test_sites_and_matchers_are_routes(knowledge: Knowledge) -> None:
    found = read(SITES)
    check_words(found, knowledge)
    proxy = only(found)
    assert values(proxy.observed) == {"shutdown_timeout": 30}
    assert {route.hosts for route in proxy.routes} == {("mcp.example.com",)}
    common = {
        "client_idle_timeout": 120,
        "total_timeout": 600,
        "listens_tls": True,
        "compression": True,
        "body_limit": 4 * 1024**2,
    }
    assert short(proxy) == [
        (
            "/mcp",
            "exact",
            [("10.0.0.1", 8000, False)],
            {},
            {**common, "methods": ("POST",), "without_session": True, "upstream_tls": False},
        ),
        (
            "/api/",
            "prefix",
            [("10.0.0.1", 8443, False)],
            {},
            {
                **common,
                "rewrites_path": True,
                "upstream_tls": True,
                "buffering": False,
                "sets_host": "upstream",
                "removes_request_headers": ("x-debug",),
                "removes_response_headers": ("server",),
                "connect_timeout": 0.5,
                "idle_timeout": 90,
                "first_byte_timeout": 60,
                "http_version": "1.1",
            },
        ),
        ("/old", "exact", [], {}, {**common, "redirects": "other"}),
        (
            "/sse",
            "prefix",
            [("mcp.local", 8000, True)],
            {"resolves_names": True},
            {
                **common,
                "sets_response_headers": ("access-control-allow-origin", "access-control-expose-headers"),
                "cors_origin": "https://app.example.com",
                "cors_exposes": ("mcp-session-id", "x-two"),
                "buffering": True,
            },
        ),
    ]
    assert lines(proxy.routes[1].observed)["idle_timeout"] == 32


@pytest.mark.programs
@pytest.mark.parametrize("name", [*UPSTREAMS, "owners", "sites"])
def test_the_json_form_of_caddy_says_the_same(name: str, tmp_path: Path, knowledge: Knowledge) -> None:
    text = {"owners": OWNED, "sites": SITES}.get(name) or UPSTREAMS[name][0]
    path = tmp_path / "Caddyfile"
    path.write_text(text)
    command = [str(program("caddy")), "adapt", "--config", str(path), "--adapter", "caddyfile"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    adapted = json.dumps(json.loads(done.stdout), indent=1)
    assert caddy.is_caddy(adapted, "caddy.json")
    found = caddy.read(adapted, "caddy.json", {})
    check_words(found, knowledge)
    assert normal(only(found)) == normal(only(read(text)))


def normal(proxy: Proxy) -> list[str]:
    """The routes without their order: Caddy sorts directives."""
    routes = []
    for *head, notes in short(proxy):
        stated = {name: sorted(value) if isinstance(value, tuple) else value for name, value in sorted(notes.items())}
        routes.append(repr((*head, stated)))
    return sorted(routes)


def test_imported_files_and_snippets_are_parts() -> None:
    files = {
        "Caddyfile": "import sites/*.caddy\n(common) {\n\tflush_interval -1\n\timport more\n}\n(more) {\n\tlb_policy ip_hash\n}\n",
        "sites/mcp.caddy": "http://mcp.local {\n\treverse_proxy a:1 b:1 {\n\t\timport common\n\t}\n}\n",
    }
    found = caddy.read_all(list(files), files)
    proxy = only(found)
    assert set(found.examined) == set(files)
    (route,) = proxy.routes
    assert (route.location.path, route.hosts, values(route.observed)) == (
        "sites/mcp.caddy",
        ("mcp.local",),
        {"listens_tls": False, "upstream_tls": False, "buffering": False},
    )
    assert route.observed["buffering"].location.path == "Caddyfile"
    assert proxy.upstreams[0].observed["sticky"].value == "address"


@pytest.mark.parametrize("name", ["/etc/passwd", "../outside.caddy", "nothing"])
def test_no_import_leaves_the_audited_files(name: str, tmp_path: Path) -> None:
    (tmp_path / "outside.caddy").write_text("reverse_proxy secret:1")
    found = read(f":80 {{\n\timport {name}\n\treverse_proxy a:1\n}}\n")
    assert found.not_examined == (NotRead("Caddyfile", f"line 2 imports {name}, which is not among the audited files"),)
    assert [target.host for target in found.proxies[0].upstreams[0].targets] == ["a"]


def test_snippets_that_import_each_other_end() -> None:
    text = "(a) {\n\timport b\n\timport b\n}\n(b) {\n\timport a\n\timport a\n}\n:80 {\n\timport a\n\treverse_proxy c:1\n}\n"
    assert len(only(read(text)).routes) == 1


def test_a_site_without_braces_is_read() -> None:
    (route,) = only(read("localhost\n\nreverse_proxy /mcp* {$MCP_HOST:mcp}:8000\n")).routes
    assert (route.path, route.upstream, route.location.line) == ("/mcp", "mcp:8000", 3)


def test_an_upstream_that_the_request_decides_is_not_examined() -> None:
    found = read(":80 {\n\treverse_proxy {header.X-Backend}\n}\n")
    assert found.not_examined == (
        NotRead("Caddyfile", "Caddy computes the upstream of line 2 from {header.X-Backend} while it runs"),
    )


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (":80 {\n\treverse_proxy a:1\n", "not a valid Caddyfile: the file ends in the middle of a block"),
        (":80 {\n}\n}\n", "not a valid Caddyfile: unexpected } in line 3"),
        ("a {\n" * 50 + "}\n" * 50, "not a valid Caddyfile: the blocks are nested too deep"),
    ],
)
def test_a_file_with_a_syntax_error_is_not_examined(text: str, why: str) -> None:
    found = read(text)
    assert (found.examined, found.not_examined) == ((), (NotRead("Caddyfile", why),))


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("Caddyfile", site(), True),
        ("deploy/Caddyfile.prod", "example.com\nreverse_proxy a:1\n", True),
        ("upstreams.caddy", "reverse_proxy a:1\n", True),
        ("caddy.json", '{"apps": {"http": {"servers": {"a": {"routes": [{"handle": []}]}}}}}', True),
        ("package.json", '{"apps": {}}', False),
        ("nginx.conf", "http {\n}\n", False),
        ("caddyfile.go", "package caddyfile {", False),
    ],
)
def test_files_of_caddy_are_recognised(path: str, text: str, expected: bool) -> None:
    assert caddy.is_caddy(text, path) is expected
