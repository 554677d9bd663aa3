"""The page of every example fits on a sheet of A4 and of Letter paper, with the drawing of the real Mermaid."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import node_project
import pytest
import yaml
from markdown_it import MarkdownIt
from node_project import NodeProject
from subjects import EXAMPLES, MANY_TOOLS, subject_about

from advisor.decision.advisor import Advisor
from advisor.decision.options import Comparer
from advisor.requirements import load_bytes
from advisor.team_documents.forms import DocumentForm, document_text

pytestmark = [pytest.mark.programs, pytest.mark.timeout(300)]

# The style of GitHub, with text of 10 pt as in print.
_STYLE = """
body { font: 10pt/1.2 "DejaVu Sans Condensed", Arial, sans-serif; margin: 0 }
h1 { font-size: 15pt; margin: 0 0 4pt } h2 { font-size: 12pt; margin: 8pt 0 3pt }
p, ul, table { margin: 0 0 5pt } ul { padding-left: 14pt } code { font-size: 9pt }
table { border-collapse: collapse } td, th { border: 1px solid; padding: 1pt 4pt; text-align: left }
svg { max-width: 100% }
"""


def printable(markdown: str) -> str:
    made = MarkdownIt("commonmark").enable(["table"]).render(markdown)
    return f'<!DOCTYPE html><meta charset="utf-8"><style>{_STYLE}</style>{made}'


def sheets(texts: list[str], tmp_path_factory: pytest.TempPathFactory, folder: Path) -> list[list[int]]:
    """The sheets of A4 and of Letter paper for each Markdown text."""
    node: NodeProject = node_project.installed(Path(__file__).with_name("markdown"), tmp_path_factory)
    chromium = shutil.which("chromium")
    assert chromium, "chromium is missing: apt-get install --no-install-recommends chromium"
    (folder / "pages.json").write_text(json.dumps([printable(text) for text in texts]), encoding="utf-8")
    done = node.run("node", "print.mjs", chromium, str(folder / "pages.json"), timeout_s=280)
    assert done.returncode == 0, done.stderr
    found: list[list[int]] = json.loads(done.stdout)
    return found


def test_the_page_of_every_example_is_one_sheet(
    advisor: Advisor, tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
) -> None:
    comparer = Comparer(advisor)
    many = yaml.safe_dump({"version": 1, "service": "many", "scale": {"instances": 9}, "tools": MANY_TOOLS}).encode()
    files = [*(path.read_bytes() for path in EXAMPLES), many]
    # The page names the file.
    asked = [load_bytes(raw, "requirements.yaml", advisor.space) for raw in files]
    subjects = [subject_about(advisor.decide(each), comparer, searched=0) for each in asked]
    texts = [document_text(DocumentForm.ONE_PAGE, subject) for subject in subjects]
    names = [*(path.stem for path in EXAMPLES), "many tools"]
    found = sheets([*texts, f"{texts[0]}\n\n{texts[0]}"], tmp_path_factory, tmp_path)
    assert found.pop() == [2, 2], "the test finds a page that is too long"
    assert dict(zip(names, found, strict=True)) == {name: [1, 1] for name in names}
