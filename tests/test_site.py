"""The documentation site: its pages, its pictures, its links, and the requirements that its pages show."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from docs import pictures, screen, site

ROOT = Path(__file__).parents[1]
RUN = "Run: python -m docs.generate"

PATTERNS = {
    "start.md": ["sticky-fleet"],
    "how-to/aws-alb.md": ["stateless-fleet"],
    "how-to/cloud-run.md": ["stateless-fleet"],
    "how-to/many-workers.md": ["stateless-fleet", "sticky-fleet"],
    "how-to/oauth.md": ["stateless-fleet"],
    "how-to/sessions-lost.md": ["sticky-fleet"],
    "how-to/upgrade-from-mcp-1.md": ["sticky-fleet"],
}
"""For each page the patterns that its text names for the requirements that it shows, in order."""


@pytest.mark.parametrize("name", pictures.pictures())
def test_each_drawing_is_up_to_date(name: str) -> None:
    assert (pictures.FOLDER / name).read_text(encoding="utf-8") == pictures.pictures()[name], RUN


def test_the_first_screen_is_up_to_date() -> None:
    if screen.FILE.read_text(encoding="utf-8") != screen.picture(screen.output()):
        pytest.fail(f"{screen.FILE} does not show what the program prints. {RUN}", pytrace=False)


def test_the_requirements_on_the_pages_get_the_decisions_that_the_pages_name(tmp_path: Path) -> None:
    expected = {}
    for page in sorted((ROOT / "docs").rglob("*.md")):
        if page.name == "findings.md":  # its files are examples of faults
            continue
        blocks = re.findall(r"```yaml\n(version: 1\n.*?)```", page.read_text(encoding="utf-8"), flags=re.DOTALL)
        name = page.relative_to(ROOT / "docs").as_posix()
        assert len(blocks) == len(PATTERNS.get(name, [])), name
        for number, block in enumerate(blocks):
            file = tmp_path / f"{name.replace('/', '-')}-{number}.yaml"
            file.write_text(block, encoding="utf-8")
            expected[file.name] = PATTERNS[name][number]
    command = [sys.executable, "-m", "advisor", "recommend", str(tmp_path), "--format", "json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", check=True)
    decided = {Path(decision["file"]).name: decision["pattern"] for decision in json.loads(done.stdout)["decisions"]}
    assert decided == expected


def write(folder: Path, **pages: str) -> Path:
    for name, html in pages.items():
        (folder / name).mkdir()
        (folder / name / "index.html").write_text(html)
    return folder


def test_a_link_without_a_target_is_a_fault(tmp_path: Path) -> None:
    write(
        tmp_path,
        a='<h1 id="top"></h1><a href="../b/#here"></a><a href="../b/">b</a><a href="#top"></a>',
        b='<i id="here"></i><a href="../c/"></a><a href="../a/#there"></a><a href="https://example.com/">x</a>',
    )
    assert site.faults(tmp_path) == [
        "b/index.html: ../c/ does not exist",
        "b/index.html: ../a/#there has no such anchor",
    ]


def test_a_file_from_another_server_is_a_fault(tmp_path: Path) -> None:
    write(
        tmp_path, a='<script src="https://cdn.example.com/x.js"></script><img src="y.png"><a href="https://a.example">'
    )
    assert site.faults(tmp_path) == [
        "a/index.html: https://cdn.example.com/x.js comes from another server",
        "a/index.html: y.png does not exist",
    ]


@pytest.mark.thorough
@pytest.mark.skipif(sys.version_info < (3, 11), reason="Zensical needs Python 3.11")
def test_the_site_builds_and_every_link_has_a_target(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "docs.site", "--output", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    listed = subprocess.run(
        [sys.executable, "-m", "advisor", "rules", "list", "--format", "json"],
        capture_output=True,
        check=True,
        cwd=ROOT,
    )
    for rule in json.loads(listed.stdout)["rules"]:
        assert (tmp_path / "site" / "rules" / rule["id"] / "index.html").is_file(), rule["id"]
    assert (tmp_path / "site" / "search.json").stat().st_size > 100_000
