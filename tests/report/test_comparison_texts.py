"""A comparison as text and Markdown: it fits on one screen, and each example matches its snapshot."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from cases import drawn, read

from advisor.console.canvas import Screen
from advisor.decision.advisor import Advisor
from advisor.decision.comparison import Comparison
from advisor.decision.options import Comparer
from advisor.report.comparison_markdown import comparison_markdown
from advisor.report.comparison_text import comparison_text, product_text
from advisor.requirements import load_path

ROOT = Path(__file__).parents[2]
SNAPSHOTS = Path(__file__).parent / "snapshots" / "compare"
UPDATE = os.environ.get("MCP_ADVISOR_UPDATE_SNAPSHOTS") == "1"
EXAMPLES = ["sampling-on-a-stateless-fleet", "customer-service-agent", "pattern-1-single-instance"]
EVERY_EXAMPLE = sorted(path.name for path in (ROOT / "examples").glob("*.yaml"))
RENDERINGS: dict[str, Callable[[Comparison], str]] = {
    "txt": lambda comparison: comparison_text(comparison, Screen(80)),
    "full.txt": lambda comparison: comparison_text(comparison, Screen(120), full=True),
    "product.txt": lambda comparison: product_text(comparison, Screen(80)),
    "md": comparison_markdown,
    "product.md": lambda comparison: comparison_markdown(comparison, plain=True),
}
JARGON = re.compile(
    r"session|stateless|stateful|\bsse\b|json|flag|affinity|proxy|proxies|\bera\b|sampling|elicitation|\btier|redis|handshake",
    re.IGNORECASE,
)


@pytest.fixture(scope="module")
def compare(advisor: Advisor) -> Callable[[str], Comparison]:
    comparer = Comparer(advisor)
    return lambda name: comparer.compare(advisor.decide(load_path(ROOT / "examples" / name, advisor.space)))


@pytest.fixture(scope="module")
def others(advisor: Advisor) -> list[Comparison]:
    """Comparisons of random requirements."""
    comparer = Comparer(advisor)
    return [comparer.compare(advisor.decide(read(flat, advisor.space))) for flat in drawn(advisor.space)[:120]]


@pytest.mark.parametrize("kind", RENDERINGS)
@pytest.mark.parametrize("name", EXAMPLES)
def test_each_rendering_matches_its_snapshot(name: str, kind: str, compare: Callable[[str], Comparison]) -> None:
    comparison = compare(f"{name}.yaml")
    # A snapshot does not depend on the folder of the tests.
    requirements = replace(comparison.decision.requirements, name=f"{name}.yaml")
    rendered = RENDERINGS[kind](comparison._replace(decision=comparison.decision._replace(requirements=requirements)))
    path = SNAPSHOTS / f"{name}.{kind}"
    if UPDATE:
        path.parent.mkdir(exist_ok=True)
        path.write_text(rendered, encoding="utf-8")
    assert rendered == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("draw", [comparison_text, product_text])
def test_the_first_screen_has_at_most_23_lines_of_80_columns(
    draw: Callable[[Comparison, Screen], str], others: list[Comparison], compare: Callable[[str], Comparison]
) -> None:
    for comparison in [*others, *map(compare, EVERY_EXAMPLE)]:
        lines = draw(comparison, Screen(80)).splitlines()
        assert len(lines) <= 23, lines
        assert max(map(len, lines)) <= 80, lines


@pytest.mark.parametrize("draw", [comparison_text, product_text])
def test_no_line_is_wider_than_a_narrow_screen(
    draw: Callable[[Comparison, Screen], str], others: list[Comparison]
) -> None:
    for comparison in others[:40]:
        lines = draw(comparison, Screen(60)).splitlines()
        assert max(map(len, lines)) <= 60, lines


def test_the_comparison_for_product_has_no_jargon(others: list[Comparison]) -> None:
    for comparison in others:
        for full in (False, True):
            text = product_text(comparison, Screen(120), full=full)
            spoken = re.sub(r"\(\w+(\.\w+)+\)", "", text)  # keys of the requirements file in brackets
            assert not JARGON.findall(spoken), spoken


def test_every_option_is_in_the_complete_text_and_markdown(others: list[Comparison]) -> None:
    for comparison in others[:20]:
        text, markdown = comparison_text(comparison, Screen(120), full=True), comparison_markdown(comparison)
        for option in comparison.leading:
            assert option.means
            for estimate in option.estimates.values():
                assert estimate.text.split(".")[0][:30] in text
                assert estimate.text[:30] in markdown


def test_the_name_of_a_file_cannot_break_the_markdown(compare: Callable[[str], Comparison]) -> None:
    comparison = compare("customer-service-agent.yaml")
    for name in ("a`b|c.yaml", "# x\n<script>.yaml", "[x](y)*_.yaml", "```\n.yaml"):
        requirements = replace(comparison.decision.requirements, name=name)
        hostile = comparison._replace(decision=comparison.decision._replace(requirements=requirements))
        lines = comparison_markdown(hostile).splitlines()
        assert lines[2].startswith("Requirements: `"), name
        assert lines[3:] == comparison_markdown(comparison).splitlines()[3:]


def test_tables_in_markdown_have_the_same_number_of_cells(others: list[Comparison]) -> None:
    for comparison in others[:40]:
        for plain in (False, True):
            block: set[int] = set()
            for line in comparison_markdown(comparison, plain=plain).splitlines():
                block = block | {line.count("|")} if line.startswith("|") else set()
                assert len(block) <= 1, line


def test_without_unicode_no_box_character_is_drawn(compare: Callable[[str], Comparison]) -> None:
    text = comparison_text(compare("customer-service-agent.yaml"), Screen(80, unicode=False), full=True)
    assert text.isascii()
