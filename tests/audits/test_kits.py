"""A deployment that `generate` writes has no finding, and a changed line of it has the finding about this line."""

from __future__ import annotations

from pathlib import Path

import pytest
from example_files import EXAMPLES, change

from advisor.cli.audited_files import AuditedDeployment, audited
from advisor.decision.advisor import Advisor
from advisor.kit.render import render_kit
from advisor.requirements import load_path

CONTRADICTION = "sampling-on-a-stateless-fleet"
FILES = sorted(path for path in EXAMPLES.glob("*.yaml") if path.stem != CONTRADICTION)


def kit(example: Path, folder: Path, advisor: Advisor) -> None:
    decision = advisor.decide(load_path(str(example), advisor.space))
    assert decision.feasible, "a contradiction has no kit"
    for file in render_kit(decision, example.read_text(encoding="utf-8")):
        path = folder / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(file.content, encoding="utf-8")


def judged(example: Path, folder: Path, advisor: Advisor) -> AuditedDeployment:
    return audited(folder, [""], advisor.knowledge, load_path(str(example), advisor.space))


@pytest.mark.parametrize("example", FILES, ids=lambda path: str(path.stem))
def test_a_kit_has_no_finding_about_its_deployment(example: Path, tmp_path: Path, advisor: Advisor) -> None:
    kit(example, tmp_path, advisor)
    found = judged(example, tmp_path, advisor)
    about_code = {kind.id for kind in advisor.knowledge.findings.values() if kind.subject == "code"}
    assert [finding for finding in found.findings if finding.id not in about_code] == []
    if (tmp_path / "proxy").exists():
        assert any(path.proxy is not None for path in found.paths)


@pytest.mark.parametrize(
    ("file", "old", "new", "finding"),
    [
        ("proxy/upstreams.conf", " header", "", "session-stored-at-end-of-response"),
        ("proxy/upstreams.conf", "max_fails=0", "", "failed-request-moves-sessions"),
        ("proxy/server.conf", "proxy_read_timeout 60s", "proxy_read_timeout 6s", "timeout-below-ping-interval"),
        (
            "proxy/server.conf",
            "proxy_next_upstream error;",
            "proxy_next_upstream error non_idempotent;",
            "retry-repeats-calls",
        ),
    ],
)
def test_a_fault_in_a_kit_is_found(
    file: str, old: str, new: str, finding: str, tmp_path: Path, advisor: Advisor
) -> None:
    example = EXAMPLES / "customer-service-agent-sticky.yaml"
    kit(example, tmp_path, advisor)
    change(tmp_path / file, old, new)
    assert finding in {each.id for each in judged(example, tmp_path, advisor).findings}
