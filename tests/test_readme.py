"""The README is short, and its links and figures are right. test_project.py checks its commands."""

import re
from pathlib import Path

from advisor.knowledge import Knowledge
from advisor.report.screen_parts import LINES
from docs import screen

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
MOST_WORDS = 700


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives the headings of a page."""
    titles = re.findall(r"^#+ (.*)$", page.read_text(), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_every_file_and_heading_that_the_readme_links_to_exists() -> None:
    targets = [part.split(")")[0].partition("#") for part in README.split("](")[1:]]
    assert targets
    assert [path for path, _, _ in targets if not (ROOT / path).exists()] == []
    linked = [(path, fragment) for path, _, fragment in targets if fragment]
    assert [(path, fragment) for path, fragment in linked if fragment not in anchors(ROOT / path)] == []


def test_the_readme_can_be_read_in_one_sitting() -> None:
    prose = re.sub(r"```.*?```|\]\([^)]*\)", "", README, flags=re.DOTALL)
    assert len(re.findall(r"\w[\w.'/-]*", prose)) <= MOST_WORDS


def test_the_first_command_ends_in_the_screen_of_the_picture() -> None:
    first = next(line.removeprefix("$ ") for line in README.splitlines() if line.startswith("$ "))
    assert first.endswith(f" && .venv/bin/{screen.COMMAND}")
    assert f"({screen.FILE.relative_to(ROOT)})" in README
    lines = re.sub(r"\x1b\[[0-9;]*m", "", screen.output()).splitlines()
    assert len(lines) <= LINES, "the picture shows one screen (tests/test_site.py: it is current)"


def test_the_readme_counts_what_was_measured(knowledge: Knowledge) -> None:
    seen = {
        (package.package, version)
        for package in knowledge.capabilities
        for cell in package.cells
        for version in cell.observed_on
    }
    measured = [row for row in knowledge.topology.values() if row.measured is not None]
    assert f"on {len(seen)} releases of `mcp` and `fastmcp`" in README
    assert f"through {len(measured)} load-balancing configurations" in README
