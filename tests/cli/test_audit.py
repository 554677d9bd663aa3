"""`mcp-advisor audit`: the screen, the JSON document, the requirements and the exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from running import run_command, run_command_for_text

from advisor.report.screen_parts import LINES

SERVER = """
from mcp.server.fastmcp import Context, FastMCP

mcp = FastMCP("orders")


@mcp.tool()
async def book(ctx: Context, item: str) -> str:
    return str(await ctx.elicit("Book?", schema=dict))


mcp.run("streamable-http")
"""
NGINX = """
upstream mcp {
    hash $http_mcp_session_id consistent;
    server mcp:8000;
}
server {
    listen 80;
    location /mcp {
        proxy_pass http://mcp;
        client_max_body_size 4m;
    }
}
"""
COMPOSE = """
services:
  mcp:
    build: .
    command: python server.py
    deploy: {replicas: 3}
  proxy:
    image: nginx:1.30
"""
WEB = "server {\n    location / {\n        proxy_pass http://10.0.0.9:3000;\n    }\n}\n"


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    (folder / "deploy").mkdir(parents=True)
    (folder / "server.py").write_text(SERVER)
    (folder / "deploy" / "nginx.conf").write_text(NGINX)
    (folder / "compose.yaml").write_text(COMPOSE)
    return folder


def test_a_finding_names_the_places_in_all_files(shop: Path) -> None:
    done = run_command_for_text("audit", shop, "--format", "json")
    assert done.returncode == 1
    data = json.loads(done.stdout)
    assert data["schema"] == "mcp-advisor/findings/1"
    assert data["examined"] == ["compose.yaml", "deploy/nginx.conf", "server.py"]
    (found,) = [finding for finding in data["findings"] if finding["id"] == "session-id-hash"]
    assert (found["severity"], found["confidence"]) == ("high", "certain")
    assert found["locations"] == [
        {"path": "deploy/nginx.conf", "line": 3},
        {"path": "server.py", "line": 4},
        {"path": "compose.yaml", "line": 6},
        {"path": "server.py", "line": 9},
    ]
    assert "about 2 of 3 sessions lose their instance, and the tool book (ctx.elicit) fails" in found["message"]


def test_the_findings_of_scan_are_findings_of_audit(shop: Path) -> None:
    with (shop / "server.py").open("a") as file:
        file.write(
            "carts = {}\n\n\n@mcp.tool()\ndef add(item: str) -> int:\n    carts[item] = 1\n    return len(carts)\n"
        )
    both = [json.loads(run_command_for_text(name, shop, "--format", "json").stdout) for name in ("scan", "audit")]
    scanned, audited = [{finding["id"] for finding in data["findings"]} for data in both]
    assert "state-in-process" in scanned
    assert scanned < audited


def test_files_in_several_places_are_joined(shop: Path) -> None:
    names = (shop / "deploy" / "nginx.conf", shop / "server.py", shop / "compose.yaml")
    data = json.loads(run_command_for_text("audit", *names, "--format", "json").stdout)
    assert data["examined"] == ["compose.yaml", "deploy/nginx.conf", "server.py"]
    assert "session-id-hash" in {finding["id"] for finding in data["findings"]}
    alone = json.loads(run_command_for_text("audit", names[0], "--format", "json").stdout)
    assert alone["examined"] == ["nginx.conf"]
    (found,) = alone["findings"]
    assert (found["id"], found["severity"], found["confidence"]) == ("session-id-hash", "medium", "possible")


def test_the_exit_code_says_whether_there_are_findings(shop: Path) -> None:
    assert run_command("audit", shop).returncode == 1
    (shop / "server.py").write_text(
        SERVER.replace('"orders"', '"orders", stateless_http=True').replace("ctx.elicit", "f")
    )
    done = run_command_for_text("audit", shop)
    assert done.returncode == 0, done.stdout
    assert "No findings." in done.stdout


@pytest.mark.parametrize(("limit", "severity", "code"), [("", "info", 0), ("client_max_body_size 1m;", "low", 1)])
def test_findings_of_severity_info_alone_are_no_fault(limit: str, severity: str, code: int, tmp_path: Path) -> None:
    text = f"server {{\n  location /mcp {{\n    {limit}\n    proxy_pass http://10.0.0.1:8000;\n  }}\n}}\n"
    (tmp_path / "nginx.conf").write_text(text)
    result = run_command("audit", tmp_path, "--format", "json")
    assert [each["severity"] for each in json.loads(result.stdout)["findings"]] == [severity]
    assert result.returncode == code


def test_files_that_are_not_about_mcp_are_not_the_same_as_no_findings(tmp_path: Path) -> None:
    (tmp_path / "nginx.conf").write_text(WEB)
    for form in ("text", "json"):
        done = run_command_for_text("audit", tmp_path, "--format", form)
        assert done.returncode == 5
        assert "no MCP server and no path to an MCP server was found in 1 file." in done.stderr
        assert "No findings" not in done.stdout


def test_a_file_that_cannot_be_read_is_named(shop: Path) -> None:
    (shop / "broken.conf").write_text("upstream mcp {\n    server 10.0.0.1:8000;\n")
    (shop / "chart" / "templates").mkdir(parents=True)
    (shop / "chart" / "templates" / "service.yaml").write_text(
        "apiVersion: v1\nkind: Service\nmetadata:\n  name: {{ .Values.name }}\n"
    )
    done = run_command_for_text("audit", shop, "--full")
    words = " ".join(done.stdout.split())
    assert "broken.conf: " in words
    assert "chart/: Helm templates; pass the rendered output of `helm template`" in words


@pytest.mark.parametrize("name", ["missing", "a\0b"])
def test_a_wrong_path_is_a_usage_error(name: str, shop: Path) -> None:
    done = run_command_for_text("audit", shop, f"{shop}/{name}")
    assert done.returncode == 2
    assert "is not a folder and not a file" in done.stderr


def test_the_requirements_add_facts(shop: Path, tmp_path: Path) -> None:
    stated = tmp_path / "requirements.yaml"
    stated.write_text("version: 1\nservice: orders\nclients: {protocol: modern}\n")
    data = json.loads(run_command_for_text("audit", shop, "--requirements", stated, "--format", "json").stdout)
    assert "session-id-hash" not in {finding["id"] for finding in data["findings"]}
    stated.write_text("version: 1\nservice: orders\nscale: {instances: 0}\n")
    assert run_command_for_text("audit", shop, "--requirements", stated).returncode == 2


@pytest.mark.parametrize("columns", [60, 80])
def test_the_first_screen_has_no_more_than_23_lines_of_80_columns(shop: Path, columns: int) -> None:
    locations = "".join(
        f"    location /mcp-{number} {{ proxy_pass http://mcp; proxy_read_timeout 5s; }}\n" for number in range(9)
    )
    (shop / "deploy" / "nginx.conf").write_text(NGINX.replace("    listen 80;\n", f"    listen 80;\n{locations}"))
    (shop / "broken.conf").write_text("upstream mcp {\n")
    lines = run_command_for_text("audit", shop, COLUMNS=str(columns), cwd=shop).stdout.splitlines()
    assert max(map(len, lines[1:-1])) <= columns
    if columns == 80:
        assert len(lines) <= LINES
        assert lines[0].startswith(f"{shop}"[:20])
    assert "more with --full" in "\n".join(lines)
    assert len(run_command_for_text("audit", shop, "--full").stdout.splitlines()) > 60


def test_the_screen_shows_the_path_of_requests(shop: Path) -> None:
    words = " ".join(run_command_for_text("audit", shop).stdout.split())
    assert "/mcp (deploy/nginx.conf:9) > mcp > compose service mcp, 3 instances > server.py:4, keeps sessions" in words
    assert "mcp-advisor explain session-id-hash" in words


def test_a_default_of_a_product_is_named(shop: Path) -> None:
    (shop / "deploy" / "nginx.conf").write_text(NGINX.replace("        client_max_body_size 4m;\n", ""))
    data = json.loads(run_command_for_text("audit", shop, "--format", "json").stdout)
    (found,) = [finding for finding in data["findings"] if finding["id"] == "request-body-limit"]
    assert found["message"] == "The proxy refuses requests larger than 1 MB (the default of nginx)."
    assert found["locations"] == [{"path": "deploy/nginx.conf", "line": 9}]


def test_a_default_that_the_message_does_not_name_has_a_sentence(tmp_path: Path) -> None:
    """A missing setting, such as a probe, is in the message and needs no sentence."""
    (tmp_path / "nginx.conf").write_text(
        "events {}\nhttp {\n  upstream mcp { server mcp:8000; }\n  server { listen 80; location /mcp {\n"
        "    proxy_pass http://mcp; proxy_ignore_headers X-Accel-Buffering; proxy_http_version 1.0; } }\n}\n"
    )
    data = json.loads(run_command_for_text("audit", tmp_path, "--format", "json").stdout)
    messages = [finding["message"] for finding in data["findings"]]
    assert any("The default of nginx applies: buffering on." in message for message in messages), messages
    assert not any("applies: readiness none" in message for message in messages)


def test_explain_and_the_page_know_each_finding_about_a_deployment() -> None:
    shown = run_command_for_text("explain", "session-id-hash")
    assert shown.returncode == 0
    assert "A hash of the session ID selects the instance" in shown.stdout
    page = (Path(__file__).parents[2] / "docs" / "findings.md").read_text()
    assert "## session-id-hash\n" in page
    assert "`nginx.conf`:" in page


def test_routes_in_the_labels_of_compose_services_are_read(tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text(
        "services:\n  orders:\n    image: example/orders\n    deploy: {replicas: 3}\n    labels:\n"
        "      - traefik.http.routers.orders.rule=PathPrefix(`/mcp`)\n"
        "      - traefik.http.services.orders.loadbalancer.sticky.cookie=true\n"
    )
    data = json.loads(run_command_for_text("audit", tmp_path, "--format", "json").stdout)
    assert [finding["id"] for finding in data["findings"]] == ["cookie-affinity-without-cookies"]


@pytest.mark.parametrize(
    ("server", "targets", "severity", "confidence"),
    [
        ("", 2, "high", "likely"),
        ('FastMCP("a")', 2, "high", "likely"),
        ('FastMCP("a", stateless_http=True)', 2, "", ""),
        ('FastMCP("a", stateless_http=setting())', 2, "high", "likely"),
        ("", 1, "", ""),
    ],
)
def test_the_severity_depends_on_the_circumstances(
    server: str, targets: int, severity: str, confidence: str, tmp_path: Path
) -> None:
    servers = "".join(f"    server 10.0.0.{number}:8000;\n" for number in range(targets))
    text = NGINX.replace("    server mcp:8000;\n", servers)
    (tmp_path / "nginx.conf").write_text(text)
    if server:
        code = f"from mcp.server.fastmcp import FastMCP\n\nmcp = {server}\nmcp.run('streamable-http')\n"
        (tmp_path / "server.py").write_text(code)
    data = json.loads(run_command_for_text("audit", tmp_path, "--format", "json").stdout)
    found = [(each["severity"], each["confidence"]) for each in data["findings"] if each["id"] == "session-id-hash"]
    assert found == ([(severity, confidence)] if severity else [])
