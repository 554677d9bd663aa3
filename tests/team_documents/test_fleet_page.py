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
def page(tmp_path: Path, knowledge: Knowledge) -> str:
    rows = [
        OverviewRow(HOSTILE, "sticky-fleet", True, HOSTILE, ("stateful+sse",), "", (), (2, 1, 0)),
        OverviewRow("b.yaml", "not possible", False, "b", (), "", ("sampling",), (0, 1, 0)),
        OverviewRow("c.yaml", "invalid", False, error=HOSTILE),
        OverviewRow("d.yaml", "tiered", True, "d", ("stateless+sse",), "", ("roots",), (0, 0, 0)),
    ]
    entries = [FleetEntry(row, "" if row.error else f"{row.file}.html", row.error) for row in rows]
    fleet = ServiceFleet("in", entries, KnowledgeRevision("a", "b"), f"command {HOSTILE}", "check", knowledge.phrases)
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
