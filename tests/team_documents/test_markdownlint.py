"""The documents of all examples pass markdownlint."""

from __future__ import annotations

import json
from pathlib import Path

import node_project
import pytest
from node_project import NodeProject
from subjects import EXAMPLES, has_runbook, subject_of

from advisor.decision.advisor import Advisor
from advisor.decision.kit_support import no_kit
from advisor.decision.options import Comparer
from advisor.kit.render import render_kit
from advisor.report.comparison_markdown import comparison_markdown
from advisor.team_documents.forms import DocumentForm, document_text

pytestmark = [pytest.mark.programs, pytest.mark.timeout(300)]

_RULES = {
    "default": True,
    "MD013": False,  # a paragraph is one line
    "MD060": False,  # test_tables.py checks the tables; the last column of a wide table is not filled up
    "MD024": {"siblings_only": True},  # each section of a runbook has the same parts
}


_FORMS = (DocumentForm.ADR, DocumentForm.DECISION, DocumentForm.ONE_PAGE)


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> NodeProject:
    return node_project.installed(Path(__file__).with_name("markdown"), tmp_path_factory)


def findings(node: NodeProject, folder: Path) -> list[str]:
    """What markdownlint reports about the documents of a folder."""
    config = folder / ".markdownlint-cli2.jsonc"
    config.write_text(json.dumps({"config": _RULES}), encoding="utf-8")
    done = node.run("markdownlint-cli2", "--config", str(config), *map(str, sorted(folder.glob("*.md"))))
    assert done.returncode in (0, 1), done.stderr
    return [line for line in done.stderr.splitlines() if "/MD" in line or " MD" in line]


def test_the_documents_of_every_example_are_clean(node: NodeProject, advisor: Advisor, tmp_path: Path) -> None:
    comparer = Comparer(advisor)
    for path in EXAMPLES:
        subject = subject_of(path, advisor, comparer)
        texts = {form.value: document_text(form, subject) for form in _FORMS}
        texts["compare"] = comparison_markdown(subject.comparison)
        texts["compare-product"] = comparison_markdown(subject.comparison, plain=True)
        if subject.decision.feasible and not no_kit(subject.decision):
            texts["kit"] = {file.path: file.content for file in render_kit(subject.decision, "")}["DECISION.md"]
        if has_runbook(subject.decision):
            texts["runbook"] = document_text(DocumentForm.RUNBOOK, subject)
        for name, text in texts.items():
            (tmp_path / f"{path.stem}.{name}.md").write_text(text, encoding="utf-8")
    assert findings(node, tmp_path) == []


def test_markdownlint_finds_a_fault(node: NodeProject, tmp_path: Path) -> None:
    (tmp_path / "bad.md").write_text("# Title\n\n```sh\n$ ls\n```\n\n### Too deep\n", encoding="utf-8")
    found = findings(node, tmp_path)
    assert [line for line in found if "MD014" in line]
    assert [line for line in found if "MD001" in line]
