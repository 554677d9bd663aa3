"""The reference pages agree with the rules, and each of their links has a target."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = ("facts.md", "rules.md", "capabilities.md", "topology.md", "findings.md")


@pytest.fixture(scope="module")
def generated() -> dict[str, str]:
    code = "import json; from docs.generate import pages, default_advisor; print(json.dumps(pages(default_advisor())))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, encoding="utf-8", check=True)
    pages: dict[str, str] = json.loads(done.stdout)
    return pages


@pytest.mark.parametrize("page", PAGES)
def test_the_page_is_up_to_date(generated: dict[str, str], page: str) -> None:
    written = (DOCS / page).read_text(encoding="utf-8")
    if written != generated[page]:
        pytest.fail(f"docs/{page} does not say what the rules say. Run: python -m docs.generate", pytrace=False)


def test_every_page_is_tested(generated: dict[str, str]) -> None:
    assert tuple(generated) == PAGES


def _anchors(text: str) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    titles = re.findall(r"^#+ (.*)$", text, flags=re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES)
def test_every_link_has_a_target(generated: dict[str, str], page: str) -> None:
    links = re.findall(r"\]\(([\w.]*)#([^)]*)\)", generated[page])
    assert links
    anchors = {name: _anchors(generated[name]) for name in {file or page for file, _ in links}}
    for file, anchor in links:
        assert anchor in anchors[file or page], (file, anchor)


def test_every_anchor_belongs_to_one_heading(generated: dict[str, str]) -> None:
    titles = re.findall(r"^#+ (.*)$", generated["rules.md"], flags=re.M)
    assert len(_anchors(generated["rules.md"])) == len(titles)
