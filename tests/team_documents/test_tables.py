"""The columns of each table in a Markdown document align, so that people can read the document as plain text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from subjects import EXAMPLES, has_runbook, subject_about

from advisor.decision.advisor import Advisor
from advisor.decision.model import Decision
from advisor.decision.options import Comparer
from advisor.decision.what_if import WhatIf, variant, with_facts
from advisor.report.comparison_markdown import comparison_markdown
from advisor.report.markdown import anchor, linked, prose
from advisor.report.markdown_table import WIDTH, tidy
from advisor.report.what_if_text import what_if_markdown
from advisor.requirements import load_path
from advisor.team_documents.adr import adr_markdown
from advisor.team_documents.decision import written_decision
from advisor.team_documents.html import html_page
from advisor.team_documents.one_page import one_page_markdown
from advisor.team_documents.runbook import runbook_markdown

_TABLE = re.compile(r"^\|.*\|\n\|[-|]+\|\n(?:\|.*\|\n)+", re.MULTILINE)
_PIPE = re.compile(r"(?<!\\)\|")


def modern(decision: Decision, advisor: Advisor) -> WhatIf:
    """What modern clients only would change."""
    changed = with_facts(decision.requirements, {"clients.protocol": "modern"}, advisor.space)
    return WhatIf(decision, (variant(decision, advisor.decide(changed)),))


def documents_of(decision: Decision, comparer: Comparer, advisor: Advisor) -> Iterator[str]:
    """Every Markdown document about a decision."""
    subject = subject_about(decision, comparer)
    yield adr_markdown(subject)
    yield one_page_markdown(subject)
    yield written_decision(decision)
    yield comparison_markdown(subject.comparison)
    yield comparison_markdown(subject.comparison, plain=True)
    yield what_if_markdown(modern(decision, advisor))
    if has_runbook(decision):
        yield runbook_markdown(subject)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_columns_of_tables_align(path: Path, advisor: Advisor) -> None:
    for text in documents_of(advisor.decide(load_path(path, advisor.space)), Comparer(advisor), advisor):
        assert len(re.findall(r"^\|[-|]+\|$", text, re.MULTILINE)) == len(_TABLE.findall(text))
        for block in _TABLE.findall(text):
            lines = block.splitlines()
            places = {tuple(found.start() for found in _PIPE.finditer(line))[:-1] for line in lines}
            assert len(places) == 1, block
            rows = [[cell.strip() for cell in _PIPE.split(line)[1:-1]] for line in (lines[0], *lines[2:])]
            needed = sum(max(3, *map(len, column)) + 3 for column in zip(*rows, strict=True)) + 1
            if needed <= WIDTH:
                assert len(set(map(len, lines))) == 1, "a table that fits has rows of equal width"
            else:
                assert len(lines[0]) == len(lines[1]), "the line below the heads is as wide as the heads"
                filled = max(len(line.rstrip(" |")) + 2 for line in (lines[0], *lines[2:]))
                assert max(map(len, lines)) == filled, "no needless spaces"


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_links_of_our_own_are_links(path: Path, advisor: Advisor) -> None:
    decision, comparer = advisor.decide(load_path(path, advisor.space)), Comparer(advisor)
    texts = [*documents_of(decision, comparer, advisor), html_page(subject_about(decision, comparer))]
    for text in texts:
        assert not re.findall(r"\\\[[^\]]*\]\(#.*", text)
    assert not re.findall(r"\[[^\]]*\]\(#.*", texts[-1]), "HTML has no links of Markdown"
    if has_runbook(decision):
        headings = {anchor(found.replace("\\", "")) for found in re.findall(r"^#+ (.*)$", texts[-2], re.MULTILINE)}
        links = set(re.findall(r"\]\(#(.*?)\)", texts[-2]))
        assert "rollout-and-drain" in links
        assert links <= headings


def test_a_text_of_the_rules_keeps_its_links_and_nothing_else() -> None:
    assert linked("See [Rollout and drain](#rollout-and-drain).") == "See [Rollout and drain](#rollout-and-drain)."
    for other in ("[a](http://b)", r"\[a\](#b)", "![a](b)", "*a*", "[a]"):
        assert linked(other) == prose(other)


def test_only_tables_are_aligned() -> None:
    text = "# T\n\n| a | b |\n|---|---|\n| `x\\|y` | z |\n\n\n\n| no table |\n\n```console\n| x |\n```"
    aligned = "# T\n\n| a      | b   |\n|--------|-----|\n| `x\\|y` | z   |\n\n| no table |\n\n```console\n| x |\n```\n"
    assert tidy(text) == aligned
    assert tidy(aligned) == aligned
