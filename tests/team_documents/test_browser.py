"""The pages of all examples in Chromium and in the validator of the WHATWG: no error, no request, nothing too wide."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import node_project
import pytest
from node_project import NodeProject
from running import run_command
from subjects import EXAMPLES, subject_of

from advisor.decision.advisor import Advisor
from advisor.decision.options import Comparer
from advisor.team_documents.forms import DocumentForm, document_text

pytestmark = [pytest.mark.programs, pytest.mark.timeout(600)]

MOST_PRINTED = 13
"""Sheets of A4 paper."""


def program(name: str, package: str) -> str:
    found = shutil.which(name)
    assert found, f"{name} is missing: apt-get install --no-install-recommends {package}"
    return found


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> NodeProject:
    return node_project.installed(Path(__file__).with_name("browser"), tmp_path_factory)


@pytest.fixture(scope="module")
def pages(advisor: Advisor, index: Path, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("pages")
    comparer = Comparer(advisor)
    for path in EXAMPLES:
        text = document_text(DocumentForm.HTML, subject_of(path, advisor, comparer))
        (folder / f"{path.stem}.html").write_text(text, encoding="utf-8")
    return [*sorted(map(str, folder.iterdir())), str(index)]


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    fleet = tmp_path_factory.mktemp("fleet")
    for number, path in enumerate(EXAMPLES):
        shutil.copy(path, fleet / f"a-long-name-of-a-requirements-file-{number}-{path.name}")
    (fleet / "invalid.yaml").write_text("version: 1\nservice: x\nscale: {instances: none}\n", encoding="utf-8")
    written = tmp_path_factory.mktemp("index")
    assert run_command("document", fleet, "-o", f"{written}/", "--format", "html").returncode == 2
    return written / "index.html"


def test_the_validator_has_no_error_and_no_warning(node: NodeProject, pages: list[str]) -> None:
    jar = node.folder / "node_modules" / "vnu-jar" / "build" / "dist" / "vnu.jar"
    done = node.run(program("java", "default-jre-headless"), "-jar", str(jar), *pages)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_validator_finds_a_fault(node: NodeProject, pages: list[str], tmp_path: Path) -> None:
    jar = node.folder / "node_modules" / "vnu-jar" / "build" / "dist" / "vnu.jar"
    bad = tmp_path / "bad.html"
    bad.write_text(Path(pages[0]).read_text(encoding="utf-8").replace("<main>", "<main><td>", 1), encoding="utf-8")
    assert node.run(program("java", "default-jre-headless"), "-jar", str(jar), str(bad)).returncode == 1


def visited(node: NodeProject, pages: list[str]) -> dict[str, Any]:
    done = node.run("node", "visit.mjs", program("chromium", "chromium"), *pages, timeout_s=560)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    assert sorted(found) == pages
    return found


def check(found: dict[str, Any]) -> None:
    """Each page is accessible, fits every width, and needs nothing else."""
    for kind in ("violations", "overflow", "console", "requests"):
        assert found[kind] == [], kind
    assert 1 <= found["printed"] <= MOST_PRINTED


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_page_is_accessible_and_fits_every_width(
    node: NodeProject, advisor: Advisor, path: Path, tmp_path: Path
) -> None:
    page = tmp_path / "page.html"
    page.write_text(document_text(DocumentForm.HTML, subject_of(path, advisor, Comparer(advisor))), encoding="utf-8")
    found = visited(node, [str(page)])[str(page)]
    check(found)
    assert found["scrolled"] == []


def test_the_index_page_is_accessible_and_no_table_scrolls(node: NodeProject, index: Path) -> None:
    found = visited(node, [str(index)])[str(index)]
    check(found)
    assert found["scrolled"] == []


def test_the_browser_finds_faults(node: NodeProject, index: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.html"
    faults = '<main><p style="width:2000px;color:#ddd">Faint</p><img src="http://127.0.0.1:9/a.png">'
    text = index.read_text(encoding="utf-8").replace("<main>", faults, 1)
    bad.write_text(text, encoding="utf-8")
    found = visited(node, [str(bad)])[str(bad)]
    assert found["console"], "the policy of the page refuses the picture"
    assert [text for text in found["violations"] if "color-contrast" in text or "image-alt" in text]
    assert found["overflow"]
    bad.write_text(text.replace(faults, '<main><div class="scroll" tabindex="0"><p style="width:2000px">x'), "utf-8")
    assert visited(node, [str(bad)])[str(bad)]["scrolled"]
