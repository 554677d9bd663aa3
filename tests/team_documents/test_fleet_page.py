"""The index page of a fleet in HTML is valid, needs no other file, filters without a script, and escapes texts."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote

import html5lib
import pytest

from advisor.knowledge import Knowledge
from advisor.knowledge.revision import KnowledgeRevision
from advisor.report.overview import OverviewRow
from advisor.team_documents.fleet import FleetEntry, ServiceFleet, write_index

HOSTILE = """<img src=x onerror=a()>"'&{{ 7*7 }}--><script>b()</script>"""


@pytest.fixture
def fleet(knowledge: Knowledge) -> ServiceFleet:
    rows = [
        OverviewRow(HOSTILE, "sticky-fleet", True, HOSTILE, ("stateful+sse",), "", (), (2, 1, 0)),
        OverviewRow("b.yaml", "not possible", False, "b", (), "", ("sampling",), (0, 1, 0)),
        OverviewRow("c.yaml", "invalid", False, error=HOSTILE),
        OverviewRow("d.yaml", "tiered", True, "d", ("stateless+sse",), "", ("roots",), (0, 0, 0)),
    ]
    entries = [FleetEntry(row, "" if row.error else f"{row.file}.html", row.error) for row in rows]
    return ServiceFleet("in", entries, KnowledgeRevision("a", "b"), f"command {HOSTILE}", "check", knowledge.phrases)


@pytest.fixture
def page(tmp_path: Path, fleet: ServiceFleet) -> str:
    path = tmp_path / "index.html"
    write_index(path, fleet)
    return path.read_text(encoding="utf-8")


def test_the_page_is_valid_and_shows_hostile_texts(page: str) -> None:
    root = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(page)
    tags = {str(element.tag) for element in root.iter()}
    assert not tags & {"script", "img", "link", "iframe"}
    assert not re.search(r"url\(|@import|https?://", page)
    services = ["".join(found.itertext()) for found in root.iter("th") if found.get("scope") == "row"]
    assert services == ["b", "-", HOSTILE, "d"]
    assert [unquote(found.get("href")) for found in root.iter("a")] == ["b.yaml.html", f"{HOSTILE}.html", "d.yaml.html"]
    assert f"command {HOSTILE}" in ["".join(found.itertext()) for found in root.iter("pre")]


def test_a_new_release_changes_the_style_and_keeps_the_text_of_a_person(
    tmp_path: Path, page: str, fleet: ServiceFleet
) -> None:
    path = tmp_path / "index.html"
    old = re.sub(r"(<style>).*?(</style>)", r"\1 p { color: red } \2", page, count=1, flags=re.DOTALL)
    old = old.replace("<title>Deployment decisions</title>", "<title>Ours</title>\n<style>h1 { margin: 0 }</style>")
    old = old.replace("</header>", "<p>Our fleet.</p>\n</header>")
    path.write_text(old, encoding="utf-8")
    write_index(path, fleet)
    new = path.read_text(encoding="utf-8")
    assert "color: red" not in new
    assert all(text in new for text in ("<title>Ours</title>\n<style>h1 { margin: 0 }</style>", "<p>Our fleet.</p>"))
    html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(new)
    assert re.findall("<style>.*?</style>", page, re.DOTALL)[0] in new


def test_each_filter_names_rows_and_their_number(page: str) -> None:
    rows = re.findall(r'<tr class="([^"]*)"', page)
    assert rows == ["impossible lost", "invalid", "high", "lost"]
    filters = dict(re.findall(r'id="show-(\w+)"[^>]*>[^<(]*\((\d+)\)', page))
    assert filters.pop("all") == "4"
    assert {kind: int(number) for kind, number in filters.items()} == {
        kind: sum(kind in row.split() for row in rows) for kind in ("impossible", "invalid", "high", "lost")
    }
    for kind in filters:
        assert f"body:has(#show-{kind}:checked) tbody tr:not(.{kind}) {{ display: none; }}" in page
