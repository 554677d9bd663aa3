"""The compiler of TypeScript accepts every example of a finding, with the real SDKs."""

from __future__ import annotations

import tempfile
from pathlib import Path

import node_project
import pytest
from node_project import NodeProject

from advisor.knowledge import Knowledge

pytestmark = pytest.mark.programs


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> NodeProject:
    return node_project.installed(Path(__file__).with_name("typescript"), tmp_path_factory)


def compiled(node: NodeProject, examples: dict[str, str]) -> str:
    folder = Path(tempfile.mkdtemp(dir=node.folder))  # another process can compile at the same time
    (folder / "tsconfig.json").write_text('{"extends": "../tsconfig.json", "include": ["*.ts"]}', encoding="utf-8")
    for name, text in examples.items():
        (folder / f"{name}.ts").write_text(text, encoding="utf-8")
    done = node.run("tsc", "-p", folder.name, timeout_s=300)
    assert bool(done.returncode) == bool(done.stdout), done.stderr
    return done.stdout


def test_the_compiler_accepts_the_examples_of_findings(node: NodeProject, knowledge: Knowledge) -> None:
    examples = {
        f"{finding.id}-{kind}": files["server.ts"]
        for finding in knowledge.findings.values()
        for kind, files in finding.examples
        if "server.ts" in files
    }
    assert len(examples) >= 20
    assert compiled(node, examples) == ""


def test_the_compiler_refuses_a_wrong_example(node: NodeProject) -> None:
    code = 'import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";\nnew McpServer({ title: 1 });\n'
    assert "wrong.ts(2,17): error TS2322" in compiled(node, {"wrong": code})
