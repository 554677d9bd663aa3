"""`mcp-advisor scan`: the screen, the requirements file, the JSON document and the exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from running import run_command, run_command_for_text

from advisor.decision.advisor import Advisor
from advisor.report.screen_parts import LINES
from advisor.requirements import load_bytes

SERVER = """
import os
from mcp.server.fastmcp import Context, FastMCP

mcp = FastMCP("Customer Service", stateless_http=os.getenv("STATELESS") == "1")
carts = {}


@mcp.tool()
async def book(ctx: Context, item: str) -> str:
    await ctx.report_progress(1, 2)
    try:
        await ctx.elicit("Book?", schema=dict)
    except Exception:
        pass
    carts.setdefault(ctx.session, []).append(item)
    return "booked"


@mcp.tool()
def price(item: str) -> int:
    return 1


mcp.run(transport="streamable-http")
"""
CLEAN = 'from mcp.server.fastmcp import FastMCP\n\nmcp = FastMCP("a")\nmcp.run("streamable-http")\n'


@pytest.fixture
def server(tmp_path: Path) -> Path:
    folder = tmp_path / "customer-service"
    folder.mkdir()
    (folder / "server.py").write_text(SERVER)
    (folder / "requirements.txt").write_text("mcp==1.28.1\n")
    return folder


def test_the_exit_code_says_whether_there_are_findings(server: Path) -> None:
    assert run_command("scan", server).returncode == 1
    (server / "server.py").write_text(CLEAN)
    done = run_command_for_text("scan", server)
    assert done.returncode == 0
    assert "No findings." in done.stdout


def test_no_server_is_not_the_same_as_no_findings(tmp_path: Path) -> None:
    for code in ("", "print(1)\n", "from mcp import (\n"):
        (tmp_path / "a.py").write_text(code)
        for form in ("text", "yaml", "json"):
            done = run_command_for_text("scan", tmp_path, "--format", form)
            assert done.returncode == 5
            assert "no MCP server was found" in done.stderr
            assert "No findings" not in done.stdout
    assert "a.py: not valid Python (line 1)" in run_command_for_text("scan", tmp_path).stderr


@pytest.mark.parametrize("name", ["missing", "notes.txt", "a\0b"])
def test_a_wrong_path_is_a_usage_error(name: str, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("x")
    done = run_command_for_text("scan", f"{tmp_path}/{name}")
    assert done.returncode == 2
    assert "is not a folder and not a Python or TypeScript file" in done.stderr


@pytest.mark.parametrize("columns", [60, 80])
def test_the_first_screen_has_no_more_than_23_lines_of_80_columns(server: Path, columns: int) -> None:
    for number in range(12):
        tool = f"\n@mcp.tool()\nasync def tool_{number}(ctx: Context, item: str) -> None:\n    await ctx.sample(item)\n"
        with (server / "server.py").open("a") as file:
            file.write(f"{tool}    state_{number}[item] = 1\nstate_{number} = {{}}\n")
    lines = run_command_for_text("scan", server, COLUMNS=str(columns)).stdout.splitlines()
    assert max(map(len, lines)) <= columns
    if columns == 80:
        assert len(lines) <= LINES
    assert lines[-1].strip().endswith("more with --full")
    assert len(run_command_for_text("scan", server, "--full").stdout.splitlines()) > 60


def test_the_screen_names_each_place(server: Path) -> None:
    shown = run_command_for_text("scan", server).stdout
    for part in (
        "mcp==1.28.1",
        "decided by the environment variable STATELESS (server.py:5)",
        "ctx.report_progress (server.py:11)",
        "`carts` is in the memory of the process, by session (server.py:16)",
        "guard-catches-every-error, server.py:13",
    ):
        assert part in " ".join(shown.split())


def test_the_requirements_file_can_be_decided_and_names_what_is_open(server: Path, advisor: Advisor) -> None:
    text = run_command_for_text("scan", server, "--format", "yaml").stdout
    requirements = load_bytes(text.encode(), "requirements.yaml", advisor.space)
    assert requirements["service"] == "customer-service"
    assert requirements["sdk"] == "mcp==1.28.1"
    assert requirements["needs.session_state"] == "required"
    assert [tool.name for tool in requirements.tools] == ["book", "price"]
    assert dict(requirements.tools[0].needs) == {"progress": "preferred", "elicitation": "required"}
    assert "current.stateless_http" not in requirements.given
    assert "# current.stateless_http: decided by the environment variable STATELESS" in text
    assert requirements["current.json_response"] is False
    assert advisor.decide(requirements).feasible


def test_ask_uses_the_facts_of_the_code(server: Path, tmp_path: Path) -> None:
    out = tmp_path / "r.yaml"
    done = run_command_for_text("ask", "--from-scan", server, "--defaults", "-o", out)
    assert done.returncode == 0, done.stderr
    saved = yaml.safe_load(out.read_text())
    assert (saved["service"], saved["sdk"]) == ("customer-service", "mcp==1.28.1")
    assert saved["tools"][0]["needs"] == {"progress": "preferred", "elicitation": "required"}
    assert "stateless_http" not in saved["current"]
    stated = run_command_for_text(
        "ask", "--from-scan", server, "--defaults", "--set", "service=mine", "-o", tmp_path / "m"
    )
    assert stated.returncode == 0
    assert yaml.safe_load((tmp_path / "m").read_text())["service"] == "mine"


def test_ask_needs_a_server(tmp_path: Path) -> None:
    done = run_command_for_text("ask", "--from-scan", tmp_path, "--defaults", cwd=tmp_path)
    assert done.returncode == 2
    assert "no MCP server was found" in done.stderr


def test_a_file_can_be_scanned(server: Path) -> None:
    (server / "other.py").write_text(CLEAN)
    data = json.loads(run_command_for_text("scan", server / "other.py", "--format", "json").stdout)
    assert [found["location"]["path"] for found in data["servers"]] == ["other.py"]


def test_explain_knows_each_finding() -> None:
    shown = run_command_for_text("explain", "state-in-process")
    assert shown.returncode == 0
    assert "The state is in the memory of one process" in shown.stdout


def test_tools_with_the_same_name_in_two_branches_are_a_single_tool(server: Path) -> None:
    code = "from mcp.server.fastmcp import Context, FastMCP\nmcp = FastMCP('a')\nmcp.run('streamable-http')\n"
    code += "if x:\n    @mcp.tool()\n    def a(): ...\nelse:\n"
    code += "    @mcp.tool()\n    async def a(ctx: Context):\n        await ctx.report_progress(1)\n"
    (server / "server.py").write_text(code)
    stated = yaml.safe_load(run_command_for_text("scan", server, "--format", "yaml").stdout)
    assert stated["tools"] == [{"name": "a", "needs": {"progress": "preferred"}}]


def test_each_finding_has_its_section_on_the_page(server: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "findings.md").read_text()
    data = json.loads(run_command_for_text("scan", server, "--format", "json").stdout)
    assert data["findings"]
    for finding in data["findings"]:
        assert finding["url"].endswith(f"/docs/findings.md#{finding['id']}")
        assert f"## {finding['id']}\n" in page
