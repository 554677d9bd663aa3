"""Each finding about a deployment hits its example of a fault, and does not hit its example without the fault."""

from __future__ import annotations

from pathlib import Path

import pytest

from advisor.cli.audited_files import AuditedDeployment, audited
from advisor.decision.advisor import default_advisor
from advisor.knowledge import Knowledge, load
from advisor.requirements import load_path

KINDS = sorted(kind.id for kind in load().findings.values() if kind.about == "deployment")


def example(name: str, which: str, folder: Path, knowledge: Knowledge) -> AuditedDeployment:
    for kind, files in knowledge.findings[name].examples:
        for path, text in files.items() if kind == which else ():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text, encoding="utf-8")
    stated = folder / "requirements.yaml"
    requirements = load_path(str(stated), default_advisor().space) if stated.exists() else None
    return audited(folder, [""], knowledge, requirements)


@pytest.mark.parametrize("name", KINDS)
def test_a_finding_hits_its_example(name: str, tmp_path: Path, knowledge: Knowledge) -> None:
    found = example(name, "hit", tmp_path, knowledge)
    assert name in {finding.id for finding in found.findings}, found
    assert not found.not_examined
    (finding, *_) = [each for each in found.findings if each.id == name]
    assert "{" not in finding.message
    assert "not known" not in finding.message
    for place in finding.locations:
        assert place.line is not None
        assert (tmp_path / place.path).read_text().splitlines()[place.line - 1].strip()


@pytest.mark.parametrize("name", KINDS)
def test_a_finding_misses_the_example_without_the_fault(name: str, tmp_path: Path, knowledge: Knowledge) -> None:
    found = example(name, "miss", tmp_path, knowledge)
    assert name not in {finding.id for finding in found.findings}
    assert not found.not_examined
    assert found.paths, "the example has a path to an MCP server"


CHECKED = """
services:
  mcp:
    image: example/mcp:1
    command: [python, server.py]
    build: .
    healthcheck: {test: ["CMD", "sh", "-c", "CHECK"]}
"""
INITIALIZE = "curl -s -X POST http://localhost:8000/mcp -d '{method: initialize}'"
SESSIONS = "from mcp.server.fastmcp import FastMCP\nmcp = FastMCP('a'FLAG)\nmcp.run('streamable-http')\n"


@pytest.mark.parametrize(
    ("check", "flag", "severity"),
    [
        ("curl -f http://localhost:8000/mcp", "", "high"),
        (INITIALIZE, "", "low"),
        (INITIALIZE, ", stateless_http=True", None),
    ],
)
def test_a_check_that_initializes_only_leaves_sessions(
    check: str, flag: str, severity: str | None, tmp_path: Path, knowledge: Knowledge
) -> None:
    (tmp_path / "server.py").write_text(SESSIONS.replace("FLAG", flag))
    (tmp_path / "compose.yaml").write_text(CHECKED.replace("CHECK", check))
    found = audited(tmp_path, [""], knowledge).findings
    assert next((each.severity for each in found if each.id == "probe-on-mcp"), None) == severity
