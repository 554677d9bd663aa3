"""Microsoft's validator and the JSON Schema of SARIF accept the logs, with ordinary and hostile findings."""

from __future__ import annotations

import json
import random
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import node_project
import pytest
from finding_reports import KNOWN, PARTS, finding, report
from jsonschema_rs import Draft7Validator
from node_project import NodeProject
from test_findings_outputs import hostile_report, with_fix

from advisor.report.findings_sarif import findings_sarif
from advisor.report.serialization import json_text
from advisor.triage.configuration import IgnoreEntry, TriagePolicy

pytestmark = pytest.mark.programs

SOURCES = Path(__file__).with_name("sarif")
PACKAGE = Path("node_modules", "@microsoft", "sarif-multitool-linux")


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> NodeProject:
    return node_project.installed(SOURCES, tmp_path_factory)


def logs(folder: Path) -> Iterator[dict[str, Any]]:
    (folder / "nginx.conf").write_text("a\nb\nc\n")
    (folder / "server.py").write_text("a\n")
    policy = TriagePolicy(ignore=(IgnoreEntry("server.py", "an example", PARTS),))
    findings = [with_fix(), finding(), finding(id=PARTS), finding(line=None)]
    yield findings_sarif(report(folder, findings, policy, unread=[("x.py", "not valid Python")]), KNOWN)
    yield findings_sarif(report(folder, []), KNOWN)
    draw = random.Random(9)
    for _ in range(8):
        yield findings_sarif(hostile_report(draw, folder), KNOWN)


def validate(node: NodeProject, files: list[Path], output: Path) -> list[tuple[str, str]]:
    """The rules that the validator reports, with their levels, without suggestions."""
    program = node.folder / PACKAGE / "Sarif.Multitool"
    program.chmod(0o755)  # a script of the package normally does this
    command = [program, "validate", *files, "--level", "Error;Warning", "--rule-kind", "Sarif;Gh", "-o", output]
    subprocess.run(
        [*map(str, command), "--log", "ForceOverwrite"], capture_output=True, timeout=300, check=False, text=True
    )
    (run,) = json.loads(output.read_text(encoding="utf-8-sig"))["runs"]
    return [(result["ruleId"], result.get("level", "warning")) for result in run["results"]]


def test_the_logs_are_valid(node: NodeProject, tmp_path: Path) -> None:
    schema = Draft7Validator(json.loads((node.folder / PACKAGE / "sarif-2.1.0.json").read_text(encoding="utf-8-sig")))
    folder = tmp_path / "root"
    folder.mkdir()
    files = []
    for number, log in enumerate(logs(folder)):
        text = json_text(log, ascii_only=True)
        assert [error.message for error in schema.iter_errors(json.loads(text))] == []
        files.append(tmp_path / f"{number}.sarif")
        files[-1].write_text(text)
    assert validate(node, files, tmp_path / "out.sarif") == []
    # Prove that the check can fail.
    broken = tmp_path / "broken.sarif"
    broken.write_text(files[0].read_text().replace('"startLine": 2', '"startLine": 0'))
    assert validate(node, [broken], tmp_path / "out.sarif") != []
