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
from advisor.report.markdown_table import WIDTH, tidy
from advisor.report.what_if_text import what_if_markdown
from advisor.requirements import load_path
from advisor.team_documents.adr import adr_markdown
from advisor.team_documents.decision import written_decision
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
                assert max(map(len, lines)) == max(len(line.rstrip(" |")) + 2 for line in lines), "no needless spaces"


def test_only_tables_are_aligned() -> None:
    text = "# T\n\n| a | b |\n|---|---|\n| `x\\|y` | z |\n\n\n\n| no table |\n\n```console\n| x |\n```"
    aligned = "# T\n\n| a      | b   |\n|--------|-----|\n| `x\\|y` | z   |\n\n| no table |\n\n```console\n| x |\n```\n"
    assert tidy(text) == aligned
    assert tidy(aligned) == aligned
