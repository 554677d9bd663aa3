"""Code that looks like an MCP server but is none gives no servers, needs or state, and the scan never runs code."""

from __future__ import annotations

from pathlib import Path

import pytest
from trees import Scan

from advisor.knowledge import Knowledge
from advisor.sources.code_scan import scan

SERVER = "from mcp.server.fastmcp import Context, FastMCP\nmcp = FastMCP('a')\n"
NO_SERVER = {
    "a comment": "# from mcp.server.fastmcp import FastMCP\n# mcp = FastMCP('a')\nx = 1",
    "a text": "TEMPLATE = '''\nfrom mcp.server.fastmcp import FastMCP\nmcp = FastMCP('a', stateless_http=True)\n'''",
    "a client": "from mcp import ClientSession\nasync def main(read, write):\n"
    "    async with ClientSession(read, write) as session:\n        await session.list_roots()",
    "FastAPI": "from fastapi import FastAPI\napp = FastAPI(stateless_http=True)\n@app.tool()\ndef mcp(): ...",
    "LangChain": "from langchain_mcp_adapters.client import MultiServerMCPClient\n"
    "from langchain.tools import tool\n@tool\ndef add(): ...\nclient = MultiServerMCPClient({})",
    "a class with the same name": "class FastMCP:\n    pass\nmcp = FastMCP('a')\n@mcp.tool()\ndef add(): ...",
    "a client of fastmcp": "from fastmcp import Client\nclient = Client('http://a.example/mcp')",
}


@pytest.mark.parametrize("name", NO_SERVER)
def test_other_code_has_no_server(name: str, scanned: Scan) -> None:
    assert scanned(NO_SERVER[name]).servers == ()


@pytest.mark.parametrize(
    "path", ["tests/test_a.py", "test_server.py", ".venv/lib/server.py", "node_modules/a/server.py", "vendor/server.py"]
)
def test_tests_and_packages_of_others_are_left_out(path: str, scanned: Scan) -> None:
    assert scanned(**{path: SERVER}).servers == ()


NO_USE = {
    "another object called ctx": "@mcp.tool()\nasync def a(ctx: dict):\n    await ctx.elicit('x')",
    "a comment": "@mcp.tool()\nasync def a(ctx: Context):\n    # await ctx.elicit('x')\n    return 'ctx.elicit()'",
    "a function that no tool calls": "async def ask(ctx: Context):\n    await ctx.elicit('x')\n@mcp.tool()\ndef a(): ...",
    "a client session": "from mcp import ClientSession\n@mcp.tool()\nasync def a(session: ClientSession):\n"
    "    await session.list_roots()",
    "a logger": "import logging\nlog = logging.getLogger()\n@mcp.tool()\ndef a():\n    log.info('x')",
}


@pytest.mark.parametrize("name", NO_USE)
def test_other_calls_are_no_use_of_a_feature(name: str, scanned: Scan) -> None:
    (server,) = scanned(SERVER + NO_USE[name]).servers
    assert [tool.uses for tool in server.tools] == [()]


NO_STATE = {
    "a local value": "@mcp.tool()\ndef a():\n    seen = {}\n    seen['x'] = 1",
    "a value with the same name": "seen = {}\n@mcp.tool()\ndef a(seen: dict):\n    seen['x'] = 1",
    "a value that is only read": "PRICES = {'a': 1}\n@mcp.tool()\ndef a(x: str):\n    return PRICES[x]",
    "a value that no tool changes": "seen = {}\ndef start():\n    seen['x'] = 1\n@mcp.tool()\ndef a(): ...",
    "an application variable": "@mcp.tool()\ndef a(session_id: str):\n    return session_id",
}


@pytest.mark.parametrize("name", NO_STATE)
def test_other_values_are_no_state(name: str, scanned: Scan) -> None:
    assert scanned(SERVER + NO_STATE[name]).state == ()


def test_the_code_never_runs(tmp_path: Path, knowledge: Knowledge) -> None:
    mark = tmp_path / "ran"
    code = f"open({str(mark)!r}, 'w').close()\n{SERVER}"
    (tmp_path / "server.py").write_text(code)
    (tmp_path / "setup.py").write_text(f"open({str(mark)!r}, 'w')\nfrom setuptools import setup\nsetup()\n")
    (tmp_path / "__init__.py").write_text(code)
    assert scan(tmp_path, knowledge).servers
    assert not mark.exists()


def test_files_that_cannot_be_read_are_said(tmp_path: Path, knowledge: Knowledge) -> None:
    (tmp_path / "broken.py").write_text("from mcp import (\n")
    (tmp_path / "null.py").write_bytes(b"import mcp\0")
    (tmp_path / "big.py").write_bytes(b"x = 1\n" * 200_000)
    (tmp_path / "server.py").write_text(SERVER)
    tree = scan(tmp_path, knowledge)
    assert {problem.path for problem in tree.not_examined} == {"broken.py", "null.py", "big.py"}
    assert tree.examined == ("server.py",)
