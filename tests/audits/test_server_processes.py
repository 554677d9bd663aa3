"""A fault between the processes of a server needs several processes."""

from __future__ import annotations

from pathlib import Path

import pytest

from advisor.audits.server_code import findings
from advisor.cli.audited_files import audited
from advisor.decision.advisor import Advisor
from advisor.requirements import load_path
from advisor.sources.code_scan import scan

SERVER = """
from typing import Annotated
from mcp.server.mcpserver import Elicit, MCPServer, Resolve

mcp = MCPServer("orders")

def ask() -> Elicit[bool]:
    return Elicit("Book the order?", bool)

@mcp.tool()
async def book(sure: Annotated[bool, Resolve(ask)]) -> str:
    return str(sure)

mcp.run("streamable-http")
"""
REQUIREMENTS = "version: 1\nservice: orders\nscale: {instances: %s}\n"
COMPOSE = """
services:
  orders-mcp:
    build: .
    command: python server.py
    deploy: {replicas: %s}
"""


@pytest.mark.parametrize(
    ("number", "expected"), [("1", None), ("3", "certain"), ("{min: 1, max: 4}", "certain"), ("", "possible")]
)
def test_the_number_of_instances_that_the_user_states_decides(
    number: str, expected: str | None, tmp_path: Path, advisor: Advisor
) -> None:
    (tmp_path / "server.py").write_text(SERVER)
    stated = tmp_path / "requirements.yaml"
    stated.write_text(REQUIREMENTS % number)
    requirements = load_path(stated, advisor.space) if number else None
    found = {each.id: each.confidence for each in audited(tmp_path, [""], advisor.knowledge, requirements).findings}
    assert found.get("sealing-keys-missing") == expected


@pytest.mark.parametrize(("number", "expected"), [("1", None), ("3", "certain"), ("${REPLICAS}", "possible")])
def test_the_number_of_instances_in_the_files_decides(
    number: str, expected: str | None, tmp_path: Path, advisor: Advisor
) -> None:
    (tmp_path / "server.py").write_text(SERVER)
    (tmp_path / "compose.yaml").write_text(COMPOSE % number)
    found = {each.id: each.confidence for each in audited(tmp_path, [""], advisor.knowledge).findings}
    assert found.get("sealing-keys-missing") == expected


def test_each_client_starts_a_server_over_stdio(tmp_path: Path, advisor: Advisor) -> None:
    (tmp_path / "server.py").write_text(SERVER.replace("streamable-http", "stdio"))
    assert not findings(scan(tmp_path, advisor.knowledge), advisor.knowledge)


def test_several_workers_are_several_processes(tmp_path: Path, advisor: Advisor) -> None:
    (tmp_path / "server.py").write_text(SERVER)
    (tmp_path / "Procfile").write_text("web: uvicorn server:app --workers 4\n")
    found = {each.id: each.confidence for each in findings(scan(tmp_path, advisor.knowledge), advisor.knowledge)}
    assert found["sealing-keys-missing"] == "certain"
